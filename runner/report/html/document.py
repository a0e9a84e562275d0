"""Build the data of a run's page: every text once, hosts as short rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from runner.models import Status
from runner.report.changes import compare
from runner.report.formats.json import value_as_text
from runner.report.html.timing import Timing
from runner.report.terminal import visible, visible_line
from runner.results.results import Results
from runner.text.hostlist import fold
from runner.text.translation import decoded

if TYPE_CHECKING:
    from runner.history import Record
    from runner.models import CommandResult, HostResult, Run
    from runner.report.changes import Change

__all__ = ["document"]

_MOST_OF_ONE = 2**20
"""Most characters of one output in a page."""
_MOST_OF_ALL = 48 * 2**20
"""Most characters of all outputs in a page; only the beginning of further outputs is kept."""
_BEGINNING = 2**11
_MOST_NAMES = 4000
"""Most characters of a folded name."""


def document(record: Record, before: Record | None) -> dict[str, Any]:
    """Return the data of a run's page.

    A text is given as its index in `texts`. `page.js` names the columns of a host's row in its first lines.
    """
    texts = _Texts()
    timing = Timing(record.spans)
    results = [record.result(name) for name in record.hosts]
    folds = Results(results, record.run).folded()
    place = {name: number for number, item in enumerate(folds) for name in item.hosts}
    order = {name: number for number, name in enumerate(record.hosts)}
    counts = Counter(result.status for result in results)
    return {
        "run": _run(record.run),
        "summary": [{"status": str(status), "count": counts[status]} for status in Status if counts[status]],
        "hosts": [_host(result, place[result.host], timing, texts) for result in results],
        "folds": [
            {"name": _name(item.hosts), "hosts": [order[name] for name in item.hosts]} for item in folds
        ],
        "changes": _changes(record, before, order, texts),
        "texts": texts.all,
        "cut": texts.cut,
        "length_s": timing.length_s,
        "pauses": timing.pauses,
    }


class _Texts:
    """The texts of a page: each once, made safe to display, and limited in size."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.cut: dict[int, int] = {}
        self._known: dict[str | bytes, int] = {}
        self._room = _MOST_OF_ALL

    def line(self, text: str) -> int:
        """Return the index of a text of one line."""
        return self._number(text, visible_line(text))

    def output(self, data: bytes) -> int | None:
        """Return the index of an output; None if it is empty."""
        if not data:
            return None
        if data not in self._known:
            most = _MOST_OF_ONE if self._room > 0 else _BEGINNING
            # An UTF-8 character takes four bytes at most.
            shown = visible(decoded(data[: most * 4]))[:most]
            number = self._number(data, shown)
            self._room -= len(shown)
            if len(data) > most * 4 or len(shown) == most:
                self.cut[number] = len(data)
        return self._known[data]

    def diff(self, lines: tuple[str, ...]) -> int:
        """Return the index of a diff."""
        text = "\n".join(lines)
        return self._number(text, text[:_MOST_OF_ONE])

    def _number(self, key: str | bytes, shown: str) -> int:
        if key not in self._known:
            self._known[key] = len(self.all)
            self.all.append(shown)
        return self._known[key]


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "task": visible_line(run.task),
        "commands": [visible_line(command) for command in run.commands],
        "pattern": None if run.pattern is None else visible_line(run.pattern),
        "inventory": [visible_line(source) for source in run.inventory],
        "executor": run.executor,
        "workers": run.workers,
        "started": run.started.isoformat(timespec="seconds"),
        "took_s": None if run.duration_s is None else round(run.duration_s, 3),
    }


def _host(result: HostResult, place: int, timing: Timing, texts: _Texts) -> list[Any]:
    where = None if result.address is None else visible_line(f"{result.address}:{result.port}")
    start, end = timing.of(result.host)
    return [
        visible_line(result.host),
        str(result.status),
        place,
        round(result.duration_s, 3),
        start,
        end,
        where,
        None if result.rtt_ms is None else round(result.rtt_ms, 3),
        result.attempts,
        None if result.phase is None else str(result.phase),
        result.reason,
        None if result.error is None else texts.line(result.error),
        int(result.sent),
        None if result.value is None else _value(result.value, texts),
        [_command(command, texts) for command in result.commands],
    ]


def _value(value: object, texts: _Texts) -> int | None:
    return texts.output(value_as_text(value).encode("utf-8", "replace"))


def _command(command: CommandResult, texts: _Texts) -> list[Any]:
    notes = {
        "ended by signal": command.signal,
        "refused": command.refused,
        "more was printed than was kept": "" if command.truncated else None,
    }
    note = "; ".join(f"{text} {value}".strip() for text, value in notes.items() if value is not None)
    return [
        texts.line(command.command),
        command.exit_code,
        round(command.duration_s, 3),
        texts.output(command.stdout_bytes),
        texts.output(command.stderr_bytes),
        visible_line(note),
    ]


def _changes(
    record: Record, before: Record | None, order: dict[str, int], texts: _Texts
) -> dict[str, Any] | None:
    if before is None:
        return None
    return {
        "run": _run(before.run),
        "items": [_change(item, order, texts) for item in compare(before, record).changed],
    }


def _change(change: Change, order: dict[str, int], texts: _Texts) -> dict[str, Any]:
    return {
        "name": _name(change.hosts),
        "hosts": [order[name] for name in change.hosts if name in order],
        "before": change.before_text,
        "after": change.after_text,
        "diff": texts.diff(change.lines) if change.lines else None,
    }


def _name(hosts: tuple[str, ...]) -> str:
    name = visible_line(fold(hosts))
    return name if len(name) <= _MOST_NAMES else name[:_MOST_NAMES] + "…"
