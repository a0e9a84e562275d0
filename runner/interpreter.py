"""Tune Python's garbage collector and thread switching while a large inventory is loaded or run on."""

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

_SELDOM = 10_000  # new objects: about as many as a dozen connections have
_TURN_S = 0.05


@contextlib.contextmanager
def at_rest(*, keep: bool = False) -> Iterator[None]:
    """Disable the garbage collector while the context lasts, to create many objects that are not garbage.

    Otherwise the collector scans all of them repeatedly, a quarter of the time that ten thousand hosts take.
    This affects all threads, so do not wait for the network in this context.

    Args:
        keep: Whether the objects that exist at the end live until the program ends, so that the collector
            need not scan them again (`gc.freeze`).
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
    """An interpreter setting that is changed while at least one fan-out runs.

    Args:
        get: Returns the current value.
        put: Sets the value.
        other: Returns the value for fan-outs, given the usual one.
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
            if not self._holders and self._get() == self._ours:  # else other code has changed it
                self._put(self._usual)


def _seldom(usual: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a threshold of at least 10,000 new objects; 0 (collector disabled) stays 0."""
    first, second, third = usual
    return first and max(first, _SELDOM), second, third


_looks = _Held(gc.get_threshold, lambda when: gc.set_threshold(*when), _seldom)
_turns = _Held(sys.getswitchinterval, sys.setswitchinterval, lambda usual: max(usual, _TURN_S))


@contextlib.contextmanager
def for_many_threads() -> Iterator[None]:
    """Tune the interpreter for hundreds of threads that wait for a host most of the time.

    The garbage collector runs less often. By default it runs after 700 new objects. A connection has
    hundreds, which are freed without the collector when the connection ends; so it would scan the objects of
    all running hosts repeatedly and find nothing.

    Threads request the interpreter lock (GIL) less often. By default each waiting thread wakes up every 5 ms
    to request it, which costs much processor time if a thousand wait. The thread that holds the lock releases
    it anyway when it next reads or writes a socket.
    """
    with _looks, _turns:
        yield
