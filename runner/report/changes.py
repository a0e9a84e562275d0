"""Changes from one run to a later one; hosts with the same change are shown together."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.report.formats.json import value_as_text
from runner.report.terminal import visible, visible_line
from runner.text.hostlist import fold, natural
from runner.text.ignore_patterns import mask
from runner.text.translation import decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.history import Record
    from runner.models import CommandResult, HostResult
    from runner.report.terminal import Style
    from runner.text.expressions import Expression

__all__ = ["Change", "Comparison", "block", "compare", "shown"]

_CONTEXT = 3
_MOST_LINES = 4000
"""Most lines that are compared: the cost grows with their square, and devices decide the number."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and the hosts that have it.

    Attributes:
        hosts: The names of these hosts.
        before: The earlier result of one of them; None if they were not in the earlier run.
        after: The later result of the same host; None if they were not in the later run.
        lines: The difference of their output, as a unified diff.
    """

    hosts: tuple[str, ...]
    before: HostResult | None
    after: HostResult | None
    lines: tuple[str, ...]

    @property
    def before_text(self) -> str:
        """How the hosts ended in the earlier run."""
        return _ending(self.before)

    @property
    def after_text(self) -> str:
        """How the hosts ended in the later run."""
        return _ending(self.after)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences between an earlier and a later run.

    Attributes:
        same: The hosts without a change.
        changed: The changes, the one with the most hosts first.
    """

    same: tuple[str, ...]
    changed: tuple[Change, ...]


def compare(before: Record, after: Record, patterns: Sequence[Expression] = ()) -> Comparison:
    """Compare two runs: the status and output of each host, not its times.

    Args:
        before: The earlier run.
        after: The later run.
        patterns: Expressions for the parts of outputs that are ignored in the comparison.
    """
    meant = (set(before.hosts), set(after.hosts))
    groups: dict[tuple[object, object], list[str]] = {}
    texts = _Said(patterns)
    for name in dict.fromkeys((*before.hosts, *after.hosts)):
        key = tuple(
            texts.answer(record.result(name)) if name in names else None
            for record, names in zip((before, after), meant, strict=True)
        )
        groups.setdefault((key[0], key[1]), []).append(name)
    same = [name for (old, new), names in groups.items() if old == new for name in names]
    changed = [
        _change(names, before if old is not None else None, after if new is not None else None, texts)
        for (old, new), names in groups.items()
        if old != new
    ]
    return Comparison(tuple(same), tuple(sorted(_merged(changed), key=lambda item: -len(item.hosts))))


def _merged(changes: Iterable[Change]) -> Iterator[Change]:
    """Merge changes that look the same: equal statuses and equal diffs, even if other output differs."""
    alike: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        key = (change.before_text, change.after_text, change.lines)
        alike.setdefault(key, []).append(change)
    for first, *others in alike.values():
        hosts = (*first.hosts, *(host for other in others for host in other.hosts))
        yield replace(first, hosts=tuple(sorted(hosts, key=natural)))


def shown(comparison: Comparison, style: Style) -> Iterator[str]:
    """Yield a comparison as lines for people."""
    for change in comparison.changed:
        yield from block(change, style)
    number = sum(len(change.hosts) for change in comparison.changed)
    hosts = number + len(comparison.same)
    yield f"{hosts} host{'' if hosts == 1 else 's'}: {number} changed, {len(comparison.same)} the same"


def block(change: Change, style: Style, more: str = "") -> Iterator[str]:
    """Yield a change as lines for people: the hosts, how they ended before and now, and the diff.

    Args:
        change: The change.
        style: The colours.
        more: Text to add after how the hosts ended.
    """
    count = f" ({len(change.hosts)})" if len(change.hosts) > 1 else ""
    names = style.bold(visible_line(fold(change.hosts)))
    yield f"{names}{count}: {_from_to(change)}{more}"
    paint = {"+": style.good, "-": style.bad}
    for line in change.lines:
        yield "  " + (paint[line[0]](line) if line[:1] in paint else line)


def _from_to(change: Change) -> str:
    if change.before_text == change.after_text:
        return f"{change.after_text}, says something else"
    return f"{change.before_text} -> {change.after_text}"


def _ending(result: HostResult | None) -> str:
    if result is None:
        return "not in this run"
    codes = [str(item.exit_code) for item in result.commands if item.exit_code not in (0, None)]
    code = f" (exit {', '.join(codes)})" if codes else ""
    reason = f" ({result.reason})" if result.reason and not codes else ""
    return visible_line(f"{result.status}{code}{reason}")


class _Said:
    """Builds the keys by which results are compared; an output that many hosts share is masked once."""

    def __init__(self, patterns: Sequence[Expression]) -> None:
        self._patterns = patterns
        self._known: dict[bytes, bytes] = {}

    def answer(self, result: HostResult) -> tuple[object, ...]:
        said = tuple(
            (
                item.command,
                item.exit_code,
                item.signal,
                self._masked(item.stdout_bytes),
                self._masked(item.stderr_bytes),
            )
            for item in result.commands
        )
        value = None if result.value is None else value_as_text(result.value)
        return result.status, result.reason, said, value

    def lines(self, result: HostResult | None) -> list[str]:
        """Return a host's output as safe lines; if there are several commands, each under its command."""
        if result is None:
            return []
        lines: list[str] = []
        for item in result.commands:
            if len(result.commands) > 1:
                lines.append(f"$ {visible_line(item.command)}")
            lines += self._lines(item)
        if result.value is not None:
            lines += visible(value_as_text(result.value)).split("\n")
        if not lines and result.error is not None:
            lines.append(visible_line(result.error))
        return lines

    def _lines(self, command: CommandResult) -> Iterator[str]:
        for data in (command.stdout_bytes, command.stderr_bytes):
            text = visible(decoded(self._masked(data))).rstrip("\n")
            yield from text.split("\n") if text else ()

    def _masked(self, data: bytes) -> bytes:
        if not self._patterns:
            return data
        if data not in self._known:
            text = mask(decoded(data), self._patterns)
            self._known[data] = text.encode("utf-8", "surrogatepass")
        return self._known[data]


def _change(names: list[str], before: Record | None, after: Record | None, texts: _Said) -> Change:
    old = None if before is None else before.result(names[0])
    new = None if after is None else after.result(names[0])
    lines = () if old is None or new is None else tuple(_unified(texts.lines(old), texts.lines(new)))
    return Change(tuple(names), old, new, lines)


def _unified(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield the lines of a unified diff, without the two heading lines for file names."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    if max(len(old), len(new)) - head - tail > _MOST_LINES:
        yield f"{len(old)} lines, now {len(new)}: too many of them differ to be compared"
        return
    begin, end = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    diff = difflib.unified_diff(
        old[begin : len(old) - end], new[begin : len(new) - end], n=_CONTEXT, lineterm=""
    )
    for number, line in enumerate(diff):
        # Line numbers are left out: they would count within the compared part only.
        if number >= 2:  # noqa: PLR2004 - the two heading lines
            yield "@@" if line.startswith("@@") else line


def _alike(left: list[str], right: list[str]) -> int:
    """Return how many lines from the beginning are equal."""
    return next(
        (number for number, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]),
        min(len(left), len(right)),
    )
