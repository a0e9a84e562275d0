"""What `put`, `get` and `script` have in common on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.text.paths import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mode_of", "one_path"]


def one_path(given: Sequence[str] | None, what: str, example: str) -> str:
    """Return the path that was given.

    Raises:
        UsageError: There is none, or more than one, or it can be none.
    """
    if not given:
        raise UsageError(f"no {what}: {example}")
    if len(given) > 1:
        raise UsageError(f"more than one {what}: {', '.join(given)}; a folder holds several files")
    (path,) = given
    return checked(what, path)


def mode_of(text: str | None) -> int | None:
    """Read permission bits in octal digits, as chmod(1) takes them.

    Raises:
        UsageError: They are none.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-7]{3,4}", text) is None:
        raise UsageError(f"--mode {text!r}: expected octal digits, such as 0644")
    return int(text, 8)
