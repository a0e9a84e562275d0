"""The script of a device: its prompt, its answers, and how it echoes, pages and logs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.connection.cli.steps import INVALID, Answer
from tests.connection.peers.ssh import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION_COMMANDS = (
    "terminal ",
    "screen-length ",
    "set cli ",
    "set length ",
    "no page",
    "no paging",
    "environment no more",
    "skip-page-display",
)
"""How the commands begin that set the width and the page length of a session."""


@dataclass(frozen=True)
class Echo:
    """How the device echoes its input.

    Attributes:
        pause_s: A pause before each character of the echo.
        noise: A text in the middle of each echo, after the fourth character: a line of syslog.
        redraws: Whether prompt and line are shown again after the noise (`logging synchronous`).
        columns: The width after which a long line is wrapped as readline does; 0: never.
    """

    pause_s: float = 0
    noise: str = ""
    redraws: bool = False
    columns: int = 0


@dataclass(frozen=True)
class Pager:
    """How output stops after each page.

    Attributes:
        lines: The number of lines on a page.
        more: The text that is shown then.
        erase: The bytes that erase `more` after a key. A space shows the next page, Return the next line;
            other keys end the output.
        at_end: The text that is shown after the last of several pages until a key comes; nothing if empty.
    """

    lines: int = 5
    more: str = " --More-- "
    erase: bytes = b"\b" * 9 + b" " * 8 + b"\b" * 9
    at_end: str = ""


@dataclass
class Script:
    """Everything that the device does.

    Attributes:
        prompt: The prompt after the login.
        commands: The answer to each command; `exit`, `end` and the like need not be there.
        otherwise: The answer to any other command.
        login: The output and questions before the first prompt: a banner, a pause, a menu, a second login.
        echo: How input is echoed; None: not at all.
        newline: The line end of the output.
        pager: How output is paged, until a session command turns it off; None: not at all.
        session_commands: The answer to `SESSION_COMMANDS` that are not in `commands`: `accept`, `refuse`
            (with the answer `otherwise`), or `ignore` (no answer, and the pager stays).
        execute: The answer to a command by exec, by command or for all; None: exec is refused.
        user: The user.
        password: Their password; None: the SSH login needs none.
        auth_banner: The banner of the SSH login.
        auth_pause_s: How long the judgement of a password takes.
        terminal: Whether terminals are given.
        shell: Whether shells are given.
        channels: The number of channels that a connection may open; refused are those that follow.
        hangs_up: Whether the connection is closed when a session ends.
        listening: More arguments for `asyncssh.listen`, such as `kex_algs`.
    """

    prompt: str = "r1#"
    commands: Mapping[str, Answer] = field(default_factory=dict)
    otherwise: Answer = INVALID
    login: Answer = ()
    echo: Echo | None = field(default_factory=Echo)
    newline: str = "\r\n"
    pager: Pager | None = None
    session_commands: str = "accept"
    execute: Answer | Mapping[str, Answer] | None = None
    user: str = USER
    password: str | None = PASSWORD
    auth_banner: str = ""
    auth_pause_s: float = 0
    terminal: bool = True
    shell: bool = True
    channels: int = 2**30
    hangs_up: bool = False
    listening: Mapping[str, Any] = field(default_factory=dict)
