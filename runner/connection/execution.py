"""One command on one open channel: both streams drained together, every way of ending told apart."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner.connection.output import Output
from runner.connection.paramiko_hooks import send_signal, sending_on
from runner.errors import Cancelled, ConnectionLost, DeadlineExceeded, HostError, OutputLimitExceeded
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    import paramiko

    from runner.connection.become import Elevation

__all__ = ["Execution"]

_CHUNK = 2**18

# A command's exit status may come while something it started still holds its output open. Then the output
# ends when it has been quiet for this long.
_QUIET_S = 1.0


class _Wake(threading.Event):
    """Set when either stream has something; Paramiko's `clear` when one of them is empty does not count."""

    def clear(self) -> None:
        """Do nothing: see `rearm`."""

    def rearm(self) -> None:
        """Clear it; whoever does looks at both streams before waiting again."""
        super().clear()


class Execution:
    """A command that has been asked for on a channel.

    Args:
        channel: A session channel on which nothing has been executed yet.
        command: The command.
        limit: Bytes kept of each stream.
        elevation: Makes it run as another user; None is the one who logged in.
    """

    def __init__(
        self, channel: paramiko.Channel, command: str, limit: int, elevation: Elevation | None = None
    ) -> None:
        self._channel: Any = channel
        self._elevation = elevation
        self._command = command
        self._streams = (Output(limit), Output(limit))
        self._wake = _Wake()
        self._start = time.monotonic()
        self._last_output = self._start
        self._stopped = False

    def begin(self) -> None:
        """Ask the host to run the command, with nothing on its standard input."""
        channel = self._channel
        channel.runner_wake = self._wake
        channel.in_buffer.set_event(self._wake)
        channel.in_stderr_buffer.set_event(self._wake)
        with sending_on(channel):
            if self._elevation is None:
                channel.exec_command(self._command)
                channel.shutdown_write()
            else:
                channel.exec_command(self._elevation.wrap(self._command))

    def collect(self, timeout_s: float | None, *, whole_host: bool) -> CommandResult:
        """Read until the command ends.

        Args:
            timeout_s: Seconds until it is told to end; None is no limit.
            whole_host: Whether that limit is the host's rather than the command's, for the message.

        Raises:
            DeadlineExceeded: It had not ended by then.
            OutputLimitExceeded: It printed more than is kept.
            ConnectionLost: The connection ended, or no exit status came.
            Cancelled: `stop` was called.
        """
        end = None if timeout_s is None else self._start + timeout_s
        while not self._ended():
            left = None if end is None else end - time.monotonic()
            self._check_limits()
            if left is not None and left <= 0:
                if self._channel.exit_status_ready():
                    break
                raise self._give_up(self._late(timeout_s, whole_host=whole_host))
            self._wake.wait(self._patience(left))
        return self._outcome()

    def _check_limits(self) -> None:
        if self._stopped:
            raise self._give_up(Cancelled("the run was stopped", reason="stopped", phase=Phase.COMMAND))
        if any(stream.truncated for stream in self._streams):
            raise self._give_up(self._over_limit())

    def stop(self) -> None:
        """Make `collect` tell the command to end and return; called from another thread."""
        self._stopped = True
        self._wake.set()

    def partial(self) -> CommandResult:
        """Return what is known of the command so far."""
        out, err = self._streams
        status = self._channel.exit_status
        return CommandResult(
            command=self._command,
            exit_code=status if status >= 0 else None,
            stdout_bytes=out.kept(),
            stderr_bytes=err.kept() if self._elevation is None else self._elevation.own(err.kept()),
            duration_s=time.monotonic() - self._start,
            truncated=out.truncated or err.truncated,
            signal=getattr(self._channel, "runner_exit_signal", None),
        )

    def _drain(self) -> bool:
        """Take what has arrived on both streams; whether there was anything."""
        channel = self._channel
        out, err = self._streams
        before = out.size + err.size
        while channel.recv_ready() and not out.truncated:
            out.add(channel.recv(_CHUNK))
        while channel.recv_stderr_ready() and not err.truncated:
            err.add(channel.recv_stderr(_CHUNK))
        return out.size + err.size > before

    def _ended(self) -> bool:
        channel = self._channel
        self._wake.rearm()
        # Looked at before draining: what arrives in between would be left behind else.
        closed, ended, status = channel.closed, channel.eof_received, channel.exit_status_ready()
        if self._drain():
            self._last_output = time.monotonic()
        self._elevate()
        if any(stream.truncated for stream in self._streams):
            return False
        if closed or (ended and status):
            return True
        return status and time.monotonic() - max(self._last_output, self._start) >= _QUIET_S

    def _elevate(self) -> None:
        """Answer what the program that changes the user asks."""
        elevation = self._elevation
        if elevation is None or (elevation.done and self._channel.eof_sent):
            return
        heard = self._streams[1].kept()
        answer = elevation.answer(heard)
        with sending_on(self._channel), suppress(OSError):
            if answer is not None:
                self._channel.sendall(answer)
            if elevation.no_more(heard):
                self._channel.shutdown_write()

    def _patience(self, left: float | None) -> float | None:
        """Return how long to wait: to the deadline, or to the end of quiet after an exit status."""
        if self._channel.exit_status_ready():
            return _QUIET_S if left is None else min(_QUIET_S, left)
        return left

    def _outcome(self) -> CommandResult:
        result = self.partial()
        if self._elevation is not None and not self._elevation.done and result.exit_code:
            refused = self._elevation.refused(self._streams[1].kept())
            refused.command = result
            raise refused
        if result.exit_code is not None or result.signal is not None:
            return result
        if self._channel.transport.is_active():
            error = ConnectionLost(
                f"the host closed the channel without an exit status for {self._command!r}",
                reason="no-exit-status",
                phase=Phase.COMMAND,
            )
        else:
            error = ConnectionLost(
                f"the connection ended while {self._command!r} was running",
                reason="connection-lost",
                phase=Phase.COMMAND,
            )
        error.command = result
        raise error

    def _over_limit(self) -> HostError:
        return OutputLimitExceeded(
            f"{self._command!r} printed more than {self._streams[0].limit} bytes and was ended; "
            "see --max-output",
            reason="output-limit",
            phase=Phase.COMMAND,
        )

    def _late(self, timeout_s: float | None, *, whole_host: bool) -> HostError:
        what = "the host's deadline" if whole_host else "its deadline"
        return DeadlineExceeded(
            f"{self._command!r} did not end within {what} of {timeout_s:g} s",
            reason="host-deadline" if whole_host else "command-deadline",
            phase=Phase.COMMAND,
        )

    def _give_up(self, error: HostError) -> HostError:
        """Tell the remote process to end, and return the error with what it had said."""
        error.command = self.partial()
        send_signal(self._channel, "TERM")
        self._channel.close()
        return error
