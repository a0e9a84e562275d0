"""One login on a CLI device: its mode, its prompt, and the effect of each line.

A session is a state machine that does no input or output itself. `prompt` and `echo` define what the terminal
shows before a line; `execute` takes the line and returns the output. Lines end with a single newline here,
and the terminal converts them for the client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from runner.demo.cli import modifiers
from runner.demo.cli.grammar import Command, Fault, Grammar, Refusal, tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.demo.cli.state import DeviceState, InterfaceState

__all__ = ["DEFAULT_PAGE_LENGTH", "PRIVILEGED", "Action", "Dialect", "Mode", "Row", "Session"]

PRIVILEGED = 15
"""The privilege level of `enable`."""

DEFAULT_PAGE_LENGTH = 24
"""Lines of a terminal until `terminal length` says otherwise."""

_SECRET_ATTEMPTS = 3


class Mode(Enum):
    """The mode of a session; the value is part of the prompt."""

    EXEC = ""
    CONFIG = "(config)"
    INTERFACE = "(config-if)"


Action: TypeAlias = Callable[["Session", tuple[str, ...]], str]
"""The action of a command: takes the session and the arguments, and returns the output."""

Row: TypeAlias = Command[Action]
"""One row of a platform's command table."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """Everything that differs between platforms, as data.

    Attributes:
        gap: The text between the prompt and the command.
        faults: The error message for each fault; `{caret}` is the blank space before the caret, `{line}` the
            line.
        commands: The command table of each mode. Interface mode also has the commands of configuration mode.
        interface_types: Full names of the interface types.
        exec_in_config: Whether configuration mode accepts exec commands without `do`.
    """

    gap: str
    faults: Mapping[Fault, str]
    commands: Mapping[Mode, tuple[Row, ...]]
    interface_types: tuple[str, ...]
    exec_in_config: bool = False


@lru_cache(maxsize=64)
def _grammar(dialect: Dialect, mode: Mode, privilege: int) -> Grammar[Action]:
    """Return the commands that a mode offers at a privilege level."""
    rows = dialect.commands[mode]
    if mode is Mode.INTERFACE:
        rows = dialect.commands[Mode.CONFIG] + rows
    if mode is not Mode.EXEC and dialect.exec_in_config:
        rows = dialect.commands[Mode.EXEC] + rows
    return Grammar(row for row in rows if row.privilege <= privilege)


class Session:
    """One login.

    Args:
        state: The state of the device.
        dialect: The dialect of its platform.
        interactive: Whether there is a terminal, with a prompt before each line and a user to type passwords.
    """

    def __init__(self, state: DeviceState, dialect: Dialect, *, interactive: bool = True) -> None:
        self.state = state
        self.dialect = dialect
        self.interactive = interactive
        self.mode = Mode.EXEC
        self.privilege = state.device.privilege
        self.page_length = DEFAULT_PAGE_LENGTH if interactive else 0
        self.closed = False
        self.interface: InterfaceState | None = None
        self._secrets_left = 0
        self._command = ""

    @property
    def prompt(self) -> str:
        """The prompt for the next line."""
        if self._secrets_left:
            return "Password: "
        sign = "#" if self.privilege >= PRIVILEGED else ">"
        return f"{self.state.configuration.hostname}{self.mode.value}{sign}{self.dialect.gap}"

    @property
    def echo(self) -> bool:
        """Whether the terminal shows typed characters."""
        return not self._secrets_left

    def execute(self, line: str) -> str:
        """Run a line and return its output; an invalid line returns an error message."""
        if self._secrets_left:
            return self._check_secret(line)
        if not line.strip() or line.lstrip().startswith("!"):
            return ""
        if line.rstrip().endswith("?"):
            return self.help(line.rstrip()[:-1])
        try:
            return self._dispatch(line)
        except Refusal as refusal:
            return self._explain(refusal, line)

    def help(self, line: str) -> str:
        """Return the output of `?` after `line`."""
        try:
            words = _grammar(self.dialect, self.mode, self.privilege).expectations(line)
        except Refusal as refusal:
            return self._explain(refusal, line)
        if line and not line.endswith(" "):
            return "  ".join(words) + "\n" if words else "% Unrecognized command\n"
        return "".join(f"  {word}\n" for word in words)

    def run_exec(self, command: str) -> str:
        """Run the exec command at the end of the current line, as `do` does in configuration mode.

        Raises:
            Refusal: The command is not valid; the column is relative to the whole line.
        """
        mode, offset = self.mode, len(self._command.rstrip()) - len(command)
        self.mode = Mode.EXEC
        try:
            return self._dispatch(command)
        except Refusal as refusal:
            raise Refusal(refusal.fault, refusal.column + offset) from refusal
        finally:
            self.mode = mode

    def ask_secret(self) -> str:
        """Ask for the enable password at the next prompt; without a terminal, return an error."""
        if self.privilege >= PRIVILEGED:
            return ""
        if not self.interactive:
            return "% Error in authentication.\n"
        self._secrets_left = _SECRET_ATTEMPTS
        return ""

    def last_word_invalid(self) -> Refusal:
        """Return the refusal of a line whose last word names something that does not exist."""
        return Refusal(Fault.INVALID, tokens_of(self._command)[-1].column)

    def interface_name(self, text: str) -> str:
        """Return the full name of an interface that may be abbreviated: `gi1` is `GigabitEthernet1`.

        Raises:
            Refusal: The name does not begin like exactly one interface type.
        """
        letters = text.rstrip("0123456789/.")
        types = [name for name in self.dialect.interface_types if name.lower().startswith(letters.lower())]
        if len(types) != 1:
            raise self.last_word_invalid()
        return types[0] + text[len(letters) :]

    def _dispatch(self, line: str) -> str:
        shows = line.lstrip().lower().startswith("sh")
        command, pipe, modifier = line.partition("|") if shows else (line, "", "")
        self._command = command
        match = _grammar(self.dialect, self.mode, self.privilege).match(command)
        text = match.command.action(self, match.arguments)
        return modifiers.apply(text, modifier, len(command) + 1) if pipe else text

    def _explain(self, refusal: Refusal, line: str) -> str:
        width = refusal.column + (len(self.prompt) if self.interactive else 0)
        return self.dialect.faults[refusal.fault].format(caret=" " * width, line=line.strip())

    def _check_secret(self, secret: str) -> str:
        if secret == self.state.device.secret:
            self._secrets_left = 0
            self.privilege = PRIVILEGED
            return ""
        self._secrets_left -= 1
        return "" if self._secrets_left else "% Bad secrets\n\n"
