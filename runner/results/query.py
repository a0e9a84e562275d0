"""Choose, filter and count the rows of all hosts: `--select`, `--where`, `--group-by`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["HOST", "Query", "Selection", "compiled"]

HOST = "host"
"""The column that every row has first: the name of the host."""

_FIRST_ONLY = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "value_projection", "filter_projection"}
)
"""Kinds of JMESPath nodes of which only the first part is looked up in the row itself."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows and columns are shown.

    Attributes:
        select: The columns, in order; all if empty.
        where: The JMESPath expression that is true for the rows; None for all rows.
        group_by: The column whose values are counted; None if the rows themselves are shown.
    """

    select: tuple[str, ...] = ()
    where: str | None = None
    group_by: str | None = None

    def __bool__(self) -> bool:
        return bool(self.select or self.where or self.group_by)


def compiled(text: str) -> Any:
    """Return a compiled JMESPath expression.

    Raises:
        ValueError: It is not one, or the package is not installed; the message is one line.
    """
    if find_spec("jmespath") is None:
        raise ValueError(
            "it needs the extra 'devices': type pip install -e '.[devices]' in the clone of runner"
        )
    import jmespath  # noqa: PLC0415 - an extra

    try:
        found = jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as exc:
        raise _not_an_expression(str(exc).splitlines()[0].rstrip(":")) from exc
    unknown = [name for name in _functions(found.parsed) if name not in _known_functions()]
    if unknown:
        raise _not_an_expression(f"{unknown[0]}() is not a function of JMESPath")
    return found


def _not_an_expression(why: str) -> ValueError:
    return ValueError(f"expected a JMESPath expression, such as \"status == 'down'\": {why}")


def _known_functions() -> Mapping[str, object]:
    from jmespath.functions import Functions  # noqa: PLC0415 - an extra

    table: Mapping[str, object] = Functions.FUNCTION_TABLE
    return table


def _functions(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the functions that an expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _functions(child)


class Selection:
    """Applies a query to the rows of one host after the other, and counts its groups.

    Args:
        query: The query.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._where = None if query.where is None else compiled(query.where)
        self._fields: dict[str, None] = {HOST: None}
        self._missing = dict.fromkeys((*query.select, *filter(None, (query.group_by,)), *_named(self._where)))
        self._groups: dict[str, tuple[Any, int, dict[str, None]]] = {}
        self._unjudged = 0
        self._why_unjudged = ""

    def rows(self, host: str, records: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
        """Return the rows of a host that the query chooses, each with the host first.

        Args:
            host: The name of the host.
            records: Its rows; a column of the name `host` is renamed to `host_`.
        """
        found = []
        for record in records:
            row = {HOST: host, **{_name(key): value for key, value in record.items()}}
            self._note(row)
            if self._where is None or self._fits(row):
                found.append(self._selected(row))
                self._count(host, row)
        return [] if self._query.group_by is not None else found

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The values of the counted column, each with the number of its rows; the most frequent first."""
        name = self._query.group_by or ""
        found = sorted(self._groups.values(), key=lambda group: -group[1])
        return [{name: value, "count": count, "hosts": list(hosts)} for value, count, hosts in found]

    def warnings(self) -> Iterator[str]:
        """Yield what is doubtful, after the last row: unknown columns, and rows that could not be judged."""
        known = ", ".join(self._fields)
        if self._missing and len(self._fields) > 1:
            yield f"no row has the field {', '.join(self._missing)}; the fields are: {known}"
        if self._unjudged:
            number = f"{self._unjudged} row{'' if self._unjudged == 1 else 's'}"
            yield f"--where cannot judge {number}, which are not shown: {self._why_unjudged}"

    def _note(self, row: Mapping[str, Any]) -> None:
        if row.keys() <= self._fields.keys():
            return
        self._fields.update(dict.fromkeys(row))
        for name in row:
            self._missing.pop(name, None)

    def _fits(self, row: Mapping[str, Any]) -> bool:
        import jmespath  # noqa: PLC0415 - an extra

        try:
            found = self._where.search(row)  # type: ignore[union-attr]
        except jmespath.exceptions.JMESPathError as exc:
            self._unjudged += 1
            self._why_unjudged = self._why_unjudged or str(exc).splitlines()[0]
            return False
        return bool(found) or (found == 0 and found is not False and found is not None)  # JMESPath: 0 is true

    def _selected(self, row: dict[str, Any]) -> dict[str, Any]:
        chosen = self._query.select
        return row if not chosen else {HOST: row[HOST], **{name: row.get(name) for name in chosen}}

    def _count(self, host: str, row: Mapping[str, Any]) -> None:
        if self._query.group_by is None:
            return
        value = row.get(self._query.group_by)
        key = value if isinstance(value, str) else json.dumps(value, default=value_text)
        _, count, hosts = self._groups.get(key, (value, 0, {}))
        hosts[host] = None
        self._groups[key] = value, count + 1, hosts


def _name(key: Any) -> str:
    name = key if isinstance(key, str) else value_text(key)
    return f"{name}_" if name == HOST else name


def _named(where: Any) -> tuple[str, ...]:
    """Return the columns that an expression looks up."""
    return () if where is None else tuple(_fields(where.parsed))


def _fields(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] == "field":
        yield node["value"]
    children = node.get("children", ())
    for child in children[:1] if node["type"] in _FIRST_ONLY else children:
        if isinstance(child, dict) and child["type"] not in ("expref", "literal"):
            yield from _fields(child)
