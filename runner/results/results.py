"""The results of a run: host -> `HostResult`, folded, summed up, and turned into an exit code."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from runner.models import CommandResult, Host, HostResult, Run, Status
from runner.results.folding import Fold, Folding
from runner.results.query import Query, Selection
from runner.text.translation import is_text

__all__ = [
    "SCHEMA",
    "Results",
    "Summary",
    "count",
    "host_document",
    "run_document",
    "summary_document",
]

_INTERRUPTED = 130
SCHEMA = 1
"""The version of the document's format."""

_NOT_SEEN = {Status.UNREACHABLE, Status.ERROR, Status.CANCELLED, Status.SKIPPED}


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended.

    Attributes:
        run: The run.
        counts: How many hosts ended with each status.
        results: Every result, in the order in which to show them; can be read only once. Empty for a reporter
            that received them one by one.
    """

    run: Run
    counts: Mapping[Status, int]
    results: Iterable[HostResult] = ()

    @property
    def hosts(self) -> int:
        """The number of hosts."""
        return sum(self.counts.values())

    @property
    def exit_code(self) -> int:
        """0 if all hosts are ok or skipped; 4 if any is unreachable, 2 if any failed, 6 for both."""
        ended = {status for status, count in self.counts.items() if count} - {Status.OK, Status.SKIPPED}
        unreachable = 4 if Status.UNREACHABLE in ended else 0
        return unreachable + (2 if ended - {Status.UNREACHABLE} else 0)


class Results(Mapping[str, HostResult]):
    """One result for each host of a run, by host name.

    Args:
        results: The results.
        run: The run.
        hosts: The hosts themselves, if available: `reachable` returns them. A pickle keeps only their names
            and groups.
        interrupted: Whether Ctrl-C ended the run.
    """

    def __init__(
        self,
        results: Iterable[HostResult],
        run: Run,
        hosts: Iterable[Host] = (),
        *,
        interrupted: bool = False,
    ) -> None:
        self.run = run
        self.interrupted = interrupted
        self._hosts = {host.name: host for host in hosts}
        found = {result.host: result for result in results}
        order = [name for name in self._hosts if name in found] or list(found)
        self._results = {name: found[name] for name in order}

    def __reduce__(self) -> tuple[object, ...]:
        # Leave out the variables: they hold credentials, and people store pickled results.
        bare = tuple(Host(name, groups=host.groups) for name, host in self._hosts.items())
        return partial(Results, interrupted=self.interrupted), (tuple(self._results.values()), self.run, bare)

    def __getitem__(self, host: str) -> HostResult:
        return self._results[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        return f"<Results of {self.run.task}: {counts or 'no hosts'}>"

    @property
    def counts(self) -> dict[Status, int]:
        """How many hosts ended with each status."""
        return count(self._results.values())

    @property
    def ok(self) -> bool:
        """Whether every host ended `ok`."""
        return all(result.ok for result in self._results.values())

    @property
    def failed(self) -> tuple[HostResult, ...]:
        """Every result that is not `ok`, for any reason."""
        return tuple(result for result in self._results.values() if not result.ok)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of all hosts, as `parse=` makes them, each with its `host` first."""
        chosen = Selection(Query())
        return [row for name, result in self.items() for row in chosen.rows(name, result.rows)]

    @property
    def reachable(self) -> tuple[Host, ...]:
        """The hosts that answered, ready to pass to `run` or `stream`."""
        return tuple(
            self._hosts.get(name, Host(name))
            for name, result in self._results.items()
            if result.status not in _NOT_SEEN
        )

    @property
    def exit_code(self) -> int:
        """The exit code of `Summary`, or 130 after Ctrl-C.

        0 if all hosts are ok or skipped; 4 if any is unreachable, 2 if any failed, 6 for both.
        """
        return _INTERRUPTED if self.interrupted else Summary(self.run, self.counts).exit_code

    def folded(self) -> tuple[Fold, ...]:
        """Return the hosts grouped by answer: `ok` answers before others, and the rarest of each last."""
        folding = Folding()
        for result in self._results.values():
            folding.add(result)
        return tuple(folding.folds())

    def to_dict(self) -> dict[str, Any]:
        """Return the document of `--format json`."""
        return {
            "schema": SCHEMA,
            "run": run_document(self.run),
            "summary": summary_document(self.counts),
            "hosts": {name: host_document(result) for name, result in self._results.items()},
        }


def count(results: Iterable[HostResult]) -> dict[Status, int]:
    """Return the number of results of each status, including statuses without results."""
    found = Counter(result.status for result in results)
    return {status: found[status] for status in Status}


def summary_document(counts: Mapping[Status, int]) -> dict[str, int]:
    """Return how many hosts there are, and how many of each status."""
    return {
        "hosts": sum(counts.values()),
        **{str(status): counts.get(status, 0) for status in Status},
    }


def host_document(result: HostResult) -> dict[str, Any]:
    """Return one host's part of the document."""
    document = {
        "status": str(result.status),
        "address": result.address,
        "port": result.port,
        "rtt_ms": None if result.rtt_ms is None else round(result.rtt_ms, 3),
        "method": result.method,
        "attempts": result.attempts,
        "duration_s": round(result.duration_s, 6),
        "phase": None if result.phase is None else str(result.phase),
        "reason": result.reason,
        "error": result.error,
        "sent": result.sent,
        "commands": [_command_document(item) for item in result.commands],
    }
    if result.login is not None:
        document["login"] = result.login
    if result.rtts_ms:
        document |= _rtt_document(result.rtts_ms)
    if result.value is not None:
        document["value"] = result.value
    return document


def _rtt_document(rtts_ms: tuple[float | None, ...]) -> dict[str, Any]:
    answered = [rtt for rtt in rtts_ms if rtt is not None]
    return {
        "rtts_ms": [None if rtt is None else round(rtt, 3) for rtt in rtts_ms],
        "rtt_min_ms": round(min(answered), 3) if answered else None,
        "rtt_max_ms": round(max(answered), 3) if answered else None,
        "loss_percent": round(100 * (1 - len(answered) / len(rtts_ms)), 1),
    }


def _command_document(command: CommandResult) -> dict[str, Any]:
    document = {
        "command": command.command,
        "exit_code": command.exit_code,
        "stdout": command.stdout,
        "stderr": command.stderr,
        "duration_s": round(command.duration_s, 6),
        "truncated": command.truncated,
    }
    for name, data in (("stdout", command.stdout_bytes), ("stderr", command.stderr_bytes)):
        if not is_text(data):
            document[f"{name}_base64"] = base64.b64encode(data).decode()
    files = {"stdout_file": command.stdout_file, "stderr_file": command.stderr_file}
    document |= {name: path for name, path in files.items() if path is not None}
    if command.signal is not None:
        document["signal"] = command.signal
    if command.refused is not None:
        document["refused"] = command.refused
    return document if command.parse is None else document | _parse_document(command)


def _parse_document(command: CommandResult) -> dict[str, Any]:
    document: dict[str, Any] = {"rows": command.rows, "parse": command.parse}
    return document if command.parse_error is None else document | {"parse_error": command.parse_error}


def run_document(run: Run) -> dict[str, Any]:
    """Return the run's part of the document."""
    return {
        "id": run.id,
        "task": run.task,
        "commands": list(run.commands),
        "pattern": run.pattern,
        "inventory": list(run.inventory),
        "executor": run.executor,
        "workers": run.workers,
        "started": _rfc3339(run.started),
        "finished": None if run.finished is None else _rfc3339(run.finished),
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
