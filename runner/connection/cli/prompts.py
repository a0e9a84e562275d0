"""The prompt of one session: learned from the device, and found only at the end of its output."""

from __future__ import annotations

import re

__all__ = ["Prompt", "looks_like_prompt"]

_ANY = re.compile(r"[^\s].{0,198}?[#>$%\])]{1,2} ?\Z|[#>$%] ?\Z", re.DOTALL)
"""Pattern of a prompt that is not known yet: an unfinished line that ends with one of these characters."""

_END = " #>$%])"
_DECORATION = "*!~[<( "
_LONGEST_NAME = 16
"""Cisco cuts a long host name in the prompt of configuration mode; so many characters remain of any."""


def looks_like_prompt(tail: str) -> bool:
    """Return whether an unfinished line may be a prompt."""
    return _ANY.match(tail) is not None


class Prompt:
    """The prompt of a session, in all its modes.

    Args:
        shown: The prompt as it was first shown.

    Attributes:
        shown: The prompt as it was last shown.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self._known = {shown.strip()}
        self._base = shown.strip().lstrip(_DECORATION).rstrip(_END)[:_LONGEST_NAME]

    def is_known(self, tail: str) -> bool:
        """Return whether an unfinished line is this prompt exactly as it was shown before."""
        return tail.strip() in self._known

    def matches(self, tail: str) -> bool:
        """Return whether an unfinished line is this prompt, in any mode."""
        text = tail.strip()
        if text in self._known:
            return True
        begins = text.lstrip(_DECORATION).startswith(self._base)
        return bool(self._base) and begins and looks_like_prompt(tail)

    def learn(self, tail: str) -> None:
        """Note the prompt as it is now: another mode, or another host name."""
        self.shown = tail
        self._known.add(tail.strip())
