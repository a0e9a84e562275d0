"""Where hosts wait until they have answered a ping."""

from __future__ import annotations

from contextlib import closing
from threading import Thread
from typing import TYPE_CHECKING

from runner.fanout.events import Event, GateEnded, Reached
from runner.reach import probe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from queue import SimpleQueue

    from runner.models import Host
    from runner.reach import ReachOptions

__all__ = ["Gate"]


class Gate:
    """A thread that pings the hosts of a batch and passes every answer on as it comes."""

    def __init__(self, hosts: Sequence[Host], options: ReachOptions, events: SimpleQueue[Event]) -> None:
        self._hosts = hosts
        self._options = options
        self._events = events
        self._closed = False
        Thread(target=self._pass_on, name="runner-gate", daemon=True).start()

    def close(self) -> None:
        """Let the thread end at the next answer."""
        self._closed = True

    def _pass_on(self) -> None:
        try:
            with closing(probe(self._hosts, self._options)) as answers:
                for answer in answers:
                    if self._closed:
                        return
                    self._events.put(Reached(answer))
        except BaseException as exc:  # the thread that consumes the stream has to hear of it  # noqa: BLE001
            self._events.put(GateEnded(self._hosts, exc))
        else:
            self._events.put(GateEnded(self._hosts, None))
