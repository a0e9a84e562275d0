"""`report`: write a run of the history as an HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask
from runner.text import writing
from runner.text.paths import expanded, refuse_foreign

if TYPE_CHECKING:
    from pathlib import Path

    from runner.tasks.fleet import Call

__all__ = ["report"]

_BEFORE = "before"


def _report(
    call: Call, run: list[str] | None = None, html: str | None = None, against: str | None = None
) -> int:
    """Write a run as one HTML page that needs no network: search, filters, time line, output of hosts."""
    from runner.report.html import page  # noqa: PLC0415 - loaded only when a task runs
    from runner.report.messages import say  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415
    from runner.runs.resume import noted, pair, reading  # noqa: PLC0415

    if html is None:
        raise UsageError("no output file: give --html FILE (- is stdout)")
    name = (run or ["last"])[0]
    with reading(call.settings) as history:
        if against is None:
            text = page(noted(history.find(name)))
        else:
            before, record = pair(history, name, None if against == _BEFORE else against)
            text = page(record, before)
    if html == "-":
        write([text])
        return 0
    path = _written(html, text)
    if not call.settings.quiet:
        say(f"{path}: {len(text) / 2**20:.1f} MiB")
    return 0


def _written(name: str, text: str) -> Path:
    """Write the page atomically and readable only by its owner, because it contains the output of hosts.

    If the path exists and is not a regular file (a pipe, `/dev/stdout`), write to it instead of replacing it.

    Raises:
        UsageError: The file cannot be written.
    """
    path = expanded("--html", name)
    data = text.encode("utf-8", "replace")
    try:
        refuse_foreign(path)
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder; name a file in it")
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            writing.replace(path.resolve(), data)
    except (OSError, ValueError) as exc:
        raise UsageError(f"--html {name!r}: {getattr(exc, 'strerror', None) or exc}") from exc
    return path


report = FleetTask(
    _report,
    name="report",
    heeded=TASKS["report"],
    command="run",
    help={
        "run": "the run: its id, the beginning of its id, or `last` (default)",
        "html": "file to write; - is stdout",
        "against": "another run to compare with, or `before`: the last one of the same task and commands",
    },
)
