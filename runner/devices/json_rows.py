"""Parse output that is JSON: of `show version | json`, `show ip route json` and `… | display json`."""

from __future__ import annotations

import json
import re
from typing import Any

from runner.devices.outcome import ROWS, Parsed, first_line

__all__ = ["asks_for_json", "parsed", "rows_of"]

_ASKED = re.compile(r"\|\s*(?:display\s+)?json\b|\sjson\s*\Z|--?json\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_-]+")
_NAME = "name"


def asks_for_json(command: str) -> bool:
    """Return whether a command asks for JSON."""
    return _ASKED.search(command) is not None


def parsed(text: str) -> Parsed:
    """Return the rows of a JSON document; if it is none, the line at which reading stopped."""
    try:
        document = json.loads(text, parse_constant=str)
    except json.JSONDecodeError as exc:
        lines = text.splitlines()
        place = min(exc.lineno, len(lines)) - 1
        return Parsed.misfit(lines[place] if lines and lines[place].strip() else first_line(text))
    except RecursionError:
        return Parsed.misfit(first_line(text))
    return Parsed(ROWS, rows_of(document))


def rows_of(document: Any) -> list[dict[str, Any]]:
    """Return the rows of a document.

    A list of objects has a row for each. An object whose values are objects, or lists of objects, has a row
    for each of them, with its key as `name`. If it has only one key, and this is a word without digits, such
    as `TABLE_interface`, above such an object or list, the rows are those below. Any other object is one row.
    """
    if isinstance(document, list):
        return [item if isinstance(item, dict) else {"value": item} for item in document]
    if not isinstance(document, dict):
        return [{"value": document}]
    if len(document) == 1:
        ((key, below),) = document.items()
        if _WORD.fullmatch(key) and (_is_list(below) or _is_table(below)):
            return rows_of(below)
    if not _is_table(document):
        return [document] if document else []
    return [
        {f"{_NAME}_" if _NAME in item else _NAME: key, **item}
        for key, value in document.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _is_table(value: Any) -> bool:
    """Return whether a value is an object of objects, or of lists of objects."""
    if not isinstance(value, dict) or not value:
        return False
    return all(isinstance(item, dict) or _is_list(item) for item in value.values())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
