"""Recognise the question or the pager at which the unfinished output of a device stops.

A device may print anything, so that only the last 500 characters are looked at, by patterns in which no
repeat is nested in another one.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["is_pager", "pager_key", "question"]

_LONGEST = 500

# The parts of a line for a terminal: cursor movements, erasing, other escape sequences, characters.
_SCREEN = re.compile(r"\x1b\[[0-9;?]*(?P<code>[A-Za-z])|\x1b.?|(?P<character>.)", re.DOTALL)

_YES_OR_NO = r"[\[(<]\s?(?:confirm|y(?:es)?\b[^\[<>]{0,60}|no?(?:\(no\))?\s?[/|,]\s?y[^\[<>]{0,40})[\])>]"
_DEFAULT = r"[\[(][^\[\]()]{0,40}[\])]"
_QUESTIONS = (
    # [confirm], (y/n), [Y/N]:, (yes/no), [yes,no] (no), (y or n), [y/n/^C]?, [Y(yes)/N(no)/C(cancel)]:
    rf"{_YES_OR_NO}\s{{0,2}}[?:.]{{0,2}}\s{{0,2}}(?:{_DEFAULT})?\s{{0,2}}[?:.]{{0,2}}\Z",
    r"\by(?:es)?\s?(?:/|\||or)\s?no?\s?[?:]{0,2}\Z",  # Continue y/n?
    r"\S \[[^\[\]]{0,200}\]\s{0,2}[?:]\Z",  # Destination filename [startup-config]?  Modulus [512]:
    # Do you want to continue? But not: a line of BGP's table, which ends with a number and a question mark.
    r"(?:[a-z_\])'\"]|[a-z]{2} )\?\Z",
    r"\b(?:delete|overwrite|erase|remove|replace|copy|reload|save|do you|are you)\b[^?]{0,200}\?\Z",
    # Password:, admin's password:, Username:, login:, Password for admin:
    r"\b(?:pass(?:word|phrase|code)|user ?name|login|secret)\b[^:>?\[\]]{0,60}:\Z",
    r"\A(?:new|repeat|old|current) password>\Z",  # RouterOS
    r"\A(?:please )?(?:enter|select|choose|type)\b[^:\[\]]{0,100}:\Z",  # a menu, or a value
    r"\b(?:choice|selection|option)\s?:\Z",
    r"\{\s?<cr>[^{}]{0,300}\}\s{0,2}:\Z",  # Huawei SmartAX: { <cr>|slot<K> }:
    r"\bpress y or enter to continue\b",  # Comware's notice before a login
    r"\b(?:press|hit|strike)\b.{0,40}\b(?:key|enter|return)\b",  # before a reboot, for example
)

_PAGERS = (
    # --More--, ---(more 45%)---, -- MORE --, next page: Space, <--- More --->, --More-- or (q)uit, (more)
    r"(?:-{1,5}|\A)\s?[<(]?\s?-{0,4}\s?more\b\s?[-(:<)\d][^#]{0,100}\Z",
    r"-{2}\s?more or \(q\)uit\b",
    r"(?:\A|\s)\(more\)\Z",
    r"-{2}\s?\[Q quit\b",  # RouterOS
    r"\A\W{0,5}(?:press|hit) any (?:other )?key (?:to|for) (?:continue|more|next page)\b[^!?]{0,40}\Z",
    r"\A\W{0,5}(?:press|type) <?space>? (?:bar )?(?:to|for) (?:continue|more|next)\b[^!?]{0,40}\Z",
    r"\A<\s?hit any key\s?>\Z",
    r"\bother key to next page\b",
    r"\bspace\b.{0,10}\bnext page\b|\bnext page\W{0,3}<?space\b",  # D-Link, ProCurve
    r"\Alines \d+-\d+(?:/\d+)?(?: \d+%| \?\?%)?\Z",  # less
    r"\A:\Z",  # less, too: VyOS
)
_PAGER_AT_END = r"(?:\A|\s)\(END\)\Z"
_PAGER_ENTER = r"\A\W{0,5}press (?:enter|return|<enter>|<return>) (?:key )?(?:for more|to get started)\W*\Z"


def question(tail: str) -> str | None:
    """Return the question with which a device's output ends; None if it does not end with one.

    A pager is not a question.

    Args:
        tail: The end of the output so far. Only its last line, which has no line end, may be a question.
    """
    line = _shown(tail)
    if not line or _key(line) is not None:
        return None
    return line if _any(_QUESTIONS).search(line) else None


def is_pager(tail: str) -> bool:
    """Return whether a device's output ends with a pager, which waits for `pager_key`."""
    return pager_key(tail) is not None


def pager_key(tail: str) -> str | None:
    """Return the key that continues the pager with which a device's output ends; None if there is none.

    Args:
        tail: The end of the output so far. Only its last line, which has no line end, may be a pager.
    """
    return _key(_shown(tail))


def _key(line: str) -> str | None:
    if not line:
        return None
    if _any((_PAGER_AT_END,)).search(line):
        return "q"
    if _any((_PAGER_ENTER,)).search(line):
        return "\r"
    return " " if _any(_PAGERS).search(line) else None


def _shown(tail: str) -> str:
    """Return the last line as a terminal shows it: a pager is removed by backspaces, blanks or erasing."""
    line = tail[-_LONGEST:].rpartition("\n")[2]
    if line.isprintable():
        return line.strip()
    cells: list[str] = []
    column = 0
    for found in _SCREEN.finditer(line):
        code, character = found["code"], found["character"]
        if code in {"K", "J"}:
            del cells[0 if "2" in found[0] else column :]
            column = min(column, len(cells))
        elif code == "H" or character == "\r":
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        elif character is not None and character.isprintable():
            cells[column : column + 1] = [character]
            column += 1
    return "".join(cells).strip()


@cache
def _any(alternatives: tuple[str, ...]) -> re.Pattern[str]:
    """Compile the alternatives when they are first needed."""
    return re.compile("|".join(f"(?:{each})" for each in alternatives), re.IGNORECASE)
