"""`ping`: show which hosts are up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.settings.heeded import TASKS
from runner.tasks.arguments import value_of
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["ping"]


def _ping(
    call: Call,
    count: str | None = None,
    interval: str | None = None,
    watch: bool = False,
    alive: bool = False,
    down: bool = False,
) -> int:
    """Ping hosts, all at once: show which are up, how fast they answer, and why the others are not up."""
    from runner import runs  # noqa: PLC0415 - loaded only when a task runs
    from runner.report.messages import ask, say  # noqa: PLC0415
    from runner.runs.pinging import check  # noqa: PLC0415
    from runner.tasks import pinging  # noqa: PLC0415
    from runner.tasks.settings import say_settings  # noqa: PLC0415
    from runner.text import quantities  # noqa: PLC0415 - loaded only when a task runs

    chosen = [flag for flag, given in (("--alive", alive), ("--down", down), ("--watch", watch)) if given]
    pings = runs.Pings(
        value_of("--count", quantities.times, count),
        value_of("--interval", quantities.seconds, interval) or 1.0,
    )
    check(call.settings, chosen, counted=count is not None, paced=interval is not None)
    say_settings(call.settings)
    rounds = watch and not call.settings.dry_run
    plan = runs.plan(runs.Request("ping", call.settings, pings=pings, recorded=not rounds), ask)
    if not plan.hosts:
        say("nothing to ping: every one of these hosts ended ok")
        return 0
    return pinging.watch(plan) if rounds else pinging.once(plan, alive if alive or down else None)


ping = FleetTask(
    _ping,
    name="ping",
    heeded=TASKS["ping"],
    help={
        "count": "number of pings; shows loss and round-trip times; with --watch: number of rounds",
        "interval": "seconds from one ping of a host to the next (default: 1)",
        "watch": "ping again and again; show which hosts go down and which come back",
        "alive": "print only the names of the hosts that are up",
        "down": "print only the names of the hosts that are not up",
    },
)
