"""The lookups of templates: `lookup('env', …)`, `query('dict', …)`; none of them accesses a network."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.inventory.parsing.bounds import FilterError
from runner.inventory.rules import short_name

if TYPE_CHECKING:
    from runner.inventory.templating.services import Services

__all__ = ["run"]

Ask = Callable[[str], Any]


_SEQUENCE = re.compile(
    r"(?:(?P<start>-?(?:0x)?[0-9a-f]+)-)?(?P<end>-?(?:0x)?[0-9a-f]+)(?:/(?P<stride>-?\d+))?(?::(?P<format>.+))?",
    re.IGNORECASE,
)


class _Call(NamedTuple):
    """One lookup.

    Attributes:
        terms: The terms to look up.
        keywords: Its options.
        ask: Returns the value of a variable.
        services: The services that it may use.
    """

    terms: list[Any]
    keywords: Mapping[str, Any]
    ask: Ask
    services: Services


def run(
    plugin: str, terms: list[Any], keywords: Mapping[str, Any], ask: Ask, services: Services
) -> list[Any]:
    """Do a lookup and return the list of its results.

    Raises:
        FilterError: The lookup is not supported here, or it finds nothing.
    """
    name = short_name(str(plugin))
    if name not in LOOKUPS:
        known = ", ".join(sorted(LOOKUPS))
        raise FilterError(f"lookup {plugin!r} is not supported here; there are {known}")
    if unknown := keywords.keys() - _OPTIONS.get(name, frozenset()):
        raise FilterError(f"lookup {plugin!r} has no option {min(unknown)!r}")
    return LOOKUPS[name](_Call(terms, keywords, ask, services))


def _env(call: _Call) -> list[Any]:
    environment: Mapping[str, str] = call.services.environment or {}
    default = call.keywords.get("default", "")
    return [environment.get(str(term).split()[0], default) for term in call.terms]


def _vars(call: _Call) -> list[Any]:
    return [_variable(call, term) for term in call.terms]


def _variable(call: _Call, name: Any) -> Any:
    if not isinstance(name, str):
        raise FilterError(f"lookup 'vars': {name!r} is not a name")
    try:
        return call.ask(name)
    except KeyError as exc:
        if call.keywords.get("default") is None:
            raise FilterError(f"No variable named {name!r} was found.") from exc
        return call.keywords["default"]


def _varnames(call: _Call) -> list[Any]:
    known = call.services.names() if call.services.names else []
    return [name for term in call.terms for name in known if re.search(str(term), name)]


def _inventory_hostnames(call: _Call) -> list[Any]:
    if call.services.hosts is None:
        raise FilterError("lookup 'inventory_hostnames' is not supported here")
    return list(call.services.hosts(",".join(map(str, call.terms))))


def _file(call: _Call) -> list[Any]:
    if call.services.read is None:
        raise FilterError("lookup 'file' is not supported here")
    try:
        texts = [call.services.read(str(term)) for term in call.terms]
    except KeyError as exc:
        message = f"lookup 'file': there is no {exc.args[0]!r} next to the inventory or the playbook"
        raise FilterError(message) from exc
    if call.keywords.get("lstrip", False):
        texts = [text.lstrip() for text in texts]
    return [text.rstrip() for text in texts] if call.keywords.get("rstrip", True) else texts


def _pipe(call: _Call) -> list[Any]:
    if call.services.pipe is None:
        raise FilterError("lookup 'pipe' runs a program on this machine: --allow-inventory-commands")
    return [call.services.pipe(str(term)) for term in call.terms]


def _flat(terms: list[Any]) -> list[Any]:
    return [item for term in terms for item in (term if isinstance(term, (list, tuple)) else [term])]


def _dict(call: _Call) -> list[Any]:
    for term in call.terms:
        if not isinstance(term, Mapping):
            raise FilterError(f"the 'dict' lookup plugin expects a dictionary, got {term!r}")
    return [{"key": key, "value": value} for term in call.terms for key, value in term.items()]


def _together(call: _Call) -> list[Any]:
    return [_flat(list(row)) for row in itertools.zip_longest(*call.terms)]


def _nested(call: _Call) -> list[Any]:
    lists = [term if isinstance(term, (list, tuple)) else [term] for term in call.terms]
    return [_flat(list(row)) for row in itertools.product(*lists)]


def _sequence(call: _Call) -> list[Any]:
    numbers: list[Any] = []
    for term in call.terms or [""]:
        numbers += _numbers({**_options(str(term)), **call.keywords})
    return numbers


def _options(term: str) -> dict[str, Any]:
    if term and (match := _SEQUENCE.fullmatch(term)):
        return {key: value for key, value in match.groupdict().items() if value is not None}
    return dict(word.partition("=")[::2] for word in term.split())


def _numbers(options: Mapping[str, Any]) -> list[str]:
    try:
        start = int(str(options.get("start", 1)), 0)
        stride = int(str(options.get("stride", 1)), 0)
        end = int(str(options["end"]), 0) if "end" in options else None
        count = int(str(options["count"]), 0) if "count" in options else None
    except ValueError as exc:
        raise FilterError(f"lookup 'sequence': {exc}") from exc
    if (end is None) is (count is None):
        raise FilterError("lookup 'sequence': give either end or count")
    last = end if end is not None else start + (count or 0) * stride - (1 if stride > 0 else -1)
    shape = options.get("format", "%d")
    return [shape % number for number in range(start, last + (1 if stride > 0 else -1), stride)]


_OPTIONS: dict[str, frozenset[str]] = {
    "env": frozenset({"default"}),
    "file": frozenset({"lstrip", "rstrip"}),
    "sequence": frozenset({"start", "end", "count", "stride", "format"}),
    "vars": frozenset({"default"}),
}
LOOKUPS: dict[str, Callable[[_Call], list[Any]]] = {
    "dict": _dict,
    "env": _env,
    "file": _file,
    "indexed_items": lambda call: [list(pair) for pair in enumerate(_flat(call.terms))],
    "inventory_hostnames": _inventory_hostnames,
    "items": lambda call: _flat(call.terms),
    "list": lambda call: call.terms,
    "nested": _nested,
    "pipe": _pipe,
    "sequence": _sequence,
    "together": _together,
    "varnames": _varnames,
    "vars": _vars,
}
"""Lookups by name."""
