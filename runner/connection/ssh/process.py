"""A process on a Paramiko channel (RFC 4254 section 6)."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import paramiko

from runner.connection.command.process import CHUNK, END_OF_INPUT, GOODBYE_S
from runner.connection.command.reaper import REAPER, may_survive
from runner.connection.ssh.keepalive import Keepalive
from runner.connection.transport.handshake import what_broke
from runner.connection.transport.paramiko_fixes import ask_for_shell, close_channel, send_signal, sending_on
from runner.errors import RequestRefused
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from runner.connection.command.options import Terminal

__all__ = ["ChannelProcess"]

_PIECE = 2**15
_PIECES = 8  # then the process's output is read

# A thread that reads the socket itself does not notice a stopped run; it checks this often until a reader
# thread runs.
_GLANCE_S = 0.1
# If a connection dies, its channels are closed a moment before the connection counts as dead.
_DYING_S = 0.5


class _Wake(threading.Event):
    """An event that is set when either stream has data; Paramiko's own `clear` calls are ignored."""

    def clear(self) -> None:
        """Do nothing: see `rearm`."""

    def rearm(self) -> None:
        """Clear the event; the caller checks both streams before it waits again."""
        super().clear()


class ChannelProcess:
    """A process that runs on a channel; see `Process`.

    Args:
        channel: An open session channel without any request on it yet.
        keepalive_s: Seconds of silence after which a keepalive is sent; None means never.
        guard: Returns a context with a short time limit: the server may start a new key exchange, for which
            the caller would wait.
    """

    refused = False

    def __init__(
        self,
        channel: paramiko.Channel,
        keepalive_s: float | None,
        guard: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._channel: Any = channel
        self._guard = guard
        self._keepalive = Keepalive(channel, keepalive_s)
        self._wake = _Wake()
        self._left = memoryview(b"")
        self._closing = False
        self._on_terminal = False
        self._is_silent = False
        self.survives: bool | None = None

    def ask_for_terminal(self, terminal: Terminal, kind: str) -> None:
        """Ask for a terminal of a type (`vt220`), before `start`.

        Raises:
            RequestRefused: The server refuses a terminal.
        """
        self._on_terminal = True
        try:
            with sending_on(self._channel):
                self._channel.get_pty(kind, terminal.columns, terminal.rows)
        except paramiko.SSHException as exc:
            if not self._channel.transport.is_active():
                raise
            text = "the server refused a terminal"
            raise RequestRefused(text, reason="pty-refused", phase=Phase.CHANNEL) from exc

    def start(self, line: str | None) -> None:
        """Ask the server to run a command line; None asks for its SFTP server.

        Raises:
            paramiko.SSHException: The server refuses, or the connection ended.
        """
        channel = self._listened_to()
        with sending_on(channel):
            if line is None:
                channel.invoke_subsystem("sftp")
            else:
                channel.exec_command(line.encode("utf-8", "surrogateescape"))

    def start_shell(self, terminal: Terminal, kind: str) -> None:
        """Ask the server for its interactive shell on a terminal.

        Raises:
            paramiko.SSHException: The server refuses, or the connection ended.
        """
        self._on_terminal = True
        channel = self._listened_to()
        with sending_on(channel):
            ask_for_shell(channel, kind, terminal.columns, terminal.rows)

    def _listened_to(self) -> Any:
        """Return the channel; from now on, its data wakes the thread that waits."""
        channel = self._channel
        channel.runner_wake = self._wake
        channel.in_buffer.set_event(self._wake)
        channel.in_stderr_buffer.set_event(self._wake)
        return channel

    @property
    def exit_status(self) -> int | None:
        """See `Process`."""
        return self._channel.exit_status if self._channel.exit_status >= 0 else None

    @property
    def exit_signal(self) -> str | None:
        """See `Process`."""
        return getattr(self._channel, "runner_exit_signal", None)

    @property
    def finished(self) -> bool:
        """See `Process`."""
        return bool(self._channel.closed or self._channel.exit_status_ready())

    @property
    def output_open(self) -> bool:
        """See `Process`."""
        return not (self._channel.closed or self._channel.eof_received)

    errors_open = output_open

    @property
    def pending(self) -> bool:
        """See `Process`."""
        return bool(self._left)

    def read(self) -> tuple[bytes, bytes]:
        """See `Process`."""
        channel = self._channel
        out, err = channel.recv_ready(), channel.recv_stderr_ready()
        if not (out or err):
            return b"", b""
        with sending_on(channel), suppress(paramiko.SSHException, EOFError, OSError):
            return channel.recv(CHUNK) if out else b"", channel.recv_stderr(CHUNK) if err else b""
        return b"", b""

    def write(self, data: bytes) -> None:
        """See `Process`."""
        self._left = memoryview(bytes(self._left) + data if self._left else data)
        self._push()

    def close_input(self) -> None:
        """See `Process`."""
        if self._on_terminal:
            self._left = memoryview(bytes(self._left) + END_OF_INPUT)
        self._closing = True
        self._push()

    def _push(self) -> None:
        """Send as much as the server accepts now."""
        try:
            self._send()
        except (paramiko.SSHException, EOFError, OSError):
            # The channel or the connection has ended, which `finished` and `lost` report.
            self._left, self._closing = memoryview(b""), False

    def _send(self) -> None:
        with sending_on(self._channel):
            for _ in range(_PIECES):
                if not self._left or not self._channel.send_ready():
                    break
                taken = self._channel.send(self._left[:_PIECE].tobytes())
                if not taken:  # the channel is closed
                    return
                self._left = self._left[taken:]
            if self._closing and not self._left:
                self._closing = False
                self._channel.shutdown_write()

    def wait(self, seconds: float | None) -> None:
        """Wait: read what the server sends, or wait for the reader thread if it runs."""
        if self._left or self._closing:
            self._push()
        naps = [nap for nap in (seconds, self._keepalive.left()) if nap is not None]
        nap = max(0.0, min(naps)) if naps else None
        if self._left and self._channel.send_ready():
            nap = 0.0
        if not self._channel.transport.serve(_GLANCE_S if nap is None else min(_GLANCE_S, nap)):
            self._wake.wait(nap)
        self._wake.rearm()

    def wake(self) -> None:
        """See `Process`."""
        self._wake.set()

    def silent(self) -> bool:
        """See `Process`."""
        self._is_silent = self._is_silent or self._keepalive.gone()
        return self._is_silent

    def lost(self) -> str | None:
        """See `Process`."""
        transport = self._channel.transport
        if transport.is_alive():
            transport.join(_DYING_S)
        return None if transport.is_active() else what_broke(transport.get_exception())

    def terminate(self) -> None:
        """See `Process`."""
        if "dropbear" in self._channel.transport.remote_version:
            self._reap()
        send_signal(self._channel, "TERM")
        close_channel(self._channel)

    def _reap(self) -> None:
        """Try for a moment to end the command and all processes that it has started."""
        self.survives = True
        with suppress(paramiko.SSHException, EOFError, OSError):
            channel = self._channel.transport.open_session(timeout=GOODBYE_S)
            with closing(ChannelProcess(channel, None, self._guard)) as reaper:
                reaper.start(REAPER)
                self.survives = may_survive(reaper)

    def close(self) -> None:
        """See `Process`."""
        with self._guard():
            close_channel(self._channel)
