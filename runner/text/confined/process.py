"""The parent's side of a confined child process."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import runner
from runner.text.confined.wire import MOST, Kind, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

    Ask = Callable[[bytes], bytes]

__all__ = ["Confined", "Stopped"]

_LIMIT_S = 0.5
_LEAST_S = 0.05
_SILENT_S = 30.0
"""Seconds to wait for an answer; a fallback for systems that do not enforce the CPU time limit."""

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from runner.text.confined.worker import main; main(sys.argv[2])"
)
_PASSED_ON = ("PYTHON", "LD_", "DYLD_", "LC_", "LANG")
"""Prefixes of environment variables that the interpreter needs; the others may hold secrets."""
_BROKE = "was given up, because the process that evaluated it had ended"


class Stopped(Exception):
    """A request exceeded a limit, or the child process cannot be used; the text is one line."""


class _NoAnswerError(Exception):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Confined:
    """A child process that answers requests, each within limits on memory and CPU time.

    The time limit halves each time it is exceeded, down to a twentieth of a second, so that an inventory full
    of endless requests takes only seconds; a usual request takes less than a millisecond. Several threads may
    send requests; the child serves them one by one. A forked process starts its own child.

    Args:
        target: The `MODULE:FUNCTION` that answers requests in the child.
        limit_s: Seconds of CPU time for one request.
    """

    def __init__(self, target: str, limit_s: float = _LIMIT_S) -> None:
        self._target = target
        self._limit_s = limit_s
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket
        self._reader: BufferedReader
        self._starts = 0
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.close)

    def request(self, payload: bytes, answer: Ask) -> bytes:
        """Send a request to the child and return its reply.

        Args:
            payload: The request.
            answer: Called with each question that the child asks meanwhile; it may make other requests. If it
                raises an error, the request is abandoned and the error is raised here.

        Raises:
            Stopped: The request exceeded a limit and was ended, or the child cannot be started.
        """
        if len(payload) > MOST:
            raise Stopped(f"needs values of more than {MOST} bytes")
        with self._lock:
            self._start()
            start, limit_s = self._starts, self._limit_s
            try:
                return self._served(payload, answer, limit_s)
            except _NoAnswerError as exc:
                raise exc.error from None
            except (OSError, EOFError) as exc:
                self._kill(start)
                raise Stopped(self._too_long(limit_s) if isinstance(exc, TimeoutError) else _BROKE) from exc
            except Stopped:
                raise
            except BaseException:  # such as an interrupt: the child's state is unknown, so restart it
                self._kill(start)
                raise

    def close(self) -> None:
        """End the child."""
        process = self._process
        self._disconnect()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            if process.returncode is None:
                self._process = process
                self._kill(self._starts)

    def _served(self, payload: bytes, answer: Ask, limit_s: float) -> bytes:
        start = self._starts
        send(self._connection, Kind.REQUEST, payload, limit_s)
        while True:
            kind, _, said = receive(self._reader)
            if kind is Kind.REPLY:
                return said
            if kind is not Kind.ASK:
                self._starts += 1  # outer requests that wait for this one have ended with the worker
                raise Stopped(self._why(said.decode("ascii", "replace"), limit_s))
            try:
                answered = answer(said)
            except Exception as exc:
                if self._starts == start:
                    send(self._connection, Kind.ABORT)
                    self._drain()
                raise _NoAnswerError(exc) from exc
            if self._starts != start:
                raise Stopped(_BROKE)
            send(self._connection, Kind.ANSWER, answered)

    def _drain(self) -> None:
        """Read up to the end of an abandoned request."""
        while receive(self._reader)[0] is not Kind.REPLY:
            pass

    def _why(self, said: str, limit_s: float) -> str:
        if said == "time":
            return self._too_long(limit_s)
        if said == "memory":
            return "needed more than 128 MiB of memory, and was ended"
        return f"ended the process that evaluated it ({said})"

    def _too_long(self, limit_s: float) -> str:
        self._limit_s = max(self._limit_s / 2, _LEAST_S)
        return f"took longer than {limit_s:g} s of computing time, and was ended"

    def _start(self) -> None:
        """Start the child, if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        self._disconnect()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _BOOT, json.dumps(_search_path()), self._target],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    env={name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
                )
        except (OSError, ValueError) as exc:
            ours.close()
            raise Stopped(f"needs a process that cannot be started: {exc}") from exc
        ours.settimeout(_SILENT_S)
        self._connection, self._reader = ours, ours.makefile("rb")
        self._starts += 1

    def _kill(self, start: int) -> None:
        """Kill the child and its worker, unless a new child has been started since."""
        process = self._process
        if process is not None and self._starts == start:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._disconnect()
            self._starts += 1

    def _disconnect(self) -> None:
        if self._process is not None:
            self._reader.close()
            self._connection.close()
        self._process = None

    def _after_fork(self) -> None:
        """Detach a forked process from its parent's child."""
        if self._process is not None:
            os.close(self._connection.detach())  # a thread of the parent may hold the reader's lock
            self._process.returncode = 0  # not our own child: we cannot wait for it
        self._lock = threading.RLock()
        self._process = None
        self._starts = 0


def _search_path() -> list[str]:
    """Return the module search path without the current folder, which may be another user's."""
    own = str(Path(runner.__file__).resolve().parent.parent)
    return [*dict.fromkeys([*filter(None, sys.path), own])]
