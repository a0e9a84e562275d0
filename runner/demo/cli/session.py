"""One login on a CLI device: its mode, its prompt, and what each line does.

A session is a plain state machine without any input or output of its own: `prompt` and `echo` say what the
terminal shows before a line, `execute` takes the line and returns what is printed. Lines end with a single
newline here; the terminal turns them into what goes over the wire.
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
    """Where in the CLI a session is; the value stands in the prompt."""

    EXEC = ""
    CONFIG = "(config)"
    INTERFACE = "(config-if)"


Action: TypeAlias = Callable[["Session", tuple[str, ...]], str]
"""What a command does: takes the session and the arguments, returns what is printed."""

Row: TypeAlias = Command[Action]
"""One row of a platform's command table."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one platform speaks: everything in which it differs from another, as data.

    Attributes:
        gap: What stands between the prompt and the command.
        faults: How a line is refused; `{caret}` is the blank before the caret, `{line}` the line.
        commands: The command table of each mode. Interface mode also knows those of configuration mode.
        interface_types: Full names of the interface types.
        exec_in_config: Whether configuration mode takes exec commands without `do`.
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
        state: The device.
        dialect: How its platform speaks.
        interactive: Whether there is a terminal: a prompt before each line, and somebody to ask for a secret.
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
        """What stands before the next line."""
        if self._secrets_left:
            return "Password: "
        sign = "#" if self.privilege >= PRIVILEGED else ">"
        return f"{self.state.configuration.hostname}{self.mode.value}{sign}{self.dialect.gap}"

    @property
    def echo(self) -> bool:
        """Whether the terminal shows what is typed."""
        return not self._secrets_left

    def execute(self, line: str) -> str:
        """Do what a line says and return what is printed; a line that is refused prints why."""
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
        """Return what `?` behind `line` prints."""
        try:
            words = _grammar(self.dialect, self.mode, self.privilege).expectations(line)
        except Refusal as refusal:
            return self._explain(refusal, line)
        if line and not line.endswith(" "):
            return "  ".join(words) + "\n" if words else "% Unrecognized command\n"
        return "".join(f"  {word}\n" for word in words)

    def run_exec(self, command: str) -> str:
        """Do the exec command that ends the current line, as `do` does in configuration mode.

        Raises:
            Refusal: It is none; the column is that in the whole line.
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
        """Ask for the enable secret at the next prompt; without a terminal nobody can answer."""
        if self.privilege >= PRIVILEGED:
            return ""
        if not self.interactive:
            return "% Error in authentication.\n"
        self._secrets_left = _SECRET_ATTEMPTS
        return ""

    def last_word_invalid(self) -> Refusal:
        """Return the refusal of a line whose last word names nothing that there is."""
        return Refusal(Fault.INVALID, tokens_of(self._command)[-1].column)

    def interface_name(self, text: str) -> str:
        """Return the full name of an interface that may be abbreviated: `gi1` is `GigabitEthernet1`.

        Raises:
            Refusal: No type, or more than one, begins like that.
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
