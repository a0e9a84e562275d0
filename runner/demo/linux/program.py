"""The type of a server's programs, which return an exit code, and helpers that they share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.demo.linux.session import LinuxSession

__all__ = ["Program", "contents", "number_of", "options_of"]

Program: TypeAlias = "Callable[[LinuxSession, list[str]], Awaitable[int]]"
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def options_of(arguments: list[str]) -> tuple[str, list[str]]:
    """Return the letters of the options at the beginning, and the remaining arguments."""
    letters, place = "", 0
    for place, word in enumerate(arguments):
        if word == "--":
            return letters, arguments[place + 1 :]
        if not word.startswith("-") or word == "-":
            return letters, arguments[place:]
        letters += word.removeprefix("-")
    return letters, []


def number_of(word: str) -> int | None:
    """Return a word as an integer; None if it is not one or has more than 18 digits."""
    return int(word) if _NUMBER.fullmatch(word) else None


async def contents(session: LinuxSession, program: str, names: list[str]) -> list[tuple[str, bytes | None]]:
    """Return the contents of files with their names; `-` or no name at all means standard input.

    A file that cannot be read has None as content, and an error is printed.
    """
    found: list[tuple[str, bytes | None]] = []
    for name in names or ["-"]:
        path = session.machine.resolve(session.directory, name)
        if name == "-":
            found.append((name, await session.read()))
        elif path in session.machine.files:
            found.append((name, bytes(session.machine.files[path])))
        else:
            why = "Is a directory" if path in session.machine.directories else "No such file or directory"
            session.complain(f"{program}: {name}: {why}")
            found.append((name, None))
    return found
