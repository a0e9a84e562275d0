"""Serve one channel: a command or a shell, on a CLI device or on a server."""

from __future__ import annotations

import asyncio
import codecs
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import asyncssh

from runner.demo.cli.eos import EOS
from runner.demo.cli.ios import IOS
from runner.demo.cli.junos import JUNOS
from runner.demo.cli.nxos import NXOS
from runner.demo.cli.session import Dialect, Session
from runner.demo.cli.state import DeviceState
from runner.demo.clock import utc_now
from runner.demo.device import Device, Platform
from runner.demo.linux.machine import Machine
from runner.demo.linux.session import LinuxSession
from runner.demo.linux.sftp import MachineFiles
from runner.demo.terminal import Ending, Line, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["Channels", "Process", "Restarted", "channels_of"]

Process: TypeAlias = "asyncssh.SSHServerProcess[bytes]"
"""One channel as asyncssh represents it: its request, streams and exit status."""

SftpFactory: TypeAlias = "Callable[..., asyncssh.SFTPServer]"


class Restarted(Exception):
    """Raised by a channel whose user has restarted the device: all connections are lost."""


class Channels(Protocol):
    """Serves all channels of one device; they share the device's state."""

    @property
    def sftp(self) -> SftpFactory | None:
        """The factory of SFTP servers; None if the device has no SFTP."""

    async def __call__(self, process: Process) -> None:
        """Serve one command or shell from its request to its exit status.

        Raises:
            Restarted: The device restarts.
        """


_DIALECTS = {Platform.IOS: IOS, Platform.NXOS: NXOS, Platform.EOS: EOS, Platform.JUNOS: JUNOS}
_NO_SUBSYSTEM = 1


def channels_of(device: Device, now: Callable[[], datetime] = utc_now) -> Channels:
    """Return the server for the channels of a device that has just started, with its clock."""
    if device.platform is Platform.LINUX:
        return _LinuxChannels(device, now)
    return _CliChannels(device, now)


class _Input:
    """A channel's input as text, for a terminal."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def read(self, n: int) -> str:
        """Return up to `n` characters as soon as some have arrived; empty at the end."""
        while True:
            try:
                chunk = await self._process.stdin.read(n)
            except asyncssh.TerminalSizeChanged:
                continue
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                return ""
            text = self._decoder.decode(chunk)
            if text or not chunk:
                return text


def _terminal(process: Process, *, help_key: bool) -> Terminal:
    def write(text: str) -> None:
        process.stdout.write(text.encode())

    return Terminal(_Input(process), write, help_key=help_key)


async def _reply(session: Session, terminal: Terminal, *, echo: bool, typed: str = "") -> Line:
    """Return the next line, or the key that answers a question without Enter."""
    if session.question is not None and session.question.one_key:
        return await terminal.read_key()
    return await terminal.read_line(echo=echo, typed=typed)


class _CliChannels:
    """Serves the channels of a CLI device."""

    def __init__(self, device: Device, now: Callable[[], datetime]) -> None:
        self._device = device
        self._dialect: Dialect = _DIALECTS[device.platform]
        self._state = DeviceState(device, now)
        self.sftp: SftpFactory | None = None

    async def __call__(self, process: Process) -> None:
        if process.subsystem is not None:
            process.exit(_NO_SUBSYSTEM)
            return
        session = Session(self._state, self._dialect, interactive=process.command is None)
        if process.command is not None:
            await self._command(session, _terminal(process, help_key=False), process.command)
        else:
            await self._shell(session, _terminal(process, help_key=True))
        if session.restarted:
            raise Restarted
        process.exit(0)  # even after an invalid command

    async def _command(self, session: Session, terminal: Terminal, command: str) -> None:
        """Answer an exec request. The replies to questions come from standard input, without echo."""
        await asyncio.sleep(self._device.answer_delay_s)
        terminal.show(session.execute(command))
        while session.question is not None:
            terminal.show(session.prompt)
            line = await _reply(session, terminal, echo=False)
            if line.ending is not Ending.ENTER:
                break
            terminal.show(session.execute(line.text))

    async def _shell(self, session: Session, terminal: Terminal) -> None:
        terminal.show("\n" + self._dialect.banner)
        typed = ""
        while not session.closed:
            terminal.show(session.prompt + typed)
            line = await _reply(session, terminal, echo=session.echo, typed=typed)
            if line.ending is Ending.END_OF_INPUT:
                break
            typed = line.text if line.ending is Ending.HELP else ""
            text = await self._answer(session, line)
            await terminal.page(text, session.page_length if session.paged else 0, self._dialect.pager)

    async def _answer(self, session: Session, line: Line) -> str:
        if line.ending is Ending.HELP:
            return session.help(line.text)
        if line.ending is Ending.ENTER:
            if line.text.strip():
                await asyncio.sleep(self._device.answer_delay_s)
            return session.execute(line.text)
        return session.interrupt()


class _Streams:
    """A channel's three streams. A terminal has only one output stream, and ends lines with CR LF."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._on_terminal = process.term_type is not None

    async def read(self) -> bytes:
        """Return everything up to the end of standard input; a signal ends it early."""
        if self._on_terminal:
            return b""
        try:
            return await self._process.stdin.read()
        except (asyncssh.BreakReceived, asyncssh.SignalReceived):
            return b""

    async def read_line(self) -> bytes:
        """Return the next line of standard input with its newline; a signal ends it early."""
        try:
            return await self._process.stdin.readline()
        except (asyncssh.BreakReceived, asyncssh.SignalReceived):
            return b""

    def write(self, descriptor: int, content: bytes) -> None:
        """Write to file descriptor 1 or 2."""
        if self._on_terminal:
            self._process.stdout.write(content.replace(b"\n", b"\r\n"))
        else:
            (self._process.stderr if descriptor == 2 else self._process.stdout).write(content)  # noqa: PLR2004


class _LinuxChannels:
    """Serves the channels of a server."""

    def __init__(self, device: Device, now: Callable[[], datetime]) -> None:
        self._device = device
        self._machine = Machine(device, now)
        self.sftp: SftpFactory | None = partial(MachineFiles, self._machine)

    async def __call__(self, process: Process) -> None:
        streams = _Streams(process)
        session = LinuxSession(self._machine, streams)
        if process.subsystem is not None:
            process.exit(_NO_SUBSYSTEM)
            return
        if process.command is not None:
            await self._answer(session, process.command)
        elif process.term_type is None:
            await self._answer(session, (await streams.read()).decode("utf-8", "replace"))
        else:
            await self._shell(session, _terminal(process, help_key=False))
        process.exit(session.status)

    async def _shell(self, session: LinuxSession, terminal: Terminal) -> None:
        while not session.closed:
            terminal.show(session.prompt)
            line = await terminal.read_line()
            if line.ending is Ending.END_OF_INPUT:
                break
            if line.ending is Ending.ENTER:
                await self._answer(session, line.text)

    async def _answer(self, session: LinuxSession, line: str) -> None:
        if line.strip():
            await asyncio.sleep(self._device.answer_delay_s)
        await session.execute(line)
