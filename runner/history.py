"""Where results are kept: one SQLite database for each user, written as each result comes in.

A run is written down before it begins, a host before it is handed to a worker, a result before it is shown.
So whatever kills the program, what was shown is there, and a host that had been started without a result is
known to be in doubt.

What another program does to the database, or a full disk, never costs a run: see `Recorder`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import time
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.models import CommandResult, HostResult, Phase, Run, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["History", "Record", "Recorder", "default_path"]

logger = logging.getLogger(__name__)

_VERSION = 1
_BUSY_S = 10.0

_PLAIN = (
    "host",
    "address",
    "port",
    "rtt_ms",
    "method",
    "attempts",
    "duration_s",
    "reason",
    "error",
    "sent",
)
_PLAIN_COMMAND = ("command", "exit_code", "duration_s", "truncated", "signal", "refused")

_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, task TEXT NOT NULL, commands TEXT NOT NULL, pattern TEXT, inventory TEXT NOT NULL,
    executor TEXT NOT NULL, workers INTEGER NOT NULL, started TEXT NOT NULL, finished TEXT
) STRICT;
CREATE TABLE hosts (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, host TEXT NOT NULL, position INTEGER NOT NULL,
    started INTEGER NOT NULL DEFAULT 0, status TEXT, result TEXT,
    PRIMARY KEY (run, host)
) STRICT, WITHOUT ROWID;
CREATE TABLE outputs (digest BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""


def default_path() -> Path:
    """Return where the user's history is, in the folder that the system has for such things."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only where history is used

    return user_state_path("invoke-runner") / "history.sqlite3"


@dataclass(frozen=True, slots=True)
class Record:
    """A run as the history holds it.

    Attributes:
        run: The run.
        results: The result of each host that has one.
        started: Hosts that had been handed to a worker.
        hosts: All hosts that were meant, in order.
    """

    run: Run
    results: dict[str, HostResult]
    started: frozenset[str]
    hosts: tuple[str, ...]

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Hosts that may have been sent a command whose outcome is not known."""
        return tuple(name for name in self.hosts if self._doubtful(name))

    @property
    def missing(self) -> tuple[str, ...]:
        """Hosts that the run did not come to."""
        never = (Status.CANCELLED, Status.SKIPPED)
        return tuple(
            name
            for name in self.hosts
            if not self._doubtful(name) and (name not in self.results or self.results[name].status in never)
        )

    @property
    def failed(self) -> tuple[str, ...]:
        """Hosts that did not end `ok`, and those that have no result."""
        return tuple(name for name in self.hosts if name not in self.results or not self.results[name].ok)

    def _doubtful(self, name: str) -> bool:
        result = self.results.get(name)
        if result is None:
            return name in self.started
        return result.status is Status.LOST or (result.status is Status.CANCELLED and result.sent)


class History:
    """The database.

    Args:
        path: Its file; made, with its folder and readable by its owner alone, where it does not exist.

    Raises:
        sqlite3.Error, OSError: It cannot be opened or is no history.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        self._use_wal()
        # What `write` has returned for survives the death of this process; only a power cut could take it
        # back.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("PRAGMA foreign_keys = ON")
        if self._version() > _VERSION:
            raise sqlite3.DatabaseError(f"it was written by a newer version (schema {self._version()})")
        if self._version() == 0:
            with self._transaction():
                self._make()

    def _use_wal(self) -> None:
        """Switch the journal; SQLite does not wait for its lock here while another run does the same."""
        end = time.monotonic() + _BUSY_S
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _version(self) -> int:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _make(self) -> None:
        """Make the tables, unless another run that began at the same moment has just done so."""
        if self._version() == 0:
            for statement in _SCHEMA.split(";\n"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def begin(self, run: Run, hosts: Sequence[str]) -> None:
        """Write down a run and the hosts that are meant."""
        row = (
            run.id,
            run.task,
            json.dumps(run.commands),
            run.pattern,
            json.dumps(run.inventory),
            run.executor,
            run.workers,
            run.started.isoformat(),
        )
        with self._transaction():
            self._database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
            self._database.executemany(
                "INSERT INTO hosts (run, host, position) VALUES (?, ?, ?)",
                [(run.id, host, position) for position, host in enumerate(hosts)],
            )

    def reopen(self, run: Run) -> None:
        """Write down that a run is gone on with."""
        self._database.execute("UPDATE runs SET finished = NULL WHERE id = ?", (run.id,))

    def start(self, run: Run, hosts: Iterable[str]) -> None:
        """Write down that hosts are about to be handed to workers."""
        with self._transaction():
            self._database.executemany(
                "UPDATE hosts SET started = 1 WHERE run = ? AND host = ?", [(run.id, host) for host in hosts]
            )

    def add(self, run: Run, result: HostResult) -> None:
        """Write down a host's result."""
        with self._transaction():
            document = _pack(result, self._store)
            self._database.execute(
                "UPDATE hosts SET status = ?, result = ? WHERE run = ? AND host = ?",
                (str(result.status), json.dumps(document), run.id, result.host),
            )

    def finish(self, run: Run) -> None:
        """Write down that a run has come to its end."""
        finished = (run.finished or datetime.now(UTC)).isoformat()
        self._database.execute("UPDATE runs SET finished = ? WHERE id = ?", (finished, run.id))

    def runs(self, limit: int = 20) -> list[tuple[Run, dict[str, int]]]:
        """Return the latest runs, newest first, each with its hosts by status; no result counts as ``."""
        found = []
        for row in self._database.execute("SELECT * FROM runs ORDER BY rowid DESC LIMIT ?", (limit,)):
            counts = self._database.execute(
                "SELECT coalesce(status, ''), count(*) FROM hosts WHERE run = ? GROUP BY 1", (row[0],)
            )
            found.append((_run(row), dict(counts.fetchall())))
        return found

    def find(self, name: str) -> Record:
        """Return a run by its id, the beginning of its id, or `last`.

        Raises:
            UsageError: There is no such run, or several.
        """
        query = "SELECT * FROM runs WHERE id GLOB ? ORDER BY rowid DESC LIMIT 2"
        if name == "last":
            rows = self._database.execute("SELECT * FROM runs ORDER BY rowid DESC LIMIT 1").fetchall()
        else:
            rows = self._database.execute(
                query, ("".join(c for c in name if c not in "*?[") + "*",)
            ).fetchall()
        if not rows:
            raise UsageError(f"the history holds no run {name!r}; `history` lists those it holds")
        if len(rows) > 1:
            raise UsageError(f"several runs begin with {name!r}; give more of the id")
        return self._record(_run(rows[0]))

    def _record(self, run: Run) -> Record:
        rows = self._database.execute(
            "SELECT host, started, result FROM hosts WHERE run = ? ORDER BY position", (run.id,)
        ).fetchall()
        return Record(
            run,
            {host: _unpack(json.loads(text), self._load) for host, _, text in rows if text is not None},
            frozenset(host for host, started, _ in rows if started),
            tuple(host for host, _, _ in rows),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _store(self, data: bytes) -> str:
        """Keep an output once, however many hosts gave it; return its digest."""
        digest = hashlib.sha256(data).digest()
        self._database.execute(
            "INSERT OR IGNORE INTO outputs VALUES (?, ?)", (digest, zlib.compress(data, 1))
        )
        return digest.hex()

    def _load(self, digest: str) -> bytes:
        query = "SELECT data FROM outputs WHERE digest = ?"
        (data,) = self._database.execute(query, (bytes.fromhex(digest),)).fetchone()
        return zlib.decompress(data)


class Recorder:
    """The history as a run sees it: whatever is wrong with it is one warning, and the run goes on.

    Args:
        path: The database's file.
        run: The run to be written down.
        hosts: Names of the hosts that are meant.
        resumed: Whether the history holds the run already, and it is gone on with.
    """

    def __init__(self, path: Path, run: Run, hosts: Sequence[str], *, resumed: bool = False) -> None:
        self._path = path
        self._run = run
        self._history: History | None = None
        with self._tolerant():
            self._history = History(path)
            if resumed:
                self._history.reopen(run)
            else:
                self._history.begin(run, hosts)

    def start(self, hosts: Iterable[str]) -> None:
        """Write down that hosts are about to be handed to workers."""
        with self._tolerant():
            if self._history is not None:
                self._history.start(self._run, hosts)

    def add(self, result: HostResult) -> None:
        """Write down a host's result."""
        with self._tolerant():
            if self._history is not None:
                self._history.add(self._run, result)

    def finish(self) -> None:
        """Write down that the run has come to its end, and close the database."""
        with self._tolerant():
            if self._history is not None:
                self._history.finish(self._run)
                self._history.close()
        self._history = None

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, TypeError, ValueError) as exc:
            logger.warning("%s: this run is not kept from here on: %s", self._path, exc)
            if self._history is not None:
                with suppress(sqlite3.Error):
                    self._history.close()
            self._history = None


def _run(row: Sequence[Any]) -> Run:
    return Run(
        id=row[0],
        task=row[1],
        commands=tuple(json.loads(row[2])),
        pattern=row[3],
        inventory=tuple(json.loads(row[4])),
        executor=row[5],
        workers=row[6],
        started=datetime.fromisoformat(row[7]),
        finished=None if row[8] is None else datetime.fromisoformat(row[8]),
    )


def _pack(result: HostResult, store: Callable[[bytes], str]) -> dict[str, Any]:
    """Return a result as JSON's kinds of values, its outputs kept apart."""
    document = {name: getattr(result, name) for name in _PLAIN}
    document["status"] = str(result.status)
    document["phase"] = None if result.phase is None else str(result.phase)
    document["value"] = None if result.value is None else repr(result.value)
    document["commands"] = [
        {name: getattr(item, name) for name in _PLAIN_COMMAND}
        | {"stdout": store(item.stdout_bytes), "stderr": store(item.stderr_bytes)}
        for item in result.commands
    ]
    return document


def _unpack(document: dict[str, Any], load: Callable[[str], bytes]) -> HostResult:
    commands = tuple(
        CommandResult(
            **{name: item[name] for name in _PLAIN_COMMAND},
            stdout_bytes=load(item["stdout"]),
            stderr_bytes=load(item["stderr"]),
        )
        for item in document["commands"]
    )
    return HostResult(
        **{name: document[name] for name in _PLAIN},
        status=Status(document["status"]),
        phase=None if document["phase"] is None else Phase(document["phase"]),
        value=document["value"],
        commands=commands,
    )
