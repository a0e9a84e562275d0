"""`history`: list, show, export and prune earlier runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from runner.errors import UsageError
from runner.models import Status
from runner.settings.heeded import TASKS
from runner.tasks.arguments import value_of
from runner.tasks.fleet import FleetTask
from runner.text import quantities

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["history"]

_SHOWN = 20


def _list(  # noqa: PLR0913, PLR0917 - one argument per flag
    call: Call,
    host: str | None = None,
    status: str | None = None,
    since: str | None = None,
    until: str | None = None,
    task: str | None = None,
    command: str | None = None,
    limit: str | None = None,
) -> int:
    """List the latest runs, newest first: time, commands, number of hosts, and how they ended."""
    from runner.history import Query  # noqa: PLC0415 - loaded only when a task runs
    from runner.report.history import lines  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415
    from runner.runs.resume import reading  # noqa: PLC0415

    asked = Query(
        host=host,
        status=value_of("--status", _status, status),
        task=task,
        command=command,
        since=value_of("--since", _moment, since),
        until=value_of("--until", _moment, until),
        limit=_SHOWN if limit is None else value_of("--limit", quantities.count, limit),
    )
    with reading(call.settings) as kept:
        runs = kept.runs(asked)
    write(line + "\n" for line in lines(runs))
    return 0


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        raise ValueError(f"expected one of {', '.join(Status)}") from None


def _moment(text: str) -> datetime:
    """Parse an age (`2h`), a date, or a date and time; the latter two in this machine's time zone."""
    try:
        return datetime.now(UTC) - timedelta(seconds=quantities.age(text))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            "expected how long ago (2h, 3d), a date, or a time such as 2026-01-31T12:00"
        ) from None


def _show(call: Call, run: list[str] | None = None, host: str | None = None) -> int:
    """Show the results of a run: its id, the beginning of its id, or `last`."""
    from runner.runs.resume import find, noted, of_hosts  # noqa: PLC0415 - loaded only when a task runs
    from runner.tasks.present import show  # noqa: PLC0415

    record = noted(find(call.settings, (run or ["last"])[0]))
    record = record if host is None else of_hosts(record, host)
    return show(record, call.settings, lambda: _inventory(call))


def _inventory(call: Call) -> Any:
    """Return the present inventory, for the names of groups; None if it cannot be loaded."""
    from runner.errors import RunnerError  # noqa: PLC0415 - as above
    from runner.report.messages import ask  # noqa: PLC0415
    from runner.runs.select import load_inventory  # noqa: PLC0415

    try:
        return load_inventory(call.settings, ask, told=None)
    except RunnerError:
        return None


def _prune(
    call: Call, keep: str | None = None, older_than: str | None = None, max_size: str | None = None
) -> int:
    """Delete the oldest runs; without a flag, those beyond the limits in the settings."""
    from runner.history import Limits  # noqa: PLC0415 - loaded only when a task runs
    from runner.report.output import write  # noqa: PLC0415
    from runner.runs.resume import pruned  # noqa: PLC0415

    asked = Limits(
        value_of("--keep", quantities.count, keep),
        value_of("--older-than", quantities.age, older_than),
        value_of("--max-size", quantities.size, max_size),
    )
    path, done = pruned(call.settings, asked)
    if done is None:
        write([f"0 runs deleted: there is no history at {path}\n"])
        return 0
    runs = f"{done.runs} run{'' if done.runs == 1 else 's'} deleted, {done.kept} kept"
    write([f"{runs}: {done.size / 2**20:.1f} MiB, {done.freed / 2**20:.1f} MiB less than before\n"])
    return 0


def _export(call: Call, run: list[str] | None = None, all: bool = False) -> int:  # noqa: A002 - the flag
    """Write runs as lines of JSON: one for the run, then one for each of its hosts."""
    from runner.history import Query  # noqa: PLC0415 - loaded only when a task runs
    from runner.report.history import exported  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415
    from runner.runs.resume import reading  # noqa: PLC0415

    if all == bool(run):
        raise UsageError("which run? give its id, or --all")
    with reading(call.settings) as kept:
        names = [item.run.id for item in reversed(kept.runs(Query()))] if all else list(run or ())
        write(line + "\n" for name in names for line in exported(kept.find(name)))
    return 0


history = Collection("history")
history.add_task(
    FleetTask(
        _list,
        name="list",
        heeded=TASKS["history.list"],
        within="history",
        default=True,
        help={
            "host": "only runs that included this host (* and ? are wildcards)",
            "status": "only runs in which a host (with --host: that host) ended with this status",
            "since": "only runs that began at this time or later: 2h, 3d, 2026-01-31, 2026-01-31T12:00",
            "until": "only runs that began before this time",
            "task": "only runs of this task",
            "command": "only runs one of whose commands contains this",
            "limit": f"the most runs to list (default: {_SHOWN})",
        },
    )
)
history.add_task(
    FleetTask(
        _show,
        name="show",
        heeded=TASKS["history.show"],
        command="run",
        within="history",
        help={
            "run": "the run: its id, the beginning of its id, or `last`",
            "host": "only this host (* and ? are wildcards)",
        },
    )
)
history.add_task(
    FleetTask(
        _prune,
        name="prune",
        heeded=TASKS["history.prune"],
        within="history",
        help={
            "keep": "the most runs to keep",
            "older_than": "delete runs older than this: 12h, 30d, 2w",
            "max_size": "the most bytes to keep: 500M, 2G",
        },
    )
)
history.add_task(
    FleetTask(
        _export,
        name="export",
        heeded=TASKS["history.export"],
        command="run",
        within="history",
        help={"run": "the run: its id, the beginning of its id, or `last`", "all": "every run, oldest first"},
    )
)
