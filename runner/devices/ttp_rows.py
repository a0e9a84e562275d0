"""Parse output with TTP templates (https://ttp.readthedocs.io)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runner.devices.json_rows import rows_of
from runner.devices.outcome import ROWS, Parsed, first_line

__all__ = ["parsed", "private_cache"]

_CACHE = "TTPCACHEFOLDER"


def private_cache(folder: str) -> None:
    """Have TTP keep its cache in a folder that only this user can write: it unpickles the cache on import.

    Args:
        folder: The folder; it is made if it does not exist.

    Raises:
        OSError: The folder cannot be made, or another user may have written it.
    """
    path = Path(folder)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"another user may have written {folder}")
    os.environ[_CACHE] = folder


def parsed(template: Path, text: str) -> Parsed:
    """Return the rows of an output; TTP does not name the line of a misfit, so the first line is named."""
    from ttp import ttp  # noqa: PLC0415 - slow to import, and few need it

    parser = ttp(data=text, template=template.read_text("utf-8"), log_level="CRITICAL")
    parser.parse(one=True)
    rows = _rows(parser.result(structure="flat_list"))
    return Parsed(ROWS, rows) if rows or not text.strip() else Parsed.misfit(first_line(text))


def _rows(found: Any) -> list[dict[str, Any]]:
    """Return TTP's results as rows; a group that matched once is not a list."""
    results = [item for item in found if item] if isinstance(found, list) else [found]
    if len(results) != 1 or not isinstance(results[0], dict):
        return [item for item in results if isinstance(item, dict)]
    (result,) = results
    if len(result) == 1:
        (below,) = result.values()
        if isinstance(below, dict) and not all(isinstance(item, dict) for item in below.values()):
            return [below]
    return rows_of(result)
