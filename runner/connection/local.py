"""The `local` connection: commands run on this machine, by its shell, as the user who runs us."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from runner.connection.command import PLAIN
from runner.connection.output import Output
from runner.connection.patience import Patience, stopped
from runner.connection.pump import Pump, end
from runner.errors import HostError, InvalidVariable
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    from runner.connection.command import CommandOptions
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.models import Host

__all__ = ["LocalConnection", "connect"]

# As over SSH: what a command has left running may hold its output open for ever.
_QUIET_S = 1.0


def connect(
    host: Host,  # noqa: ARG001 - the protocol `Connect` names it
    options: ConnectionOptions,
    deadline: Deadline,
) -> LocalConnection:
    """Return this machine as a connection."""
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

    def run(self, command: str, given: CommandOptions = PLAIN) -> CommandResult:
        """Run one command in a shell and wait for its end.

        Raises:
            DeadlineExceeded: It was ended, with all that it had started, because its time was over.
            OutputLimitExceeded: It was ended because it printed more than is kept.
            Cancelled: The run was stopped.
            InvalidVariable: It is to run on a terminal, which it does over SSH only.
        """
        if given.terminal is not None:
            text = "there is no terminal on the local connection"
            raise InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT)
        seconds, whole_host = self._deadline.sooner(self._options.command_timeout_s)
        patience = Patience(seconds, self._options.idle_timeout_s, whole_host=whole_host)
        outputs = Output(self._options, "stdout"), Output(self._options, "stderr")
        self.sent = True
        process = subprocess.Popen(
            ["/bin/sh", "-c", given.line(command)],
            stdin=subprocess.PIPE if given.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with (
            closing(outputs[0]),
            closing(outputs[1]),
            self._deadline.guard(None, lambda: end(process)) as watched,
        ):
            error = _collect(process, command, given.stdin, outputs, patience)
            code = process.wait()
        result = _result(command, code, outputs, patience)
        if watched.aborted:
            error = stopped()
        if error is not None:
            error.command = result
            raise error
        return result

    def close(self) -> None:
        """Do nothing: there is nothing to leave."""


def _collect(
    process: subprocess.Popen[bytes],
    command: str,
    stdin: bytes,
    outputs: tuple[Output, Output],
    patience: Patience,
) -> HostError | None:
    """Serve a command until its output ends; return why it was ended before, where it was."""
    assert process.stdout is not None  # noqa: S101 - pipes were asked for
    assert process.stderr is not None  # noqa: S101
    with process, Pump() as pump:
        pump.read(process.stdout.fileno(), outputs[0].add)
        pump.read(process.stderr.fileno(), outputs[1].add)
        if process.stdin is not None:
            pump.write(process.stdin.fileno(), stdin, process.stdin.close)
        while pump.open:
            left = patience.left()
            if (
                not pump.wait(_QUIET_S if left is None else min(left, _QUIET_S))
                and process.poll() is not None
            ):
                break
            if pump.heard:
                patience.heard()
            error = _cut_off(command, outputs, patience)
            if error is not None:
                end(process)
                return error
        return None


def _cut_off(command: str, outputs: tuple[Output, Output], patience: Patience) -> HostError | None:
    """Return why a command has to be ended now; None where it may go on."""
    for output in outputs:
        if output.full:
            return output.overrun(command)
    return patience.over(command)


def _result(command: str, code: int, outputs: tuple[Output, Output], patience: Patience) -> CommandResult:
    out, err = outputs
    return CommandResult(
        command=command,
        exit_code=code if code >= 0 else None,
        stdout_bytes=out.kept(),
        stderr_bytes=err.kept(),
        duration_s=patience.elapsed(),
        truncated=out.truncated or err.truncated,
        signal=signal.Signals(-code).name.removeprefix("SIG") if code < 0 else None,
        stdout_file=out.file,
        stderr_file=err.file,
    )
