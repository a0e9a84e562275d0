"""Parse a command line: words, quotes, variables, pipes, `;`, `&`, `&&`, `||`, redirections.

The rules are a subset of POSIX.1-2017, Shell Command Language. The module `compound` parses `if`, `while` and
`$(...)`. Unsupported syntax (`for`, `case`, functions, globs) is rejected with exit code 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Redirect", "Step", "SyntaxFault", "fields", "parse", "text_of"]

_WORD = r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|<>()`'"\\])+"""
_TOKEN = re.compile(
    rf"""(?:[ \t\r]|\\\n)*(?:
        (?P<operator>&&?|\|\|?|;|\n)
      | (?P<descriptor>[012]?)(?P<arrow>>>|>|<)(?:&(?P<other>[12])|[ \t]*(?P<target>{_WORD}))
      | (?P<refused>[<>()`])
      | (?P<comment>\#[^\n]*)
      | (?P<word>{_WORD})
    )""",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\]+""", re.DOTALL)
_NAME = r"\w+|[?#@*!]"
_BRACED = rf"\{{(?P<braced>{_NAME})(?::-(?P<default>[^}}]*))?\}}"
_VARIABLE = re.compile(rf"\$(?:{_BRACED}|(?P<plain>[0-9]|[A-Za-z_]\w*|[?#@*!]))")
_IN_DOUBLE_QUOTES = re.compile(r'\\(?P<escaped>["\\$`])|' + _VARIABLE.pattern)
_TILDE = re.compile(r"~(?P<user>[A-Za-z0-9._-]*)(?=/|$)")
_REFUSED = {"for", "until", "case", "elif", "{", "}", "!", "function"}
_COMPOUND = {"if", "then", "else", "while", "do"}


class SyntaxFault(Exception):
    """Raised for a line that is not a valid command; the shell prints the message after its name."""


class Redirect(NamedTuple):
    """A redirection: `2>&1` is (2, ">", 1), `<words` is (0, "<", "words")."""

    descriptor: int
    arrow: str
    target: int | str


@dataclass(slots=True)
class Step:
    """One simple command of a line.

    Attributes:
        joined: The operator before it: `;`, `&&`, `||` or `|`.
        words: Its words, before quotes and variables are processed.
        redirects: Its redirections, in order.
        in_background: Whether it runs in the background, so that its exit code does not count.
    """

    joined: str
    words: list[str] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    in_background: bool = False


def parse(line: str) -> list[Step]:
    """Return the steps of a line, in order.

    Raises:
        SyntaxFault: The line is malformed, or uses syntax that this shell does not support.
    """
    steps = [Step(";")]
    place, text = 0, line.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise SyntaxFault("syntax error: unterminated quoted string")
        place = found.end()
        _take(steps, found)
    if not steps[-1].words and steps[-1].joined != ";":
        raise SyntaxFault("syntax error: unexpected end of file")
    return [step for step in steps if step.words or step.redirects]


def _take(steps: list[Step], found: re.Match[str]) -> None:
    if refused := found["refused"]:
        raise SyntaxFault(f"this simulated shell does not know '{refused}'")
    if operator := found["operator"]:
        _join(steps, operator)
    elif arrow := found["arrow"]:
        descriptor = int(found["descriptor"] or (0 if arrow == "<" else 1))
        target = int(found["other"]) if found["other"] else found["target"]
        steps[-1].redirects.append(Redirect(descriptor, arrow, target))
    elif word := found["word"]:
        if word in _REFUSED and _COMPOUND.issuperset(steps[-1].words):
            raise SyntaxFault(f"this simulated shell does not know '{word}'")
        steps[-1].words.append(word)


def _join(steps: list[Step], operator: str) -> None:
    """Begin the next step; a line may be continued after `&&`, `||` and `|`."""
    if steps[-1].words or steps[-1].redirects:
        steps[-1].in_background = operator == "&"
        steps.append(Step(";" if operator in ("\n", "&") else operator))
    elif operator != "\n":
        raise SyntaxFault(f'syntax error: unexpected "{operator}"')


def fields(word: str, lookup: Callable[[str], str], parameters: Sequence[str] = ()) -> list[str]:
    """Return the arguments that a word becomes: quotes removed, and unquoted variables split at blanks.

    Args:
        word: The word as it was typed.
        lookup: Returns the value of a variable.
        parameters: The values of `$@`; each becomes one argument.
    """
    if word in ('"$@"', "$@"):
        return list(parameters)
    found: list[str] = []
    current: str | None = None
    for text, splits in _parts(word, lookup):
        if not splits:
            current = (current or "") + text
            continue
        first, *others = re.split(r"[ \t\n]+", text)
        if first:
            current = (current or "") + first
        for other in others:
            found += [] if current is None else [current]
            current = other or None
    return found if current is None else [*found, current]


def text_of(word: str, lookup: Callable[[str], str]) -> str:
    """Return a word with quotes removed and variables expanded, but not split, as after `NAME=`."""
    return "".join(text for text, _ in _parts(word, lookup))


def _parts(word: str, lookup: Callable[[str], str]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a word, each with whether it is split at blanks."""
    tilde = _TILDE.match(word)
    if tilde and tilde["user"] in ("", lookup("LOGNAME")):
        yield lookup("HOME"), False
        word = word[tilde.end() :]

    def value(found: re.Match[str]) -> str:
        return found["escaped"] or _value(found, lookup)

    for piece in _PIECE.findall(word):
        if piece.startswith("'"):
            yield piece[1:-1], False
        elif piece.startswith('"'):
            yield _IN_DOUBLE_QUOTES.sub(value, piece[1:-1]), False
        elif piece.startswith("\\"):
            yield piece[1:], False
        else:
            yield from _unquoted(piece, lookup)


def _value(found: re.Match[str], lookup: Callable[[str], str]) -> str:
    """Return the value of a variable, or the default of `${NAME:-default}`."""
    return lookup(found["braced"] or found["plain"]) or found["default"] or ""


def _unquoted(piece: str, lookup: Callable[[str], str]) -> Iterator[tuple[str, bool]]:
    place = 0
    for found in _VARIABLE.finditer(piece):
        if found.start() > place:
            yield piece[place : found.start()], False
        yield _value(found, lookup), True
        place = found.end()
    if place < len(piece):
        yield piece[place:], False
