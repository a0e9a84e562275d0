"""The `local` connection: commands run on this machine, by its shell, as the user who runs us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING

from runner.errors import Cancelled, DeadlineExceeded
from runner.models import CommandResult, Phase

if TYPE_CHECKING:
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.models import Host

__all__ = ["LocalConnection", "connect"]


def connect(host: Host, options: ConnectionOptions, deadline: Deadline) -> LocalConnection:  # noqa: ARG001
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

    def run(self, command: str) -> CommandResult:
        """Run one command in a shell and wait for its end.

        Raises:
            DeadlineExceeded: It was ended, with all that it had started, because its time was over.
            Cancelled: The run was stopped.
        """
        seconds, whole_host = self._deadline.sooner(self._options.command_timeout_s)
        self.sent = True
        start = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with (
                subprocess.Popen(
                    ["/bin/sh", "-c", command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                ) as process,
                self._deadline.guard(seconds, lambda: _end(process)) as watched,
            ):
                code = process.wait()
            result = self._result(command, code, (out, err), time.monotonic() - start)
        if watched.aborted:
            raise Cancelled("the run was stopped", reason="stopped", phase=Phase.COMMAND)
        if watched.expired:
            error = DeadlineExceeded(
                f"{command!r} did not end within {seconds:g} s",
                reason="host-deadline" if whole_host else "command-deadline",
                phase=Phase.COMMAND,
            )
            error.command = result
            raise error
        return result

    def close(self) -> None:
        """Do nothing: there is nothing to leave."""

    def _result(
        self, command: str, code: int, streams: tuple[IO[bytes], IO[bytes]], duration_s: float
    ) -> CommandResult:
        limit = self._options.max_output
        texts = []
        for stream in streams:
            stream.seek(0)
            texts.append(stream.read(limit + 1))
        return CommandResult(
            command=command,
            exit_code=code if code >= 0 else None,
            stdout_bytes=texts[0][:limit],
            stderr_bytes=texts[1][:limit],
            duration_s=duration_s,
            truncated=any(len(text) > limit for text in texts),
            signal=signal.Signals(-code).name.removeprefix("SIG") if code < 0 else None,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
