"""`--failed` and `--resume`: what an earlier run leaves to be done."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.history import History, Limits, default_path, prune
from runner.models import Host, HostResult, Status
from runner.text import quoted
from runner.text.hostlist import fold
from runner.text.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.history import Pruned, Record
    from runner.settings import Settings

__all__ = [
    "KEPT",
    "Intended",
    "Left",
    "commands_to_resume",
    "find",
    "history_path",
    "left_of",
    "limits",
    "noted",
    "of_hosts",
    "pair",
    "pruned",
    "reading",
]

logger = logging.getLogger(__name__)

_DAY_S = 86400.0
KEPT = "already-done"
"""Reason of a host of which a resumed run has the result."""


@dataclass(frozen=True, slots=True)
class Intended:
    """What is about to be done, by which an earlier run is told to be the same or another.

    Attributes:
        task: The task's name.
        commands: The commands, where they are known beforehand.
        arguments: What a host task is called with, as text by name.
        harmless: Whether it may be done again on hosts on which it may have been done, as a ping may.
    """

    task: str
    commands: tuple[str, ...] = ()
    arguments: Mapping[str, str] | None = None
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What an earlier run leaves to be done.

    Attributes:
        hosts: The hosts to do it on.
        decided: Results of hosts that are not touched again.
        resumed: Id of the run that is gone on with.
        ended: How the hosts ended of which that run has the result.
    """

    hosts: tuple[Host, ...]
    decided: tuple[HostResult, ...] = ()
    resumed: str | None = None
    ended: tuple[Status, ...] = ()


def history_path(settings: Settings) -> Path:
    """Return where the history is."""
    return expanded("runner.history", settings.history) if settings.history else default_path()


def limits(settings: Settings) -> Limits:
    """Return how much history is kept without being asked."""
    return Limits(settings.history_runs, settings.history_days * _DAY_S, settings.history_size)


@contextmanager
def reading(settings: Settings) -> Iterator[History]:
    """Have the history open while the context lasts.

    Raises:
        UsageError: It cannot be read.
    """
    path = history_path(settings)
    try:
        with History(path) as history:
            yield history
    except (sqlite3.Error, OSError) as exc:
        raise UsageError(f"{path}: the history cannot be read: {exc}") from exc


def find(settings: Settings, name: str, *, task: str | None = None, outputs: bool = True) -> Record:
    """Return an earlier run; see `History.find`.

    Raises:
        UsageError: There is no such run, or the history cannot be read.
    """
    with reading(settings) as history:
        return history.find(name, task=task, outputs=outputs)


def pair(history: History, name: str, other: str | None) -> tuple[Record, Record]:
    """Return two runs of the history, the earlier one first.

    Args:
        history: The history.
        name: One run.
        other: The other; None is the one before it of the same task and commands.

    Raises:
        UsageError: One is not there, or it is twice the same.
    """
    run = noted(history.find(name))
    if other is None:
        other = history.before(run.run)
        if other is None:
            raise UsageError(
                f"before run {run.run.id}, there was none of the same task and commands; name two that "
                "`history` lists"
            )
    found = noted(history.find(other))
    if found.run.id == run.run.id:
        raise UsageError(f"run {run.run.id} cannot be compared with itself")
    return (found, run) if found.run.started <= run.run.started else (run, found)


def of_hosts(record: Record, pattern: str) -> Record:
    """Return the part of a run that is about some hosts.

    Args:
        record: The run.
        pattern: A host's name; `*` and `?` stand for others (fnmatch).

    Raises:
        UsageError: No host of the run has such a name.
    """
    names = tuple(name for name in record.hosts if fnmatchcase(name, pattern))
    if not names:
        raise UsageError(f"--host: no host of run {record.run.id} is called {pattern!r}")
    chosen = {name: record.results[name] for name in names if name in record.results}
    return replace(record, hosts=names, results=chosen)


def pruned(settings: Settings, asked: Limits) -> tuple[Path, Pruned | None]:
    """Delete the oldest runs; return where the history is, and what was done; None if there is no history.

    Args:
        settings: The settings.
        asked: The limits; if there are none, those that the settings name.

    Raises:
        UsageError: It cannot be read or written.
    """
    path = history_path(settings)
    if not path.exists():
        return path, None
    try:
        if asked == Limits():
            return path, prune(path, limits(settings))
        return path, prune(path, asked, now=datetime.now(UTC))
    except (sqlite3.Error, OSError) as exc:
        raise UsageError(f"{path}: the history cannot be pruned: {exc}") from exc


def commands_to_resume(settings: Settings, task: str, commands: Sequence[str]) -> tuple[str, ...]:
    """Return the commands of the run that is gone on with; the same ones may be given again.

    Raises:
        UsageError: Other ones were given, or there is no such run.
    """
    assert settings.resume is not None  # noqa: S101 - only then is there a run to ask about
    found = find(settings, settings.resume, task=task, outputs=False)
    if commands:
        _check_intended(found, Intended(task, tuple(commands)))
    return found.run.commands


def left_of(settings: Settings, hosts: tuple[Host, ...], intended: Intended) -> Left:
    """Choose among the selected hosts those that an earlier run leaves to be done.

    Raises:
        UsageError: The earlier run is not there, was about other commands or other hosts, or still goes on.
    """
    if settings.failed and settings.resume:
        raise UsageError("--failed and --resume exclude each other")
    if settings.rerun_lost and not (settings.failed or settings.resume):
        raise UsageError("--rerun-lost goes with --resume or --failed, which say of which run")
    if settings.failed:
        found = noted(find(settings, settings.failed, outputs=False))
        return _failed(found, hosts, lost=settings.rerun_lost or intended.harmless)
    if settings.resume:
        found = noted(find(settings, settings.resume, task=intended.task, outputs=False))
        chosen = bool({"group", "limit"} & settings.given)
        left = _resumed(found, hosts, intended, chosen=chosen, lost=settings.rerun_lost)
        if not settings.dry_run:
            _take_over(settings, found, left)
        return left
    return Left(hosts)


def _take_over(settings: Settings, found: Record, left: Left) -> None:
    """Write down that a run is gone on with: what is done on its hosts from here on has to be recorded.

    Raises:
        UsageError: Another process is at work on it, or it cannot be written.
    """
    if settings.no_history and left.hosts:
        raise UsageError("--resume and --no-history exclude each other: the next --resume would do it again")
    with reading(settings) as history:
        if left.hosts:
            history.reopen(found.run)
        else:
            history.claim(found.run)


def noted(record: Record) -> Record:
    """Return a run of the history; warn if its record does not hold everything that was done."""
    if not record.complete:
        logger.warning(
            "run %s: the history could not be written up to its end: hosts of which it has no result are "
            "counted as lost",
            record.run.id,
        )
    return record


def _failed(earlier: Record, hosts: tuple[Host, ...], *, lost: bool) -> Left:
    """Do again what did not end ok, but for what may have been done already."""
    doubtful = set() if lost else set(earlier.in_doubt)
    failed = set(earlier.failed) - doubtful
    return Left(
        tuple(host for host in hosts if host.name in failed),
        tuple(_lost(earlier, host.name) for host in hosts if host.name in doubtful),
    )


def _resumed(
    earlier: Record, hosts: tuple[Host, ...], intended: Intended, *, chosen: bool, lost: bool
) -> Left:
    """Go on with a run over its own hosts; where hosts were chosen again, they have to be the same ones."""
    _check_intended(earlier, intended)
    own = set(earlier.hosts)
    selected = {host.name: host for host in hosts if chosen or host.name in own}
    _check_selection(earlier, selected)
    doubtful = set(earlier.in_doubt)
    missing = set(earlier.missing) | (doubtful if lost else set())
    decided = [
        _lost(earlier, name) if name in doubtful else _kept(name)
        for name in earlier.hosts
        if name not in missing
    ]
    left = tuple(selected[name] for name in earlier.hosts if name in missing)
    ended = tuple(earlier.results[item.host].status for item in decided if item.reason == KEPT)
    return Left(left, tuple(decided), earlier.run.id, ended)


def _check_intended(earlier: Record, intended: Intended) -> None:
    """Refuse to go on with a run by doing something else, and say what differs."""
    run = earlier.run
    if intended.task != run.task:
        raise UsageError(
            f"--resume: run {run.id} was of the task {run.task!r}, not {intended.task!r}; "
            f"go on with it by that one"
        )
    if tuple(intended.commands) != run.commands:
        raise UsageError(
            f"--resume: run {run.id} ran {quoted(run.commands)}, not {quoted(intended.commands)}; "
            "leave --cmd out to go on with it, or --resume to begin anew"
        )
    then, now = earlier.arguments, intended.arguments or {}
    other = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if then and other:
        changes = [f"{name} was {then.get(name)!r} and is now {now.get(name)!r}" for name in other]
        raise UsageError(
            f"--resume: run {run.id} was called with other arguments: {', '.join(changes)}; "
            "give the same to go on with it, or leave --resume out to begin anew"
        )


def _check_selection(earlier: Record, selected: Mapping[str, Host]) -> None:
    own = set(earlier.hosts)
    gone = [name for name in earlier.hosts if name not in selected]
    added = [name for name in selected if name not in own]
    if gone or added:
        changes = [f"no longer there: {fold(gone)}"] * bool(gone) + [f"new: {fold(added)}"] * bool(added)
        raise UsageError(
            f"--resume: the hosts are not those of run {earlier.run.id} ({'; '.join(changes)}); "
            "without -g and -l, it goes on with its own"
        )


def _lost(earlier: Record, name: str) -> HostResult:
    """Return the result of a host on which it may have been done; why it is in doubt stays as it was told."""
    known = earlier.results.get(name)
    if known is not None and (earlier.complete or known.sent):
        return known._replace(status=Status.LOST, sent=True)
    text = "it may have been done here, what came of it is not known: look, then say --rerun-lost"
    return HostResult(name, Status.LOST, reason="in-doubt", error=text, sent=True)


def _kept(name: str) -> HostResult:
    return HostResult(name, Status.SKIPPED, reason=KEPT, error="the run that is gone on with has its result")
