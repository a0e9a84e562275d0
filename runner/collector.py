"""Python's garbage collector, which walks through everything that there is while a fleet is being made."""

from __future__ import annotations

import contextlib
import gc
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["at_rest", "seldom"]

_SELDOM = 10_000  # new objects, which are as many as a dozen connections have


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


class _Pace:
    """How often the collector looks, while any number of fan-outs are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slowed = 0
        self._usual = self._slow = (0, 0, 0)

    def slow(self) -> None:
        with self._lock:
            if not self._slowed:
                self._usual = gc.get_threshold()
                first, second, third = self._usual
                self._slow = (first and max(first, _SELDOM), second, third)  # 0 is never
                gc.set_threshold(*self._slow)
            self._slowed += 1

    def restore(self) -> None:
        with self._lock:
            self._slowed -= 1
            if not self._slowed and gc.get_threshold() == self._slow:  # else somebody else has a wish
                gc.set_threshold(*self._usual)


_pace = _Pace()


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """Have the collector look for garbage less often while hosts are worked on.

    It looks when 700 objects are new, by default; a connection has hundreds, which are freed without it when
    it ends. So it would walk through those of all the hosts at work again and again, and find nothing.
    """
    _pace.slow()
    try:
        yield
    finally:
        _pace.restore()
