"""Patterns as OpenSSH has them (ssh_config(5), PATTERNS): only `*` and `?` are special, `!` negates."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["matches", "matches_any"]

_SPECIAL = {"*": ".*", "?": "."}


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern without negation matches a whole text."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(pattern).fullmatch(text) is not None


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of these patterns matches and no negated one does."""
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
    return re.compile("".join(_SPECIAL.get(char) or re.escape(char) for char in pattern), re.DOTALL)
