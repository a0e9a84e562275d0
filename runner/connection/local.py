"""The `local` connection: commands run on this machine, by its shell, as the user who runs us."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from runner.connection.access import become_of
from runner.connection.output import Output
from runner.errors import Cancelled, DeadlineExceeded, HostError, InvalidVariable, OutputLimitExceeded
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    from runner.connection.deadline import Deadline, Guard
    from runner.connection.options import ConnectionOptions
    from runner.models import Host

__all__ = ["LocalConnection", "connect"]

_CHUNK = 2**16

# As over SSH: what a command has left running may hold its output open for ever.
_QUIET_S = 1.0


def connect(host: Host, options: ConnectionOptions, deadline: Deadline) -> LocalConnection:
    """Return this machine as a connection.

    Raises:
        InvalidVariable: Commands are to run as another user, which they do over SSH only.
    """
    if become_of(host, options) is not None:
        raise InvalidVariable(
            "become is not supported on the local connection: run as that user",
            reason="bad-variable",
            phase=Phase.CONNECT,
        )
    return LocalConnection(options, deadline)


class LocalConnection:
    """This machine.

    Attributes:
        sent: Whether a command has been started.
    """

    def __init__(self, options: ConnectionOptions, deadline: Deadline) -> None:
        self.sent = False
        self._options = options
        self._deadline = deadline

    def run(self, command: str) -> CommandResult:
        """Run one command in a shell and wait for its end.

        Raises:
            DeadlineExceeded: It was ended, with all that it had started, because its time was over.
            OutputLimitExceeded: It was ended because it printed more than is kept.
            Cancelled: The run was stopped.
        """
        seconds, whole_host = self._deadline.sooner(self._options.command_timeout_s)
        self.sent = True
        start = time.monotonic()
        outputs = Output(self._options.max_output), Output(self._options.max_output)
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with self._deadline.guard(seconds, lambda: _end(process)) as watched:
            _collect(process, outputs)
        code = process.wait()
        result = CommandResult(
            command=command,
            exit_code=code if code >= 0 else None,
            stdout_bytes=outputs[0].kept(),
            stderr_bytes=outputs[1].kept(),
            duration_s=time.monotonic() - start,
            truncated=any(output.truncated for output in outputs),
            signal=signal.Signals(-code).name.removeprefix("SIG") if code < 0 else None,
        )
        error = self._cut_off(result, watched, seconds, whole_host=whole_host)
        if error is not None:
            error.command = result
            raise error
        return result

    def close(self) -> None:
        """Do nothing: there is nothing to leave."""

    def _cut_off(
        self, result: CommandResult, watched: Guard, seconds: float | None, *, whole_host: bool
    ) -> HostError | None:
        """Return why a command did not come to its own end; None where it did."""
        if watched.aborted:
            return Cancelled("the run was stopped", reason="stopped", phase=Phase.COMMAND)
        if watched.expired:
            return DeadlineExceeded(
                f"{result.command!r} did not end within {seconds:g} s",
                reason="host-deadline" if whole_host else "command-deadline",
                phase=Phase.COMMAND,
            )
        if result.truncated:
            return OutputLimitExceeded(
                f"{result.command!r} printed more than {self._options.max_output} bytes and was ended; "
                "see --max-output",
                reason="output-limit",
                phase=Phase.COMMAND,
            )
        return None


def _collect(process: subprocess.Popen[bytes], outputs: tuple[Output, Output]) -> None:
    """Read both streams until they end, are quiet after the command's end, or are over their limit."""
    assert process.stdout is not None  # noqa: S101 - pipes were asked for
    assert process.stderr is not None  # noqa: S101
    with process.stdout, process.stderr, selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, outputs[0])
        selector.register(process.stderr, selectors.EVENT_READ, outputs[1])
        while selector.get_map():
            ready = selector.select(_QUIET_S)
            if not ready and process.poll() is not None:
                return
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                key.data.add(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if any(output.truncated for output in outputs):
                _end(process)
                return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
