"""One login on a CLI device: its mode, its prompt, and the effect of each line.

A session is a state machine that does no input or output itself. `prompt` and `echo` define what the terminal
shows before a line; `execute` takes the line and returns the output. Lines end with a single newline here,
and the terminal converts them for the client.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

from runner.demo.cli import modifiers
from runner.demo.cli.grammar import Command, Fault, Grammar, Refusal, tokens_of
from runner.demo.terminal import Pager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.demo.cli.state import Configuration, DeviceState

__all__ = [
    "DEFAULT_PAGE_LENGTH",
    "PRIVILEGED",
    "Action",
    "Dialect",
    "Mode",
    "Question",
    "Row",
    "Session",
    "cisco_prompt",
]

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


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a command asks. The session goes on when it has the reply.

    Attributes:
        text: The question, which takes the place of the prompt.
        reply: Takes the reply and returns the output; it may ask the next question.
        echo: Whether the terminal shows the reply.
        one_key: Whether the first key is the reply, without Enter, as for `[confirm]`.
    """

    text: str
    reply: Callable[[str], str]
    echo: bool = True
    one_key: bool = False


def cisco_prompt(session: Session) -> str:
    """Return the prompt of Cisco's platforms: host name, mode, and `#` in privileged mode."""
    sign = "#" if session.privilege >= PRIVILEGED else ">"
    return f"{session.state.configuration.hostname}{session.mode.value}{sign}"


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """Everything that differs between platforms, as data.

    Attributes:
        faults: The error message for each fault. `{caret}` is the blank space before the column of the fault
            and `{start}` the space before its word, `{word}` that word, `{token}` its number from 0, and
            `{line}` the line.
        commands: The command table of each mode. Interface mode also has the commands of configuration mode.
        interface_types: Full names of the interface types.
        prompt: Returns the prompt of a session that asks no question.
        banner: The text after the login.
        comment: The beginning of a line that is a comment.
        pager: The pager.
        filters: The modifiers after a pipe.
        pipe: The regular expression of a pipe before a modifier.
        chains: Whether more than one modifier may follow a command.
        exec_in_config: Whether configuration mode accepts exec commands without `do`.
        leave: The command that Ctrl-C and Ctrl-Z run in configuration mode; empty for none.
    """

    faults: Mapping[Fault, str]
    commands: Mapping[Mode, tuple[Row, ...]]
    interface_types: tuple[str, ...]
    prompt: Callable[[Session], str] = cisco_prompt
    banner: str = ""
    comment: str = "!"
    pager: Pager = field(default_factory=Pager)
    filters: Mapping[str, modifiers.Filter] = field(default_factory=lambda: modifiers.IOS_FILTERS)
    pipe: str = r"\|"
    chains: bool = False
    exec_in_config: bool = False
    leave: str = "end"


@lru_cache(maxsize=64)
def _grammar(dialect: Dialect, mode: Mode, privilege: int) -> Grammar[Action]:
    """Return the commands that a mode offers at a privilege level."""
    rows = dialect.commands.get(mode, ())
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

    Attributes:
        interface: The name of the interface that interface mode configures.
        candidate: The name of the candidate that configuration commands change; None if they change the
            running configuration.
        question: The question that the next line answers.
        paged: Whether the last output may stop at the pager.
        closed: Whether the session has ended.
        restarted: Whether it has ended because it restarted the device.
    """

    def __init__(self, state: DeviceState, dialect: Dialect, *, interactive: bool = True) -> None:
        self.state = state
        self.dialect = dialect
        self.interactive = interactive
        self.mode = Mode.EXEC
        self.privilege = state.device.privilege
        self.page_length = DEFAULT_PAGE_LENGTH if interactive else 0
        self.paged = True
        self.closed = False
        self.restarted = False
        self.interface = ""
        self.candidate: str | None = None
        self.question: Question | None = None
        self._command = ""

    @property
    def prompt(self) -> str:
        """The prompt for the next line, or the question that it answers."""
        return self.dialect.prompt(self) if self.question is None else self.question.text

    @property
    def echo(self) -> bool:
        """Whether the terminal shows typed characters."""
        return self.question is None or self.question.echo

    @property
    def configuration(self) -> Configuration:
        """The configuration that commands change: the candidate, or the running one."""
        state = self.state
        return state.configuration if self.candidate is None else state.candidate(self.candidate)

    def execute(self, line: str) -> str:
        """Run a line and return its output; an invalid line returns an error message."""
        self.paged = True
        if self.question is not None:
            question, self.question = self.question, None
            return question.reply(line)
        if not line.strip() or line.lstrip().startswith(self.dialect.comment):
            return ""
        if line.rstrip().endswith("?"):
            return self.help(line.rstrip()[:-1])
        try:
            return self._dispatch(line)
        except Refusal as refusal:
            return self._explain(refusal, line)

    def interrupt(self) -> str:
        """Return the output of Ctrl-C or Ctrl-Z, which ends a question, or configuration mode."""
        if self.question is not None:
            self.question = None
            return ""
        leave = self.dialect.leave if self.mode is not Mode.EXEC else ""
        return self.execute(leave) if leave else ""

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
        return self._ask_secret(_SECRET_ATTEMPTS)

    def ask(self, question: Question) -> str:
        """Ask a question at the next prompt; return no output."""
        self.question = question
        return ""

    def restart(self) -> str:
        """Restart the device, which ends this session and all others; return no output."""
        self.state.restart()
        self.closed = self.restarted = True
        return ""

    def invalid_word(self, word: str = "") -> Refusal:
        """Return the refusal of a line with a word that names something that does not exist.

        Args:
            word: The word; if empty, it is the last one.
        """
        tokens = tokens_of(self._command)
        return Refusal(Fault.INVALID, next((t.column for t in tokens if t.text == word), tokens[-1].column))

    def interface_name(self, text: str) -> str:
        """Return the full name of an interface that may be abbreviated: `gi1` is `GigabitEthernet1`.

        Raises:
            Refusal: The name does not begin like exactly one interface type.
        """
        letters = text.rstrip("0123456789/.")
        types = [name for name in self.dialect.interface_types if name.lower().startswith(letters.lower())]
        if len(types) != 1:
            raise self.invalid_word(text)
        return types[0] + text[len(letters) :]

    def _dispatch(self, line: str) -> str:
        command, *following = self._pieces(line)
        self._command = command
        match = _grammar(self.dialect, self.mode, self.privilege).match(command)
        text = match.command.action(self, match.arguments)
        column = len(command) + 1
        for modifier in following:
            plain = modifier.rstrip().replace('"', "") if self.dialect.chains else modifier
            text = modifiers.apply(text, plain, column, self.dialect.filters)
            self.paged = self.paged and plain.strip() != "no-more"
            column += len(modifier) + 1
        return text

    def _pieces(self, line: str) -> list[str]:
        """Return a command and its modifiers, which only `show` commands have."""
        if not line.lstrip().lower().startswith("sh"):
            return [line]
        return re.split(self.dialect.pipe, line, maxsplit=0 if self.dialect.chains else 1)

    def _explain(self, refusal: Refusal, line: str) -> str:
        tokens = tokens_of(line)
        number = max(sum(token.column <= refusal.column for token in tokens) - 1, 0)
        faults, fault = self.dialect.faults, refusal.fault
        if fault is Fault.INVALID and number == 0:
            fault = Fault.UNKNOWN if Fault.UNKNOWN in faults else fault
        before = len(self.prompt.rpartition("\n")[2]) if self.interactive else 0
        return faults[fault].format(
            caret=" " * (before + refusal.column),
            start=" " * (before + tokens[number].column),
            word=tokens[number].text,
            token=number,
            line=line.strip(),
        )

    def _ask_secret(self, attempts: int) -> str:
        return self.ask(Question("Password: ", partial(self._check_secret, attempts), echo=False))

    def _check_secret(self, attempts: int, secret: str) -> str:
        if secret == self.state.device.secret:
            self.privilege = PRIVILEGED
            return ""
        return self._ask_secret(attempts - 1) if attempts > 1 else "% Bad secrets\n\n"
