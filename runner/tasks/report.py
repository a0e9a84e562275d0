"""`report`: a run of the history as a page."""

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
    """Write a run as one HTML page that needs no network: search, filters, time line, what hosts said."""
    from runner.report.html import page  # noqa: PLC0415 - tasks are listed without it
    from runner.report.messages import say  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415
    from runner.runs.resume import noted, pair, reading  # noqa: PLC0415

    if html is None:
        raise UsageError("--html FILE says where to (- is stdout)")
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
    """Write the page in one stroke, readable by its owner alone: it holds what hosts said.

    What is there and is no plain file, such as a pipe or `/dev/stdout`, is written to and never replaced.

    Raises:
        UsageError: It cannot be written.
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
        "run": "the run: its id, the beginning of it, or `last` (default)",
        "html": "file to write; - is stdout",
        "against": "another run to compare with, or `before`: the last one of the same task and commands",
    },
)
