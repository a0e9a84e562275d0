"""One command on one open channel: both streams drained together, every way of ending told apart."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import paramiko

from runner.connection.command import PLAIN, Terminal
from runner.connection.feeding import Feeding
from runner.connection.handshake import what_broke
from runner.connection.output import Output
from runner.connection.paramiko_hooks import close_channel, send_signal, sending_on
from runner.connection.patience import connection_lost, no_exit_status, stopped
from runner.connection.pulse import Pulse
from runner.errors import RequestRefused
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    from runner.connection.become import Elevation
    from runner.connection.command import CommandOptions
    from runner.connection.options import ConnectionOptions
    from runner.connection.patience import Patience
    from runner.errors import HostError

__all__ = ["Execution"]

_CHUNK = 2**18

# A command's exit status may come while something it started still holds its output open. Then the output
# ends when it has been quiet for this long.
_QUIET_S = 1.0

# Who reads does not hear that the run is stopped; that is looked for so often until a thread reads.
_GLANCE_S = 0.1


class _Wake(threading.Event):
    """Set when either stream has something; Paramiko's `clear` when one of them is empty does not count."""

    def clear(self) -> None:
        """Do nothing: see `rearm`."""

    def rearm(self) -> None:
        """Clear it; whoever does looks at both streams before waiting again."""
        super().clear()


class Execution:
    """A command that is to be asked for on a channel.

    Args:
        channel: A session channel on which nothing has been executed yet.
        command: The command.
        options: How much of its output is kept, and when a silent server is given up.
        given: What the command is given beside its text.
        elevation: Makes it run as another user; None is the one who logged in.

    Attributes:
        on_terminal: Whether it runs on a terminal.
        attended: Whether `prepare` has to come before `begin`.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        command: str,
        options: ConnectionOptions,
        given: CommandOptions = PLAIN,
        elevation: Elevation | None = None,
    ) -> None:
        self._channel: Any = channel
        self._elevation = elevation
        self._command = command
        self._given = given
        self._streams = (Output(options, "stdout"), Output(options, "stderr"))
        self._wake = _Wake()
        self._start = time.monotonic()
        self._stopped = False
        self.on_terminal = given.terminal is not None or (elevation is not None and elevation.needs_terminal)
        self.attended = bool(given.stdin) or self.on_terminal or elevation is not None
        self._feeding = Feeding(channel, given.stdin, elevation, terminal=self.on_terminal)
        self._pulse = Pulse(channel, options.keepalive_s)

    def prepare(self) -> None:
        """Have a thread read, as who waits for the host to take something cannot; ask for a terminal.

        Raises:
            NoThread: There is none to be had.
            RequestRefused: The host gives no terminal.
        """
        self._channel.transport.attend()
        if self.on_terminal:
            self._ask_for_terminal()

    def _ask_for_terminal(self) -> None:
        terminal = self._given.terminal or Terminal()
        try:
            with sending_on(self._channel):
                self._channel.get_pty(self._given.terminal_type, terminal.columns, terminal.rows)
        except paramiko.SSHException as exc:
            if not self._channel.transport.is_active():
                raise
            text = "the server refused a terminal"
            raise RequestRefused(text, reason="pty-refused", phase=Phase.CHANNEL) from exc

    def begin(self) -> None:
        """Ask the host to run the command."""
        channel = self._channel
        channel.runner_wake = self._wake
        channel.in_buffer.set_event(self._wake)
        channel.in_stderr_buffer.set_event(self._wake)
        line = self._given.line(self._command)
        with sending_on(channel):
            channel.exec_command(line if self._elevation is None else self._elevation.wrap(line))
        if self._elevation is None and not self._given.stdin:
            self._feeding.go_on()

    def collect(self, patience: Patience) -> CommandResult:
        """Read until the command ends.

        Args:
            patience: When it is told to end.

        Raises:
            DeadlineExceeded: It had not ended by then.
            OutputLimitExceeded: It printed more than is kept.
            ConnectionLost: The connection ended, or no exit status came.
            Cancelled: `stop` was called.
        """
        while not self._ended(patience):
            self._check_limits()
            late = patience.over(self._command)
            if late is not None:
                if self._channel.exit_status_ready():
                    break
                raise self._give_up(late)
            if self._pulse.gone():
                raise self._give_up(self._pulse.error(self._command))
            self._wait(self._nap(patience))
        return self._outcome()

    def _wait(self, seconds: float | None) -> None:
        """Wait for the host: by reading what it sends, or, once a thread does that, for the thread."""
        if not self._channel.transport.serve(_GLANCE_S if seconds is None else min(_GLANCE_S, seconds)):
            self._wake.wait(seconds)

    def _check_limits(self) -> None:
        if self._stopped:
            raise self._give_up(stopped())
        for stream in self._streams:
            if stream.full:
                raise self._give_up(stream.overrun(self._command))

    def stop(self) -> None:
        """Make `collect` tell the command to end and return; called from another thread."""
        self._stopped = True
        self._wake.set()

    def close(self) -> None:
        """End the files that output was spilled to."""
        for stream in self._streams:
            stream.close()

    def partial(self) -> CommandResult:
        """Return what is known of the command so far."""
        out, err = self._streams
        status = self._channel.exit_status
        unheard = b"" if self._elevation is None or self._elevation.done else self._elevation.said
        return CommandResult(
            command=self._command,
            exit_code=status if status >= 0 else None,
            stdout_bytes=out.kept(),
            stderr_bytes=unheard or err.kept(),
            duration_s=time.monotonic() - self._start,
            truncated=out.truncated or err.truncated,
            signal=getattr(self._channel, "runner_exit_signal", None),
            stdout_file=out.file,
            stderr_file=err.file,
        )

    def _drain(self) -> bool:
        """Take what has arrived on both streams; whether there was anything."""
        channel = self._channel
        out, err = self._streams
        heard = False
        while channel.recv_ready() and not out.full:
            self._take(out, channel.recv(_CHUNK), spoken=self.on_terminal)
            heard = True
        while channel.recv_stderr_ready() and not err.full:
            self._take(err, channel.recv_stderr(_CHUNK), spoken=not self.on_terminal)
            heard = True
        return heard

    def _take(self, stream: Output, chunk: bytes, *, spoken: bool) -> None:
        """Take in a part of a stream; what changes the user speaks on one of the two."""
        if spoken and self._elevation is not None:
            chunk = self._elevation.own(chunk)
        stream.add(chunk)

    def _ended(self, patience: Patience) -> bool:
        channel = self._channel
        self._wake.rearm()
        # Looked at before draining: what arrives in between would be left behind else.
        closed, ended, status = channel.closed, channel.eof_received, channel.exit_status_ready()
        if self._drain():
            patience.heard()
        self._feeding.go_on()
        if any(stream.full for stream in self._streams):
            return False
        if closed or (ended and status):
            return True
        return status and time.monotonic() - patience.heard_at >= _QUIET_S

    def _nap(self, patience: Patience) -> float | None:
        """Return how long to wait: to a deadline, the next sign of life, or the end of quiet."""
        if self._feeding.ready:
            return 0.0
        quiet = _QUIET_S if self._channel.exit_status_ready() else None
        naps = [nap for nap in (patience.left(), self._pulse.left(), quiet) if nap is not None]
        return max(0.0, min(naps)) if naps else None

    def _outcome(self) -> CommandResult:
        result = self.partial()
        if self._elevation is not None and not self._elevation.done and result.exit_code is not None:
            refused = self._elevation.refused()
            refused.command = result
            raise refused
        if result.exit_code is not None or result.signal is not None:
            return result
        transport = self._channel.transport
        if transport.is_active():
            error = no_exit_status(self._command)
        else:
            error = connection_lost(self._command, what_broke(transport.get_exception()))
        error.command = result
        raise error

    def _give_up(self, error: HostError) -> HostError:
        """Tell the remote process to end, and return the error with what it had said."""
        error.command = self.partial()
        send_signal(self._channel, "TERM")
        close_channel(self._channel)
        return error
