"""Find the template for a command: by the index of a folder of templates, or by the names of its files.

The index has the format of ntc-templates: `Template, Hostname, Platform, Command` in each line, the last two
as regular expressions, in which `sh[[ow]]` means every abbreviation of a word.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["by_index", "by_name", "ntc", "ours"]

_COLUMNS = 4
_INDEX = "index"


def ours() -> Path:
    """Return the folder of the templates that we wrote ourselves."""
    return Path(__file__).parent / "templates"


@cache
def ntc() -> Path | None:
    """Return the folder of ntc-templates; None if the package is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415 - needed once

    spec = find_spec("ntc_templates")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "templates"


def by_index(folder: Path, platforms: Sequence[str], command: str) -> str | None:
    """Return the template that the index of a folder names for a command; several are joined by `:`.

    Args:
        folder: The folder; if it has no index, no template is found.
        platforms: The names of the device's platform, the best first.
        command: The command, as it was sent.
    """
    said = " ".join(command.split())
    for platform in platforms:
        for template, pattern in _rows(folder, platform):
            if pattern.match(said):
                return template
    return None


def by_name(folder: Path, platforms: Sequence[str], command: str, ending: str) -> str | None:
    """Return the file `PLATFORM_COMMAND.ENDING` of a folder; None if there is none.

    Args:
        folder: The folder.
        platforms: The names of the device's platform, the best first.
        command: The command, as it was sent; the part after the first `|` does not count.
        ending: `textfsm` or `ttp`.
    """
    files = {_plain(path.stem): path.name for path in sorted(folder.glob(f"*.{ending}"))}
    found = (files.get(_plain(f"{platform}_{command.partition('|')[0]}")) for platform in platforms)
    return next(filter(None, found), None)


def _plain(name: str) -> str:
    return "_".join(re.findall(r"[^\W_]+", name.lower()))


@lru_cache(maxsize=64)
def _rows(folder: Path, platform: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return template and pattern of each line of an index that is about a platform."""
    found = []
    for template, _, platforms, command in _index(folder):
        if re.match(platforms or "", platform):
            found.append((template, re.compile(re.sub(r"\[\[(.+?)\]\]", _abbreviated, command))))
    return tuple(found)


@cache
def _index(folder: Path) -> tuple[tuple[str, ...], ...]:
    try:
        text = (folder / _INDEX).read_text("utf-8", "replace")
    except FileNotFoundError:
        return ()
    lines = (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    rows = (tuple(cell.strip() for cell in line.split(",")) for line in lines)
    _, *found = (row for row in rows if len(row) == _COLUMNS)
    return tuple(found)


def _abbreviated(match: re.Match[str]) -> str:
    """Return `o(w)?` of `[[ow]]`, made optional as a whole."""
    word = match.group(1)
    return "(" + "(".join(word) + ")?" * len(word)
