"""One shell of a scripted device, or one command by exec."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncssh

from tests.connection.cli.script import SESSION_COMMANDS, Pager
from tests.connection.cli.steps import LEAVE, Answer, Ended, Mode, PageQuit
from tests.connection.peers.ssh import drained, status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.connection.cli.device import Device

_WAYS_OUT = ("exit", "quit", "logout")
_CONTROLS = {b"\x03": "", b"\x1a": "end"}  # Ctrl-C drops the line; Ctrl-Z leaves configuration mode
_ERASERS = (b"\b", b"\x7f")


@dataclass(frozen=True)
class Received:
    """A line or a key of the client.

    Attributes:
        text: A line without its end, or a key.
        kind: `command` at a prompt, `reply` to a question, `secret` if it was not echoed, `key` in a pager.
        prompt: The prompt of the mode at that time.
        connection: The number of the connection; the first is 1.
        at: The time, by `time.monotonic`.
    """

    text: str
    kind: str
    prompt: str
    connection: int
    at: float


@dataclass
class Question:
    """A question that the device asked.

    Attributes:
        text: The question.
        typed: All that came since then, up to the end of the reply; empty if nothing was typed.
        reply: The reply; None if none was completed.
    """

    text: str
    typed: bytes = b""
    reply: str | None = None


class Session(asyncssh.SSHServerSession[bytes]):
    """One shell, or one command by exec; the steps of an answer use its methods.

    Attributes:
        channel: The SSH channel.
        modes: The modes that were entered; the last is the current one.
        prompted: Whether the prompt of the current answer was sent, or is not wanted.
    """

    def __init__(self, device: Device, number: int) -> None:
        self.device = device
        self.script = device.script
        self.modes = [Mode(self.script.prompt, self.script.commands, self.script.otherwise)]
        self.prompted = False
        self._number = number
        self._pager: Pager | None = None  # of the current answer
        self._pages = self.script.pager is not None
        self._shown = 0
        self._has_pages = False  # the current answer is longer than a page
        self._typed = bytearray()
        self._more = asyncio.Event()
        self._ended = self._after_return = False
        self._question: Question | None = None
        self._tasks: list[asyncio.Future[None]] = []
        self._work: Callable[[], Coroutine[Any, Any, None]] = self.run_shell
        self._status: int | None = None

    # What asyncssh calls ----------------------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.channel = chan

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:  # noqa: ARG002
        self.device.note(lambda: self.device.terminals.append((term_type, term_size[0], term_size[1])))
        return self.script.terminal

    def shell_requested(self) -> bool:
        self._work = self.run_shell
        return self.script.shell

    def exec_requested(self, command: str) -> bool:
        self.device.note(lambda: self.device.execs.append(command))
        answer = self.script.execute
        if isinstance(answer, Mapping):
            answer = answer.get(command, self.script.otherwise)
        if answer is None:
            return False
        self._work = partial(self.play, answer)
        self._status = 0
        return True

    def session_started(self) -> None:
        self.start(self._serve())

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002
        self.device.note(lambda: self.device.chunks.append((time.monotonic(), self._number, data)))
        self._typed += data
        self._more.set()

    def eof_received(self) -> bool:
        self._ended = True
        self._more.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        for task in self._tasks:
            task.cancel()

    # What steps use ---------------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something until it is done or the channel has gone."""
        self._tasks.append(asyncio.ensure_future(self._quietly(work)))

    async def send(self, data: bytes) -> None:
        """Send bytes in one packet."""
        self.channel.write(data)
        await drained(self.channel)

    async def say(self, text: str) -> None:
        """Send text, page by page if the pager is on."""
        if self._pager is None:
            await self.send(self._encoded(text))
            return
        for line in text.splitlines(keepends=True):
            if self._shown == self._pager.lines:
                await self._turn_the_page(self._pager)
            self._shown += line.endswith("\n")
            await self.send(self._encoded(line))

    async def play(self, answer: Answer) -> None:
        """Do the steps of an answer."""
        for step in [answer] if isinstance(answer, (str, bytes)) or hasattr(answer, "play") else answer:
            if isinstance(step, str):
                await self.say(step)
            elif isinstance(step, bytes):
                await self.send(step)
            else:
                await step.play(self)

    async def key(self, kind: str = "") -> bytes:
        """Return the next character; record it if a kind is given."""
        while True:
            while not self._typed:
                if self._ended:
                    raise Ended
                self._more.clear()
                await self._more.wait()
            key = bytes([self._typed.pop(0)])
            ends_a_return, self._after_return = self._after_return and key == b"\n", key == b"\r"
            if not ends_a_return:
                break
        if self._question is not None:
            self._question.typed += key
        if kind:
            self._record(key.decode(errors="replace"), kind)
        return key

    async def line(self, kind: str) -> str:
        """Return the next line without its end; echo it unless it is a secret."""
        typed = b""
        while (key := await self.key()) not in (b"\r", b"\n"):
            if key in _CONTROLS:
                typed = _CONTROLS[key].encode()
                break
            typed = typed[:-1] if key in _ERASERS else typed + key
            if kind != "secret":
                await self._echo(key, typed)
        if self.script.echo is not None:
            await self.send(self._encoded("\n"))
        text = typed.decode(errors="replace")
        self._record(text, kind)
        return text

    async def ask(self, question: str, *, by_key: bool = False, hidden: bool = False) -> str:
        """Ask a question; return the reply."""
        asked = Question(question)
        self.device.note(lambda: self.device.questions.append(asked))
        await self.send(self._encoded(question))
        self._question = asked
        try:
            reply = await self._key_as_reply() if by_key else await self.line("secret" if hidden else "reply")
        finally:
            self._question = None
        self.device.note(lambda: setattr(asked, "reply", reply))
        return reply

    async def show_prompt(self) -> None:
        """Send the prompt of the current mode."""
        self.prompted = True
        await self.send(self._encoded(self.modes[-1].prompt))

    def leave_configuration(self) -> None:
        """Return to the mode from which configuration mode was entered."""
        while self._is_configuring:
            self.modes.pop()

    async def forever(self) -> None:
        """Wait until the channel has gone."""
        await asyncio.get_running_loop().create_future()

    async def run_shell(self) -> None:
        """Answer commands until the session ends."""
        self.device.count("shells")
        self.device.count("open_shells")
        try:
            await self.play(self.script.login)
            await self.show_prompt()
            while True:
                await self._answer((await self.line("command")).strip())
        finally:
            self.device.note(lambda: self.device.prompts.append(self.modes[-1].prompt))
            self.device.count("open_shells", -1)

    # ------------------------------------------------------------------------------------------------------

    async def _answer(self, command: str) -> None:
        self.prompted, self._shown, self._has_pages = False, 0, False
        self._pager = self.script.pager if self._pages else None
        with suppress(PageQuit):
            await self.play(self._answer_to(command))
            if self._pager and self._pager.at_end and self._has_pages:
                await self._turn_the_page(self._pager, self._pager.at_end)
        self._pager = None
        if not self.prompted:
            await self.show_prompt()

    def _answer_to(self, command: str) -> Answer:
        mode = self.modes[-1]
        if command in mode.commands or not command:
            return mode.commands.get(command, ())
        if command.startswith(SESSION_COMMANDS) and self.script.session_commands != "refuse":
            self._pages = self._pages and self.script.session_commands == "ignore"
            return ()
        if command == "end" and self._is_configuring:
            return LEAVE
        if command in _WAYS_OUT:
            if not self._is_configuring:
                raise Ended
            self.modes.pop()
            return ()
        return mode.otherwise

    @property
    def _is_configuring(self) -> bool:
        return len(self.modes) > 1 and not self.modes[-1].is_privileged

    async def _turn_the_page(self, pager: Pager, more: str = "") -> None:
        self._has_pages = True
        await self.send(self._encoded(more or pager.more))
        key = await self.key("key")
        await self.send(pager.erase)
        if key not in (b" ", b"\r", b"\n") or more:
            raise PageQuit
        self._shown = 0 if key == b" " else pager.lines - 1

    async def _key_as_reply(self) -> str:
        key = (await self.key("reply")).decode(errors="replace").strip()
        await self.send(self._encoded(key + "\n"))
        return key

    async def _echo(self, key: bytes, typed: bytes) -> None:
        echo = self.script.echo
        if echo is None:
            return
        await asyncio.sleep(echo.pause_s)
        await self.send(b"\b \b" if key in _ERASERS else key)
        if echo.noise and len(typed) == 4:
            await self.send(self._encoded(echo.noise))
            if echo.redraws:
                await self.send(self._encoded(self.modes[-1].prompt) + typed)
        if echo.columns and (len(self.modes[-1].prompt) + len(typed)) % echo.columns == 0:
            await self.send(b" \r")

    def _encoded(self, text: str) -> bytes:
        return text.replace("\n", self.script.newline).encode()

    def _record(self, text: str, kind: str) -> None:
        line = Received(text, kind, self.modes[-1].prompt, self._number, time.monotonic())
        self.device.note(lambda: self.device.received.append(line))

    async def _serve(self) -> None:
        """Do the work of the session, then close the channel."""
        try:
            await self._work()
        except Ended:
            self._status = None
        if self._status is not None:
            status(self.channel, self._status)
        self.channel.write_eof()
        self.channel.close()
        if self.script.hangs_up:
            self.channel.get_connection().close()

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(OSError, asyncio.CancelledError, asyncssh.Error, Ended):
            await work
