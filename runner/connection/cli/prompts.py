"""The prompt of one session: learned from the device, and found only at the end of its output."""

from __future__ import annotations

import re

__all__ = ["Prompt", "may_be_first_prompt", "may_be_new_prompt"]

_FIRST = re.compile(r"\S(?:.{0,196}\S)?\s?[#>$%] ?|[#>$%] ?|[\[~*]{1,3}[\w@.~*-]{1,64}\] ?", re.DOTALL)
"""A prompt that is not known yet. Only a name in brackets may end with a bracket: others are questions."""
_ASKS = re.compile(
    r"\b(?:pass(?:word|code|phrase)|choice|select(?:ion)?|option|menu|user ?name|default|accept|press)\b"
    r"|\b(?:enter|erase|reboot|reload)\b|\A(?:login|user)\W",
    re.IGNORECASE,
)
"""Words of a question or a menu, in a line that is not known to be a prompt."""
_NEW = re.compile(r"[\w.@:/~()<\[*+-]{1,64}[#>$] ?")
"""A prompt after a change of the host name; in the middle of an answer, such a line is rare."""
_MODE = re.compile(r"[^\s#>$%]{0,64}(?: (?:\([^()\n]{0,40}\)|/[\w /-]{0,40}|config|~))?\s?[#>$%\])]{1,2} ?")
"""The rest of a prompt after the host name: a mode, and the end."""

_END = " #>$%])"
_DECORATION = "*!~[<( "
_PATH = re.compile(r":[~/]")
_LONGEST_NAME = 16
"""Cisco cuts a long host name in the prompt of configuration mode; so many characters remain of any."""


def may_be_first_prompt(tail: str) -> bool:
    """Return whether an unfinished line may be the first prompt of a session, and not a question."""
    return _FIRST.fullmatch(tail) is not None and _ASKS.search(tail) is None


def may_be_new_prompt(tail: str) -> bool:
    """Return whether an unfinished line may be a prompt with another host name."""
    return _NEW.fullmatch(tail) is not None and _ASKS.search(tail) is None


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
        name = _PATH.split(shown.strip().lstrip(_DECORATION).rstrip(_END))[0]
        self._base = name[:_LONGEST_NAME]

    def is_known(self, tail: str) -> bool:
        """Return whether an unfinished line is this prompt exactly as it was shown before."""
        return tail.strip() in self._known

    def matches(self, tail: str) -> bool:
        """Return whether an unfinished line is this prompt, in any mode."""
        if self.is_known(tail):
            return True
        text = tail.lstrip().lstrip(_DECORATION)
        if not self._base or not text.startswith(self._base):
            return False
        return _MODE.fullmatch(text, len(self._base)) is not None

    def ends(self, tail: str) -> bool:
        """Return whether the prompt as it was last shown ends a line that begins with something else."""
        shown = self.shown.strip()
        return len(shown) > 1 and tail.rstrip().endswith(shown) and not self.is_known(tail)

    def learn(self, tail: str) -> None:
        """Note the prompt as it is now: another mode, or another host name."""
        self.shown = tail
        self._known.add(tail.strip())
