"""Inventory sources: files, folders, scripts, host lists, and those that plugins add.

Every source, built in or not, is found through the entry-point group `runner.inventory_sources`. An entry
point names an object with the three members of `Source`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Protocol

from runner import plugins
from runner.errors import InventoryError, RunnerError
from runner.inventory.parsing.malformed import NotThisFormat
from runner.inventory.rules import ADVANCED_HOST_LIST, ANSIBLE_FORMATS

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["NotThisFormat", "Source", "is_file", "read", "sources", "split_format"]

GROUP = "runner.inventory_sources"


class Source(Protocol):
    """One way to read hosts and groups.

    Attributes:
        order: Sources with a lower number are asked first; the built-in ones have 10 to 90.
    """

    order: int

    def claims(self, source: str) -> bool:
        """Return whether this may be the format of `source`, judged by its name, suffix or mode."""
        ...

    def read(self, source: str, loading: Loading) -> None:
        """Read `source` into `loading.graph`.

        Raises:
            NotThisFormat: It is in another format; nothing was added to the graph.
            InventoryError: It is in this format, but has an error.
        """
        ...


def is_file(source: str) -> bool:
    """Return whether a source exists and is not a folder; a pipe or a device counts as a file."""
    return os.path.exists(source) and not os.path.isdir(source)  # noqa: PTH110, PTH112


@cache
def sources() -> dict[str, Source]:
    """Return every usable source by its name, in the order in which they are asked."""
    found: dict[str, Source] = {}
    for name, source in plugins.loaded(GROUP):
        if all(hasattr(source, member) for member in ("order", "claims", "read")):
            found[name] = source
        else:
            plugins.warn(f"{name!r} of {GROUP} is left out: {_origin(name)} has no order, claims or read")
    return dict(sorted(found.items(), key=lambda item: item[1].order))


def _origin(name: str) -> str:
    return f"the inventory source of the package {plugins.package(GROUP, name)}"


def _claims(asked: Source, source: str) -> bool:
    """Return whether a format claims a source; if its check fails, warn and return False."""
    try:
        return asked.claims(source)
    except RunnerError:
        raise
    except Exception as exc:  # noqa: BLE001 - another package's source may raise anything
        name = next(name for name, each in sources().items() if each is asked)
        plugins.warn(f"{_origin(name)} is not asked about {source!r}: {type(exc).__name__}: {exc}")
        return False


def _named(name: str) -> Source:
    """Return the format that the operator has named.

    Raises:
        InventoryError: It is installed but cannot be used.
    """
    if name in sources():
        return sources()[name]
    try:
        plugins.load(GROUP, name)
    except plugins.BrokenPlugin as exc:
        raise InventoryError(f"the inventory source {name!r} cannot be loaded: {exc}") from exc
    raise InventoryError(f"{_origin(name)} has no order, claims or read")


def split_format(source: str) -> tuple[str | None, str]:
    """Split `csv:hosts.csv`, which names its format, unless a file of that whole name exists.

    Args:
        source: A source as the operator wrote it.

    Returns:
        The format, None if none is named, and the rest of the text.
    """
    name, colon, rest = source.partition(":")
    if (
        colon
        and rest
        and name.isidentifier()
        and not os.path.lexists(source)
        and name in plugins.names(GROUP)
    ):
        return name, rest
    return None, source


def read(source: str, loading: Loading) -> None:
    """Read one source with the first format that accepts it.

    Raises:
        InventoryError: No format reads it, or it has an error in its own format.
    """
    name, source = split_format(source)
    rules = loading.options.rules
    if name:
        claimants = [_named(name)]
    else:
        claimants = [each for each in _in_order(rules.enabled) if _claims(each, source)]
    refusals: list[NotThisFormat] = []
    warnings = dict(loading.warnings)
    for claimant in claimants:
        try:
            _read_with(claimant, source, loading)
        except NotThisFormat as exc:
            refusals.append(exc)
            loading.warnings = dict(warnings)
        else:
            return
    if not claimants:
        if not os.path.lexists(source):
            raise InventoryError("no such file or folder", path=source)
        among = f" among those that enable_plugins names: {', '.join(rules.enabled)}" if rules.enabled else ""
        raise InventoryError(f"no known inventory format{among}", path=source)
    shown = refusals[0] if _suffix_tells(source) else refusals[-1]
    # Not `NotThisFormat`: if the source is a file in a folder, that would mean that the folder is refused.
    raise InventoryError(
        shown.message, path=shown.path, line=shown.line, column=shown.column, text=shown.text
    ) from shown


def _in_order(enabled: tuple[str, ...] | None) -> list[Source]:
    """Return the sources in the order in which they are asked.

    Args:
        enabled: The inventory plugins that Ansible's configuration enables, in order; None if it does not
            say. It applies only to the formats that are Ansible plugins.
    """
    if enabled is None:
        return list(sources().values())
    named = dict.fromkeys("host_list" if name == ADVANCED_HOST_LIST else name for name in enabled)
    chosen = iter([sources()[name] for name in named if name in ANSIBLE_FORMATS])
    given = [next(chosen, None) if name in ANSIBLE_FORMATS else each for name, each in sources().items()]
    return [each for each in given if each is not None]


def _read_with(claimant: Source, source: str, loading: Loading) -> None:
    """Let one format read a source; add the source to an error that names no file."""
    try:
        claimant.read(source, loading)
    except NotThisFormat:
        raise
    except InventoryError as exc:
        if exc.path is not None:
            raise
        raise InventoryError(
            exc.message, path=source, line=exc.line, column=exc.column, text=exc.text
        ) from exc


def _suffix_tells(source: str) -> bool:
    """Return whether the suffix is one of YAML's, so that the first error, from YAML, is the one to show."""
    return source.endswith((".yml", ".yaml", ".json"))
