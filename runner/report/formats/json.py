"""JSON: values of host tasks, and the documents of `--format json` and `--format jsonl` (schema 1)."""

from __future__ import annotations

import base64
import json
import math
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.report.formats.rows import QUERIES, records_of, warn
from runner.report.formats.whole import WholeReporter
from runner.results.query import Selection
from runner.results.results import SCHEMA, host_document, run_document, summary_document
from runner.text import value_text
from runner.text.translation import decoded_pieces, is_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results.results import Summary
    from runner.text.spill import Kept

__all__ = ["JsonLinesReporter", "JsonReporter", "encode", "value_as_text"]

_DEEPEST = 50
"""Most levels of nesting that are written: a value that contains itself would never end."""
_MUCH = 2**20
"""Bytes of output from which a host's document is written in pieces."""
_TRIPLETS = 3 * 2**16
_LONGEST_NUMBER = 10_000
"""Most bits of an integer in decimal (Python refuses more than 4300 digits); longer ones are in hex."""


def encode(document: Any, indent: int | None = None) -> str:
    """Return a document as JSON that every parser accepts: ASCII, no NaN, and only types that JSON has."""
    return json.dumps(_plain(document), indent=indent, allow_nan=False)


def value_as_text(value: Any) -> str:
    """Return a host task's value as text for people: a string unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(_plain(value), allow_nan=False, ensure_ascii=False)


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value with JSON types only; a host task's value may be any object and raise any exception."""
    try:
        return _container(value, depth) if depth < _DEEPEST else value_text(value)
    except Exception:  # noqa: BLE001 - one host's value must not spoil the document of all
        return value_text(value)


def _container(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {value_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return hex(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value_text(value)


class JsonReporter(WholeReporter):
    """One document at the end, with one line per host.

    The rows that a query chooses are in `rows`, or their counts in `groups`.
    """

    takes: ClassVar[frozenset[str]] = WholeReporter.takes | QUERIES

    def finish(self, summary: Summary) -> None:
        """Write the document."""
        head = {
            "schema": SCHEMA,
            "run": run_document(summary.run),
            "summary": summary_document(summary.counts),
        }
        self._stream.write(encode(head, indent=2).removesuffix("\n}") + ',\n  "hosts": {')
        query = self._options.query
        selection, chosen = Selection(query), list[dict[str, Any]]()
        separator = "\n"
        for result in summary.results:
            self._stream.write(f"{separator}    {encode(result.host)}: ")
            self._stream.writelines(_encoded(result))
            separator = ",\n"
            if query:
                chosen += selection.rows(result.host, records_of(result))
        self._stream.write("\n  }")
        if query:
            self._write_rows("rows" if query.group_by is None else "groups", chosen or selection.groups)
            warn(selection)
        self._stream.write("\n}\n")

    def _write_rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._stream.write(f',\n  "{name}": [')
        separator = "\n"
        for row in rows:
            self._stream.write(f"{separator}    {encode(row)}")
            separator = ",\n"
        self._stream.write("\n  ]")


class JsonLinesReporter:
    """One object per line: each host as it ends, with its name as `host`; then the summary.

    The rows that a query chooses are in `rows` of the host, or in a line `groups` before the summary.
    """

    takes: ClassVar[frozenset[str]] = QUERIES | {"sort"}

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._query = options.query
        self._selection = Selection(options.query)

    def start(self, run: Run) -> None:
        """Write nothing: the first line is a host's."""

    def result(self, result: HostResult) -> None:
        """Write one host's line."""
        more: dict[str, Any] = {"host": result.host}
        if self._query:
            rows = self._selection.rows(result.host, records_of(result))
            more |= {} if self._query.group_by is not None else {"rows": _plain(rows)}
        self._stream.writelines(_encoded(result, **more))
        print(file=self._stream, flush=True)

    def finish(self, summary: Summary) -> None:
        """Write the summary's line."""
        if self._query:
            if self._query.group_by is not None:
                print(encode({"groups": self._selection.groups}), file=self._stream)
            warn(self._selection)
        print(encode({"summary": summary_document(summary.counts)}), file=self._stream, flush=True)


def _encoded(result: HostResult, **more: Any) -> Iterable[str]:
    """Return a host's document as JSON; if it has much output, in pieces that are never all in memory.

    Args:
        result: The host's result.
        more: Keys to put first.
    """
    if sum([command.size for command in result.commands]) >= _MUCH:
        return _in_pieces(result, more)
    return (_dumped({**more, **host_document(result)}),)


def _dumped(document: dict[str, Any]) -> str:
    """Return a host's document as JSON; only its `value` can have types that JSON lacks."""
    if "value" in document:
        document["value"] = _plain(document["value"])
    return json.dumps(document, allow_nan=False)


def _in_pieces(result: HostResult, more: Mapping[str, Any]) -> Iterator[str]:
    bare = tuple(command.with_outputs(b"", b"") for command in result.commands)
    document = {**more, **host_document(result._replace(commands=bare))}
    mark = secrets.token_hex(16)  # placeholder for an output; random, so that it occurs nowhere else
    outputs: list[tuple[bytes | Kept, bool]] = []
    for command, said in zip(result.commands, document["commands"], strict=True):
        for name, output in zip(("stdout", "stderr"), command.outputs, strict=True):
            said[name] = f"{mark}{len(outputs)}"
            outputs.append((output, False))
            if not is_text(_data(output)):
                said[f"{name}_base64"] = f"{mark}{len(outputs)}"
                outputs.append((output, True))
    for place, part in enumerate(re.split(rf"{mark}(\d+)", _dumped(document))):
        if place % 2 == 0:
            yield part
            continue
        output, packed = outputs[int(part)]
        data = _data(output)
        for text in _base64(data) if packed else decoded_pieces(data):
            yield json.dumps(text)[1:-1]


def _data(output: bytes | Kept) -> bytes:
    return output if isinstance(output, bytes) else output.read()


def _base64(data: bytes) -> Iterator[str]:
    for at in range(0, len(data), _TRIPLETS):
        yield base64.b64encode(data[at : at + _TRIPLETS]).decode()
