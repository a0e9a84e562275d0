"""The pipes of a program that we have started: all of them served together, none waited for alone."""

from __future__ import annotations

import os
import selectors
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

__all__ = ["Pump", "end"]

_CHUNK = 2**16


class Pump:
    """Carries bytes between pipes and whoever takes or gives them; used as a context.

    Attributes:
        heard: Whether the last `wait` brought anything on a pipe that counts as output.
    """

    def __init__(self) -> None:
        self.heard = False
        self._selector = selectors.DefaultSelector()
        self._outputs: set[int] = set()
        self._inputs: dict[int, tuple[memoryview, Callable[[], None]]] = {}
        self._alarm = os.pipe()
        os.set_blocking(self._alarm[1], False)
        self._selector.register(self._alarm[0], selectors.EVENT_READ, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Serve nothing any more."""
        self._selector.close()
        for descriptor in self._alarm:
            os.close(descriptor)

    @property
    def open(self) -> bool:
        """Whether there is output to come."""
        return bool(self._outputs)

    def read(self, descriptor: int, take: Callable[[bytes], None], *, output: bool = True) -> None:
        """Hand on what comes on a pipe.

        Args:
            descriptor: The pipe.
            take: Is called with what comes.
            output: Whether the pipe counts for `open` and `heard`.
        """
        self._selector.register(descriptor, selectors.EVENT_READ, take)
        if output:
            self._outputs.add(descriptor)

    def forget(self, descriptor: int) -> None:
        """Serve a pipe no more; one that has ended is forgotten already."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)
        self._outputs.discard(descriptor)
        self._inputs.pop(descriptor, None)

    def reads(self, descriptor: int) -> bool:
        """Whether more may come on a pipe."""
        try:
            self._selector.get_key(descriptor)
        except (KeyError, ValueError):
            return False
        return True

    def write(self, descriptor: int, data: bytes, done: Callable[[], None]) -> None:
        """Write to a pipe as fast as it takes it, then call `done`."""
        os.set_blocking(descriptor, False)
        self._inputs[descriptor] = memoryview(data), done
        self._selector.register(descriptor, selectors.EVENT_WRITE, None)

    def wake(self) -> None:
        """Make `wait` return; called from another thread."""
        with suppress(OSError):
            os.write(self._alarm[1], b"!")

    def wait(self, seconds: float | None) -> bool:
        """Serve what is ready within so many seconds; whether anything was."""
        self.heard = False
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
            self.heard = self.heard or descriptor in self._outputs
            take(chunk)
        else:
            self._selector.unregister(descriptor)
            self._outputs.discard(descriptor)

    def _give(self, descriptor: int) -> None:
        left, done = self._inputs[descriptor]
        try:
            left = left[os.write(descriptor, left) :] if left else left
        except BlockingIOError:
            return
        except OSError:  # a command need not read to its end
            left = memoryview(b"")
        self._inputs[descriptor] = left, done
        if not left:
            self._selector.unregister(descriptor)
            del self._inputs[descriptor]
            done()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program that leads a session of its own, and whatever it has started there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
