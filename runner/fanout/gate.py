"""Where hosts wait until they have answered a ping."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from runner.fanout.events import Event, GateEnded, Reached
from runner.reach import probe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from queue import SimpleQueue

    from runner.connection.handover import Handover
    from runner.models import Host
    from runner.reach import ReachOptions, Ways

__all__ = ["Gate"]


class Gate:
    """A thread that pings the hosts of a batch and passes every answer on as it comes.

    Args:
        hosts: The hosts.
        options: How they are pinged.
        ways: Tells the way to each.
        handover: Takes the connections with which hosts were probed, for whoever logs in.
        events: Where answers are put.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        options: ReachOptions,
        ways: Ways,
        handover: Handover,
        events: SimpleQueue[Event],
    ) -> None:
        self._hosts = hosts
        self._probe = partial(probe, hosts, options, ways=ways, handover=handover)
        self._events = events
        self._closed = False
        Thread(target=self._pass_on, name="runner-gate", daemon=True).start()

    def close(self) -> None:
        """Let the thread end at the next answer."""
        self._closed = True

    def _pass_on(self) -> None:
        try:
            with closing(self._probe()) as answers:
                for answer in answers:
                    if self._closed:
                        return
                    self._events.put(Reached(answer))
        except BaseException as exc:  # the thread that consumes the stream has to hear of it  # noqa: BLE001
            self._events.put(GateEnded(self._hosts, exc))
        else:
            self._events.put(GateEnded(self._hosts, None))
