"""Hosts in a table: a CSV file with a header and a row for each host.

The host's name is in the column `name`, `host`, `hostname` or `inventory_hostname`, else in the first column.
The column `groups` lists its groups, separated by blanks or `;`. Every other column is a variable, whose
value is always a text; an empty cell sets no variable.
"""

from __future__ import annotations

import csv
import os
import re
from typing import TYPE_CHECKING

from runner.errors import InventoryError
from runner.inventory.addresses import expand, split_port

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["CSV", "Csv"]

_NAME_COLUMNS = ("name", "host", "hostname", "inventory_hostname")
_GROUPS_COLUMN = "groups"
_SEPARATORS = ",;\t"


class Csv:
    """A file with the suffix `.csv`."""

    order = 40

    def claims(self, source: str) -> bool:
        """Accept a file by its suffix."""
        return source.endswith(".csv") and os.path.isfile(source)  # noqa: PTH113

    def read(self, source: str, loading: Loading) -> None:
        """Read a host from each row.

        Raises:
            InventoryError: The header is missing, or a row has no name or more cells than the header.
        """
        lines = loading.read_text(source).splitlines()
        if not lines:
            raise InventoryError("an empty table; expected a header", path=source)
        separator = max(_SEPARATORS, key=lines[0].count)
        reader = csv.reader(lines, delimiter=separator, strict=True)
        loading.graph.source = source
        try:
            table = _Table([column.strip() for column in next(reader)], loading)
            for row in reader:
                if any(row):
                    table.add(row, reader.line_num)
        except csv.Error as exc:
            raise InventoryError(f"CSV: {exc}", path=source, line=reader.line_num) from exc
        except InventoryError as exc:
            raise InventoryError(exc.message, path=source, line=reader.line_num, text=exc.text) from exc


class _Table:
    """Adds rows as hosts, according to the header."""

    def __init__(self, columns: list[str], loading: Loading) -> None:
        if not columns or not all(columns) or len(set(columns)) < len(columns):
            raise InventoryError("each column of the header needs a unique name", text=",".join(columns))
        self._columns = columns
        self._graph = loading.graph
        self._name = next((name for name in _NAME_COLUMNS if name in columns), columns[0])

    def add(self, row: list[str], line: int) -> None:
        """Add one host."""
        if len(row) > len(self._columns):
            raise InventoryError(
                f"{len(row)} cells under a header of {len(self._columns)}", text=",".join(row)
            )
        cells = {
            column: cell.strip() for column, cell in zip(self._columns, row, strict=False) if cell.strip()
        }
        name, port = split_port(cells.pop(self._name, ""))
        groups = re.split(r"[\s;]+", cells.pop(_GROUPS_COLUMN, ""))
        for host in expand(name):
            self._graph.add_host(host, None, port)
            for group in filter(None, groups):
                self._graph.add_host(host, self._graph.add_group(group))
            self._graph.set_variables(host, cells, line)


CSV = Csv()
