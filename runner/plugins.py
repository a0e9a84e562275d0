"""Find and load plugins: the built-in ones and those of other packages, by entry-point group.

A plugin of another package never replaces a built-in one with the same name. A package that cannot be loaded
affects only its own plugins.
"""

from __future__ import annotations

import logging
import re
import sys
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.text import printable, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution, EntryPoint

__all__ = ["BrokenPlugin", "load", "loaded", "names", "package", "warn"]

logger = logging.getLogger(__name__)

_OURS = "invoke-runner"


class BrokenPlugin(UsageError):
    """A plugin that cannot be loaded; the message names its package."""


def names(group: str) -> list[str]:
    """Return the names of all plugins of a group, sorted."""
    return sorted(_found(group))


def load(group: str, name: str) -> Any:
    """Load a plugin of a group by its name.

    Raises:
        KeyError: The group has no plugin of that name.
        BrokenPlugin: The plugin cannot be loaded.
    """
    point = _found(group)[name]
    try:
        return point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # an imported module may raise anything, even SystemExit
        text = f"{type(exc).__name__}: {value_text(exc)}"
        raise BrokenPlugin(printable(f"{text} (package {_package(point)})")) from exc


def loaded(group: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and object of each plugin of a group; warn about those that cannot be loaded."""
    for name in names(group):
        try:
            yield name, load(group, name)
        except BrokenPlugin as exc:
            warn(f"{name!r} of {group} is left out: it cannot be loaded: {exc}")


def package(group: str, name: str) -> str:
    """Return the name of a plugin's package."""
    return _package(_found(group)[name])


@cache
def warn(text: str) -> None:
    """Log a warning about a plugin, once."""
    logger.warning("%s", text)


def _found(group: str) -> dict[str, EntryPoint]:
    """Return the plugins of a group by name; if names clash, ours wins, else the first package by name."""
    known: dict[str, EntryPoint] = {}
    for point in sorted(_installed(group, tuple(sys.path)), key=_rank):
        first = known.setdefault(point.name, point)
        if _package(first) != _package(point):
            warn(
                f"{point.name!r} of {group}: that of the package {_package(point)} is not used; "
                f"{_package(first)} has one of the same name"
            )
    return known


@cache
def _installed(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - part of the cache key
    """Return the entry points of a group; cached per import path, because it reads all installed packages."""
    return tuple(entry_points(group=group))


def _rank(point: EntryPoint) -> tuple[bool, str]:
    return _package(point) != _OURS, _package(point)


def _package(point: EntryPoint) -> str:
    """Return the normalized name of an entry point's package (PEP 503)."""
    name = None if point.dist is None else _name(point.dist)
    return re.sub(r"[-_.]+", "-", str(name)).lower()


@cache
def _name(package: Distribution) -> str:
    """Return the name of a package; cached, because this parses the whole metadata, README included."""
    return package.metadata["Name"]
