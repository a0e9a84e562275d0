"""The options of one command: its input, environment, directory and terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.connection.command.shells import quoted, shell
from runner.errors import UsageError
from runner.text import reading
from runner.text.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

__all__ = [
    "PLAIN",
    "CommandOptions",
    "Terminal",
    "checked_command",
    "commands_of_file",
    "environment",
    "question_answers",
    "standard_input",
    "terminal",
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # POSIX.1-2017, Base Definitions, section 3.235
_HOME = re.compile(r"~[A-Za-z0-9._-]*(?=/|$)")
_MOST_INPUT = 64 * 2**20
_MOST_COMMANDS = 2**20
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A pseudo-terminal (RFC 4254 section 6.2).

    Attributes:
        columns: Its width in characters.
        rows: Its height.
    """

    columns: int = 80
    rows: int = 24


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """The options of one command.

    Attributes:
        stdin: Its standard input; empty by default.
        environment: Variables to set in addition to the host's own.
        directory: Its working directory; by default, the login's home folder.
        terminal: The terminal that it runs on; none by default.
        answers: For the questions that a device's CLI may ask: an expression, and the reply to send.
    """

    stdin: bytes = field(default=b"", repr=False)
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    directory: str | None = None
    terminal: Terminal | None = None
    answers: tuple[tuple[Expression, str], ...] = field(default=(), repr=False)

    @property
    def needs_shell(self) -> bool:
        """Whether the host must have a POSIX shell to run the command."""
        return bool(self.environment) or self.directory is not None

    @property
    def terminal_type(self) -> str:
        """The terminal type: the given TERM, or `dumb`."""
        return dict(self.environment).get("TERM", "dumb")

    def script(self, command: str) -> str:
        """Return the script for a POSIX shell that runs the command with these options.

        A server accepts only the variables that its `AcceptEnv` names, and does not report the others
        (sshd_config(5)); the shell accepts all.
        """
        return f"{self._begin()}eval {quoted(command)}" if self.needs_shell else command

    def line(self, command: str) -> str:
        """Return the command line for the host's login shell; the command itself runs in that shell, too."""
        if not self.needs_shell:
            return command
        return shell(f'set -- "${{SHELL:-/bin/sh}}"; {self._begin()}exec "$1" -c {quoted(command)}')

    def _begin(self) -> str:
        lines = [f"export {name}={quoted(value)}; " for name, value in self.environment]
        if self.directory is not None:
            lines.append(f"cd -- {_path(self.directory)} >/dev/null || exit 1; ")
        return "".join(lines)


PLAIN = CommandOptions()
"""No options: the command alone."""


def checked_command(command: str) -> str:
    """Return a command, after a check that it is not empty and can be sent.

    Raises:
        UsageError: It is empty, or holds a NUL character.
    """
    if not isinstance(command, str):
        raise UsageError(f"a command is a text, not {command!r}")
    if not command.strip():
        raise UsageError("a command is empty")
    if "\0" in command:
        raise UsageError("a command holds a NUL character")
    return _sendable("a command", command)


def _sendable(what: str, text: str) -> str:
    """Return a text after a check that it can be sent: UTF-8, or bytes kept as surrogates (PEP 383)."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise UsageError(f"{what} holds {text[exc.start]!r}, for which there is no byte") from None
    return text


def environment(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return variables as `CommandOptions` holds them.

    Raises:
        UsageError: A name is not valid in a shell, or a value cannot be sent.
    """
    for name, value in given.items():
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not a name of an environment variable: expected letters, digits and _"
            )
        if "\0" in value:
            raise UsageError(f"the environment variable {name} holds a NUL character")
        _sendable(f"the environment variable {name}", value)
    return tuple(given.items())


def question_answers(given: Iterable[tuple[str, str]], setting: str) -> tuple[tuple[Expression, str], ...]:
    """Return the answers to questions of a device's CLI, as `CommandOptions` holds them.

    Args:
        given: Regular expressions that find the question, and the reply to each.
        setting: The flag or argument they come from, for messages.

    Raises:
        UsageError: An expression is not valid, or a reply has more than one line.
    """
    found = []
    for expression, reply in given:
        if "\n" in reply or "\r" in reply:
            raise UsageError(f"{setting} {expression!r}: a reply is one line")
        try:
            found.append((Expression(expression, setting), _sendable(f"{setting} {expression!r}", reply)))
        except (re.error, RecursionError, OverflowError) as exc:
            raise UsageError(f"{setting} {expression!r} is not a regular expression: {exc}") from None
    return tuple(found)


def commands_of_file(path: str | PathLike[str]) -> tuple[str, ...]:
    """Return the commands in a file: one a line, without empty lines and lines that begin with #.

    Raises:
        UsageError: The file cannot be read, is too large, or holds no command.
    """
    try:
        text = reading.beginning(path, _MOST_COMMANDS + 1, pipes=True).decode("utf-8", "surrogateescape")
    except OSError as exc:
        raise UsageError(f"--cmds-file {str(path)!r}: {exc.strerror or exc}") from exc
    if len(text) > _MOST_COMMANDS:
        raise UsageError(f"--cmds-file {str(path)!r}: more than {_MOST_COMMANDS} bytes")
    stripped = (line.strip() for line in text.removeprefix("\ufeff").split("\n"))
    lines = tuple(line for line in stripped if line and not line.startswith("#"))
    if not lines:
        raise UsageError(f"--cmds-file {str(path)!r}: the file holds no command")
    return lines


def standard_input(given: str | bytes | PathLike[str]) -> bytes:
    """Return the standard input of a command: a text or bytes as they are, or the content of a file.

    Raises:
        UsageError: The file cannot be read, or the input is more than 64 MiB, which every worker would hold.
    """
    if isinstance(given, str):
        return _sendable("standard input", given).encode("utf-8", "surrogateescape")
    if not isinstance(given, bytes):
        try:
            given = reading.beginning(given, _MOST_INPUT + 1, pipes=True)
        except OSError as exc:
            raise UsageError(f"standard input {str(given)!r}: {exc.strerror or exc}") from exc
    if len(given) > _MOST_INPUT:
        raise UsageError(
            f"standard input is more than {_MOST_INPUT} bytes: put the file on the hosts and read it there"
        )
    return given


def terminal(size: str) -> Terminal:
    """Read a terminal's size, columns and rows: `80x24`.

    Raises:
        ValueError: It is not a size.
    """
    match = _SIZE.fullmatch(size)
    if match is None or "0" in match.groups():
        raise ValueError("expected columns and rows, such as 132x43")
    return Terminal(int(match[1]), int(match[2]))


def _path(directory: str) -> str:
    """Quote a path, but leave `~` and `~user` at its start for the shell to expand."""
    home = _HOME.match(directory)
    begin = home[0] if home else ""
    rest = directory[len(begin) :]
    if directory == "-":  # `cd -` would go to the previous folder
        rest = "./-"
    return begin + (quoted(rest) if rest else "")
