"""A stream over a shared `ssh`: pipes that it was handed, which end where nothing moves."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.connection import stream_ends
from runner.connection.openssh.mux import Asked
from runner.connection.openssh.session import Session, closed
from runner.connection.stream import SFTP_SERVER, idle_limit
from runner.errors import DeadlineExceeded
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.connection.become import Elevation
    from runner.connection.deadline import Deadline, Guard
    from runner.connection.openssh.master import Master
    from runner.connection.options import ConnectionOptions
    from runner.errors import HostError

__all__ = ["SessionStream"]

_SAID = 2000
_GOODBYE_S = 0.4
_PIECE = 2**15  # what a slow host takes of it is seen as movement, however much there is to send

# What `ssh` writes to a program's standard error where the server denies the request for it.
_DENIED = {b"subsystem request failed on channel": None, b"exec request failed on channel": ""}


class SessionStream:
    """A program on the host; see `Stream`.

    What it writes on its output is left where it is, in the pipe and with `ssh`, until it is asked for: so
    much a host can make us hold. Its standard error is drained whenever anything is waited for.

    Args:
        master: The connection.
        options: How long a step may take.
        deadline: The host's.
    """

    def __init__(self, master: Master, options: ConnectionOptions, deadline: Deadline) -> None:
        self._master = master
        self._deadline = deadline
        self._connect_s = options.connect_timeout_s
        self._idle_s = idle_limit(options)
        self._session: Session | None = None
        self._input = self._output = self._error = -1
        self._answered = True
        self._moved_at = 0.0
        self._said = b""
        self._stopped = False
        self._last = False
        self._late: DeadlineExceeded | None = None
        self._guard: Guard | None = None

    def begin(self, command: str | None, elevation: Elevation | None) -> None:
        """Start the program.

        Args:
            command: Its command line; None is the SFTP server.
            elevation: Makes it run as another user; None is the one who logged in.

        Raises:
            HostError: There is no channel for it, or it may not run as the other user. That the server
                denies it shows in the first `send` or `recv`: `ssh` does not say when it does not.
        """
        line = command or SFTP_SERVER
        asked = Asked(line) if elevation is None else Asked(elevation.wrap(line))
        if command is None and elevation is None:
            asked = Asked("sftp", subsystem=True)
        heard = self._hear if elevation is None else lambda data: self._hear(elevation.own(data))
        with self.working():
            self._ask(asked, heard)
            if elevation is not None:
                self._elevate(elevation)
        self._answered = command is not None

    def _ask(self, asked: Asked, heard: Callable[[bytes], None]) -> None:
        theirs = self._pipes()
        self._session = Session(self._master, asked, theirs)
        self._master.pump.read(self._error, heard, output=False)
        seconds, by_host = self._deadline.sooner(self._connect_s)
        if self._session.opened(seconds or 0.0, lambda: self._stopped):
            return
        text = f"the server did not open a channel: nothing within {self._connect_s:g} s"
        late = DeadlineExceeded(text, reason="channel-deadline", phase=Phase.CHANNEL)
        raise self._give_up(stream_ends.host_late() if by_host else late)

    def _pipes(self) -> tuple[int, int, int]:
        """Make the program's pipes; keep our ends, return the others."""
        stdin, self._input = os.pipe()
        self._output, stdout = os.pipe()
        self._error, stderr = os.pipe()
        return stdin, stdout, stderr

    def _hear(self, data: bytes) -> None:
        self._said = (self._said + data)[-_SAID:]

    def _elevate(self, elevation: Elevation) -> None:
        """Wait until the program runs as the other user, answering what that takes."""
        while not elevation.done:
            answer = elevation.answer()
            if answer is not None:
                self.send(answer)
            elif elevation.denied:
                raise elevation.refused()
            elif not self._master.pump.reads(self._error):
                error = self._ended()
                raise elevation.refused() if error.reason == "server-ended" else error
            else:
                self._check()
                self._wait()

    @contextmanager
    def working(self, *, last: bool = False) -> Iterator[None]:
        """Watch what is sent and received in the context; see `Stream.working`."""
        self._last = last
        self._moved_at = time.monotonic()
        with self._deadline.guard(None, self._master.kill, self._stop) as self._guard:
            yield

    def _stop(self) -> None:
        """Make the next `send` or `recv` raise; called from another thread."""
        self._stopped = True
        self._master.pump.wake()

    def send(self, data: bytes) -> None:
        """Send all of it; see `Stream.send`."""
        self._check()  # and not between its pieces: what tidies up would speak in the middle of a request
        for at in range(0, len(data), _PIECE):
            self._give(data[at : at + _PIECE])

    def _give(self, piece: bytes) -> None:
        pump, given = self._master.pump, False

        def done() -> None:
            nonlocal given
            given = True

        pump.write(self._input, piece, done)
        try:
            while not given and not self._begun().over:
                self._wait()
        finally:
            pump.forget(self._input)
        if self._begun().over:
            raise self._ended()
        self._moved_at = time.monotonic()

    def recv(self) -> bytes:
        """Return what has come; see `Stream.recv`."""
        pump = self._master.pump
        got: list[bytes] = []
        pump.read(self._output, got.append, output=False)
        try:
            while not got and pump.reads(self._output):
                self._check()
                self._wait()
        finally:
            pump.forget(self._output)
        if not got:
            raise self._ended()
        self._answered = True
        self._moved_at = time.monotonic()
        return b"".join(got)

    def said(self) -> bytes:
        """Return the end of what the program wrote on its standard error."""
        return self._said

    def close(self) -> None:
        """End the program: its channel is closed, and it reads no more."""
        if self._session is not None:
            self._session.close()
            self._session = None
        for descriptor in (self._input, self._output, self._error):
            if descriptor >= 0:
                self._master.pump.forget(descriptor)
                os.close(descriptor)
        self._input = self._output = self._error = -1

    def _wait(self) -> None:
        """Wait until anything happens; raise where that took too long."""
        limit = self._idle_s if self._answered else min(self._idle_s, self._connect_s)
        left, by_host = self._deadline.sooner(self._moved_at + limit - time.monotonic())
        if left is not None and left <= 0:
            raise self._give_up(stream_ends.host_late() if by_host else self._too_late())
        self._master.pump.wait(left)

    def _too_late(self) -> DeadlineExceeded:
        if self._answered or self._idle_s < self._connect_s:
            return stream_ends.idle(self._idle_s)
        return stream_ends.unanswered(self._connect_s)

    def _give_up(self, late: DeadlineExceeded) -> HostError:
        """End the connection, over which nothing moves, and return the error."""
        self._master.kill()
        if self._stopped:
            return stream_ends.stopped()
        self._late = late
        return late

    def _check(self) -> None:
        if self._stopped and not self._last:
            raise stream_ends.stopped()

    def _cut_off(self) -> HostError | None:
        """Return why we ended the program; None where we did not."""
        if self._guard is not None and self._guard.aborted:
            return stream_ends.stopped()
        return self._late

    def _ended(self) -> HostError:
        """Return why nothing moves any more."""
        cut_off = self._cut_off()
        if cut_off is not None:
            return cut_off
        self._listen()
        for words, command in _DENIED.items():
            if self._said.startswith(words):
                return stream_ends.refused(command)
        self._begun().settle()
        if not self._master.alive():
            return stream_ends.connection_lost()
        return stream_ends.server_ended(self._said)

    def _listen(self) -> None:
        """Take what is still to come on standard error, which a program closes with its output."""
        end = time.monotonic() + _GOODBYE_S
        pump = self._master.pump
        while pump.reads(self._error) and time.monotonic() < end:
            pump.wait(end - time.monotonic())

    def _begun(self) -> Session:
        if self._session is None:
            raise closed()
        return self._session
