"""Serve several pipes and sockets in one thread."""

from __future__ import annotations

import os
import selectors
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

__all__ = ["Pump", "end"]

_CHUNK = 2**16


class Pump:
    """Reads and writes any number of pipes without blocking on a single one."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._inputs: dict[int, tuple[memoryview, Callable[[], None]]] = {}
        self._alarm = os.pipe()
        os.set_blocking(self._alarm[1], False)
        self._selector.register(self._alarm[0], selectors.EVENT_READ, None)

    def close(self) -> None:
        """Close the pump; no pipe is served any more."""
        self._selector.close()
        for descriptor in self._alarm:
            os.close(descriptor)

    def read(self, descriptor: int, take: Callable[[bytes], None]) -> None:
        """Call `take` with the bytes that come on a pipe."""
        self._selector.register(descriptor, selectors.EVENT_READ, take)

    def forget(self, descriptor: int) -> None:
        """Stop serving a pipe; one that has ended is not served any more anyway."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)
        self._inputs.pop(descriptor, None)

    def reads(self, descriptor: int) -> bool:
        """Return whether more may come on a pipe."""
        try:
            self._selector.get_key(descriptor)
        except (KeyError, ValueError):
            return False
        return True

    def write(self, descriptor: int, data: bytes, done: Callable[[], None]) -> None:
        """Write to a pipe as fast as its reader takes the bytes, then call `done`."""
        os.set_blocking(descriptor, False)
        self._inputs[descriptor] = memoryview(data), done
        self._selector.register(descriptor, selectors.EVENT_WRITE, None)

    def wake(self) -> None:
        """Make `wait` return; called from another thread."""
        with suppress(OSError):
            os.write(self._alarm[1], b"!")

    def wait(self, seconds: float | None) -> bool:
        """Serve the pipes that are ready within so many seconds; return whether any was."""
        ready = self._selector.select(seconds if seconds is None else max(0.0, seconds))
        for key, events in ready:
            if events & selectors.EVENT_WRITE:
                self._give(key.fd)
            elif key.data is None:
                os.read(key.fd, _CHUNK)
            else:
                self._take(key.fd, key.data)
        return bool(ready)

    def _take(self, descriptor: int, take: Callable[[bytes], None]) -> None:
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # the other side is gone
            chunk = b""
        if chunk:
            take(chunk)
        else:
            self._selector.unregister(descriptor)

    def _give(self, descriptor: int) -> None:
        left, done = self._inputs[descriptor]
        try:
            left = left[os.write(descriptor, left) :] if left else left
        except BlockingIOError:
            return
        except OSError:  # a command may close its input early
            left = memoryview(b"")
        self._inputs[descriptor] = left, done
        if not left:
            self._selector.unregister(descriptor)
            del self._inputs[descriptor]
            done()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program that leads its own session, and all processes in its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
