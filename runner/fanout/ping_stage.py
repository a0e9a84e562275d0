"""Ping the hosts of a batch before they are started."""

from __future__ import annotations

from contextlib import closing
from threading import Thread
from typing import TYPE_CHECKING

from runner.fanout.events import Event, PingsEnded, Reached

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from queue import SimpleQueue

    from runner.models import Host, HostResult

__all__ = ["PingStage"]


class PingStage:
    """A thread that pings the hosts of a batch and queues every answer when it arrives.

    Args:
        hosts: The hosts.
        answers: Generator that pings the hosts while it is consumed.
        events: Queue for the answers.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        answers: Generator[HostResult, None, None],
        events: SimpleQueue[Event],
    ) -> None:
        self._hosts = hosts
        self._answers = answers
        self._events = events
        self._closed = False
        Thread(target=self._pass_on, name="runner-pings", daemon=True).start()

    def close(self) -> None:
        """Tell the thread to end the pings at the next answer."""
        self._closed = True

    def _pass_on(self) -> None:
        try:
            with closing(self._answers):
                for answer in self._answers:
                    if self._closed:
                        return
                    self._events.put(Reached(answer))
        except BaseException as exc:  # passed on to the thread that consumes the stream  # noqa: BLE001
            self._events.put(PingsEnded(self._hosts, exc))
        else:
            self._events.put(PingsEnded(self._hosts, None))
