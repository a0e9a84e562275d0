"""`--failed` and `--resume`: what an earlier run leaves to be done."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.history import History, Recorder, default_path
from runner.models import Host, HostResult, Status
from runner.names import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.history import Record
    from runner.models import Run
    from runner.settings import Settings

__all__ = ["Plan", "find", "history_path", "plan", "reading", "record", "same_commands"]


KEPT = "already-done"
"""Reason of a host of which a resumed run has the result."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to do.

    Attributes:
        hosts: The hosts to do it on.
        decided: Results of hosts that are not touched again.
        resumed: Id of the run that is gone on with.
    """

    hosts: tuple[Host, ...]
    decided: tuple[HostResult, ...] = ()
    resumed: str | None = None


def history_path(settings: Settings) -> Path:
    """Return where the history is."""
    return Path(settings.history).expanduser() if settings.history else default_path()


def record(run: Run, hosts: Sequence[Host], settings: Settings) -> Recorder | None:
    """Begin to keep a run in the history, unless it is not to be kept."""
    if settings.no_history or settings.dry_run:
        return None
    resumed = settings.resume is not None
    return Recorder(history_path(settings), run, [host.name for host in hosts], resumed=resumed)


@contextmanager
def reading(settings: Settings) -> Iterator[History]:
    """Have the history open while the context lasts.

    Raises:
        UsageError: It cannot be read.
    """
    path = history_path(settings)
    try:
        with closing(History(path)) as history:
            yield history
    except (sqlite3.Error, OSError) as exc:
        raise UsageError(f"{path}: the history cannot be read: {exc}") from exc


def find(settings: Settings, name: str) -> Record:
    """Return an earlier run.

    Raises:
        UsageError: There is no such run, or the history cannot be read.
    """
    with reading(settings) as history:
        return history.find(name)


def same_commands(record: Record, commands: Sequence[str]) -> tuple[str, ...]:
    """Return the commands of a run that is gone on with; the same ones may be given again.

    Raises:
        UsageError: Other ones were given.
    """
    if commands and tuple(commands) != record.run.commands:
        raise UsageError(
            f"--resume: run {record.run.id} ran {list(record.run.commands)}, not {list(commands)}; "
            "leave --cmd out to go on with it, or --resume to begin anew"
        )
    return record.run.commands


def plan(settings: Settings, hosts: tuple[Host, ...], commands: Sequence[str]) -> Plan:
    """Choose among the selected hosts those that an earlier run leaves to be done.

    Raises:
        UsageError: The earlier run is not there, or was about other commands or other hosts.
    """
    if settings.failed and settings.resume:
        raise UsageError("--failed and --resume exclude each other")
    if settings.failed:
        failed = set(find(settings, settings.failed).failed)
        return Plan(tuple(host for host in hosts if host.name in failed))
    if settings.resume:
        chosen = bool({"group", "limit"} & settings.given)
        return _resumed(find(settings, settings.resume), hosts, commands, chosen=chosen)
    return Plan(hosts)


def _resumed(record: Record, hosts: tuple[Host, ...], commands: Sequence[str], *, chosen: bool) -> Plan:
    """Go on with a run over its own hosts; where hosts were chosen again, they have to be the same ones."""
    same_commands(record, commands)
    selected = {host.name: host for host in hosts if chosen or host.name in record.hosts}
    _check_selection(record, selected)
    missing, doubtful = set(record.missing), set(record.in_doubt)
    decided = [
        _lost(name) if name in doubtful else _kept(name) for name in record.hosts if name not in missing
    ]
    left = tuple(selected[name] for name in record.hosts if name in missing)
    return Plan(left, tuple(decided), record.run.id)


def _check_selection(record: Record, selected: dict[str, Host]) -> None:
    gone = [name for name in record.hosts if name not in selected]
    added = [name for name in selected if name not in record.hosts]
    if gone or added:
        changes = [f"no longer there: {fold(gone)}"] * bool(gone) + [f"new: {fold(added)}"] * bool(added)
        raise UsageError(
            f"--resume: the hosts are not those of run {record.run.id} ({'; '.join(changes)}); "
            "without -g and -l, it goes on with its own"
        )


def _lost(name: str) -> HostResult:
    return HostResult(
        name,
        Status.LOST,
        reason="in-doubt",
        error="an earlier run had handed it to a worker and has no result: look at it, then run it by name",
        sent=True,
    )


def _kept(name: str) -> HostResult:
    return HostResult(name, Status.SKIPPED, reason=KEPT, error="the run that is gone on with has its result")
