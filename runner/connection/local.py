"""The `local` connection: commands run on this machine, in its shell, as the user of this program."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from runner.connection.command import PLAIN
from runner.connection.command.execution import QUIET_S, Execution
from runner.connection.command.pipes import PipeProcess
from runner.connection.command.pump import Pump, end
from runner.connection.command.timeouts import CommandTimeout
from runner.environment import of_child
from runner.errors import InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from runner.connection.command import CommandOptions
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.models import CommandResult, Host

__all__ = ["LocalConnection", "connect"]

_LOOK_S = 0.05


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
            DeadlineExceeded: The command and all that it had started were ended, because its time was over.
            OutputLimitExceeded: The command was ended because it printed more than is kept.
            Cancelled: The run was stopped.
            InvalidVariable: The command asks for a terminal, which only SSH connections have.
        """
        if given.terminal is not None:
            text = "there is no terminal on the local connection"
            raise InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT)
        timeout = CommandTimeout(self._options, self._deadline)
        execution = Execution(command, self._options, given, None)
        process = LocalProcess(given.script(command), has_input=execution.has_input)
        self.sent = True  # the shell runs; if it cannot be started, the line above raises
        with (
            closing(execution),
            closing(process),
            self._deadline.guard(None, process.terminate, execution.stop),
        ):
            return execution.collect(process, timeout)

    def close(self) -> None:
        """Do nothing: nothing is open."""


class LocalProcess(PipeProcess):
    """A shell on this machine; see `Process`.

    Args:
        script: The script that it runs.
        has_input: Whether anything is written to it.
    """

    refused = False

    def __init__(self, script: str, *, has_input: bool) -> None:
        super().__init__(Pump())
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", script.encode("utf-8", "surrogateescape")],
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=of_child(),
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self.attach(*(-1 if pipe is None else os.dup(pipe.fileno()) for pipe in pipes))
        for pipe in pipes:
            if pipe is not None:
                pipe.close()

    @property
    def exit_status(self) -> int | None:
        """See `Process`."""
        code = self._process.poll()
        return None if code is None or code < 0 else code

    @property
    def exit_signal(self) -> str | None:
        """See `Process`."""
        code = self._process.poll()
        return None if code is None or code >= 0 else signal.Signals(-code).name.removeprefix("SIG")

    @property
    def finished(self) -> bool:
        """See `Process`."""
        return self._process.poll() is not None

    def wait(self, seconds: float | None) -> None:
        """See `Process`; poll, as pipes do not show the end of a process if they are closed or held open."""
        look = QUIET_S if self.output_open or self.errors_open else _LOOK_S
        super().wait(look if seconds is None else min(look, seconds))

    def silent(self) -> bool:
        """See `Process`."""
        return False

    def lost(self) -> str | None:
        """See `Process`."""
        return None

    def terminate(self) -> None:
        """See `Process`."""
        end(self._process)

    def close(self) -> None:
        """Close the pipes, and end the process if it still runs."""
        super().close()
        if not self.finished:
            self.terminate()
        self._process.wait()
        self._pump.close()
