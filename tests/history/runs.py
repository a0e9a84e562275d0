"""Runs and results for tests of the history."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.history.database import Arrival, History, Intent
from runner.models import CommandResult, HostResult, Run, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_run(number: int = 0, **other: object) -> Run:
    values = {
        "id": f"20260102T030405-{number:06x}",
        "task": "run",
        "started": START + timedelta(minutes=number),
        "commands": ("show clock",),
        "pattern": "routers",
        "inventory": ("inventories/demo",),
        "executor": "thread",
        "workers": 50,
    }
    return Run(**values | other)  # type: ignore[arg-type]


def said(host: str, output: bytes, status: Status = Status.OK) -> HostResult:
    command = CommandResult("show clock", 0, output, b"\xff", 0.25)
    return HostResult(
        host, status, address="192.0.2.1", port=22, rtt_ms=0.5, attempts=1, sent=True, commands=(command,)
    )


def start(history: History, run: Run, *hosts: str) -> None:
    history.write(run, [Intent(host, 0.5) for host in hosts], [])


def add(history: History, run: Run, *results: HostResult) -> None:
    history.write(run, [], [Arrival(result, 1.5) for result in results])


def keep(history: History, number: int, results: Sequence[HostResult] = (), **other: object) -> Run:
    """Keep a run that has come to its end."""
    run = make_run(number, **other)
    history.begin(run, [result.host for result in results])
    add(history, run, *results)
    history.finish(run)
    return run


def until(condition: object, within_s: float = 20.0) -> None:
    """Wait until something holds that another thread or process brings about."""
    end = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
