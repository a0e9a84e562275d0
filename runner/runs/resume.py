"""`--failed` and `--resume`: select the hosts that an earlier run left undone."""

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
"""Reason code of a host that already has a result in the resumed run."""


@dataclass(frozen=True, slots=True)
class Intended:
    """The intended work, to compare it with that of an earlier run.

    Attributes:
        task: The task's name.
        commands: The commands, if known beforehand.
        arguments: The arguments of a host task, as text by name.
        harmless: Whether it may be repeated on hosts even if it has already been done there (such as a ping).
    """

    task: str
    commands: tuple[str, ...] = ()
    arguments: Mapping[str, str] | None = None
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """The work that an earlier run left undone.

    Attributes:
        hosts: The hosts to contact.
        decided: Results of hosts that are not contacted again.
        resumed: Id of the run that is resumed.
        ended: Statuses of the hosts that already have a result in that run.
    """

    hosts: tuple[Host, ...]
    decided: tuple[HostResult, ...] = ()
    resumed: str | None = None
    ended: tuple[Status, ...] = ()


def history_path(settings: Settings) -> Path:
    """Return the path of the history database."""
    return expanded("runner.history", settings.history) if settings.history else default_path()


def limits(settings: Settings) -> Limits:
    """Return the configured limits of the history."""
    return Limits(settings.history_runs, settings.history_days * _DAY_S, settings.history_size)


@contextmanager
def reading(settings: Settings) -> Iterator[History]:
    """Open the history while the context lasts.

    Raises:
        UsageError: The history cannot be read.
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
        UsageError: The run does not exist, or the history cannot be read.
    """
    with reading(settings) as history:
        return history.find(name, task=task, outputs=outputs)


def pair(history: History, name: str, other: str | None) -> tuple[Record, Record]:
    """Return two runs of the history, the earlier one first.

    Args:
        history: The history.
        name: One run.
        other: The other; None means the previous run of the same task and commands.

    Raises:
        UsageError: A run does not exist, or both are the same run.
    """
    run = noted(history.find(name))
    if other is None:
        other = history.before(run.run)
        if other is None:
            raise UsageError(
                f"no run before {run.run.id} has the same task and commands; name two runs that "
                "`runner history` lists"
            )
    found = noted(history.find(other))
    if found.run.id == run.run.id:
        raise UsageError(f"run {run.run.id} cannot be compared with itself")
    return (found, run) if found.run.started <= run.run.started else (run, found)


def of_hosts(record: Record, pattern: str) -> Record:
    """Return the part of a run that concerns the matching hosts.

    Args:
        record: The run.
        pattern: A host's name, with the wildcards `*` and `?` (fnmatch).

    Raises:
        UsageError: No host of the run matches.
    """
    names = tuple(name for name in record.hosts if fnmatchcase(name, pattern))
    if not names:
        raise UsageError(f"--host: no host of run {record.run.id} is called {pattern!r}")
    chosen = {name: record.results[name] for name in names if name in record.results}
    return replace(record, hosts=names, results=chosen)


def pruned(settings: Settings, asked: Limits) -> tuple[Path, Pruned | None]:
    """Delete the oldest runs; return the path of the history, and what was deleted (None without a history).

    Args:
        settings: The settings.
        asked: The limits; if empty, those of the settings.

    Raises:
        UsageError: The history cannot be read or written.
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
    """Return the commands of the run to resume; `commands` must be empty or the same.

    Raises:
        UsageError: Other commands were given, or the run does not exist.
    """
    assert settings.resume is not None  # noqa: S101 - called only with --resume
    found = find(settings, settings.resume, task=task, outputs=False)
    if commands:
        _check_intended(found, Intended(task, tuple(commands)))
    return found.run.commands


def left_of(settings: Settings, hosts: tuple[Host, ...], intended: Intended) -> Left:
    """Choose the selected hosts that an earlier run left undone.

    Raises:
        UsageError: The earlier run does not exist, had other commands or hosts, or is still running.
    """
    if settings.failed and settings.resume:
        raise UsageError("--failed and --resume exclude each other")
    if settings.rerun_lost and not (settings.failed or settings.resume):
        raise UsageError("--rerun-lost goes with --resume or --failed, which name the run")
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
    """Reopen the earlier run in the history, to record what is done on its hosts from now on.

    Raises:
        UsageError: Another process is working on that run, or it cannot be recorded (`--no-history`).
    """
    if settings.no_history and left.hosts:
        raise UsageError("--resume and --no-history exclude each other: the next --resume would do it again")
    with reading(settings) as history:
        if left.hosts:
            history.reopen(found.run)
        else:
            history.claim(found.run)


def noted(record: Record) -> Record:
    """Return a run of the history; warn if its record is incomplete."""
    if not record.complete:
        logger.warning(
            "run %s: the history could not be written up to its end: hosts without a result are counted as "
            "lost",
            record.run.id,
        )
    return record


def _failed(earlier: Record, hosts: tuple[Host, ...], *, lost: bool) -> Left:
    """Select the hosts that did not end ok, except those on which the job may have been done already."""
    doubtful = set() if lost else set(earlier.in_doubt)
    failed = set(earlier.failed) - doubtful
    return Left(
        tuple(host for host in hosts if host.name in failed),
        tuple(_lost(earlier, host.name) for host in hosts if host.name in doubtful),
    )


def _resumed(
    earlier: Record, hosts: tuple[Host, ...], intended: Intended, *, chosen: bool, lost: bool
) -> Left:
    """Resume a run on its own hosts; if hosts were selected again, they must be the same."""
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
    """Refuse to resume a run with another task, command or arguments, and say what differs."""
    run = earlier.run
    if intended.task != run.task:
        raise UsageError(
            f"--resume: run {run.id} was of the task {run.task!r}, not {intended.task!r}; "
            f"resume it with that task"
        )
    if tuple(intended.commands) != run.commands:
        raise UsageError(
            f"--resume: run {run.id} ran {quoted(run.commands)}, not {quoted(intended.commands)}; "
            "leave --cmd out to resume it, or --resume to start a new run"
        )
    then, now = earlier.arguments, intended.arguments or {}
    other = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if then and other:
        changes = [f"{name} was {then.get(name)!r} and is now {now.get(name)!r}" for name in other]
        raise UsageError(
            f"--resume: run {run.id} was called with other arguments: {', '.join(changes)}; "
            "give the same to resume it, or leave --resume out to start a new run"
        )


def _check_selection(earlier: Record, selected: Mapping[str, Host]) -> None:
    own = set(earlier.hosts)
    gone = [name for name in earlier.hosts if name not in selected]
    added = [name for name in selected if name not in own]
    if gone or added:
        changes = [f"no longer there: {fold(gone)}"] * bool(gone) + [f"new: {fold(added)}"] * bool(added)
        raise UsageError(
            f"--resume: the hosts are not those of run {earlier.run.id} ({'; '.join(changes)}); "
            "without -g and -l, its own hosts are used"
        )


def _lost(earlier: Record, name: str) -> HostResult:
    """Return the result of a host on which the job may have been done; keep the recorded reason, if any."""
    known = earlier.results.get(name)
    if known is not None and (earlier.complete or known.sent):
        return known._replace(status=Status.LOST, sent=True)
    text = "outcome unknown: check the host, then use --rerun-lost to run it again"
    return HostResult(name, Status.LOST, reason="in-doubt", error=text, sent=True)


def _kept(name: str) -> HostResult:
    return HostResult(name, Status.SKIPPED, reason=KEPT, error="the resumed run already has its result")
