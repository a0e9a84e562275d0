"""Parse one output in a confined process: templates backtrack on text that hosts choose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from runner.devices import folders, json_rows
from runner.devices.outcome import NO_TEMPLATE, Parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["serve"]

_MOST = 2**24 - 2**12
"""Most bytes of rows: a message to the parent has at most 16 MiB."""


def serve(request: bytes, ask: Callable[[bytes], bytes]) -> bytes:  # noqa: ARG001 - the signature of a confined process
    """Return the outcome of an output: its kind and its error as JSON in a line, then the rows as JSON.

    Args:
        request: How to parse, the names of the platform, the command, the output, the operator's folder of
            templates and TTP's cache folder, as JSON.
        ask: Not used.
    """
    how, platforms, command, text, folder, cache = json.loads(request)
    own = None if folder is None else Path(folder)
    try:
        found = _parsed(how, platforms, command, text, own, cache)
    except Exception as exc:  # noqa: BLE001 - a template may be wrong, and TTP raises anything
        found = Parsed.misfit(f"{type(exc).__name__}: {exc}".splitlines()[0])
    rows = json.dumps(found.rows or [], default=str).encode()
    if len(rows) > _MOST:
        found, rows = Parsed.misfit("the rows have more than 16 MiB"), b"[]"
    return json.dumps([found.parse, found.error]).encode() + b"\n" + rows


def _parsed(
    how: str, platforms: Sequence[str], command: str, text: str, own: Path | None, cache: str
) -> Parsed:
    if how == "json":
        return json_rows.parsed(text)
    if how != "textfsm" and own is not None:
        template = folders.by_name(own, platforms, command, "ttp")
        if template is not None and (how == "ttp" or not _of_textfsm(own, platforms, command)):
            from runner.devices import ttp_rows  # noqa: PLC0415 - slow to import, and few need it

            ttp_rows.private_cache(cache)
            return ttp_rows.parsed(own / template, text)
    if how == "ttp":
        return Parsed(NO_TEMPLATE)
    from runner.devices import textfsm_rows  # noqa: PLC0415 - an extra

    for place in _places(own):
        if place != own and how == "auto" and json_rows.asks_for_json(command):
            return json_rows.parsed(text)
        template = _of_textfsm(place, platforms, command)
        if template is not None:
            return textfsm_rows.parsed(place, template, text)
    return Parsed(NO_TEMPLATE)


def _places(own: Path | None) -> Iterator[Path]:
    """Yield the folders of templates, the operator's own first."""
    for place in (own, folders.ntc(), folders.ours()):
        if place is not None:
            yield place


def _of_textfsm(place: Path, platforms: Sequence[str], command: str) -> str | None:
    found = folders.by_index(place, platforms, command)
    return found or folders.by_name(place, platforms, command, "textfsm")
