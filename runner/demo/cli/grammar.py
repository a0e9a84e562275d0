"""Which command a line means: keywords, their abbreviations, arguments, and where a line goes wrong.

The rules are those of Cisco's "Using the Command-Line Interface": a keyword may be cut short as long as it
stays unique; what cannot be read is marked with a caret under the first character that fits no keyword.
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
    """Why a line means no command."""

    INVALID = "invalid"
    AMBIGUOUS = "ambiguous"
    INCOMPLETE = "incomplete"


class Refusal(Exception):
    """A line that means no command.

    Args:
        fault: Why.
        column: 0-based column in the line at which the caret points.
    """

    def __init__(self, fault: Fault, column: int) -> None:
        super().__init__(fault, column)
        self.fault = fault
        self.column = column


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a line, and the 0-based column where it begins."""

    text: str
    column: int


def tokens_of(line: str) -> list[Token]:
    """Return the words of a line."""
    return [Token(match.group(), match.start()) for match in re.finditer(r"\S+", line)]


@dataclass(frozen=True, slots=True)
class Command(Generic[ActionT]):
    """One row of a platform's command table.

    Attributes:
        syntax: Keywords in lower case and arguments by their name in `ARGUMENTS`: `hostname WORD`.
        action: What it does; the grammar only hands it back.
        privilege: The lowest privilege level that sees it.
    """

    syntax: str
    action: ActionT
    privilege: int = 1


@dataclass(frozen=True, slots=True)
class Match(Generic[ActionT]):
    """The command that a line means, and its arguments in order."""

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


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:4]) <= 512 and len(text) <= 3  # noqa: PLR2004


ARGUMENTS: dict[str, Callable[[str], bool]] = {
    "WORD": lambda _text: True,
    "LINE": lambda _text: True,
    "A.B.C.D": _is_address,
    "A.B.C.D/LEN": _is_prefix,
    "<0-512>": _is_number,
    "INTERFACE": lambda text: re.fullmatch(r"[A-Za-z-]+\d[\d/.]*", text) is not None,
}
"""Each kind of argument by the name that help shows, and the words it takes; `LINE` takes the rest."""


@dataclass(slots=True)
class _Node(Generic[ActionT]):
    """A place in the tree of commands: what may follow, and the command that may end here."""

    keywords: dict[str, _Node[ActionT]] = field(default_factory=dict)
    arguments: dict[str, _Node[ActionT]] = field(default_factory=dict)
    command: Command[ActionT] | None = None


class Grammar(Generic[ActionT]):
    """The commands of one mode, as a tree.

    Args:
        commands: The rows; of two with one syntax the later counts.
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
        """Return the command that `line` means.

        Raises:
            Refusal: The line is ambiguous, goes on in a way no command does, or ends too early.
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
        """Return what `?` after `line` offers: words that complete the last one, or that may follow.

        Raises:
            Refusal: `line` up to there means nothing.
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
    """Return the keywords that `word` may stand for: itself where it is one, else all it begins."""
    lowered = word.lower()
    if lowered in node.keywords:
        return [lowered]
    return [keyword for keyword in node.keywords if keyword.startswith(lowered)]


def _agreement(keywords: Iterable[str], word: str) -> int:
    """Return how many first characters of `word` some keyword shares."""
    lowered = word.lower()
    return max((_shared(keyword, lowered) for keyword in keywords), default=0)


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
