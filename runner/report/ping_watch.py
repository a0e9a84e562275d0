"""`ping --watch`: hosts that are down and since when, redrawn on a terminal; else a line per change."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Protocol

from runner.report.formats.json import encode
from runner.report.terminal import visible_line
from runner.results.results import count, summary_document
from runner.text.hostlist import natural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import TextIO

    from rich.console import RenderableType

    from runner.reach.rounds import Change, Changes

__all__ = ["Watch", "create", "duration", "rfc3339"]

_CHANGES_SHOWN = 8
_LINES_AROUND = 8


class Watch(Protocol):
    """An observer of rounds of pings."""

    def update(self, state: Changes, changes: Sequence[Change], when: datetime, at_s: float) -> None:
        """Show a round; `at_s` is its time in seconds of the monotonic clock."""

    def close(self) -> None:
        """Stop redrawing; the last round stays on the terminal."""


def create(stream: TextIO, *, as_lines: bool = False) -> Watch:
    """Return the watch for a stream: a table on a terminal, JSON lines elsewhere or on request."""
    return TableWatch(stream) if stream.isatty() and not as_lines else LinesWatch(stream)


class LinesWatch:
    """Writes the state after the first round, then one JSON object for each change."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = False

    def update(self, state: Changes, changes: Sequence[Change], when: datetime, at_s: float) -> None:  # noqa: ARG002 - the protocol's shape
        """Write a line for each change."""
        if not self._begun:
            self._begun = True
            self._write({"time": rfc3339(when), "summary": summary_document(count(state.now.values()))})
        for change in changes:
            self._write(
                {
                    "time": rfc3339(change.when),
                    "host": change.host,
                    "from": change.before,
                    "to": change.after.status,
                    "lasted_s": change.lasted_s,
                    "rtt_ms": change.after.rtt_ms,
                    "reason": change.after.reason,
                    "error": change.after.error,
                }
            )

    def close(self) -> None:
        """Do nothing: every line is already written."""

    def _write(self, document: dict[str, Any]) -> None:
        print(encode(document), file=self._stream, flush=True)


class TableWatch:
    """A table of the hosts that are down, and the latest changes, redrawn in place."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and needed on terminals only
        from rich.live import Live  # noqa: PLC0415

        self._console = Console(file=stream)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._latest: deque[Change] = deque(maxlen=_CHANGES_SHOWN)
        self._round = 0
        self._live.start()

    def update(self, state: Changes, changes: Sequence[Change], when: datetime, at_s: float) -> None:
        """Draw a round."""
        self._round += 1
        self._latest.extend(changes)
        self._live.update(self._drawing(state, when, at_s), refresh=True)

    def close(self) -> None:
        """Stop redrawing."""
        self._live.stop()

    def _drawing(self, state: Changes, when: datetime, at_s: float) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        counts = Counter(result.status for result in state.now.values())
        shown = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        head = Text(
            f"{when.astimezone():%H:%M:%S}  round {self._round}  {len(state.now)} hosts: {shown}", "bold"
        )
        return Group(head, self._down(state, at_s), *self._changes())

    def _down(self, state: Changes, at_s: float) -> RenderableType:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        down = sorted((name for name, result in state.now.items() if not result.ok), key=natural)
        room = max(1, self._console.height - _LINES_AROUND - len(self._latest))
        table = Table("down", "since", "for", "why", box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for name in down[:room]:
            since = state.since[name]
            why = visible_line(state.now[name].error or state.now[name].reason or "")
            lasted = duration(max(0.0, at_s - state.since_s[name]))
            table.add_row(
                Text(visible_line(name), "red"), f"{since.astimezone():%H:%M:%S}", lasted, Text(why)
            )
        if len(down) > room:
            table.add_row(f"… and {len(down) - room} more", "", "", "")
        return table if down else Text("every host answers", "green")

    def _changes(self) -> list[RenderableType]:
        from rich.text import Text  # noqa: PLC0415

        return [
            Text(
                f"{change.when.astimezone():%H:%M:%S}  {visible_line(change.host)}  {_words(change)}",
                "green" if change.after.ok else "red",
            )
            for change in reversed(self._latest)
        ]


def _words(change: Change) -> str:
    if not change.after.ok:
        return "is down" if change.before is None else "went down"
    lasted = "" if change.lasted_s is None else f" after {duration(change.lasted_s)}"
    return f"came back{lasted}"


def duration(seconds: float) -> str:
    """Return a duration in short form: `45s`, `3m05s`, `2h10m`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def rfc3339(moment: datetime) -> str:
    """Return a UTC time in the format of RFC 3339, with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
