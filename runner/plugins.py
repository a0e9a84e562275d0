"""What is installed in our entry-point groups: the built-in parts, and those of other packages.

A part of our own is never replaced by one of another package with the same name, and a package that cannot be
loaded costs nothing but its own parts.
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
    """A part that another package has installed, and that cannot be loaded; the message names the package."""


def names(group: str) -> list[str]:
    """Return the names of all parts of a group, in order."""
    return sorted(_found(group))


def load(group: str, name: str) -> Any:
    """Return what a group holds by a name.

    Raises:
        KeyError: It holds nothing by that name.
        BrokenPlugin: It cannot be loaded.
    """
    point = _found(group)[name]
    try:
        return point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a module may raise anything when it is imported, and even exit
        text = f"{type(exc).__name__}: {value_text(exc)}"
        raise BrokenPlugin(printable(f"{text} (package {_package(point)})")) from exc


def loaded(group: str) -> Iterator[tuple[str, Any]]:
    """Yield every part of a group by its name; warn of those that cannot be loaded, and leave them out."""
    for name in names(group):
        try:
            yield name, load(group, name)
        except BrokenPlugin as exc:
            warn(f"{name!r} of {group} is left out: it cannot be loaded: {exc}")


def package(group: str, name: str) -> str:
    """Return the name of the package that a part is from."""
    return _package(_found(group)[name])


@cache
def warn(text: str) -> None:
    """Say something about a plugin, once."""
    logger.warning("%s", text)


def _found(group: str) -> dict[str, EntryPoint]:
    """Return the parts of a group by name: of several with one name our own, else the first package's."""
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
def _installed(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - what is found there
    """Return the entry points of a group along a path of folders: every package of each is looked at."""
    return tuple(entry_points(group=group))


def _rank(point: EntryPoint) -> tuple[bool, str]:
    return _package(point) != _OURS, _package(point)


def _package(point: EntryPoint) -> str:
    """Return the normalized name of an entry point's package (PEP 503)."""
    name = None if point.dist is None else _name(point.dist)
    return re.sub(r"[-_.]+", "-", str(name)).lower()


@cache
def _name(package: Distribution) -> str:
    """Return what a package calls itself: its metadata is parsed for that, with the whole page about it."""
    return package.metadata["Name"]
