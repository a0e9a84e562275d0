"""Keep worker processes from importing modules from the current folder, which may be another user's."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.environment import SAFE_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["safe_path"]


@contextmanager
def safe_path() -> Iterator[None]:
    """Leave the current folder out of the search path of Python processes that start in this context.

    `multiprocessing` starts them with `-c`, which puts the current folder first: a `socket.py` in it would
    run before the worker receives the search path of this process. `runner.environment` removes the variable
    from the environment of programs that are not workers.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(SAFE_PATH, None)
        else:
            os.environ[SAFE_PATH] = before
