"""One command over a shared `ssh`: both streams drained together, every way of ending told apart."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import time
import tty
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.connection.command import Terminal
from runner.connection.feeding import END_OF_INPUT
from runner.connection.openssh.mux import Asked, Mux
from runner.connection.openssh.session import Session
from runner.connection.output import Output
from runner.connection.patience import connection_lost, no_exit_status, no_sign_of_life, stopped
from runner.errors import DeadlineExceeded, HostError, RequestRefused
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.connection.become import Elevation
    from runner.connection.command import CommandOptions
    from runner.connection.openssh.master import Master
    from runner.connection.options import ConnectionOptions
    from runner.connection.patience import Patience

__all__ = ["OpenSshExecution"]

# What a command left running may hold its output open for ever.
_QUIET_S = 1.0
_GOODBYE_S = 0.4
_ANY_SIGNAL = "unknown"

# `ssh` has no way to ask for a signal. The commands of a connection are children of one server process, which
# is this shell's parent, too; each leads a group of its own. An SFTP server is spared: what has not come to
# its place yet is removed over it.
_REAPER = (
    "exec /bin/sh -c 'ps -A -o pid= -o ppid= -o comm= | while read -r pid parent name; do "
    'case "$name" in *sftp-server|sshd*|*/sshd*) continue ;; esac; '
    '[ "$parent" = "$PPID" ] && [ "$pid" != "$$" ] && kill -s TERM -- "-$pid"; done\''
)


class OpenSshExecution:
    """A command that is to be asked for.

    Args:
        master: The connection.
        command: The command.
        options: How much of its output is kept, and how long a channel may take.
        given: What the command is given beside its text.
        elevation: Makes it run as another user; None is the one who logged in.

    Attributes:
        sent: Whether it has been handed to the host.
    """

    def __init__(
        self,
        master: Master,
        command: str,
        options: ConnectionOptions,
        given: CommandOptions,
        elevation: Elevation | None,
    ) -> None:
        self.sent = False
        self._master = master
        self._command = command
        self._options = options
        self._given = given
        self._elevation = elevation
        self._outputs = Output(options, "stdout"), Output(options, "stderr")
        self._on_terminal = given.terminal is not None or (elevation is not None and elevation.needs_terminal)
        self._start = time.monotonic()
        self._stopped = False
        self._session: Session | None = None
        self._reading: list[int] = []
        self._input = -1

    def run(self, patience: Patience) -> CommandResult:
        """Ask for it, and read until it ends.

        Raises:
            HostError: It did not come to an end of its own.
        """
        try:
            self._begin()
            self._open()
            self.sent = True
            return self._collect(patience)
        except HostError as exc:
            self.sent = self.sent or self._master.journal.sending
            if exc.command is None and self.sent:
                exc.command = self._partial()
            raise

    def stop(self) -> None:
        """Make `run` tell the command to end and return; called from another thread."""
        self._stopped = True
        self._master.pump.wake()

    def close(self) -> None:
        """Leave the session, and end the files that output was spilled to."""
        pump = self._master.pump
        if self._session is not None:
            self._session.close()
        for descriptor in (*self._reading, self._input):
            if descriptor >= 0:
                pump.forget(descriptor)
                with suppress(OSError):
                    os.close(descriptor)
        for output in self._outputs:
            output.close()

    def _begin(self) -> None:
        """Hand the ends of the command's pipes to the master, with the request for it."""
        line = self._given.line(self._command)
        line = line if self._elevation is None else self._elevation.wrap(line)
        asked = Asked(line, self._given.terminal_type if self._on_terminal else None)
        self._session = Session(self._master, asked, self._pipes())
        for descriptor, output in zip(self._reading, self._outputs, strict=True):
            self._master.pump.read(descriptor, self._taker(output))

    def _pipes(self) -> tuple[int, int, int]:
        """Make the command's pipes; keep our ends, return the others."""
        if self._on_terminal:
            self._input, stdin = os.openpty()
            terminal = self._given.terminal or Terminal()
            size = struct.pack("HHHH", terminal.rows, terminal.columns, 0, 0)
            fcntl.ioctl(stdin, termios.TIOCSWINSZ, size)
        else:
            stdin, self._input = os.pipe()
        out, stdout = os.pipe()
        err, stderr = os.pipe()
        self._reading = [out, err]
        return stdin, stdout, stderr

    def _taker(self, output: Output) -> Callable[[bytes], None]:
        """Return what takes in a stream; what changes the user speaks on one of the two."""
        elevation = self._elevation
        spoken = output is self._outputs[0 if self._on_terminal else 1]
        if elevation is None or not spoken:
            return output.add
        return lambda chunk: output.add(elevation.own(chunk))

    def _open(self) -> None:
        """Wait until the server has opened a channel, on which the command was sent."""
        session, seconds = self._begun(), self._options.connect_timeout_s
        if not session.opened(seconds, lambda: self._stopped):
            text = f"the server did not open a channel: nothing within {seconds:g} s"
            late = DeadlineExceeded(text, reason="channel-deadline", phase=Phase.CHANNEL)
            raise self._cut_off(stopped() if self._stopped else late)
        if session.said.no_terminal:
            raise self._cut_off(
                RequestRefused("the server refused a terminal", reason="pty-refused", phase=Phase.CHANNEL)
            )
        if self._on_terminal:  # from now on the host's terminal is the one that has modes
            tty.setraw(self._input)
        if self._elevation is None:
            self._give()
        else:  # its question may have come together with the word that the channel is open
            self._elevate()

    def _collect(self, patience: Patience) -> CommandResult:
        pump = self._master.pump
        while not self._ended(patience):
            error = self._limit(patience)
            if isinstance(error, DeadlineExceeded) and self._begun().said.exit_status is not None:
                break
            if error is not None:
                raise self._give_up(error)
            pump.wait(self._nap(patience))
            if pump.heard:
                patience.heard()
                self._elevate()
        return self._outcome()

    def _ended(self, patience: Patience) -> bool:
        session = self._begun()
        if session.over and not any(self._master.pump.reads(descriptor) for descriptor in self._reading):
            return True
        quiet = time.monotonic() - patience.heard_at >= _QUIET_S
        return quiet and (session.over or session.said.exit_status is not None)

    def _nap(self, patience: Patience) -> float | None:
        left = patience.left()
        session = self._begun()
        if session.said.exit_status is None and not session.over:
            return left
        return _QUIET_S if left is None else min(left, _QUIET_S)

    def _limit(self, patience: Patience) -> HostError | None:
        """Return why the command has to be ended now; None where it may go on."""
        if self._stopped:
            return stopped()
        for output in self._outputs:
            if output.full:
                return output.overrun(self._command)
        return patience.over(self._command)

    def _elevate(self) -> None:
        """Answer what the program that changes the user asks."""
        elevation = self._elevation
        if elevation is None or self._input < 0:
            return
        answer = elevation.answer()
        if answer is not None:
            with suppress(OSError):
                os.write(self._input, answer)
        elif elevation.done:
            self._give()
        elif elevation.no_more:
            self._give(b"")

    def _give(self, data: bytes | None = None) -> None:
        """Give the command what it reads, and then the end."""
        data = self._given.stdin if data is None else data
        descriptor, self._input = self._input, -1
        if self._on_terminal:
            self._reading.append(descriptor)  # to be closed in the end: that hangs up
            self._master.pump.write(descriptor, data + END_OF_INPUT, lambda: None)
        else:
            self._master.pump.write(descriptor, data, lambda: os.close(descriptor))

    def _outcome(self) -> CommandResult:
        self._begun().settle()
        result = self._partial()
        if self._elevation is not None and not self._elevation.done and result.exit_code is not None:
            error: HostError = self._elevation.refused()
        elif result.exit_code is not None or result.signal is not None:
            return result
        elif not self._master.alive():
            error = self._lost()
        elif result.stderr_bytes.startswith(b"exec request failed on channel"):  # ssh's own words
            text = "the server refused to run a command"
            error = RequestRefused(text, reason="exec-refused", phase=Phase.COMMAND)
        else:
            error = no_exit_status(self._command)
        error.command = result
        raise error

    def _lost(self) -> HostError:
        if self._master.journal.last("Timeout, server ") is not None:  # what ssh says of ServerAliveInterval
            return no_sign_of_life(self._command, self._options.keepalive_s or 0.0)
        return connection_lost(self._command)

    def _partial(self) -> CommandResult:
        out, err = self._outputs
        said = None if self._session is None else self._session.said.exit_status
        unheard = b"" if self._elevation is None or self._elevation.done else self._elevation.said
        return CommandResult(
            command=self._command,
            exit_code=said,
            stdout_bytes=out.kept(),
            stderr_bytes=unheard or err.kept(),
            duration_s=time.monotonic() - self._start,
            truncated=out.truncated or err.truncated,
            signal=_ANY_SIGNAL if said is None and self._master.journal.signalled else None,
            stdout_file=out.file,
            stderr_file=err.file,
        )

    def _give_up(self, error: HostError) -> HostError:
        """Tell the remote process to end, and return the error with what it had said."""
        error.command = self._partial()
        if self._master.alive():
            with suppress(OSError):
                self._reap()
        return error

    def _reap(self) -> None:
        """End what this connection's commands have started, as far as a moment allows."""
        end = time.monotonic() + _GOODBYE_S
        nothing = os.open(os.devnull, os.O_RDWR)
        reaper = Mux(self._master.socket)
        pump = self._master.pump
        try:
            pump.read(reaper.fileno(), reaper.take)
            reaper.ask(Asked(_REAPER), [nothing] * 3)
            while pump.reads(reaper.fileno()) and time.monotonic() < end:
                pump.wait(end - time.monotonic())
        finally:
            os.close(nothing)
            pump.forget(reaper.fileno())
            reaper.close()

    def _cut_off(self, error: HostError) -> HostError:
        """End the connection, so that nothing is sent any more, and return the error."""
        self._master.kill()
        self._begun().settle()
        return error

    def _begun(self) -> Session:
        assert self._session is not None  # noqa: S101 - `_begin` comes first
        return self._session
