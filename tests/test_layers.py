"""Which packages import which: a package never imports those above it, and can be read without them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(runner.__file__).parent

ROOMS = (
    ("tasks", "scripting.py"),
    ("report",),
    ("runs",),
    ("settings",),
    ("fanout",),
    ("history",),
    ("jobs",),
    ("devices", "transfer"),
    ("executors",),
    ("connection",),
    ("reach",),
    ("inventory",),
    ("platforms",),
    ("results",),
    ("text", "models.py", "errors.py", "plugins.py", "environment.py", "interpreter.py"),
)
"""The packages and modules at the top of `runner/`, the highest first; each imports only lower ones."""

FORBIDDEN = {
    "fanout": ("runner.connection", "runner.history"),
    "history": ("runner.connection", "runner.reach", "runner.jobs", "threading"),
    "report": ("runner.runs", "runner.settings", "runner.fanout", "runner.jobs", "runner.connection"),
    "demo": tuple(f"runner.{name.removesuffix('.py')}" for rooms in ROOMS[:-1] for name in rooms),
}
"""Lower packages that a package still must not import."""

EXCEPTIONS = {"inventory/sources/ssh_config.py": "runner.connection"}
"""Modules that may import a higher package: the source `ssh_config` uses the parser of the connections."""


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, including imports for types and inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def wrong(name: str, banned: tuple[str, ...]) -> list[str]:
    """Return the banned imports of a package or module."""
    place = ROOT / name
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    return [
        f"{path.relative_to(ROOT)}: {found}"
        for path in files
        for found in imports(path)
        for each in banned
        if (found == each or found.startswith(f"{each}."))
        and each != EXCEPTIONS.get(str(path.relative_to(ROOT)))
    ]


def test_every_room_has_its_place() -> None:
    known = {name for rooms in ROOMS for name in rooms} | {"demo", "__init__.py", "__main__.py"}
    there = {path.name for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"} - {"__pycache__"}
    assert there == known


@pytest.mark.parametrize("name", [name for rooms in ROOMS for name in rooms])
def test_nothing_is_imported_from_above(name: str) -> None:
    rank = next(rank for rank, rooms in enumerate(ROOMS) if name in rooms)
    above = [each.removesuffix(".py") for rooms in ROOMS[:rank] for each in rooms]
    assert wrong(name, tuple(f"runner.{each}" for each in above)) == []


@pytest.mark.parametrize("name", FORBIDDEN)
def test_some_rooms_do_without_what_is_below_them(name: str) -> None:
    assert wrong(name, FORBIDDEN[name]) == []
