"""`runner …`: the same tasks as a program of their own, usable in any folder."""

from __future__ import annotations

from pathlib import Path

from invoke.program import Program

from runner import __version__
from runner.tasks import namespace

__all__ = ["RunnerProgram", "main"]


class RunnerProgram(Program):
    """Invoke's program with our tasks, and with the `invoke.yaml` of the current folder."""

    def __init__(self) -> None:
        super().__init__(name="runner", namespace=namespace, version=__version__)

    def parse_collection(self) -> None:
        """Load the collection and the project's configuration."""
        self.config.set_project_location(str(Path.cwd()))
        self.config.load_project()
        super().parse_collection()


def main() -> None:
    """Run the program on the command line's arguments."""
    RunnerProgram().run()
