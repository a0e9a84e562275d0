"""The programs of a server that filter text."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from runner.demo.linux.program import contents, options_of

if TYPE_CHECKING:
    from runner.demo.linux.program import Program
    from runner.demo.linux.session import LinuxSession

__all__ = ["FILTERS"]

_PADDED = 7
"""Columns of a count if the size of the input is not known, as in GNU wc(1)."""


async def _wc(session: LinuxSession, arguments: list[str]) -> int:
    letters, names = options_of(arguments)
    if set(letters) - set("lwc"):
        return _unknown(session, "wc", letters, "-l, -w and -c")
    found = await contents(session, "wc", names)
    rows = [(_counts(content), name) for name, content in found if content is not None]
    if len(found) > 1:
        rows.append(([sum(column) for column in zip(*(counts for counts, _ in rows), strict=True)], "total"))
    chosen = [place for place, letter in enumerate("lwc") if not letters or letter in letters]
    widest = max((len(str(count)) for counts, _ in rows for count in counts), default=1)
    width = 1 if len(chosen) == 1 and len(rows) == 1 else widest if names else _PADDED
    for counts, name in rows:
        numbers = " ".join(f"{counts[place]:{width}}" for place in chosen)
        session.say(numbers if name == "-" and not names else f"{numbers} {name}")
    return int(any(content is None for _, content in found))


def _counts(content: bytes) -> list[int]:
    return [content.count(b"\n"), len(content.split()), len(content)]


async def _head(session: LinuxSession, arguments: list[str]) -> int:
    return await _end_of(session, "head", arguments)


async def _tail(session: LinuxSession, arguments: list[str]) -> int:
    return await _end_of(session, "tail", arguments)


async def _end_of(session: LinuxSession, program: str, arguments: list[str]) -> int:
    """Print the first or the last lines of a file: ten, or the number in `-n N` or `-N`."""
    found = re.fullmatch(r"(?:-n)?\s?-?(\d{1,9})", " ".join(arguments[: 2 if arguments[:1] == ["-n"] else 1]))
    names = arguments[2 if arguments[:1] == ["-n"] else 1 :] if found else arguments
    if len(names) > 1 or (names[:1] != ["-"] and any(name.startswith("-") for name in names)):
        return _unknown(session, program, " ".join(arguments), "-n NUMBER and one file")
    count = int(found[1]) if found else 10
    ((_, content),) = await contents(session, program, names)
    lines = (content or b"").splitlines(keepends=True)
    session.write(1, b"".join(lines[:count] if program == "head" else lines[max(0, len(lines) - count) :]))
    return int(content is None)


async def _grep(session: LinuxSession, arguments: list[str]) -> int:
    """Print the lines that match; the exit code is 0 if any line matches, and 1 if none does."""
    letters, words = options_of(arguments)
    if set(letters) - set("ivcqEFn") or not words:
        return _unknown(session, "grep", letters, "-i, -v, -c, -q, -n, -E and -F") + 1
    try:
        pattern = re.compile(_expression(words[0], letters), re.IGNORECASE if "i" in letters else 0)
    except re.error as exc:
        session.complain(f"grep: {exc}")
        return 2
    found = await contents(session, "grep", words[1:])
    matched = False
    for name, content in found:
        lines = enumerate((content or b"").decode("utf-8", "backslashreplace").splitlines(), 1)
        chosen = [item for item in lines if bool(pattern.search(item[1])) is ("v" not in letters)]
        matched = matched or bool(chosen)
        for line in _shown(chosen, letters):
            session.say(f"{name}:{line}" if len(found) > 1 else line)
    return 2 if any(content is None for _, content in found) else int(not matched)


def _shown(lines: list[tuple[int, str]], letters: str) -> list[str]:
    """Return the output of grep for the lines that match."""
    if "q" in letters:
        return []
    if "c" in letters:
        return [str(len(lines))]
    return [f"{number}:{line}" if "n" in letters else line for number, line in lines]


def _expression(text: str, letters: str) -> str:
    """Return a pattern in Python's syntax; in a basic one, some characters are special only if escaped."""
    if "F" in letters:
        return re.escape(text)
    if "E" in letters:
        return text
    return re.sub(r"\\?[+?|(){}]", lambda found: found[0][1:] if len(found[0]) > 1 else "\\" + found[0], text)


async def _sort(session: LinuxSession, arguments: list[str]) -> int:
    letters, names = options_of(arguments)
    if set(letters) - set("rnu"):
        return _unknown(session, "sort", letters, "-r, -n and -u") + 1
    found = await contents(session, "sort", names)
    lines = [line for _, content in found for line in (content or b"").splitlines()]
    key = _number if "n" in letters else None
    lines.sort(key=key, reverse="r" in letters)
    if "u" in letters:
        lines = [line for line, _ in groupby(lines)]
    session.write(1, b"".join(line + b"\n" for line in lines))
    return 2 * int(any(content is None for _, content in found))


def _number(line: bytes) -> tuple[float, bytes]:
    found = re.match(rb"\s*(-?\d{1,15}(?:\.\d{1,15})?)", line)
    return float(found[1]) if found else 0.0, line


async def _uniq(session: LinuxSession, arguments: list[str]) -> int:
    letters, names = options_of(arguments)
    if set(letters) - {"c"} or len(names) > 1:
        return _unknown(session, "uniq", letters, "-c and one file")
    ((_, content),) = await contents(session, "uniq", names)
    for line, same in groupby((content or b"").splitlines()):
        count = f"{len(list(same)):{_PADDED}} ".encode() if "c" in letters else b""
        session.write(1, count + line + b"\n")
    return int(content is None)


def _unknown(session: LinuxSession, program: str, given: str, known: str) -> int:
    session.complain(f"{program}: this simulated server knows {known}, not '{given}'")
    return 1


FILTERS: dict[str, Program] = {
    "grep": _grep,
    "head": _head,
    "sort": _sort,
    "tail": _tail,
    "uniq": _uniq,
    "wc": _wc,
}
"""The filters, by name."""
