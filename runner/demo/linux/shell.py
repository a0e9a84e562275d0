"""How a command line is read: words, quotes, variables, `;`, `&&`, `||`, and redirection of the two outputs.

The rules are those of POSIX.1-2017, Shell Command Language, cut down to what the demo shows. What is left out
(pipes, files as targets, globs, substitution) is refused with exit code 2, never half done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Step", "SyntaxFault", "parse"]

_TOKEN = re.compile(
    r"""[ \t\r]*(?:
        (?P<operator>&&|\|\||;|\n)
      | (?P<redirect>(?:1|2)?>(?:&[12]|\s*/dev/null))
      | (?P<refused>[|&<>()`]|\$\()
      | (?P<comment>\#[^\n]*)
      | (?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|<>()`'"\\])+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\]+""", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+|\?))")
_IN_DOUBLE_QUOTES = re.compile(r'\\(?P<escaped>["\\$`])|' + _VARIABLE.pattern)


class SyntaxFault(Exception):
    """A line that is no command; the message is what the shell prints after its name."""


@dataclass(slots=True)
class Step:
    """One simple command of a line.

    Attributes:
        joined: What stands before it: `;`, `&&` or `||`.
        words: Its words, quotes and variables still in them.
        outputs: Where file descriptors 1 and 2 lead: 1, 2, or 0 for nowhere.
    """

    joined: str
    words: list[str] = field(default_factory=list)
    outputs: dict[int, int] = field(default_factory=lambda: {1: 1, 2: 2})

    def expand(self, lookup: Callable[[str], str]) -> list[str]:
        """Return the words as a program gets them; `lookup` gives the value of a variable."""
        return [_expand(word, lookup) for word in self.words]


def parse(line: str) -> list[Step]:
    """Return the steps of a line, in order.

    Raises:
        SyntaxFault: The line is malformed, or uses what this shell leaves out.
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
    return [step for step in steps if step.words]


def _take(steps: list[Step], found: re.Match[str]) -> None:
    if refused := found["refused"]:
        raise SyntaxFault(f"this simulated shell does not know '{refused}'")
    if operator := found["operator"]:
        operator = operator.replace("\n", ";")
        if not steps[-1].words and operator != ";":
            raise SyntaxFault(f'syntax error: unexpected "{operator}"')
        steps.append(Step(operator))
    elif redirect := found["redirect"]:
        source, _, target = redirect.partition(">")
        outputs = steps[-1].outputs
        outputs[int(source or 1)] = outputs[int(target[1])] if target.startswith("&") else 0
    elif word := found["word"]:
        steps[-1].words.append(word)


def _expand(word: str, lookup: Callable[[str], str]) -> str:
    """Return a word without its quotes, with the value of each variable that is not in single quotes."""

    def value(found: re.Match[str]) -> str:
        return found.groupdict().get("escaped") or lookup(found["braced"] or found["plain"])

    if word == "~" or word.startswith("~/"):
        word = "$HOME" + word[1:]
    parts = []
    for piece in _PIECE.findall(word):
        if piece.startswith("'"):
            parts.append(piece[1:-1])
        elif piece.startswith('"'):
            parts.append(_IN_DOUBLE_QUOTES.sub(value, piece[1:-1]))
        elif piece.startswith("\\"):
            parts.append(piece[1:])
        else:
            parts.append(_VARIABLE.sub(value, piece))
    return "".join(parts)
