"""`ping`: which hosts are up?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["ping"]


def _ping(call: Call) -> int:
    """Ping hosts, all at once: who is up, how fast, and why the others are not."""
    from runner import reach, runs  # noqa: PLC0415 - tasks are listed without loading what runs them
    from runner.tasks.earlier import plan, record  # noqa: PLC0415
    from runner.tasks.interruption import Interruption  # noqa: PLC0415
    from runner.tasks.present import prepare, present  # noqa: PLC0415
    from runner.tasks.select import select  # noqa: PLC0415
    from runner.tasks.voice import say  # noqa: PLC0415

    settings = prepare(call.settings)
    inventory, hosts = select(settings)
    if settings.method in ("auto", "icmp") and not settings.quiet and not settings.dry_run:
        hint = reach.icmp_permitted()
        if hint is not None:
            say(f"note: {hint}")
    run = runs.begin("ping", settings, pattern=settings.group, inventory=inventory.sources)
    left = plan(settings, hosts, ())
    recorder = record(run, left.hosts, settings)
    return present(run, left.hosts, runs.ping(left.hosts, settings), settings, Interruption(), recorder)


ping = FleetTask(_ping, name="ping")
