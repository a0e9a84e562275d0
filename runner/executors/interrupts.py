"""Ctrl-C is for the process that the user sees, and not for those that it starts."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sigint_blocked"]


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Keep Ctrl-C from children and threads that are started in the context, which begin with it blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
