"""Match patterns as OpenSSH does (ssh_config(5), PATTERNS): only `*` and `?` are special, `!` negates."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["matches", "matches_any"]


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern without negation matches a whole text."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(pattern).fullmatch(text) is not None


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Tell whether one of these patterns matches and no negated one does."""
    found = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if matches(pattern[1:], text):
                return False
        else:
            found = found or matches(pattern, text)
    return found


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate a pattern so that it takes linear time for each `*`.

    The shortest text that a `*` can match is as good as any longer one, so no longer text is tried (an atomic
    group). Only the last `*` takes all the text that is left before the end.
    """
    first, *parts = [_literal(part) for part in re.split(r"\*+", pattern)]
    if not parts:
        return re.compile(first, re.DOTALL)
    *middle, last = parts
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + last, re.DOTALL)


def _literal(part: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in part)
