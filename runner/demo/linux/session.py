"""One login on a server: runs lines, one step after the other, and remembers directory and last exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.demo.linux import programs
from runner.demo.linux.shell import Step, SyntaxFault, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.demo.linux.machine import Machine

__all__ = ["LinuxSession", "Streams"]

_NOT_FOUND = 127
_MISUSE = 2


class Streams(Protocol):
    """Where a program's input comes from and its output goes to."""

    async def read(self) -> bytes:
        """Return everything up to the end of standard input."""

    def write(self, descriptor: int, content: bytes) -> None:
        """Print on file descriptor 1 or 2."""


class LinuxSession:
    """One login.

    Args:
        machine: The server.
        streams: Standard input, output and error.
    """

    def __init__(self, machine: Machine, streams: Streams) -> None:
        self.machine = machine
        self.streams = streams
        self.directory = machine.home
        self.status = 0
        self.closed = False
        self._outputs: dict[int, int] = {1: 1, 2: 2}

    @property
    def prompt(self) -> str:
        """What stands before the next line of an interactive shell."""
        home = self.machine.home
        place = "~" + self.directory.removeprefix(home) if self.directory.startswith(home) else self.directory
        return f"{self.machine.device.user}@{self.machine.device.name}:{place}$ "

    async def execute(self, line: str) -> int:
        """Run a line and return its exit code, that of the last step which ran."""
        try:
            steps = parse(line)
        except SyntaxFault as fault:
            self.complain(f"sh: {fault}")
            self.status = _MISUSE
            return self.status
        for step in steps:
            if self.closed:
                break
            if step.joined == ";" or (step.joined == "&&") == (self.status == 0):
                await self._run(step)
        return self.status

    def say(self, text: str) -> None:
        """Print a line on standard output."""
        self.write(1, text.encode() + b"\n")

    def complain(self, text: str) -> None:
        """Print a line on standard error."""
        self.write(2, text.encode() + b"\n")

    def write(self, descriptor: int, content: bytes) -> None:
        """Print on file descriptor 1 or 2, wherever the step's redirections lead it."""
        target = self._outputs[descriptor]
        if target:
            self.streams.write(target, content)

    def variable(self, name: str) -> str:
        """Return the value of a variable; one that is not set is empty."""
        return self.environment().get(name, str(self.status) if name == "?" else "")

    def environment(self) -> dict[str, str]:
        """Return the environment of programs."""
        return {
            "HOME": self.machine.home,
            "LOGNAME": self.machine.device.user,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PWD": self.directory,
            "SHELL": "/bin/sh",
            "USER": self.machine.device.user,
        }

    async def _run(self, step: Step) -> None:
        words = step.expand(self.variable)
        name = words[0].removeprefix("/usr").removeprefix("/bin/")
        program: Callable[[LinuxSession, list[str]], programs.Outcome] | None = programs.PROGRAMS.get(name)
        self._outputs = step.outputs
        try:
            if program is None:
                self.complain(f"sh: {words[0]}: not found")
                self.status = _NOT_FOUND
            else:
                self.status = await program(self, words[1:])
        finally:
            self._outputs = {1: 1, 2: 2}
