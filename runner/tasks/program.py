"""`runner …`: the same tasks as a separate program that works in any folder."""

from __future__ import annotations

from pathlib import Path

from runner.interpreter import at_rest

with at_rest(keep=True):  # imported objects stay; scanning them for garbage takes a tenth of the start time
    from invoke.exceptions import Exit
    from invoke.program import Program

    from runner import __version__
    from runner.errors import UsageError
    from runner.report.terminal import visible_line
    from runner.settings.configuration import project_file
    from runner.settings.configuration_files import BoundedConfig
    from runner.tasks import namespace
    from runner.tasks.programs import read_in_one_line, reading_in_one_line
    from runner.text import owners

__all__ = ["RunnerProgram", "main", "program"]


class RunnerProgram(Program):
    """Invoke's program with our tasks, and with the nearest `invoke.yaml` from the current folder upwards.

    Unlike `invoke`, it also runs in folders that are not a project of the user: files found there are read
    but never executed, and so `invoke.py` is ignored.
    """

    def __init__(self) -> None:
        super().__init__(name="runner", namespace=namespace, version=__version__, config_class=BoundedConfig)

    def create_config(self) -> None:
        """Load the configuration of this user and machine."""
        with reading_in_one_line():
            super().create_config()
        read_in_one_line(self.config)

    def parse_collection(self) -> None:
        """Load the collection and the project's configuration."""
        try:
            file = project_file(Path.cwd())
        except FileNotFoundError as exc:
            raise Exit("the current folder no longer exists: change to another folder", code=1) from exc
        if file is not None and self._is_ours(file):
            self.config.set_project_location(str(file.parent))
            self.config.load_project()
        super().parse_collection()

    def _is_ours(self, file: Path) -> bool:
        """Return whether to read a configuration file that was found by searching.

        A file that another user may have written is not read.

        Raises:
            Exit: The file is not read, and `-f` names no other file.
        """
        fault = owners.fault(file)
        if fault is not None and not self.args.config.value:
            text = f"the configuration {file} is not used: {fault}, or name a file with runner -f"
            raise Exit(visible_line(text), code=1)
        return fault is None

    def parse_cleanup(self) -> None:
        """Print help or a list, if requested; handle a closed pipe and a full disk."""
        from runner.report.output import written  # noqa: PLC0415 - a task that runs imports it itself

        try:
            read = written(super().parse_cleanup)
        except UsageError as exc:
            raise Exit(str(exc), code=1) from exc
        if not read:
            raise Exit


program = RunnerProgram()
"""The program, as in `invoke.main`."""


def main() -> None:
    """Run the program on the command line's arguments."""
    program.run()
