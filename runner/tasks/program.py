"""`runner …`: the same tasks as a program of their own, usable in any folder."""

from __future__ import annotations

from pathlib import Path

from invoke.program import Program

from runner import __version__
from runner.tasks import namespace

__all__ = ["RunnerProgram", "main"]


_PROJECT_FILES = ("invoke.yaml", "invoke.yml", "invoke.json")


class RunnerProgram(Program):
    """Invoke's program with our tasks, and with the nearest `invoke.yaml` from the current folder upwards.

    Unlike `invoke`, it is run in folders that are nobody's project: what it finds there is read and never
    executed, and so `invoke.py` is passed over.
    """

    def __init__(self) -> None:
        super().__init__(name="runner", namespace=namespace, version=__version__)

    def parse_collection(self) -> None:
        """Load the collection and the project's configuration."""
        folder = _project(Path.cwd())
        if folder is not None:
            self.config.set_project_location(str(folder))
            self.config.load_project()
        super().parse_collection()


def _project(start: Path) -> Path | None:
    """Return the nearest folder upwards that has a configuration; one whose first choice is code has none."""
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in _PROJECT_FILES):
            return folder
    return None


def main() -> None:
    """Run the program on the command line's arguments."""
    RunnerProgram().run()
