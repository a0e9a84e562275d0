"""kill -9 at any moment: what was shown is kept, and the run is gone on with on exactly the hosts it lacks.

`RUNNER_KILLS=50` does it so many times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from runner.history import History
from tests.history.counting import CountingServer, project_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from runner.history import Record
    from tests.projects import Project

ROUNDS = int(os.environ.get("RUNNER_KILLS", "2"))
HOSTS = 200 if ROUNDS > 2 else 50
WORDS = ("run", "--format", "jsonl", "--no-ping", "--workers", "20")


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with CountingServer([f"h{number:03d}" for number in range(HOSTS)], slowest_s=0.2) as running:
        yield running


@pytest.fixture
def project(server: CountingServer, tmp_path: Path) -> Project:
    return project_of(server, tmp_path)


def shown(process: subprocess.Popen[bytes], until: float) -> set[str]:
    """Kill a run when so many of the hosts have been shown, or a moment later; return which were shown."""
    assert process.stdout is not None
    wanted = int(until * HOSTS)
    lines: list[bytes] = []
    while len(lines) < wanted and (line := process.stdout.readline()):
        lines.append(line)
    # Somewhere between this result and the next ones.
    time.sleep(random.uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    found = (json.loads(line) for line in lines if line.endswith(b"\n"))
    return {item["host"] for item in found if "host" in item and item.get("reason") != "already-done"}


def kept(project: Project) -> Record:
    path = project.folder / "kept.sqlite3"
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    with History(path) as history:
        return history.find("last")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_run_loses_nothing_and_does_nothing_twice(
    project: Project, server: CountingServer, number: int
) -> None:
    random.seed(f"{number} {os.environ.get('RUNNER_KILLS_SEED', '')}")
    ran: set[str] = set()
    words = (*WORDS, "say something")
    # Killed once or twice, the second time while it is gone on with.
    for until in sorted(random.uniform(0.02, 0.95) for _ in range(1 + number % 2)):
        done = kept(project) if ran else None
        before = 0 if done is None else len(done.results) / HOSTS
        with project.start(*words) as process:
            seen = shown(process, max(0.0, until - before))
        now = server.take_runs()
        record = kept(project)
        assert seen <= set(record.results), "it was shown, and is not in the history"
        assert not ran & set(now), "a host was run on twice"
        assert set(now.values()) <= {1}
        ran |= set(now)
        assert ran <= set(record.started), "a command was sent that the history knows nothing of"
        assert not ran & set(record.missing)
        words = (*WORDS, "--resume", "last")
    missing, doubtful = set(record.missing), set(record.in_doubt)
    assert missing | doubtful | set(record.results) == set(server.hosts)
    ended = project.type(*words)
    assert set(server.take_runs()) == missing, ended.stderr
    assert ended.code == (2 if doubtful else 0), ended.stderr
    final = kept(project)
    assert final.missing == ()
    assert set(final.in_doubt) == doubtful
    assert len([name for name, result in final.results.items() if result.ok]) == HOSTS - len(doubtful)
    assert project.type(*words).code == ended.code
    assert not server.take_runs()
