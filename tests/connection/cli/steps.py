"""The steps of a scripted device's answer: text, bytes, pauses, questions, and ways to end.

An answer is one step or a sequence of steps. A step is text (newlines in it are sent as the device's own line
ends, and lines are counted for the pager), bytes (sent as they are, in one SSH packet), or an object of this
module. Any object with `async def play(self, session)` is a step, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tests.connection.peers.ssh import cut

if TYPE_CHECKING:
    from tests.connection.cli.device import Session


class Play(Protocol):
    """A step that does more than to send."""

    async def play(self, session: Session) -> None: ...


Step = str | bytes | Play
Answer = Step | Sequence[Step]

INVALID: Answer = ("       ^\n% Invalid input detected at '^' marker.\n\n",)
"""The answer of a Cisco-like CLI to a command that it does not know."""


class Ended(Exception):
    """The session is over: the device or the client has closed it."""


class PageQuit(Exception):
    """A key other than those of the pager has ended the output."""


@dataclass(frozen=True)
class Mode:
    """A prompt, and the answers of the device while it shows this prompt.

    Attributes:
        prompt: The prompt, as it is sent; newlines become line ends.
        commands: The answer to each command.
        otherwise: The answer to any other command.
        is_privileged: Whether it is the mode after `enable`: `end` returns to it, `exit` ends the session.
    """

    prompt: str
    commands: Mapping[str, Answer] = field(default_factory=dict)
    otherwise: Answer = INVALID
    is_privileged: bool = False


@dataclass(frozen=True)
class Pause:
    """Send nothing for a while."""

    seconds: float

    async def play(self, session: Session) -> None:  # noqa: ARG002 - the shape of all steps
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True)
class Slowly:
    """Send bytes one by one, each in a separate packet, with pauses between them."""

    data: bytes
    pause_s: float = 0.01

    async def play(self, session: Session) -> None:
        for value in self.data:
            await session.send(bytes([value]))
            await asyncio.sleep(self.pause_s)


@dataclass(frozen=True)
class Key:
    """Wait until the client sends this key; other keys are recorded and have no effect."""

    key: str

    async def play(self, session: Session) -> None:
        while await session.key("key") != self.key.encode():
            pass


@dataclass(frozen=True)
class Ask:
    """Ask a question and wait for the reply, which `Device.questions` records.

    Attributes:
        question: The question, after which nothing is sent.
        then: The rest of the answer, by reply; other replies end the answer.
        by_key: Whether one key is the reply, as for `[confirm]`; otherwise it is a line.
        hidden: Whether the reply is not echoed.
    """

    question: str
    then: Mapping[str, Answer] = field(default_factory=dict)
    by_key: bool = False
    hidden: bool = False

    async def play(self, session: Session) -> None:
        reply = await session.ask(self.question, by_key=self.by_key, hidden=self.hidden)
        await session.play(self.then.get(reply, ()))


def confirm(question: str = "Proceed with reload? [confirm]", yes: Answer = "reloading\n") -> Ask:
    """Return a question that Return and `y` confirm at once."""
    return Ask(question, {"": yes, "y": yes, "Y": yes}, by_key=True)


@dataclass(frozen=True)
class Enter:
    """Change the mode, and so the prompt."""

    mode: Mode

    async def play(self, session: Session) -> None:
        session.modes.append(self.mode)


@dataclass(frozen=True)
class Unlock:
    """Ask for the secret of `enable` and change the mode if it is right.

    Attributes:
        secret: The right secret.
        mode: The mode after it.
        tries: The number of secrets that are taken before `denied` follows.
        denied: The text after the last wrong secret.
    """

    secret: str
    mode: Mode
    tries: int = 3
    denied: str = "% Bad secrets\n\n"

    async def play(self, session: Session) -> None:
        for _ in range(self.tries):
            if await session.ask("Password: ", hidden=True) == self.secret:
                session.modes.append(self.mode)
                return
        await session.say(self.denied)


@dataclass(frozen=True)
class Menu:
    """Show a menu, again and again, until the client chooses the way out of it."""

    text: str = "\n 1) Status\n 2) Ping\n q) Command line\n\n"
    question: str = "Selection: "
    way_out: str = "q"

    async def play(self, session: Session) -> None:
        while True:
            await session.say(self.text)
            if await session.ask(self.question) == self.way_out:
                return


@dataclass(frozen=True)
class ShellLogin:
    """Ask for user and password in the shell, as a WLC does; close the session after three failures."""

    user: str
    password: str

    async def play(self, session: Session) -> None:
        for _ in range(3):
            user = await session.ask("\nUser: ")
            password = await session.ask("Password:", hidden=True)
            if (user, password) == (self.user, self.password):
                return
            await session.say("Access denied\n")
        raise Ended


@dataclass(frozen=True)
class Later:
    """Play an answer after some seconds, while the session goes on: a line of syslog, for example."""

    seconds: float
    answer: Answer

    async def play(self, session: Session) -> None:
        session.start(self._wait_and_play(session))

    async def _wait_and_play(self, session: Session) -> None:
        await asyncio.sleep(self.seconds)
        prompted = session.prompted
        await session.play(self.answer)
        session.prompted = prompted


class _Prompt:
    async def play(self, session: Session) -> None:
        await session.show_prompt()


class _NoPrompt:
    async def play(self, session: Session) -> None:
        session.prompted = True


class _Leave:
    async def play(self, session: Session) -> None:
        session.leave_configuration()


class _Disable:
    async def play(self, session: Session) -> None:
        del session.modes[1:]


class _Eof:
    async def play(self, session: Session) -> None:
        session.channel.write_eof()
        await session.forever()


class _Close:
    async def play(self, session: Session) -> None:  # noqa: ARG002 - the shape of all steps
        raise Ended


class _Drop:
    async def play(self, session: Session) -> None:
        cut(session.channel)
        await session.forever()


class _Hang:
    async def play(self, session: Session) -> None:
        await session.forever()


class _Shell:
    async def play(self, session: Session) -> None:
        await session.run_shell()


PROMPT = _Prompt()
"""Send the prompt now; it is not sent again at the end of the answer."""

NO_PROMPT = _NoPrompt()
"""Send no prompt at the end of the answer."""

LEAVE = _Leave()
"""Return from all configuration modes, as `end` does."""

DISABLE = _Disable()
"""Return to the first mode."""

EOF = _Eof()
"""Send the channel's end of file, and leave the channel and the connection open."""

CLOSE = _Close()
"""Close the channel; the connection stays open, unless `Script.hangs_up`."""

DROP = _Drop()
"""Abort the TCP connection."""

HANG = _Hang()
"""Send nothing more, and read nothing more."""

SHELL = _Shell()
"""Run the interactive shell, as devices do that take a command by exec and ignore it."""
