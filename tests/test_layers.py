"""Which packages import which: data moves in one direction; a package can be read without those above."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(runner.__file__).parent
ABOVE = ("runner.tasks", "runner.scripting", "runner.runs", "runner.report")

FORBIDDEN = {
    "fanout": ("runner.connection", "runner.history", "runner.settings", *ABOVE),
    "runs": ("runner.tasks", "runner.scripting", "runner.report"),
    "history": ("runner.connection", "runner.fanout", "runner.reach", "threading", *ABOVE),
    "jobs.py": ("runner.fanout", "runner.history", "runner.settings", *ABOVE),
    "connection": ("runner.fanout", "runner.history", "runner.settings", "runner.jobs", *ABOVE),
    "reach": ("runner.connection", "runner.fanout", "runner.history", "runner.settings", *ABOVE),
    "transfer": ("runner.fanout", "runner.history", "runner.settings", *ABOVE),
    "inventory": ("runner.fanout", "runner.history", "runner.settings", *ABOVE),
    "report": ("runner.connection", "runner.fanout", "runner.runs", "runner.tasks", "runner.settings"),
}
"""What a package, or a module, does not import, not even for its types."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_nothing_is_imported_from_above(name: str) -> None:
    place = ROOT / name
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in files
        for found in imports(path)
        for banned in FORBIDDEN[name]
        if found == banned or found.startswith(f"{banned}.")
    ]
    assert wrong == []
