"""Command-line arguments that `put`, `get` and `script` share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.text.paths import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mode_of", "one_path"]


def one_path(given: Sequence[str] | None, what: str, example: str) -> str:
    """Return the one path that was given.

    Raises:
        UsageError: No path or more than one was given, or it is not a valid path.
    """
    if not given:
        raise UsageError(f"no {what}: {example}")
    if len(given) > 1:
        raise UsageError(f"more than one {what}: {', '.join(given)}; give one, or a folder for several files")
    (path,) = given
    return checked(what, path)


def mode_of(text: str | None) -> int | None:
    """Parse permission bits in octal digits, as for chmod(1); None for None.

    Raises:
        UsageError: The text is not three or four octal digits.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-7]{3,4}", text) is None:
        raise UsageError(f"--mode {text!r}: expected octal digits, such as 0644")
    return int(text, 8)
