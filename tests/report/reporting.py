"""Reports made as a run makes them: each result as it comes, then how all ended."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from runner import report
from runner.models import CommandResult, Host, HostResult, Run, Status
from runner.report import ReportOptions
from runner.report.arranged import Arranged
from runner.results.results import Summary, count

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 1, 2, tzinfo=UTC)
RUN = Run("id", "run", START, ("x",), finished=START + timedelta(seconds=1.25))


def shown(
    name: str,
    results: Sequence[HostResult],
    task: str = "run",
    *,
    only: Sequence[Status] = (),
    sort: str | None = None,
    run: Run | None = None,
    **options: Any,
) -> str:
    """Return what a format shows of results that come in this order; of the inventory, too, unless told."""
    stream = io.StringIO()
    run = run or Run("id", task, START, finished=RUN.finished)
    hosts = options.setdefault("hosts", [Host(result.host) for result in results])
    made = report.create(name, stream, ReportOptions(**options))
    places = {host.name: place for place, host in enumerate(hosts)}
    reporter = Arranged(made, places, frozenset(only), sort)
    reporter.start(run)
    for result in results:
        reporter.result(result)
    reporter.finish(Summary(run, count(results)))
    return stream.getvalue()


def ok(host: str, text: str = "up\n", **fields: Any) -> HostResult:
    """Return the result of a host that said something."""
    commands = (CommandResult("x", 0, text.encode()),)
    return HostResult(host, Status.OK, "10.0.0.1", 22, sent=True, commands=commands, **fields)
