"""Compound commands and command substitution: `if`, `while` and `$(...)` (POSIX, Shell Command Language)."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.demo.linux.shell import SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.demo.linux.shell import Step

__all__ = ["If", "Node", "While", "extracted", "nodes", "references"]

_REFERENCE = re.compile(r"\$\{(__command[0-9]+)\}")
_ENDS = {"then", "else", "fi", "do", "done"}


@dataclass(frozen=True, slots=True)
class If:
    """`if condition; then body; else otherwise; fi`, and the operator before it."""

    joined: str
    condition: list[Node]
    body: list[Node]
    otherwise: list[Node]


@dataclass(frozen=True, slots=True)
class While:
    """`while condition; do body; done`, and the operator before it."""

    joined: str
    condition: list[Node]
    body: list[Node]


Node = If | While | list["Step"]
"""A compound command, or a pipeline."""


def nodes(pipelines: Iterable[list[Step]]) -> list[Node]:
    """Return the commands of a script, with compound commands as trees.

    Raises:
        SyntaxFault: A keyword of a compound command is missing or in the wrong place.
    """
    return _until((), deque(pipelines))


def _until(ends: tuple[str, ...], rest: deque[list[Step]]) -> list[Node]:
    """Parse commands up to one of the keywords in `ends`."""
    found: list[Node] = []
    while rest:
        word = _first_word(rest)
        if word in ends:
            return found
        if word in _ENDS:
            raise SyntaxFault(f'syntax error: "{word}" unexpected')
        found.append(_compound(word, rest) if word in ("if", "while") else rest.popleft())
    if ends:
        raise SyntaxFault(f'syntax error: end of file unexpected (expecting "{ends[-1]}")')
    return found


def _compound(word: str, rest: deque[list[Step]]) -> If | While:
    joined, rest[0][0].joined = rest[0][0].joined, ";"
    _drop_word(rest)
    if word == "while":
        condition = _part(("do",), rest)
        return While(joined, condition, _part(("done",), rest))
    condition, body = _part(("then",), rest), _until(("else", "fi"), rest)
    has_else = _first_word(rest) == "else"
    _drop_word(rest)
    return If(joined, condition, body, _part(("fi",), rest) if has_else else [])


def _part(ends: tuple[str, ...], rest: deque[list[Step]]) -> list[Node]:
    found = _until(ends, rest)
    _drop_word(rest)
    return found


def _first_word(rest: deque[list[Step]]) -> str:
    words = rest[0][0].words
    return words[0] if words else ""


def _drop_word(rest: deque[list[Step]]) -> None:
    """Remove the keyword of a compound command, and its step if the step is empty then."""
    step = rest[0][0]
    del step.words[0]
    if not step.words and not step.redirects:
        rest.popleft()


def references(text: str) -> list[str]:
    """Return the names of the command substitutions in a word that `extracted` has rewritten."""
    return _REFERENCE.findall(text)


def extracted(line: str, commands: dict[str, str]) -> str:
    """Return a line with each command substitution replaced by a variable.

    Args:
        line: The line.
        commands: Receives each command, by the name of its variable.

    Raises:
        SyntaxFault: A substitution is not terminated, or it is an arithmetic expansion.
    """
    kept, place, in_double = [], 0, False
    while place < len(line):
        piece = _piece(line, place, in_double=in_double)
        if piece.startswith("$("):
            if piece.startswith("$(("):
                raise SyntaxFault("this simulated shell does not know '$(('")
            name = f"__command{len(commands)}"
            commands[name] = piece[2:-1]
            kept.append(f"${{{name}}}")
        else:
            in_double ^= piece == '"'
            kept.append(piece)
        place += len(piece)
    return "".join(kept)


def _piece(line: str, place: int, *, in_double: bool) -> str:
    """Return the next piece: a quoted text, an escaped character, a substitution, or one character."""
    character = line[place]
    if character == "\\":
        return line[place : place + 2]
    if character == "'" and not in_double:
        end = line.find("'", place + 1)
        return line[place : end + 1] if end >= 0 else line[place:]
    if line.startswith("$(", place):
        return line[place : _closing(line, place + 2) + 1]
    return character


def _closing(line: str, place: int) -> int:
    """Return the position of the parenthesis that ends a substitution."""
    in_double = False
    while place < len(line):
        piece = _piece(line, place, in_double=in_double)
        if piece == ")" and not in_double:
            return place
        in_double ^= piece == '"'
        place += len(piece)
    raise SyntaxFault("syntax error: unterminated command substitution")
