"""What a confined process is given to do in tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(request: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Do what was asked for: most of it has no end."""
    if request == b"loop":
        while True:
            pass
    if request == b"memory":
        return b"x" * 10**10
    if request == b"ask":
        return ask(b"question")
    if request == b"exit":
        raise SystemExit(1)
    if request == b"echo":
        return request
    re.search(r"(a|aa)+$", "a" * 100 + "b")  # in C, where no handler of a signal is called
    return b""
