"""Parse command lines: keywords, their abbreviations, arguments, and the position of an error.

The rules are those of Cisco's "Using the Command-Line Interface": a keyword may be abbreviated as long as it
is unique; an error is marked with a caret under the first character that fits no keyword.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Command", "Fault", "Grammar", "Match", "Refusal", "Token", "tokens_of"]

ActionT = TypeVar("ActionT")


class Fault(Enum):
    """Why a line is not a valid command.

    `UNKNOWN` is an invalid first word, for the dialects that have a separate message for it.
    """

    INVALID = "invalid"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    INCOMPLETE = "incomplete"


class Refusal(Exception):
    """Raised for a line that is not a valid command.

    Args:
        fault: The reason.
        column: 0-based column in the line at which the caret points.
    """

    def __init__(self, fault: Fault, column: int) -> None:
        super().__init__(fault, column)
        self.fault = fault
        self.column = column


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a line, and the 0-based column of its first character."""

    text: str
    column: int


def tokens_of(line: str) -> list[Token]:
    """Return the words of a line."""
    return [Token(match.group(), match.start()) for match in re.finditer(r"\S+", line)]


@dataclass(frozen=True, slots=True)
class Command(Generic[ActionT]):
    """One row of a platform's command table.

    Attributes:
        syntax: Keywords in lower case, and arguments by their name in `ARGUMENTS`: `hostname WORD`.
        action: The action of the command; the grammar only returns it.
        privilege: The lowest privilege level that may use the command.
    """

    syntax: str
    action: ActionT
    privilege: int = 1


@dataclass(frozen=True, slots=True)
class Match(Generic[ActionT]):
    """The command of a line, and its arguments in order."""

    command: Command[ActionT]
    arguments: tuple[str, ...]


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_prefix(text: str) -> bool:
    try:
        ipaddress.IPv4Interface(text)
    except ValueError:
        return False
    return "/" in text


def _in_range(lowest: int, highest: int) -> Callable[[str], bool]:
    return lambda text: re.fullmatch("[0-9]{1,5}", text) is not None and lowest <= int(text) <= highest


_RANGES = ((0, 49), (0, 512), (0, 32767), (1, 65535))

ARGUMENTS: dict[str, Callable[[str], bool]] = {
    "WORD": lambda _text: True,
    "LINE": lambda _text: True,
    "A.B.C.D": _is_address,
    "A.B.C.D/LEN": _is_prefix,
    "HH:MM:SS": lambda text: re.fullmatch(r"\d?\d:[0-5]\d:[0-5]\d", text) is not None,
    **{f"<{lowest}-{highest}>": _in_range(lowest, highest) for lowest, highest in _RANGES},
    "INTERFACE": lambda text: re.fullmatch(r"[A-Za-z-]+\d[\d/.]*", text) is not None,
}
"""The kinds of arguments, by the name in help, each with its check of a word; `LINE` takes the rest."""


@dataclass(slots=True)
class _Node(Generic[ActionT]):
    """A node in the tree of commands: the words that may follow, and the command that may end here."""

    keywords: dict[str, _Node[ActionT]] = field(default_factory=dict)
    arguments: dict[str, _Node[ActionT]] = field(default_factory=dict)
    command: Command[ActionT] | None = None


class Grammar(Generic[ActionT]):
    """The commands of one mode, as a tree.

    Args:
        commands: The rows; if two have the same syntax, the later one counts.
    """

    def __init__(self, commands: Iterable[Command[ActionT]]) -> None:
        self._root: _Node[ActionT] = _Node()
        for command in commands:
            node = self._root
            for word in command.syntax.split():
                branch = node.arguments if word in ARGUMENTS else node.keywords
                node = branch.setdefault(word, _Node())
            node.command = command

    def match(self, line: str) -> Match[ActionT]:
        """Return the command of a line.

        Raises:
            Refusal: The line is ambiguous, invalid or incomplete.
        """
        node = self._root
        found: list[str] = []
        tokens = tokens_of(line)
        for token in tokens:
            if "LINE" in node.arguments:
                node = node.arguments["LINE"]
                found.append(line[token.column :].rstrip())
                break
            node = self._step(node, token, found)
        if node.command is None:
            raise Refusal(Fault.INCOMPLETE, len(line.rstrip()))
        return Match(node.command, tuple(found))

    def _step(self, node: _Node[ActionT], token: Token, found: list[str]) -> _Node[ActionT]:
        """Return the node after `token`; an argument's text is added to `found`."""
        keywords = _candidates(node, token.text)
        if len(keywords) > 1:
            raise Refusal(Fault.AMBIGUOUS, token.column)
        if keywords:
            return node.keywords[keywords[0]]
        for name, following in node.arguments.items():
            if ARGUMENTS[name](token.text):
                found.append(token.text)
                return following
        raise Refusal(Fault.INVALID, token.column + _agreement(node.keywords, token.text))

    def expectations(self, line: str) -> list[str]:
        """Return the words that `?` after `line` offers: completions of the last word, or following words.

        Raises:
            Refusal: The words before are invalid or ambiguous.
        """
        tokens = tokens_of(line)
        partial = tokens.pop().text if tokens and not line.endswith(" ") else ""
        node = self._root
        for token in tokens:
            node = self._step(node, token, [])
        words = [word for word in sorted(node.keywords) if word.startswith(partial.lower())]
        if partial:
            return words
        return words + sorted(node.arguments) + (["<cr>"] if node.command is not None else [])


def _candidates(node: _Node[ActionT], word: str) -> Sequence[str]:
    """Return the keywords that `word` may mean: an exact match, or all keywords that begin with it."""
    lowered = word.lower()
    if lowered in node.keywords:
        return [lowered]
    return [keyword for keyword in node.keywords if keyword.startswith(lowered)]


def _agreement(keywords: Iterable[str], word: str) -> int:
    """Return the length of the longest common prefix of `word` and a keyword."""
    lowered = word.lower()
    return max((_shared(keyword, lowered) for keyword in keywords), default=0)


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
