"""The command loop: serve one process until it ends, for any connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.connection.command.options import Terminal
from runner.connection.command.output import Output
from runner.connection.command.process import END_OF_INPUT
from runner.connection.command.requests import no_exec
from runner.connection.command.timeouts import connection_lost, no_exit_status, no_sign_of_life
from runner.errors import run_stopped
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    from runner.connection.command.become import Elevation
    from runner.connection.command.options import CommandOptions
    from runner.connection.command.process import Process
    from runner.connection.command.timeouts import CommandTimeout
    from runner.connection.options import ConnectionOptions
    from runner.errors import HostError

__all__ = ["QUIET_S", "Execution"]

QUIET_S = 1.0
"""Children of an ended command may hold its output open; the loop ends after so many seconds of silence."""


class Execution:
    """One command, and its state.

    Args:
        command: The command.
        options: How much of its output is kept, and when a silent server is given up.
        given: The command's input, environment, directory and terminal.
        elevation: Makes it run as another user; None runs it as the user who logged in.

    Attributes:
        terminal: The terminal to ask for; None means no terminal.
        has_input: Whether anything is written to the command.
        stopping: Whether `stop` was called.
    """

    def __init__(
        self, command: str, options: ConnectionOptions, given: CommandOptions, elevation: Elevation | None
    ) -> None:
        self.terminal = given.terminal
        if elevation is not None and elevation.needs_terminal:
            self.terminal = self.terminal or Terminal()
        self.has_input = bool(given.stdin) or elevation is not None
        self.stopping = False
        self._command = command
        self._options = options
        self._given = given
        self._elevation = elevation
        self._outputs = Output(options, "stdout"), Output(options, "stderr")
        self._start = time.monotonic()
        self._input_done = False
        self._finished_at: float | None = None
        self._process: Process | None = None

    @property
    def line(self) -> str:
        """The command line for the login shell of the host."""
        if self._elevation is None:
            return self._given.line(self._command)
        return self._elevation.wrap(self._given.script(self._command), terminal=self.terminal is not None)

    def stop(self) -> None:
        """Make `collect` end the process and return; called from another thread."""
        self.stopping = True
        if self._process is not None:
            self._process.wake()

    def close(self) -> None:
        """Close the files that output was spilled to."""
        for output in self._outputs:
            output.close()

    def collect(self, process: Process, timeout: CommandTimeout) -> CommandResult:
        """Serve a process until it ends.

        Args:
            process: The process, which has been requested.
            timeout: Its deadlines.

        Raises:
            DeadlineExceeded: The command did not end in time.
            OutputLimitExceeded: It printed more than is kept.
            ConnectionLost: The connection ended, or no exit status came.
            LoginRefused: It may not run as the other user.
            RequestRefused: The server refused to run it.
            Cancelled: `stop` was called.
        """
        self._process = process
        while not self._ended(process, timeout):
            error = self._limit()
            if error is None and not process.finished:
                error = timeout.over(self._command)
            if error is None and process.silent():
                error = no_sign_of_life(self._command, self._options.keepalive_s or 0.0)
            if error is not None:
                error.command = self.partial()
                process.terminate()
                raise error
            process.wait(self._nap(process, timeout))
        return self._outcome(process)

    def partial(self) -> CommandResult:
        """Return the result of the command so far."""
        out, err = self._outputs
        process = self._process
        unheard = b"" if self._elevation is None or self._elevation.done else self._elevation.said
        result = CommandResult(
            command=self._command,
            exit_code=None if process is None else process.exit_status,
            duration_s=time.monotonic() - self._start,
            truncated=out.truncated or err.truncated,
            signal=None if process is None else process.exit_signal,
            stdout_file=out.file,
            stderr_file=err.file,
        )
        return result.with_outputs(out.kept(), unheard or err.kept())

    def _ended(self, process: Process, timeout: CommandTimeout) -> bool:
        # Check this before reading the output: output that arrives in between would be lost otherwise.
        finished = process.finished
        closed = not process.output_open and not process.errors_open
        if self._drain(process):
            timeout.heard()
        self._feed(process)
        if any(output.full for output in self._outputs):
            return False
        if not finished or closed:
            return finished
        # The last output may come after the exit status.
        now = time.monotonic()
        self._finished_at = self._finished_at or now
        quiet = now - max(self._finished_at, timeout.heard_at) >= QUIET_S
        return quiet or timeout.over(self._command) is not None

    def _drain(self, process: Process) -> bool:
        """Read what has arrived on both streams; return whether there was anything."""
        heard = False
        while not any(output.full for output in self._outputs):
            chunks = process.read()
            if not any(chunks):
                break
            heard = True
            for number, chunk in enumerate(chunks):
                own = chunk if self._elevation is None else self._elevation.own(chunk, number)
                if own:
                    self._outputs[number].add(own)
        return heard

    def _feed(self, process: Process) -> None:
        """Answer the prompt of `sudo`, `su` or `doas`, then write the command's input and close it."""
        if self._input_done:
            return
        elevation, data = self._elevation, self._given.stdin
        if elevation is not None and not elevation.done:
            answer = elevation.answer()
            if answer is not None:
                process.write(answer)
            if not elevation.denied:
                return
            data = b""
        self._input_done = True
        if data:
            process.write(data)
            if self.terminal is not None and not data.endswith(b"\n"):
                process.write(END_OF_INPUT)  # in the middle of a line, the first one only ends the line
        process.close_input()

    def _limit(self) -> HostError | None:
        """Return why the command has to be ended now; None if it may go on."""
        if self.stopping:
            return run_stopped(Phase.COMMAND)
        for output in self._outputs:
            if output.full:
                return output.overrun(self._command)
        return None

    def _nap(self, process: Process, timeout: CommandTimeout) -> float | None:
        """Return how long to wait: until a deadline, or until the output counts as quiet."""
        naps = [timeout.left(), QUIET_S if process.finished else None]
        known = [nap for nap in naps if nap is not None]
        return max(0.0, min(known)) if known else None

    def _outcome(self, process: Process) -> CommandResult:
        lost = process.lost() if process.exit_status is None and process.exit_signal is None else None
        result = self.partial()
        error: HostError
        if self._elevation is not None and not self._elevation.done and result.exit_code is not None:
            error = self._elevation.refused(result.exit_code)
        elif result.exit_code is not None or result.signal is not None:
            return result
        elif process.silent():
            error = no_sign_of_life(self._command, self._options.keepalive_s or 0.0)
        elif lost is not None:
            error = connection_lost(self._command, lost)
        elif process.refused:
            error = no_exec()
        else:
            error = no_exit_status(self._command)
        error.command = result
        raise error
