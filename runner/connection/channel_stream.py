"""A stream over a channel of Paramiko's, which ends where nothing moves."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import paramiko

from runner.connection import stream_ends
from runner.connection.paramiko_hooks import close_channel, sending_on
from runner.connection.stream import SFTP_SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from runner.connection.become import Elevation
    from runner.connection.deadline import Deadline, Guard
    from runner.errors import HostError

__all__ = ["PACKET", "WINDOW", "ChannelStream"]

WINDOW = 2**21
"""Bytes that a server may send before they are taken: what a host can make us hold."""

PACKET = 2**17
"""The largest piece that we take: each costs the same, however much is in it."""

_CHUNK = 2**20
_SAID = 2000
_REARM_S = 1.0
_DYING_S = 0.2


class ChannelStream:
    """A program on the host.

    Args:
        channel: An open session channel on which nothing has been asked for yet.
        deadline: The host's.
        idle_s: Seconds after which a program that neither takes nor gives a byte is given up.
        hang_up: Closes the connection, from another thread, without waiting.
    """

    def __init__(
        self, channel: paramiko.Channel, deadline: Deadline, idle_s: float, hang_up: Callable[[], None]
    ) -> None:
        self._channel: Any = channel
        self._deadline = deadline
        self._idle_s = idle_s
        self._hang_up = hang_up
        self._said = b""
        self._stopped = False
        self._last = False
        self._by_host = False
        self._armed: AbstractContextManager[Guard] | None = None
        self._guard: Guard | None = None
        self._armed_at = 0.0

    def begin(self, command: str | None, elevation: Elevation | None) -> None:
        """Ask for the program; whoever calls this sees to it that the answer comes in time.

        Args:
            command: Its command line; None is the SFTP server.
            elevation: Makes it run as another user, when `elevate` is done; None is the one who logged in.

        Raises:
            HostError: It was refused.
        """
        try:
            self._ask(command, elevation)
        except (paramiko.SSHException, EOFError, OSError) as exc:
            if not self._channel.transport.is_active():
                raise self._ended() from exc
            raise stream_ends.refused(command) from exc

    def _ask(self, command: str | None, elevation: Elevation | None) -> None:
        with sending_on(self._channel):
            if elevation is not None:
                self._channel.exec_command(elevation.wrap(command or SFTP_SERVER))
            elif command is not None:
                self._channel.exec_command(command)
            else:
                self._channel.invoke_subsystem("sftp")

    def elevate(self, elevation: Elevation) -> None:
        """Wait until the program runs as the other user, answering what that takes.

        Raises:
            HostError: It was refused, or did not come about in time.
        """
        with self.working():
            while not elevation.done:
                answer = elevation.answer()
                if answer is not None:
                    self.send(answer)
                elif elevation.denied:
                    raise elevation.refused()
                chunk = self._channel.recv_stderr(_SAID)
                self._said = (self._said + elevation.own(chunk))[-_SAID:]
                if not chunk:
                    raise self._cut_off() or elevation.refused()

    @contextmanager
    def working(self, *, last: bool = False) -> Iterator[None]:
        """Watch what is sent and received in the context; see `Stream.working`."""
        self._last = last
        self._arm()
        try:
            yield
        finally:
            self._disarm()

    def _arm(self) -> None:
        seconds, self._by_host = self._deadline.sooner(self._idle_s)
        self._armed = self._deadline.guard(seconds, self._hang_up, self._stop)
        self._guard = self._armed.__enter__()
        self._armed_at = time.monotonic()

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.__exit__(None, None, None)
            self._armed = None

    def _moved(self) -> None:
        """Note that something moved; the watch begins anew, at most once a second."""
        if time.monotonic() - self._armed_at >= _REARM_S and not self._stopped:
            self._disarm()
            self._arm()

    def _stop(self) -> None:
        """Make the next `send` or `recv` raise; called from another thread."""
        self._stopped = True

    def send(self, data: bytes) -> None:
        """Send all of it; see `Stream.send`."""
        self._check()  # and not between its pieces: what tidies up would speak in the middle of a request
        view = data
        while view:
            try:
                with sending_on(self._channel):
                    count = self._channel.send(view)
            except (paramiko.SSHException, EOFError, OSError) as exc:
                raise self._ended() from exc
            if count == 0:
                raise self._ended()
            view = view[count:]
            self._moved()

    def recv(self) -> bytes:
        """Return what has come; see `Stream.recv`."""
        self._check()
        self._listen()
        try:
            with sending_on(self._channel):
                data: bytes = self._channel.recv(_CHUNK)
        except (paramiko.SSHException, EOFError, OSError) as exc:
            raise self._ended() from exc
        if not data:
            raise self._ended()
        self._moved()
        return data

    def said(self) -> bytes:
        """Return the end of what the program wrote on its standard error."""
        self._listen()
        return self._said

    def close(self) -> None:
        """End the program, without waiting for longer than a goodbye may take."""
        with self._deadline.guard(_REARM_S, self._hang_up):
            close_channel(self._channel)

    def _check(self) -> None:
        if self._stopped and not self._last:
            raise stream_ends.stopped()

    def _listen(self) -> None:
        """Take what is on standard error, which would fill the window else."""
        while self._channel.recv_stderr_ready():
            self._said = (self._said + self._channel.recv_stderr(_CHUNK))[-_SAID:]

    def _cut_off(self) -> HostError | None:
        """Return why we ended the program; None where we did not."""
        guard = self._guard
        if guard is not None and guard.aborted:
            return stream_ends.stopped()
        if guard is None or not guard.expired:
            return None
        return stream_ends.host_late() if self._by_host else stream_ends.idle(self._idle_s)

    def _ended(self) -> HostError:
        cut_off = self._cut_off()
        if cut_off is not None:
            return cut_off
        # The channels of a connection that dies are closed a moment before it counts as dead.
        self._channel.transport.join(_DYING_S)
        if not self._channel.transport.is_active():
            return stream_ends.connection_lost()
        return stream_ends.server_ended(self.said())
