"""Inventory scripts: programs that print JSON for `--list`, and for `--host NAME` if needed."""

from __future__ import annotations

import json
import os
import stat
import time
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.parsing.values import UnsafeText
from runner.text import reading

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["SCRIPT", "Script", "read_listing"]

_PROGRAM_MAGIC = (b"#!", b"\x7fELF")
_ALL_HOSTS = 10
"""Time limit for all `--host` calls together, as a multiple of the limit for one call."""
_SECTIONS = frozenset({"hosts", "vars", "children"})


class Script:
    """An executable file. A text file with the execute bit but no `#!` is data.

    Some file systems set that bit on every file.
    """

    order = 30

    def claims(self, source: str) -> bool:
        """Accept a program that the user may execute."""
        if not os.path.isfile(source) or not os.access(source, os.X_OK):  # noqa: PTH113
            return False
        try:
            return reading.beginning(source, 4).startswith(_PROGRAM_MAGIC)
        except OSError:
            return False

    def read(self, source: str, loading: Loading) -> None:
        """Run the script and read its output.

        Raises:
            InventoryError: It fails, hangs, prints too much or does not print an inventory, or another user
                could have written it.
        """
        if os.stat(source).st_mode & stat.S_IWOTH:  # noqa: PTH116
            raise InventoryError(
                "not run, because every user can change this program: chmod o-w", path=source
            )
        loading.check_program(source)
        listing = _run(source, "--list", loading=loading)
        loading.graph.source = source

        end = time.monotonic() + _ALL_HOSTS * loading.options.script_timeout_s

        def ask(host: str) -> Any:
            if time.monotonic() > end:
                told = "took too long for all its hosts; print their variables under _meta"
                raise InventoryError(told, path=source)
            return _run(source, "--host", host, loading=loading)

        _Listing(source, loading).read(listing, ask)


def _run(path: str, *arguments: str, loading: Loading) -> Any:
    from runner.inventory.processes import output  # noqa: PLC0415 - few inventories run a program

    options = loading.options
    printed = output(
        [path, *arguments], timeout_s=options.script_timeout_s, max_bytes=options.max_script_bytes
    )
    if not printed.strip():
        if arguments[0] == "--host":
            return {}
        raise InventoryError("printed nothing; expected a JSON object", path=path)
    return parse_json(printed, path)


def parse_json(text: str, path: str) -> dict[str, Any]:
    """Read a program's output as one JSON object.

    Raises:
        InventoryError: It is not a JSON object.
    """
    from runner.inventory.parsing.documents import from_json  # noqa: PLC0415 - loads libyaml

    try:
        value = from_json(text)
    except json.JSONDecodeError as exc:
        shown = text.strip()[:60]
        raise InventoryError(
            "did not print JSON", path=path, line=exc.lineno, column=exc.colno, text=shown
        ) from exc
    except ValueError as exc:
        raise InventoryError(f"printed JSON that cannot be read: {exc}", path=path) from exc
    if not isinstance(value, dict):
        raise InventoryError(
            "printed JSON that is not an object of groups", path=path, text=text.strip()[:60]
        )
    return value


def read_listing(path: str, listing: dict[str, Any], loading: Loading) -> None:
    """Read a `--list` document that has all variables under `_meta`.

    Raises:
        InventoryError: It is not such a document.
    """
    _Listing(path, loading).read(listing, lambda _host: {})


class _Listing:
    """Reads one `--list` document."""

    def __init__(self, path: str, loading: Loading) -> None:
        self._path = path
        self._graph = loading.graph
        self._hosts: dict[str, None] = {}

    def _error(self, what: str, expected: str, found: Any) -> InventoryError:
        return InventoryError(f"{what} must be {expected}, found {found!r}"[:200], path=self._path)

    def read(self, listing: dict[str, Any], ask: Any) -> None:
        """Read groups, then each host's variables: from `_meta`, else from `ask`."""
        meta = listing.get("_meta")
        if "_meta" in listing and not (isinstance(meta, dict) and isinstance(meta.get("hostvars"), dict)):
            raise self._error("_meta", "an object with an object 'hostvars'", meta)
        try:
            for name, content in listing.items():
                if name != "_meta":
                    self._group(name, content)
            told = meta.get("hostvars") if meta else None
            for host in self._hosts:
                variables = ask(host) if told is None else told.get(host, {})
                if not isinstance(variables, dict):
                    raise self._error(f"the variables of {host}", "an object", variables)
                self._graph.set_variables(host, variables)
        except InventoryError as exc:
            raise InventoryError(exc.message, path=self._path, line=exc.line, text=exc.text) from exc

    def _group(self, name: str, content: Any) -> None:
        group = self._graph.add_group(name)
        if not isinstance(content, dict):
            content = {"hosts": content}
        elif not content.keys() & _SECTIONS:
            # Ansible reads a group without sections as one host of that name; its texts are never templates.
            content = {"hosts": [name], "vars": _unsafe(content)}
        hosts, variables = content.get("hosts", []), content.get("vars", {})
        if not isinstance(hosts, list):
            raise self._error(f"{name}.hosts", "a list", hosts)
        if not isinstance(variables, dict):
            raise self._error(f"{name}.vars", "an object", variables)
        for host in hosts:
            self._graph.add_host(host, group)
            self._hosts[host] = None
        self._graph.set_variables(name, variables)
        children = content.get("children", [])
        if not isinstance(children, list):
            raise self._error(f"{name}.children", "a list", children)
        for child in children:
            self._graph.add_group(child)
            self._graph.add_child(name, child)


def _unsafe(value: Any) -> Any:
    """Mark every text so that it is not read as a template."""
    if isinstance(value, str):
        return UnsafeText(value)
    if isinstance(value, dict):
        return {key: _unsafe(item) for key, item in value.items()}
    return [_unsafe(item) for item in value] if isinstance(value, list) else value


SCRIPT = Script()
