"""A byte stream to a program on a host, for file transfers; it is given up if no byte moves for a while."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from runner.connection.command.process import GOODBYE_S
from runner.connection.command.requests import no_exec, no_sftp
from runner.connection.command.timeouts import UNANSWERED
from runner.errors import DeadlineExceeded, HostError, LoginRefused, RequestRefused, run_stopped
from runner.models import Phase, Status
from runner.text import because

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from runner.connection.command.become import Elevation
    from runner.connection.command.process import Process
    from runner.connection.deadline import Deadline, Guard
    from runner.connection.options import ConnectionOptions

__all__ = ["SFTP_SERVER", "Stream", "StreamEnded", "Streaming", "refused"]

SFTP_SERVER = (
    "cd; for server in /usr/lib/openssh /usr/libexec/openssh /usr/libexec /usr/lib/ssh /usr/lib; do "
    'if [ -x "$server/sftp-server" ]; then exec "$server/sftp-server"; fi; done; '
    "echo 'sftp-server is not installed' >&2; exit 127"
)
"""Runs the SFTP server as the user who runs the command; a subsystem always runs as the login's user."""

_IDLE_S = 60.0
_SAID = 2000
_REARM_S = 1.0


class StreamEnded(HostError):
    """The program on the host, or the connection, ended too early."""

    status = Status.ERROR


def _line(command: str | None, elevation: Elevation | None) -> str | None:
    """Return the command line to ask for; None means the subsystem `sftp`.

    Raises:
        LoginRefused: The program that changes the user needs a terminal.
    """
    if elevation is None:
        return command
    if elevation.needs_terminal:
        text = (
            "doas takes a password only on a terminal, which a file transfer does not have: "
            "permit it without a password (nopass) and give none, or use --become-method sudo or su"
        )
        raise LoginRefused(text, reason="become-terminal", phase=Phase.TRANSFER)
    return elevation.wrap(command or SFTP_SERVER)


def refused(command: str | None) -> RequestRefused:
    """Return the error of a program that the server refuses to start; None means its SFTP server."""
    return no_sftp() if command is None else no_exec(Phase.TRANSFER)


class Stream:
    """A program on the host: `send` writes its standard input, `recv` reads its standard output.

    Args:
        process: The program, not started yet.
        command: Its command line; None means the SFTP server.
        options: The limit on time without a byte moved.
        deadline: The host's deadline.
        hang_up: Closes the connection, from another thread, without waiting.
        answer_s: Seconds that the first byte may take, if the server does not report that the program runs.
    """

    def __init__(
        self,
        process: Process,
        command: str | None,
        options: ConnectionOptions,
        deadline: Deadline,
        hang_up: Callable[[], None],
        answer_s: float | None = None,
    ) -> None:
        self._process = process
        self._command = command
        self._deadline = deadline
        limits = (_IDLE_S, options.command_timeout_s, options.idle_timeout_s)
        self._idle_s = min(seconds for seconds in limits if seconds is not None)
        self._answer_s = answer_s
        self._hang_up = hang_up
        self._elevation: Elevation | None = None
        self._early = b""
        self._said = b""
        self._stopped = False
        self._last = False
        self._by_host = False
        self._armed: AbstractContextManager[Guard] | None = None
        self._guard: Guard | None = None
        self._armed_at = 0.0

    def begin(self, start: Callable[[str | None], None], elevation: Elevation | None) -> Self:
        """Start the program, and wait until it runs as the right user.

        Args:
            start: Asks for a command line; None means the subsystem `sftp`.
            elevation: Makes the program run as another user; None runs it as the user who logged in.

        Raises:
            HostError: The program was refused, or did not start in time.
        """
        try:
            start(_line(self._command, elevation))
            if elevation is not None:
                self._elevate(elevation)
        except BaseException:
            self.close()
            raise
        return self

    def _elevate(self, elevation: Elevation) -> None:
        self._elevation = elevation
        with self.working():
            while True:
                is_open = self._process.output_open or self._process.errors_open
                self._early = self._read()  # read first: the prompt may be there already
                answer = elevation.answer()
                if elevation.done:
                    return
                if answer is not None:
                    self.send(answer)
                elif elevation.denied:
                    raise elevation.refused()
                elif not is_open:
                    raise self._unelevated(elevation)
                else:
                    self._process.wait(None)

    def _unelevated(self, elevation: Elevation) -> HostError:
        error = self._ended()
        return elevation.refused(self._process.exit_status) if error.reason == "server-ended" else error

    @contextmanager
    def working(self, *, last: bool = False) -> Iterator[None]:
        """Return the context in which to send and receive: it ends a stream on which no byte moves.

        Args:
            last: Whether this is cleanup, which may finish although the run is being stopped.
        """
        self._last = last
        self._arm()
        try:
            yield
        finally:
            self._disarm()

    def _arm(self) -> None:
        seconds, self._by_host = self._deadline.sooner(min(self._idle_s, self._waits_s or self._idle_s))
        self._armed = self._deadline.guard(seconds, self._hang_up, self._stop)
        self._guard = self._armed.__enter__()
        self._armed_at = time.monotonic()

    @property
    def _waits_s(self) -> float | None:
        """Seconds that the first reply may take; None if it came, or while the user is changed."""
        elevation = self._elevation
        return self._answer_s if elevation is None or elevation.done else None

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.__exit__(None, None, None)
            self._armed = None

    def _moved(self) -> None:
        """Note that bytes moved: restart the time limit, at most once a second."""
        if time.monotonic() - self._armed_at >= _REARM_S and not self._stopped:
            self._disarm()
            self._arm()

    def _stop(self) -> None:
        """Make the next `send` or `recv` raise; called from another thread."""
        self._stopped = True
        self._process.wake()

    def send(self, data: bytes) -> None:
        """Send all bytes; raise `HostError` if that fails."""
        self._check()  # only here, not between the pieces: cleanup would write into the middle of a request
        process = self._process
        process.write(data)
        while process.pending and not process.finished:
            process.wait(None)
            self._moved()
        if process.finished and process.pending:
            raise self._ended()

    def recv(self) -> bytes:
        """Return the bytes that have come, at least one; raise `HostError` if none comes."""
        while True:
            self._check()
            is_open = self._process.output_open
            data = self._read()
            if data:
                if self._answer_s is not None:
                    self._answer_s, self._armed_at = None, 0.0
                self._moved()
                return data
            if not is_open:
                raise self._ended()
            self._process.wait(None)

    def said(self) -> bytes:
        """Return the end of the program's standard error."""
        self._early = self._read()
        return self._said

    def close(self) -> None:
        """End the program."""
        self._process.close()

    def _read(self) -> bytes:
        """Read what has come; keep the end of standard error, and return standard output."""
        early, self._early = self._early, b""
        chunks = self._process.read()
        if self._elevation is not None:
            chunks = self._elevation.own(chunks[0], 0), self._elevation.own(chunks[1], 1)
        if chunks[1]:
            self._said = (self._said + chunks[1])[-_SAID:]
        return early + chunks[0] if early else chunks[0]

    def _check(self) -> None:
        if self._stopped and not self._last:
            raise run_stopped(Phase.TRANSFER)

    def _cut_off(self) -> HostError | None:
        """Return the error if we ended the program; None if we did not."""
        guard = self._guard
        if guard is not None and guard.aborted:
            return run_stopped(Phase.TRANSFER)
        if guard is None or not guard.expired:
            return None
        if self._by_host:
            text, reason = "the host's deadline passed in the middle of a transfer", "host-deadline"
        elif self._waits_s is not None and self._waits_s <= self._idle_s:
            text, reason = f"{UNANSWERED}: nothing within {self._waits_s:g} s", "transfer-deadline"
        else:
            text, reason = f"nothing moved for {self._idle_s:g} s: the transfer was given up", "idle"
        return DeadlineExceeded(text, reason=reason, phase=Phase.TRANSFER)

    def _ended(self) -> HostError:
        """Return the error that says why the stream ended."""
        cut_off = self._cut_off()
        if cut_off is not None:
            return cut_off
        end = time.monotonic() + GOODBYE_S
        while self._process.errors_open and time.monotonic() < end:
            self.said()
            self._process.wait(end - time.monotonic())
        said = self.said()
        if self._process.refused:
            return refused(self._command)
        if self._process.lost() is not None:
            text = "the connection ended in the middle of a transfer"
            return StreamEnded(text, reason="connection-lost", phase=Phase.TRANSFER, transient=True)
        text = f"the program at the other end ended too early{because(said)}"
        return StreamEnded(text, reason="server-ended", phase=Phase.TRANSFER)


@runtime_checkable
class Streaming(Protocol):
    """A connection that can carry files."""

    def open_stream(self, command: str | None = None) -> Stream:
        """Start a program on the host; None starts its SFTP server.

        Raises:
            HostError: The program cannot be started; reason `no-sftp`: the host has no SFTP server.
        """
