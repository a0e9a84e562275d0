"""What programs of a server are: they take the session and arguments, print, and return an exit code."""

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
    """Return the letters of the options at the beginning, and what follows them."""
    letters, place = "", 0
    for place, word in enumerate(arguments):
        if word == "--":
            return letters, arguments[place + 1 :]
        if not word.startswith("-") or word == "-":
            return letters, arguments[place:]
        letters += word.removeprefix("-")
    return letters, []


def number_of(word: str) -> int | None:
    """Return the whole number that a word is; None where it is none, or one that fits no machine's word."""
    return int(word) if _NUMBER.fullmatch(word) else None


async def contents(session: LinuxSession, program: str, names: list[str]) -> list[tuple[str, bytes | None]]:
    """Return what is in files, by name; standard input of `-`, and where none is named.

    What cannot be read is None, and complained about.
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
