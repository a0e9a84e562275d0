"""One login on a server: runs lines step by step, and keeps the folder, variables and last exit code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from runner.demo.linux.compound import If, While, extracted, nodes, references
from runner.demo.linux.programs import PROGRAMS
from runner.demo.linux.shell import SyntaxFault, fields, parse, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.demo.linux.compound import Node
    from runner.demo.linux.machine import Machine
    from runner.demo.linux.shell import Redirect, Step

__all__ = ["LinuxSession", "Streams"]

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_MISUSE = 2
_DEEPEST = 40
_NOWHERE = "/dev/null"
_BACKGROUND = "4711"
"""The process id of every background command: each has ended before the next command begins."""
_MOST_ROUNDS = 1000
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SHELLS = {"sh", "dash", "bash"}


class Streams(Protocol):
    """A program's standard input, output and error."""

    async def read(self) -> bytes:
        """Return everything up to the end of standard input."""

    async def read_line(self) -> bytes:
        """Return the next line of standard input with its newline; empty at the end."""

    def write(self, descriptor: int, content: bytes) -> None:
        """Write to file descriptor 1 or 2."""


class _Fault(Exception):
    """An error that keeps a step from starting; the shell prints the message after its name."""


class LinuxSession:
    """One login, or a shell that another shell started.

    Args:
        machine: The server.
        streams: Standard input, output and error.

    Attributes:
        user: The account that it runs as.
        directory: The current folder.
        variables: The shell variables by name; programs see those in `exported`.
        options: Options that `set` turned on: `e`, `u`, `pipefail`.
        parameters: `$0`, `$1` and so on.
        programs: The programs that can be run, by name.
        status: The last exit code.
        closed: Whether the shell has ended.
        background_status: The exit code of the last command in the background.
    """

    def __init__(self, machine: Machine, streams: Streams) -> None:
        self.machine = machine
        self.streams = streams
        self.user = machine.device.user
        self.directory = machine.home
        self.variables: dict[str, str] = {}
        self.exported: set[str] = set()
        self.options: set[str] = set()
        self.parameters: list[str] = ["sh"]
        self.programs = PROGRAMS
        self.status = 0
        self.closed = False
        self.background_status = 0
        self._commands: dict[str, str] = {}
        self._depth = 0
        self._input: bytes | None = None
        self._outputs: dict[int, int | bytearray] = {1: 1, 2: 2}

    @property
    def prompt(self) -> str:
        """The prompt of an interactive shell."""
        home = self.machine.home
        place = "~" + self.directory.removeprefix(home) if self.directory.startswith(home) else self.directory
        return f"{self.user}@{self.machine.device.name}:{place}$ "

    async def execute(self, line: str) -> int:
        """Run a line or a script, and return the exit code of the last step that ran."""
        try:
            found = nodes(_pipelines(parse(extracted(line, self._commands))))
        except SyntaxFault as fault:
            return self._refuse(str(fault))
        await self._run_all(found, is_condition=False)
        return self.status

    async def _run_all(self, found: Sequence[Node], *, is_condition: bool) -> None:
        """Run commands in order; with `set -e`, a failure ends the shell, but not in a condition."""
        for number, node in enumerate(found):
            joined = _joined(node)
            if joined == ";" or (joined == "&&") == (self.status == 0):
                await self._run_node(node)
                last = number + 1 == len(found) or _joined(found[number + 1]) == ";"
                ends = bool(self.status) and last and "e" in self.options and not is_condition
                self.closed = self.closed or (ends and isinstance(node, list))
            if self.closed:
                break

    async def _run_node(self, node: Node) -> None:
        if isinstance(node, If):
            await self._run_all(node.condition, is_condition=True)
            chosen = node.otherwise if self.status else node.body
            self.status = 0
            if not self.closed:
                await self._run_all(chosen, is_condition=False)
        elif isinstance(node, While):
            await self._run_while(node)
        elif node[-1].in_background:
            part = self._part()
            await part._run_pipeline(node)  # noqa: SLF001 - the same class
            self.background_status, self.status = part.status, 0
        else:
            await self._run_pipeline(node)

    def _part(self) -> LinuxSession:
        """Return a subshell for a part of the script; its changes do not affect this shell."""
        part = self.child(self.parameters)
        part.variables, part.options, part.status = dict(self.variables), self.options, self.status
        return part

    async def _run_while(self, node: While) -> None:
        status = 0
        for _ in range(_MOST_ROUNDS):
            await self._run_all(node.condition, is_condition=True)
            if self.status or self.closed:
                break
            await self._run_all(node.body, is_condition=False)
            status = self.status
        self.status = status

    def _refuse(self, why: str) -> int:
        self.complain(f"sh: {why}")
        self.status = _MISUSE
        return self.status

    def child(self, parameters: Sequence[str]) -> LinuxSession:
        """Return a shell that this one starts, with the same standard streams."""
        started = LinuxSession(self.machine, _Inherited(self))
        started._depth = self._depth + 1
        started.user = self.user
        started.directory = self.directory
        started.variables = {name: self.variables[name] for name in self.exported}
        started.exported = set(self.exported)
        started._commands = dict(self._commands)
        started.parameters = list(parameters)
        return started

    async def read(self) -> bytes:
        """Return everything up to the end of the step's standard input."""
        if self._input is None:
            return await self.streams.read()
        content, self._input = self._input, b""
        return content

    async def read_line(self) -> bytes:
        """Return the next line of the step's standard input, with its newline."""
        if self._input is None:
            return await self.streams.read_line()
        line, newline, self._input = self._input.partition(b"\n")
        return line + newline

    def say(self, text: str) -> None:
        """Print a line on standard output."""
        self.write(1, text.encode() + b"\n")

    def complain(self, text: str) -> None:
        """Print a line on standard error."""
        self.write(2, text.encode() + b"\n")

    def write(self, descriptor: int, content: bytes) -> None:
        """Write to file descriptor 1 or 2, through the step's redirections."""
        target = self._outputs[descriptor]
        if isinstance(target, bytearray):
            if self.machine.has_room(len(content)):
                target += content
        elif target:
            self.streams.write(target, content)

    def variable(self, name: str) -> str:
        """Return the value of a variable; an unset one is empty, or an error with `set -u`."""
        if name.isdecimal():
            return self.parameters[int(name)] if int(name) < len(self.parameters) else ""
        words = " ".join(self.parameters[1:])
        special = {"?": str(self.status), "#": str(len(self.parameters) - 1), "*": words, "@": words}
        special["!"] = _BACKGROUND
        if name in special:
            return special[name]
        known = self._given() | self.variables
        if "u" in self.options and name not in known:
            raise _Fault(f"{name}: parameter not set")
        return known.get(name, "")

    def may_change(self, path: str) -> bool:
        """Return whether this session's user may change the file at an absolute path."""
        return self.machine.writable(path, self.user)

    def environment(self) -> dict[str, str]:
        """Return the environment of programs."""
        return self._given() | {name: self.variables[name] for name in sorted(self.exported)}

    def _given(self) -> dict[str, str]:
        return {
            "HOME": self.machine.home_of(self.user),
            "LOGNAME": self.user,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PWD": self.directory,
            "SHELL": "/bin/sh",
            "USER": self.user,
        }

    async def _run_pipeline(self, pipeline: Sequence[Step]) -> None:
        """Run the steps of a pipeline; each reads the output of the step before."""
        if len(pipeline) == 1:
            await self._run(pipeline[0])
            return
        passed: bytes | None = None
        failed = 0
        for number, step in enumerate(pipeline):
            printed = bytearray()
            part = self._part()
            part._input = passed  # noqa: SLF001 - the same class
            await part._run(step, None if number + 1 == len(pipeline) else printed)  # noqa: SLF001
            passed, self.status = bytes(printed), part.status
            failed = self.status or failed
        if "pipefail" in self.options:
            self.status = failed

    async def _run(self, step: Step, pipe: bytearray | None = None) -> None:
        before = dict(self.variables), set(self.exported), self._input
        around = self._outputs
        self._outputs = {1: around[1] if pipe is None else pipe, 2: around[2]}
        try:
            await self._substitute(step)
            rest = self._assign(step.words)
            for redirect in step.redirects:
                self._redirect(redirect)
            words = [field for word in rest for field in fields(word, self.variable, self.parameters[1:])]
            self.status = await self.call(words) if words else 0
        except _Fault as fault:
            self.complain(f"sh: {fault}")
            self.status, rest = _MISUSE, []
            self.closed = self.closed or "u" in self.options
        finally:
            self._outputs, self._input = around, before[2]
        if rest and len(rest) < len(step.words):  # `NAME=value program` affects only that program
            self.variables, self.exported = before[0], before[1]

    async def _substitute(self, step: Step) -> None:
        """Run the commands of a step's `$(...)`, and put their output into the replacing variables."""
        targets = (redirect.target for redirect in step.redirects)
        for name in references(" ".join([*step.words, *map(str, targets)])):
            outputs, printed = self._outputs, bytearray()
            self._outputs = {1: printed, 2: outputs[2]}
            part = self._part()
            await part.execute(self._commands[name])
            self._outputs = outputs
            self.variables[name] = printed.decode("utf-8", "replace").rstrip("\n")

    def _assign(self, words: Sequence[str]) -> Sequence[str]:
        """Apply the assignments at the beginning; return the remaining words."""
        for number, word in enumerate(words):
            found = _ASSIGNMENT.fullmatch(word)
            if found is None:
                for before in words[:number]:
                    self.exported.add(before.partition("=")[0])
                return words[number:]
            self.variables[found[1]] = text_of(found[2], self.variable)
        return ()

    def _redirect(self, redirect: Redirect) -> None:
        descriptor, arrow, target = redirect
        if isinstance(target, int):
            self._outputs[descriptor] = self._outputs[target]
            return
        name = text_of(target, self.variable)
        path = self.machine.resolve(self.directory, name)
        try:
            if arrow == "<":
                self._input = b"" if path == _NOWHERE else self.machine.opened(path)
            else:
                made = 0 if path == _NOWHERE else self.machine.created(path, self.user, emptied=arrow == ">")
                self._outputs[descriptor] = made
        except OSError as exc:
            raise _Fault(f"cannot {'open' if arrow == '<' else 'create'} {name}: {exc}") from exc

    async def call(self, words: Sequence[str]) -> int:
        """Run a program of the server, or an executable file; return its exit code."""
        if self._depth > _DEEPEST:
            return self._refuse("too many shells within shells")
        name = words[0].removeprefix("/usr").removeprefix("/bin/")
        program = self.programs.get(name)
        if program is not None:
            return await program(self, list(words[1:]))
        path = self.machine.resolve(self.directory, words[0])
        if "/" not in words[0] or (path not in self.machine.files and path not in self.machine.directories):
            self.complain(f"sh: {words[0]}: not found")
            return _NOT_FOUND
        if not self.machine.executable(path):
            self.complain(f"sh: {words[0]}: Permission denied")
            return _NOT_EXECUTABLE
        return await self._interpret(bytes(self.machine.files[path]).decode("utf-8", "replace"), words)

    async def _interpret(self, text: str, words: Sequence[str]) -> int:
        """Run a script with the interpreter in its first line; only the shell exists."""
        first = text.partition("\n")[0]
        named = first.removeprefix("#!").split() if first.startswith("#!") else ["sh"]
        if named[:1] == ["/usr/bin/env"]:
            named = named[1:]
        if not named or named[0].rpartition("/")[2] not in _SHELLS:
            self.complain(f"sh: {words[0]}: not found")
            return _NOT_FOUND
        return await self.child(words).execute(text)


class _Inherited:
    """The streams of a shell that another shell started: those of its parent."""

    def __init__(self, parent: LinuxSession) -> None:
        self._parent = parent

    async def read(self) -> bytes:
        return await self._parent.read()

    async def read_line(self) -> bytes:
        return await self._parent.read_line()

    def write(self, descriptor: int, content: bytes) -> None:
        self._parent.write(descriptor, content)


def _joined(node: Node) -> str:
    return node[0].joined if isinstance(node, list) else node.joined


def _pipelines(steps: Sequence[Step]) -> list[list[Step]]:
    found: list[list[Step]] = []
    for step in steps:
        if step.joined == "|":
            found[-1].append(step)
        else:
            found.append([step])
    return found
