"""Worker processes import no module from the current folder, which may be another user's."""

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
    """Have Python processes that start in the context leave the current folder out of their search path.

    `multiprocessing` starts them with `-c`, and then the current folder comes first: a `socket.py` in it
    would run before the search path of this process is passed on. `runner.environment` keeps the variable
    from programs that are no workers.
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
