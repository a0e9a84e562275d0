"""Ansible's filters for lists, mappings and numbers, with the arguments that its documentation names."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import pass_environment
from jinja2.filters import do_groupby, do_unique

from runner.inventory.parsing.bounds import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

__all__ = ["FILTERS"]

_SIZES = {"Y": 80, "Z": 70, "E": 60, "P": 50, "T": 40, "G": 30, "M": 20, "K": 10, "B": 0}
"""Units of sizes, and the power of 2 of each."""

_LIST_MERGES: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    "replace": lambda _weak, strong: strong,
    "keep": lambda weak, _strong: weak,
    "append": lambda weak, strong: weak + strong,
    "prepend": lambda weak, strong: strong + weak,
    "append_rp": lambda weak, strong: [item for item in weak if item not in strong] + strong,
    "prepend_rp": lambda weak, strong: strong + [item for item in weak if item not in strong],
}


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _flatten(values: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """Put the items of lists within a list into one list."""
    flat: list[Any] = []
    for value in values:
        if skip_nulls and value in (None, "None", "null"):
            continue
        if not _is_list(value) or (levels is not None and levels < 1):
            flat.append(value)
        else:
            deeper = None if levels is None else int(levels) - 1
            flat += _flatten(value, deeper, skip_nulls=skip_nulls)
    return flat


def _combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> Any:
    """Merge mappings, later ones over earlier ones."""
    if list_merge not in _LIST_MERGES:
        raise FilterError(f"combine: list_merge must be one of {', '.join(_LIST_MERGES)}")
    mappings = _flatten(terms, levels=1)
    for each in mappings:
        if not isinstance(each, Mapping):
            raise FilterError(f"combine: expected mappings, found {each!r}")
    together: Any = mappings[0] if mappings else {}
    for each in mappings[1:]:
        together = _merged(together, each, list_merge, recursive=recursive)
    return together


def _merged(weak: Any, strong: Any, list_merge: str, *, recursive: bool) -> dict[Any, Any]:
    merged = dict(weak)
    for key, value in strong.items():
        before = merged.get(key)
        if key in merged and isinstance(before, Mapping) and isinstance(value, Mapping) and recursive:
            merged[key] = _merged(before, value, list_merge, recursive=True)
        elif key in merged and isinstance(before, list) and isinstance(value, list):
            merged[key] = _LIST_MERGES[list_merge](before, value)
        else:
            merged[key] = value
    return merged


@pass_environment
def _extract(environment: Environment, item: Any, container: Any, morekeys: Any = None) -> Any:
    """Look up an item in a container, and then further keys in that item."""
    more = [] if morekeys is None else morekeys if isinstance(morekeys, list) else [morekeys]
    value = container
    for key in [item, *more]:
        value = environment.getitem(value, key)
    return value


def _dict2items(mapping: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    """Turn a mapping into a list of mappings with a key and a value."""
    if not isinstance(mapping, Mapping):
        raise FilterError(f"dict2items requires a dictionary, got {type(mapping).__name__} instead")
    return [{key_name: key, value_name: value} for key, value in mapping.items()]


def _items2dict(items: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """Turn a list of mappings with a key and a value into a mapping."""
    if not _is_list(items):
        raise FilterError(f"items2dict requires a list, got {type(items).__name__} instead")
    try:
        return {item[key_name]: item[value_name] for item in items}
    except (KeyError, TypeError) as exc:
        raise FilterError(f"items2dict requires mappings with {key_name!r} and {value_name!r}") from exc


@pass_environment
def _unique(
    environment: Environment, values: Any, case_sensitive: bool | None = None, attribute: Any = None
) -> list[Any]:
    """Return each item once; texts that differ only in case are the same unless `case_sensitive` is set."""
    try:
        return list(do_unique(environment, values, bool(case_sensitive), attribute))
    except TypeError:
        if case_sensitive is False or attribute:
            raise
        return _once(values)


def _once(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _intersect(left: Any, right: Any) -> list[Any]:
    return _once([value for value in left if value in right])


def _difference(left: Any, right: Any) -> list[Any]:
    return _once([value for value in left if value not in right])


def _union(left: Any, right: Any) -> list[Any]:
    return _once([*left, *right])


def _symmetric_difference(left: Any, right: Any) -> list[Any]:
    return _once([*_difference(left, right), *_difference(right, left)])


def _subelements(values: Any, subelements: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    """Pair each item with each item of a list within it."""
    items = list(values.values()) if isinstance(values, Mapping) else list(values)
    path = subelements if isinstance(subelements, list) else str(subelements).split(".")
    pairs: list[tuple[Any, Any]] = []
    for item in items:
        inner = item
        for key in path:
            if not isinstance(inner, Mapping):
                raise FilterError(f"the key {key} should point to a dictionary, got {inner!r}")
            if key not in inner and not skip_missing:
                raise FilterError(f"could not find {key!r} key in iterated item {inner!r}")
            inner = inner.get(key, [])
            if inner == []:
                break
        if not isinstance(inner, list):
            raise FilterError(f"the key {path[-1]!r} should point to a list, got {inner!r}")
        pairs += [(item, each) for each in inner]
    return pairs


def _rekey_on_member(values: Any, key: Any, duplicates: str = "error") -> dict[Any, Any]:
    """Turn mappings into a mapping by one of their members."""
    if duplicates not in {"error", "overwrite"}:
        raise FilterError(f"duplicates parameter to rekey_on_member has unknown value {duplicates!r}")
    found: dict[Any, Any] = {}
    for item in values.values() if isinstance(values, Mapping) else values:
        if not isinstance(item, Mapping) or key not in item:
            raise FilterError(f"Key {key!r} was not found")
        if item[key] in found and duplicates == "error":
            raise FilterError(f"Key {item[key]!r} is not unique, cannot convert to dict")
        found[item[key]] = item
    return found


class _Group(NamedTuple):
    """One group of `groupby`."""

    grouper: Any
    list: list[Any]


@pass_environment
def _groupby(environment: Environment, *arguments: Any, **keywords: Any) -> list[_Group]:
    return [_Group(*group) for group in do_groupby(environment, *arguments, **keywords)]


def _random(end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    """Choose a number or an item; the same one for the same seed."""
    source = SystemRandom() if seed is None else Random(seed)  # noqa: S311 - Ansible's choice for a seed
    if isinstance(end, int):
        return source.randrange(start or 0, end, step or 1)
    if start or step:
        raise FilterError("start and step can only be used with integer values")
    return source.choice(list(end))


def _shuffle(values: Any, seed: Any = None) -> list[Any]:
    """Return the items in another order; the same one for the same seed."""
    items = list(values)
    (Random(seed) if seed else SystemRandom()).shuffle(items)  # noqa: S311 - as above
    return items


def _log(value: float, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)  # noqa: PLR2004 - the usual logarithm


def _root(value: float, base: float = 2) -> float:
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))  # noqa: PLR2004 - a square root


def _human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """Write a size with its unit."""
    name = "bits" if isbits else "Bytes"
    for letter, power in _SIZES.items():
        if (unit is None and size >= 2**power) or (unit is not None and unit.upper()[:1] == letter):
            return f"{size / 2**power:.2f} {letter + name[0] if power else name}"
    return f"{size:.2f} {name}"


def _human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """Read a size with its unit."""
    text = str(size).strip()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(digits) :].strip() or default_unit or ""
    short, word = ("b", "bit") if isbits else ("B", "byte")
    letter, ending = unit[:1].upper(), unit[1:]
    if letter in {"", "B"} and not ending:
        power = 0
    elif letter in _SIZES and (ending in {"", short} or ending.lower() in {word, f"{word}s"}):
        power = _SIZES[letter]
    else:
        raise FilterError("human_to_bytes() can't interpret the input")
    try:
        return round(float(digits) * float(2**power))
    except ValueError as exc:
        raise FilterError("human_to_bytes() can't interpret the input") from exc


FILTERS: dict[str, Callable[..., Any]] = {
    "combinations": itertools.combinations,
    "combine": _combine,
    "dict2items": _dict2items,
    "difference": _difference,
    "extract": _extract,
    "flatten": _flatten,
    "groupby": _groupby,
    "human_readable": _human_readable,
    "human_to_bytes": _human_to_bytes,
    "intersect": _intersect,
    "items2dict": _items2dict,
    "log": _log,
    "permutations": itertools.permutations,
    "pow": math.pow,
    "product": itertools.product,
    "random": _random,
    "rekey_on_member": _rekey_on_member,
    "root": _root,
    "shuffle": _shuffle,
    "subelements": _subelements,
    "symmetric_difference": _symmetric_difference,
    "union": _union,
    "unique": _unique,
    "zip": zip,
    "zip_longest": itertools.zip_longest,
}
"""Filters by name."""
