"""A program that connects to a host: `ProxyCommand` (ssh_config(5)), run as a process that we also end.

Paramiko's own class polls the program's output and leaves the process behind. Here the program talks through
a socket pair, so that a deadline ends it as it ends a TCP connection. When the connection is over, this
module ends the program and waits for it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.connection.transport.dial import PeerSocket
from runner.environment import of_child
from runner.errors import LocalFault, Unreachable
from runner.models import Phase
from runner.text import because

if TYPE_CHECKING:
    from typing import IO

__all__ = ["ProxySocket"]

_GRACE_S = 1.0
_LOOK_S = 0.2
_PAUSE_S = 0.02
_LONGEST_WORDS = 4096


class ProxySocket(PeerSocket):
    """A program with the methods of a socket, as Paramiko needs them.

    Args:
        command: The shell command; it has to speak SSH on its standard input and output.

    Raises:
        LocalFault: The program cannot be started.
    """

    def __init__(self, command: str) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self._closing = threading.Lock()
        self._looked = threading.Event()
        self._failure: Unreachable | None = None
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        try:
            # `exec`, as ssh(1) does, so that no shell stays between us and the program. A separate session,
            # so that the whole process group can be ended, and Ctrl-C reaches only us.
            self._program = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._words,
                env=of_child(),
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            ours.close()
            self._words.close()
            raise LocalFault(
                f"the ProxyCommand cannot be started: {exc}", reason="proxy-failed", phase=Phase.CONNECT
            ) from exc
        finally:
            theirs.close()

    def send(self, data: bytes) -> int:
        """Send as much as fits; return how many bytes that was."""
        sent: int = self._raw.send(data)
        return sent

    def explain(self) -> Unreachable | None:
        """Return the error that says how the program ended; None if it did not end by itself."""
        if not self._closing.locked():
            return self._failed(self._ended(_LOOK_S))
        self._looked.wait(2 * _LOOK_S)
        return self._failure

    def _failed(self, ended: str | None) -> Unreachable | None:
        if ended is None:
            return None
        text = f"the ProxyCommand {ended}{because(self._said())}"
        return Unreachable(text, reason="proxy-failed", phase=Phase.CONNECT)

    def _ended(self, seconds: float) -> str | None:
        """Return how the program ended, if it does within so many seconds; None if it does not.

        The program is not reaped here: until it is, no other process group can get its number.
        """
        end = time.monotonic() + seconds
        while True:
            found = os.waitid(os.P_PID, self._program.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if found is not None:
                how = "ended with exit code" if found.si_code == os.CLD_EXITED else "was ended by signal"
                return f"{how} {found.si_status}"
            if time.monotonic() >= end:
                return None
            time.sleep(_PAUSE_S)

    def _said(self) -> str:
        try:
            size = os.fstat(self._words.fileno()).st_size
            content = os.pread(self._words.fileno(), _LONGEST_WORDS, max(0, size - _LONGEST_WORDS))
        except (OSError, ValueError):
            return ""
        lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
        return " / ".join(lines[-3:])

    def close(self) -> None:
        """Close the connection and end the program in a background thread.

        If the program closed the connection itself, it is about to exit: its exit code then says why.
        """
        if not self._closing.acquire(blocking=False):
            return
        with suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)
        self._raw.close()
        # Not a daemon thread: Python waits for it at exit, so that no program outlives us.
        threading.Thread(target=self._end, name="runner-proxy-end").start()

    def _end(self) -> None:
        self._failure = self._failed(self._ended(_LOOK_S))
        self._looked.set()
        self._signal(signal.SIGTERM)
        self._ended(_GRACE_S)
        self._signal(signal.SIGKILL)  # the program, or what it left behind in its process group
        self._program.wait()
        self._words.close()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._program.pid, number)
