"""What of Python's interpreter is set otherwise while a fleet is made or worked on."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["at_rest", "for_many_threads"]

T = TypeVar("T")

_SELDOM = 10_000  # new objects, which are as many as a dozen connections have
_TURN_S = 0.05


@contextlib.contextmanager
def at_rest(*, keep: bool = False) -> Iterator[None]:
    """Spare the collector a fleet's worth of new objects, none of which is garbage, while the context lasts.

    It would walk through all of them again and again while they are made, which takes a quarter of the time
    that ten thousand hosts take. As it holds for all threads, it is not held while the network is awaited.

    Args:
        keep: Whether what there is at the end stays until the program ends, so that it is not worth a look
            ever again (`gc.freeze`).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if keep:
            gc.freeze()
        if enabled:
            gc.enable()


class _Held(Generic[T]):
    """A setting of the interpreter that is another one while any number of fan-outs are under way.

    Args:
        get: Returns what it is.
        put: Sets it.
        other: Returns what it shall be, by what it is.
    """

    def __init__(self, get: Callable[[], T], put: Callable[[T], object], other: Callable[[T], T]) -> None:
        self._get, self._put, self._other = get, put, other
        self._lock = threading.Lock()
        self._holders = 0
        self._usual: T
        self._ours: T

    def __enter__(self) -> None:
        with self._lock:
            if not self._holders:
                self._usual = self._get()
                self._put(self._other(self._usual))
                self._ours = self._get()
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders and self._get() == self._ours:  # else somebody else has a wish
                self._put(self._usual)


def _seldom(usual: tuple[int, int, int]) -> tuple[int, int, int]:
    """Have the collector look when there are thousands of new objects; never stays never (0)."""
    first, second, third = usual
    return first and max(first, _SELDOM), second, third


_looks = _Held(gc.get_threshold, lambda when: gc.set_threshold(*when), _seldom)
_turns = _Held(sys.getswitchinterval, sys.setswitchinterval, lambda usual: max(usual, _TURN_S))


@contextlib.contextmanager
def for_many_threads() -> Iterator[None]:
    """Set the interpreter for hundreds of threads that each wait for a host most of the time.

    The collector looks for garbage less often: it does when 700 objects are new, by default; a connection has
    hundreds, which are freed without it when it ends. So it would walk through those of all the hosts at work
    again and again, and find nothing.

    Threads ask less often to have their turn: each that waits for one wakes up every 5 ms, by default, to
    ask, which is a good part of the processor where a thousand wait. Whoever has it gives it up at its next
    word to its host anyway.
    """
    with _looks, _turns:
        yield
