"""Convert runs and results to rows of the database, and back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.models import CommandResult, HostResult, Phase, Run, Status
from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "COMMAND_COLUMNS",
    "RESULT_COLUMNS",
    "RUN_COLUMNS",
    "command_row",
    "of_command_row",
    "of_result_row",
    "of_run_row",
    "result_row",
    "run_row",
    "storable",
]

RUN_COLUMNS = "id, task, commands, pattern, inventory, executor, workers, started, finished"
RESULT_COLUMNS = (
    "status, address, port, rtt_ms, rtts_ms, method, attempts, duration_s, phase, reason, error, sent, value"
)
COMMAND_COLUMNS = "command, exit_code, duration_s, truncated, signal, refused, stdout, stderr"


def storable(text: str | None) -> str | None:
    r"""Return a text that SQLite accepts: lone surrogates (not possible in UTF-8) are written as `\udc80`."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def run_row(run: Run) -> tuple[Any, ...]:
    """Return a run as the values of `RUN_COLUMNS`."""
    return (
        run.id,
        run.task,
        json.dumps(run.commands),
        storable(run.pattern),
        json.dumps(run.inventory),
        run.executor,
        run.workers,
        run.started.isoformat(),
        None if run.finished is None else run.finished.isoformat(),
    )


def of_run_row(row: Sequence[Any]) -> Run:
    """Return the run with these values of `RUN_COLUMNS`."""
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


def result_row(result: HostResult) -> tuple[Any, ...]:
    """Return a result as the values of `RESULT_COLUMNS`."""
    # Use exact types: for a subclass, sqlite3 looks up an adapter each time.
    return (
        str(result.status),
        storable(result.address),
        result.port,
        result.rtt_ms,
        json.dumps(result.rtts_ms) if result.rtts_ms else None,
        result.method,
        result.attempts,
        result.duration_s,
        None if result.phase is None else str(result.phase),
        result.reason,
        storable(result.error),
        int(result.sent),
        None if result.value is None else _value(result.value),
    )


def of_result_row(host: str, row: Sequence[Any], commands: tuple[CommandResult, ...]) -> HostResult:
    """Return the result with these values of `RESULT_COLUMNS`."""
    return HostResult(
        host=host,
        status=Status(row[0]),
        address=row[1],
        port=row[2],
        rtt_ms=row[3],
        rtts_ms=tuple(json.loads(row[4])) if row[4] else (),
        method=row[5],
        attempts=row[6],
        duration_s=row[7],
        phase=None if row[8] is None else Phase(row[8]),
        reason=row[9],
        error=row[10],
        sent=bool(row[11]),
        value=None if row[12] is None else json.loads(row[12]),
        commands=commands,
    )


def command_row(command: CommandResult, store: Callable[[bytes], int | None]) -> tuple[Any, ...]:
    """Return a command's result as the values of `COMMAND_COLUMNS`; `store` saves its outputs."""
    return (
        storable(command.command),
        command.exit_code,
        command.duration_s,
        int(command.truncated),
        storable(command.signal),
        storable(command.refused),
        store(command.stdout_bytes),
        store(command.stderr_bytes),
    )


def of_command_row(row: Sequence[Any], load: Callable[[int | None], bytes]) -> CommandResult:
    """Return the command's result with these values of `COMMAND_COLUMNS`."""
    return CommandResult(
        command=row[0],
        exit_code=row[1],
        duration_s=row[2],
        truncated=bool(row[3]),
        signal=row[4],
        refused=row[5],
        stdout_bytes=load(row[6]),
        stderr_bytes=load(row[7]),
    )


def _value(value: object) -> str:
    """Return the return value of a host task as JSON; if JSON cannot express it, its text."""
    try:
        return json.dumps(value, allow_nan=False)
    except Exception:  # noqa: BLE001 - any object may raise anything
        return json.dumps(value_text(value))
