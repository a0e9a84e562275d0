"""A process on a channel of Paramiko's (RFC 4254 section 6)."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import paramiko

from runner.connection.command.process import CHUNK, END_OF_INPUT, GOODBYE_S
from runner.connection.command.reaper import REAPER, may_survive
from runner.connection.ssh.keepalive import Keepalive
from runner.connection.transport.handshake import what_broke
from runner.connection.transport.paramiko_fixes import close_channel, send_signal, sending_on
from runner.errors import RequestRefused
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from runner.connection.command.options import Terminal

__all__ = ["ChannelProcess"]

_PIECE = 2**15
_PIECES = 8  # then the output of the process has its turn

# The thread that reads does not see that the run is stopped; it looks so often until a reader thread runs.
_GLANCE_S = 0.1
# The channels of a connection that dies are closed a moment before the connection counts as dead.
_DYING_S = 0.5


class _Wake(threading.Event):
    """Set when either stream has something; Paramiko's `clear` when one of them is empty does not count."""

    def clear(self) -> None:
        """Do nothing: see `rearm`."""

    def rearm(self) -> None:
        """Clear the event; the caller looks at both streams before it waits again."""
        super().clear()


class ChannelProcess:
    """A process that is to be asked for on a channel; see `Process`.

    Args:
        channel: An open session channel on which nothing has been asked for yet.
        keepalive_s: Seconds of silence after which the server is asked for a sign of life; None is never.
        guard: Returns a context that does not last: the server may begin to exchange keys anew and make
            us wait for that.
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
        self._pulse = Keepalive(channel, keepalive_s)
        self._wake = _Wake()
        self._left = memoryview(b"")
        self._closing = False
        self._on_terminal = False
        self._is_silent = False
        self.survives: bool | None = None

    def ask_for_terminal(self, terminal: Terminal, kind: str) -> None:
        """Ask for a terminal of a kind (`vt220`), before `start`.

        Raises:
            RequestRefused: The server gives none.
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
        """Ask the server to run a command line; None is its SFTP server.

        Raises:
            paramiko.SSHException: The server refuses, or the connection ended.
        """
        channel = self._channel
        channel.runner_wake = self._wake
        channel.in_buffer.set_event(self._wake)
        channel.in_stderr_buffer.set_event(self._wake)
        with sending_on(channel):
            if line is None:
                channel.invoke_subsystem("sftp")
            else:
                channel.exec_command(line.encode("utf-8", "surrogateescape"))

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
        """Send what the server takes now."""
        try:
            self._send()
        except (paramiko.SSHException, EOFError, OSError):
            # The channel or the connection has ended, which `finished` and `lost` say.
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
        """Wait: by reading what the server sends, or, once a thread does that, for the thread."""
        if self._left or self._closing:
            self._push()
        naps = [nap for nap in (seconds, self._pulse.left()) if nap is not None]
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
        self._is_silent = self._is_silent or self._pulse.gone()
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
        """End the command and all that it has started, as far as a moment allows."""
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
