"""The program of Invoke that runs in this process, if one does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke.program import Program

__all__ = ["running"]


def running() -> Program | None:
    """Return the program whose tasks run in this process; None if it is neither Invoke's nor ours."""
    for module in ("invoke.main", "runner.tasks.program"):
        program = getattr(sys.modules.get(module), "program", None)
        if hasattr(program, "config"):
            return program
    return None
