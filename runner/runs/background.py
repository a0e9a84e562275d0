"""A generator that runs in a separate thread while its consumer is busy."""

from __future__ import annotations

from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["in_background"]

T = TypeVar("T")

_LOOK_S = 0.25
"""Longest wait, in seconds: Python runs signal handlers only between two waits."""


def in_background(source: Generator[T, None, None]) -> Generator[list[T], None, None]:
    """Yield lists of the items that a generator has yielded since the last list; re-raise its exception.

    A probe measures times, which must not include delays of the disk or the screen. After the consumer has
    closed this generator, the source ends at its next item.
    """
    feed = _Feed(source)
    Thread(target=feed.fill, name="runner-background", daemon=True).start()
    with closing(feed):
        while True:
            *items, last = feed.take()
            if not isinstance(last, _End):
                yield [*items, last]
                continue
            if items:
                yield items
            if last.raised is not None:
                raise last.raised
            return


class _Feed(Generic[T]):
    """A queue of the items that a generator has yielded, and of its end."""

    def __init__(self, source: Generator[T, None, None]) -> None:
        self._source = source
        self._came: SimpleQueue[T | _End] = SimpleQueue()
        self._closed = False

    def fill(self) -> None:
        """Queue the items of the generator until it ends or this is closed."""
        raised: BaseException | None = None
        try:
            with closing(self._source):
                for item in self._source:
                    self._came.put(item)
                    if self._closed:
                        break
        except BaseException as exc:  # passed on to the consumer  # noqa: BLE001
            raised = exc
        self._came.put(_End(raised))

    def take(self) -> list[Any]:
        """Wait for an item; return it with all that have arrived by then."""
        while True:
            with suppress(Empty):
                first = self._came.get(timeout=_LOOK_S)
                return [first, *(self._came.get_nowait() for _ in range(self._came.qsize()))]

    def close(self) -> None:
        """Tell the generator to end at its next item."""
        self._closed = True


class _End:
    """The source has ended; `raised` is the exception that ended it, if one did."""

    def __init__(self, raised: BaseException | None) -> None:
        self.raised = raised
