"""Jobs that need no network, importable by worker processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runner.jobs import CommandFailed
from runner.models import Phase

if TYPE_CHECKING:
    from runner.jobs import Session


def number(session: Session) -> int:
    return int(session.name[1:])


def answer(session: Session) -> int:
    """Return the host's number; every hundredth host raises, and every twentieth fails."""
    mine = number(session)
    if mine % 100 == 1:
        raise ValueError(mine)
    if mine % 20 == 2:
        raise CommandFailed("as was to be", reason="exit-code", phase=Phase.COMMAND)
    return mine


def expected(name: str) -> str:
    """Return the status that `answer` leads to."""
    mine = int(name[1:])
    return "error" if mine % 100 == 1 else "failed" if mine % 20 == 2 else "ok"


def work(session: Session) -> None:
    """Sleep for the time in the host's variable `takes_s`."""
    time.sleep(session.variables["takes_s"])


def say_much(session: Session) -> Any:
    return bytes(session.variables["bytes"])
