"""The history database: write a run while it is running, and read it later."""

from __future__ import annotations

import json
import os
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from runner.errors import UsageError
from runner.history.mark import has_mark, place_mark, remove_mark
from runner.history.outputs import Outputs
from runner.history.owner import is_alive, process_id, this_process
from runner.history.record import Query, Record, Span, Summary
from runner.history.rows import (
    COMMAND_COLUMNS,
    RESULT_COLUMNS,
    RUN_COLUMNS,
    command_row,
    of_command_row,
    of_result_row,
    of_run_row,
    result_row,
    run_row,
    storable,
)
from runner.history.schema import connect, insert, transaction
from runner.models import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from runner.models import CommandResult, HostResult, Run

__all__ = ["Arrival", "History", "Intent", "default_path"]


def default_path() -> Path:
    """Return the path of the user's history, in the user's state folder."""
    from platformdirs import user_state_path  # noqa: PLC0415 - needed only with a history

    return user_state_path("invoke-runner") / "history.sqlite3"


class Intent(NamedTuple):
    """A host is about to be handed to a worker, `at_s` seconds after its run began."""

    host: str
    at_s: float


class Arrival(NamedTuple):
    """A host's result has arrived, `at_s` seconds after its run began."""

    result: HostResult
    at_s: float


class History:
    """The database; a context manager that closes it.

    Args:
        path: Its file; if it does not exist, it is created with its folder, readable by the owner only.

    Raises:
        sqlite3.Error, OSError: It cannot be opened or is not a history.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = connect(path)
        self._outputs = Outputs(self._database)
        self._places: dict[str, tuple[int, dict[str, int]]] = {}
        self._again = False
        self._synced = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def begin(self, run: Run, hosts: Sequence[str], arguments: Mapping[str, str] | None = None) -> None:
        """Record a run, the arguments of its host task, and its hosts."""
        place_mark(self.path, run.id)
        marks = ", ".join("?" * len(run_row(run)))
        with transaction(self._database):
            added = self._database.execute(
                f"INSERT INTO runs ({RUN_COLUMNS}, arguments, process) VALUES ({marks}, ?, ?)",  # noqa: S608 - our own names
                (*run_row(run), json.dumps(dict(arguments or {})), this_process()),
            )
            number = cast("int", added.lastrowid)
            meant = [(number, position, storable(host)) for position, host in enumerate(hosts)]
            insert(self._database, "INSERT INTO hosts", meant)
        self._places[run.id] = number, {host: position for position, host in enumerate(hosts)}

    def claim(self, run: Run) -> datetime:
        """Take over a run, to resume it; return when it began.

        Raises:
            UsageError: Another process is working on it.
        """
        with transaction(self._database):
            owner, started = self._database.execute(
                "SELECT process, started FROM runs WHERE id = ?", (run.id,)
            ).fetchone()
            if owner is not None and is_alive(owner) and process_id(owner) != os.getpid():
                raise UsageError(
                    f"run {run.id} is still going on (process {process_id(owner)}); "
                    "resume it when that process has ended"
                )
            self._database.execute("UPDATE runs SET process = ? WHERE id = ?", (this_process(), run.id))
        self._again = True
        return datetime.fromisoformat(started)

    def reopen(self, run: Run) -> datetime:
        """Record that a run is resumed, before any host is started; return when the run began.

        Raises:
            UsageError: Another process is working on it.
            sqlite3.Error, OSError: This cannot be recorded, so that the record would be incomplete.
        """
        started = self.claim(run)
        if self._complete(run):
            place_mark(self.path, run.id)
        self._sync(always=True)
        self._database.execute("UPDATE runs SET finished = NULL WHERE id = ?", (run.id,))
        return started

    def _complete(self, run: Run) -> bool:
        """Return whether the record holds everything that the run has done."""
        return run.finished is not None or has_mark(self.path, run.id)

    def write(self, run: Run, intents: Sequence[Intent], arrivals: Sequence[Arrival]) -> None:
        """Record intents and results in one transaction.

        Intents are synced to disk when this returns. Results survive a crash of this process; they are synced
        with the next intents or at the end of the run. If the power fails before that, their hosts are in
        doubt.
        """
        number, positions = self._place(run)
        self._sync(always=bool(intents))
        with transaction(self._database):
            if self._again:
                self._forget(number, [positions[host] for host, _ in intents])
            insert(
                self._database,
                "INSERT OR REPLACE INTO intents",
                [(number, positions[host], at_s) for host, at_s in intents],
            )
            insert(
                self._database,
                f"INSERT OR REPLACE INTO results (run, position, at_s, {RESULT_COLUMNS})",
                [(number, positions[result.host], at_s, *result_row(result)) for result, at_s in arrivals],
            )
            for result, _ in arrivals:
                if result.commands:
                    self._write_commands(number, positions[result.host], result.commands)

    def _forget(self, run: int, positions: Sequence[int]) -> None:
        """Delete earlier results of hosts that are started again: they must not count as new results."""
        for table in ("results", "commands"):
            self._database.executemany(
                f"DELETE FROM {table} WHERE run = ? AND position = ?",  # noqa: S608 - our own names
                [(run, position) for position in positions],
            )

    def _write_commands(self, run: int, position: int, commands: Sequence[CommandResult]) -> None:
        self._database.executemany(
            f"INSERT OR REPLACE INTO commands (run, position, number, {COMMAND_COLUMNS}) VALUES "  # noqa: S608 - our own names
            "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (run, position, number, *command_row(command, self._outputs.store))
                for number, command in enumerate(commands)
            ],
        )

    def finish(self, run: Run) -> None:
        """Record the end of a run; its complete record is then synced to disk."""
        finished = run.ended().finished
        assert finished is not None  # noqa: S101 - `ended` sets it
        self._sync(always=True)
        self._database.execute(
            "UPDATE runs SET finished = max(started, ?), process = NULL WHERE id = ?",
            (finished.isoformat(), run.id),
        )
        remove_mark(self.path, run.id)

    def runs(self, query: Query) -> list[Summary]:
        """Return the runs that match a query, newest first."""
        where, values = _conditions(query)
        limit = -1 if query.limit is None else query.limit
        rows = self._database.execute(
            f"SELECT {RUN_COLUMNS}, number FROM runs {where} ORDER BY number DESC LIMIT ?",  # noqa: S608 - our own names
            (*values, limit),
        ).fetchall()
        return [self._summary(row) for row in rows]

    def _summary(self, row: Sequence[Any]) -> Summary:
        counted = self._database.execute(
            "SELECT status, count(*) FROM results WHERE run = ? GROUP BY status", (row[-1],)
        )
        counts = {Status(status): count for status, count in counted}
        (hosts,) = self._database.execute("SELECT count(*) FROM hosts WHERE run = ?", (row[-1],)).fetchone()
        ordered = {status: counts[status] for status in Status if status in counts}
        return Summary(of_run_row(row), ordered, hosts - sum(counts.values()))

    def find(self, name: str, *, task: str | None = None, outputs: bool = True) -> Record:
        """Return a run by its id, the beginning of its id, or `last`.

        Args:
            name: The name of the run.
            task: `last` means the last run of this task, or of any task if this is None.
            outputs: Whether to read the outputs of hosts, which may take long.

        Raises:
            UsageError: No run matches, or several do.
        """
        select = f"SELECT {RUN_COLUMNS}, arguments, number FROM runs"  # noqa: S608 - our own names
        query, values = f"{select} WHERE substr(id, 1, ?) = ?", [len(name), storable(name)]
        if name == "last":
            query, values = f"{select} WHERE ? IS NULL OR task = ?", [task, task]
        rows = self._database.execute(f"{query} ORDER BY number DESC LIMIT 2", values).fetchall()
        if not rows:
            raise UsageError(_not_found(name, task))
        if len(rows) > 1 and name not in ("last", rows[0][0], rows[1][0]):
            raise UsageError(f"several runs begin with {name!r}; give more of the id")
        row = next((row for row in rows if row[0] == name), rows[0])
        return self._record(row, outputs=outputs)

    def before(self, run: Run) -> str | None:
        """Return the id of the previous run of the same task, commands and arguments, if there is one."""
        row = self._database.execute(
            "SELECT id FROM runs WHERE (task, commands, arguments) = "
            "(SELECT task, commands, arguments FROM runs WHERE id = ?) "
            "AND number < (SELECT number FROM runs WHERE id = ?) ORDER BY number DESC LIMIT 1",
            (run.id, run.id),
        ).fetchone()
        return None if row is None else str(row[0])

    def _record(self, row: Sequence[Any], *, outputs: bool) -> Record:
        run, number = of_run_row(row), row[-1]
        names = dict(
            self._database.execute(
                "SELECT position, name FROM hosts WHERE run = ? ORDER BY position", (number,)
            ).fetchall()
        )
        intents = dict(
            self._database.execute("SELECT position, at_s FROM intents WHERE run = ?", (number,)).fetchall()
        )
        commands = self._commands(number) if outputs else {}
        results: dict[str, HostResult] = {}
        ends: dict[int, float | None] = {}
        query = f"SELECT position, at_s, {RESULT_COLUMNS} FROM results WHERE run = ?"  # noqa: S608 - our own names
        for position, at_s, *columns in self._database.execute(query, (number,)):
            ends[position] = at_s
            results[names[position]] = of_result_row(
                names[position], columns, tuple(commands.get(position, ()))
            )
        return Record(
            run=run,
            results=results,
            started=frozenset(names[position] for position in intents),
            hosts=tuple(names.values()),
            arguments=json.loads(row[-2]),
            spans=dict(_spans(names, intents, ends, results)),
            complete=self._complete(run),
        )

    def _commands(self, number: int) -> dict[int, list[CommandResult]]:
        found: dict[int, list[CommandResult]] = {}
        query = f"SELECT position, {COMMAND_COLUMNS} FROM commands WHERE run = ? ORDER BY position, number"  # noqa: S608 - our own names
        with closing(self._database.execute(query, (number,))) as rows:
            for position, *columns in rows:
                found.setdefault(position, []).append(of_command_row(columns, self._outputs.load))
        self._outputs.let_go()
        return found

    def _place(self, run: Run) -> tuple[int, dict[str, int]]:
        """Return a run's number and the positions of its hosts."""
        if run.id not in self._places:
            select = "SELECT number FROM runs WHERE id = ?"
            (number,) = self._database.execute(select, (run.id,)).fetchone()
            rows = self._database.execute("SELECT name, position FROM hosts WHERE run = ?", (number,))
            self._places[run.id] = number, dict(rows.fetchall())
        return self._places[run.id]

    def _sync(self, *, always: bool) -> None:
        """Set whether commits are synced to disk; the setting is changed only if it differs."""
        if always is not self._synced:
            self._database.execute(f"PRAGMA synchronous = {'FULL' if always else 'NORMAL'}")
            self._synced = always


def _not_found(name: str, task: str | None) -> str:
    if name == "last":
        return "the history holds no run yet" if task is None else f"the history holds no run of {task!r} yet"
    return f"the history holds no run {name!r}; `runner history` lists those it holds"


def _conditions(query: Query) -> tuple[str, list[Any]]:
    """Return a query's WHERE clause and the values of its placeholders."""
    texts: list[str] = []
    values: list[Any] = []

    def add(text: str, *asked: str) -> None:
        texts.append(text)
        values.extend(storable(value) for value in asked)

    if query.task is not None:
        add("task = ?", query.task)
    if query.command is not None:
        # Search each command separately: in the JSON list, quotes within a command are escaped.
        contained = "EXISTS (SELECT 1 FROM json_each(commands) WHERE instr(lower(value), ?))"
        add(contained, query.command.lower())
    if query.since is not None:
        add("started >= ?", query.since.astimezone(UTC).isoformat())
    if query.until is not None:
        add("started < ?", query.until.astimezone(UTC).isoformat())
    host = query.host if query.host is not None else "*"
    if query.status is not None:
        ended = (
            "hosts JOIN results USING (run, position) WHERE run = runs.number AND name GLOB ? AND status = ?"
        )
        add(f"EXISTS (SELECT 1 FROM {ended})", host, query.status)  # noqa: S608 - our own names
    elif query.host is not None:
        add("EXISTS (SELECT 1 FROM hosts WHERE run = runs.number AND name GLOB ?)", host)
    return f"WHERE {' AND '.join(texts)}" if texts else "", values


def _spans(
    names: Mapping[int, str],
    intents: Mapping[int, float | None],
    ends: Mapping[int, float | None],
    results: Mapping[str, HostResult],
) -> Iterator[tuple[str, Span]]:
    """Yield the span of each host: its duration before its result, or from its handover to a worker."""
    for position, name in names.items():
        end, begun = ends.get(position), intents.get(position)
        if end is not None:
            # A result without a duration (for example, a lost worker): count from the handover, if known.
            duration = results[name].duration_s or max(0.0, end - (end if begun is None else begun))
            yield name, Span(max(0.0, end - duration), end)
        elif begun is not None:
            yield name, Span(begun, None)
