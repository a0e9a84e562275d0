"""Show rounds of `watch`: all output of the first round, then only the changes of each later round."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import UsageError
from runner.history import Record
from runner.models import Status
from runner.reach.rounds import Changes
from runner.report.changes import Change, block, compare
from runner.report.formats.json import encode
from runner.report.ping_watch import duration, rfc3339
from runner.report.terminal import visible_line
from runner.report.words import ending, summary_line
from runner.results.results import Summary, count, host_document, summary_document
from runner.text.hostlist import fold, natural

if TYPE_CHECKING:
    import io
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner.models import HostResult, Run
    from runner.report import Reporter
    from runner.report.terminal import Style
    from runner.text.expressions import Expression
    from runner.text.spill import Kept

__all__ = ["FORMATS", "FoldedRounds", "JsonLinesRounds", "Round", "RoundsView", "Seen", "check_format"]

FORMATS = ("folded", "jsonl")
"""The formats that `watch` supports."""


@dataclass(frozen=True, slots=True)
class Round:
    """The findings of one round.

    Attributes:
        number: Number of the round, from 1.
        when: When the round ended, in UTC.
        changes: Changes since the round before, the one with the most hosts first; empty in the first round.
        lasted_s: For each host whose status changed, how long it had the previous status, in seconds.
    """

    number: int
    when: datetime
    changes: tuple[Change, ...]
    lasted_s: Mapping[str, float]


class Seen:
    """The latest state of all hosts, kept from round to round.

    Args:
        run: The run that the rounds belong to.
        patterns: Expressions for the parts of outputs that are ignored in comparisons.

    Attributes:
        now: Each host's latest result.
        rounds: The number of rounds so far.
    """

    def __init__(self, run: Run, patterns: Sequence[Expression] = ()) -> None:
        self._patterns = patterns
        self._statuses = Changes()
        self._outputs: dict[bytes, bytes | Kept] = {}
        self._record = Record(run, {}, frozenset(), ())
        self.now: dict[str, HostResult] = {}
        self.rounds = 0

    @property
    def run(self) -> Run:
        """The run that the rounds belong to."""
        return self._record.run

    @property
    def since(self) -> Mapping[str, datetime]:
        """The time at which each host got its present status."""
        return self._statuses.since

    def take(self, results: Iterable[HostResult], when: datetime, at_s: float) -> Round:
        """Take the results of a round; a host without a result keeps its state. See `Changes.take`."""
        self.rounds += 1
        before, self._outputs = self._outputs, {}
        for result in results:
            self.now[result.host] = self._shared(result, before)
        last = self._record
        said = {name: _remembered(result, last.results.get(name)) for name, result in self.now.items()}
        self._record = replace(last, results=said, hosts=tuple(said))
        turned = self._statuses.take(self.now, when, at_s)
        lasted = {change.host: change.lasted_s for change in turned if change.lasted_s is not None}
        changes = compare(last, self._record, self._patterns).changed if last.results else ()
        return Round(self.rounds, when, changes, lasted)

    def _shared(self, result: HostResult, before: Mapping[bytes, bytes | Kept]) -> HostResult:
        """Return a result that shares its output objects with other hosts and rounds if they are equal.

        Equal outputs of hundreds of hosts are then in memory once, and comparing them is fast.
        """

        def shared(output: bytes | Kept) -> bytes | Kept:
            data = output if isinstance(output, bytes) else output.read()
            digest = hashlib.blake2b(data, digest_size=16).digest()
            return self._outputs.setdefault(digest, before.get(digest, output))

        commands = []
        for item in result.commands:
            out, err = map(shared, item.outputs)
            commands.append(item.with_outputs(out, err))
        return result._replace(commands=tuple(commands))


def _remembered(result: HostResult, before: HostResult | None) -> HostResult:
    """Return the result; if the host did not answer, with the output of its previous result.

    So a host that goes down does not count as changed output, and when it comes back, its new output is
    compared with the output it had before.
    """
    if _has_answered(result) or before is None:
        return result
    return result._replace(
        commands=tuple(replace(item, exit_code=None, signal=None) for item in before.commands)
    )


def _has_answered(result: HostResult) -> bool:
    """Return whether a host answered; partial output before a lost connection is not an answer."""
    return bool(result.commands) and result.status is not Status.LOST


class RoundsView(Protocol):
    """A format for rounds: yields the text of each round, piece by piece."""

    def first(self, seen: Seen, found: Round) -> Iterator[str]:
        """Show all results of the first round."""

    def later(self, seen: Seen, found: Round) -> Iterator[str]:
        """Show the changes of a later round; nothing if nothing changed."""

    def ended(self, seen: Seen, run: Run) -> Iterator[str]:
        """Show the state of all hosts at the end."""


def check_format(name: str, given: Collection[str]) -> None:
    """Check that `watch` supports a format, and that the format supports the given flags.

    Raises:
        UsageError: `watch` does not support the format, or the format does not support a flag.
    """
    if name not in FORMATS:
        raise UsageError(f"--format {name} does not fit watch; what fits: {', '.join(FORMATS)}")
    for flag in ("diff", "prefix", "raw", "sort"):
        if name != "folded" and flag in given:
            raise UsageError(f"--{flag} does not fit watch --format {name}")


class FoldedRounds:
    """The format for people: the folded view, then folded changes, at the end the hosts that are not ok.

    Args:
        reporter: Shows the first round.
        shown: The stream that the reporter writes to.
        style: The colours.
        only: Show only changes from or to one of these statuses; if empty, show all.
    """

    def __init__(
        self, reporter: Reporter, shown: io.StringIO, style: Style, only: Collection[Status] = ()
    ) -> None:
        self._reporter = reporter
        self._stream = shown
        self._style = style
        self._only = frozenset(only)

    def first(self, seen: Seen, found: Round) -> Iterator[str]:
        """See `RoundsView`."""
        run = replace(seen.run, finished=found.when)
        self._reporter.start(run)
        for result in seen.now.values():
            self._reporter.result(result)
        self._reporter.finish(Summary(run, count(seen.now.values())))
        yield self._stream.getvalue()

    def later(self, seen: Seen, found: Round) -> Iterator[str]:
        """See `RoundsView`."""
        changes = [change for change in found.changes if _wanted(change, self._only)]
        if not changes:
            return
        number = sum(len(change.hosts) for change in changes)
        head = f"{_clock(found.when)}  round {found.number}: {number} of {len(seen.now)} hosts changed"
        yield f"\n{self._style.faint(head)}\n"
        for change in changes:
            for line in block(change, self._style, _after(change, found.lasted_s)):
                yield f"{line}\n"
            yield from _why(change, seen)

    def ended(self, seen: Seen, run: Run) -> Iterator[str]:
        """See `RoundsView`; after a single round, show nothing: its results are already shown."""
        if seen.rounds <= 1:
            return
        alike: dict[tuple[Status, str | None, datetime], list[HostResult]] = {}
        for name, result in seen.now.items():
            if not result.ok:
                alike.setdefault((result.status, result.reason, seen.since[name]), []).append(result)
        yield "\n"
        for (_, reason, since), results in sorted(
            alike.items(), key=lambda item: (-len(item[1]), item[0][2])
        ):
            names = sorted((result.host for result in results), key=natural)
            number = f" ({len(names)})" if len(names) > 1 else ""
            why = f" ({visible_line(reason)})" if reason else ""
            how = ending(results[0]._replace(commands=()), self._style)
            yield f"{self._style.bold(visible_line(fold(names)))}{number}: {how}{why} since {_clock(since)}\n"
        summary = summary_line(Summary(run, count(seen.now.values())), self._style)
        yield f"{summary}, {seen.rounds} rounds\n"


class JsonLinesRounds:
    """The format for scripts: first a JSON line per host, then one per changed host, at the end a summary.

    Args:
        only: Show only changes from or to one of these statuses; if empty, show all.
    """

    def __init__(self, only: Collection[Status] = ()) -> None:
        self._only = frozenset(only)

    def first(self, seen: Seen, found: Round) -> Iterator[str]:
        """See `RoundsView`."""
        for name, result in seen.now.items():
            if not self._only or result.status in self._only:
                yield self._line(seen, found, name, None)

    def later(self, seen: Seen, found: Round) -> Iterator[str]:
        """See `RoundsView`."""
        for change in found.changes:
            if _wanted(change, self._only):
                for name in change.hosts:
                    yield self._line(seen, found, name, change)

    def ended(self, seen: Seen, run: Run) -> Iterator[str]:
        """See `RoundsView`."""
        assert run.finished is not None  # noqa: S101 - the run has ended
        summary = summary_document(count(seen.now.values()))
        yield _encoded({"time": rfc3339(run.finished), "rounds": seen.rounds, "summary": summary})

    def _line(self, seen: Seen, found: Round, name: str, change: Change | None) -> str:
        document = host_document(seen.now[name])
        lasted = found.lasted_s.get(name)
        return _encoded(
            {
                "time": rfc3339(found.when),
                "round": found.number,
                "host": name,
                "from": change.before.status if change is not None and change.before is not None else None,
                "to": document.pop("status"),
                "lasted_s": None if lasted is None else round(lasted, 3),
                **document,
                "diff": [] if change is None else list(change.lines),
            }
        )


def _encoded(document: dict[str, Any]) -> str:
    return encode(document) + "\n"


def _wanted(change: Change, only: frozenset[Status]) -> bool:
    ends = (change.before, change.after)
    return not only or any(result is not None and result.status in only for result in ends)


def _after(change: Change, lasted_s: Mapping[str, float]) -> str:
    """Return how long the hosts had their previous status, as `, after 5s`; empty if no status changed."""
    known = [lasted_s[name] for name in change.hosts if name in lasted_s]
    if not known:
        return ""
    least, most = duration(min(known)), duration(max(known))
    return f", after {least}" if least == most else f", after {least} to {most}"


def _why(change: Change, seen: Seen) -> Iterator[str]:
    """Yield the error of hosts that did not answer, if all have the same and the diff does not show it."""
    errors = {seen.now[name].error for name in change.hosts if not _has_answered(seen.now[name])}
    error = errors.pop() if len(errors) == 1 else None
    if error is not None and not any(visible_line(error) in line for line in change.lines):
        yield f"  {visible_line(error)}\n"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
