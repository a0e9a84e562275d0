"""The filters and tests that templates of an inventory may use; each gives a result of bounded size."""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Any

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Undefined

from runner.inventory.bounds import MAX_RESULT, FilterError
from runner.inventory.templating import regexes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FILTERS", "TESTS"]

_MAX_DIGITS = 20

_HARMLESS = (
    "abs",
    "capitalize",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "int",
    "items",
    "last",
    "length",
    "count",
    "list",
    "lower",
    "max",
    "map",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
)


def _text(value: object) -> str:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - Jinja has no public name for it
    return str(value)


def _bool(value: object) -> bool:
    return str(value).strip().lower() in ("true", "yes", "on", "1", "y", "t", "1.0")


def _ternary(value: object, true: Any, false: Any, none: Any = None) -> Any:
    if value is None and none is not None:
        return none
    return true if value else false


def _mandatory(value: Any, message: str | None = None) -> Any:
    if isinstance(value, Undefined):
        raise FilterError(message or "a mandatory variable is not defined")
    return value


def _replace(value: object, old: object, new: object, count: int | None = None) -> str:
    text, before, after = _text(value), _text(old), _text(new)
    if (text.count(before) + 1) * len(after) > MAX_RESULT:
        raise FilterError(f"a result of more than {MAX_RESULT} characters or items")
    return text.replace(before, after, -1 if count is None else count)


def _join(values: Iterable[object], separator: str = "", attribute: str | None = None) -> str:
    items = list(values)
    if attribute is not None:
        items = [item.get(attribute, "") if isinstance(item, dict) else "" for item in items]
    texts = [_text(item) for item in items]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_RESULT:
        raise FilterError(f"a result of more than {MAX_RESULT} characters or items")
    return separator.join(texts)


def _split(value: object, separator: str | None = None, maximum: int = -1) -> list[str]:
    return _text(value).split(separator, maximum)


def _round(value: float, precision: int = 0) -> float:
    return round(float(value), max(-_MAX_DIGITS, min(int(precision), _MAX_DIGITS)))


def _b64decode(value: object) -> str:
    try:
        return base64.b64decode(_text(value)).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise FilterError("not base64 of a text") from exc


FILTERS: dict[str, Callable[..., Any]] = {
    **{name: JINJA_FILTERS[name] for name in _HARMLESS},
    "b64decode": _b64decode,
    "b64encode": lambda value: base64.b64encode(_text(value).encode()).decode(),
    "basename": lambda value: os.path.basename(_text(value)),  # noqa: PTH119 - a text, of any system
    "bool": _bool,
    "dirname": lambda value: os.path.dirname(_text(value)),  # noqa: PTH120
    "join": _join,
    "mandatory": _mandatory,
    "regex_replace": regexes.replace,
    "regex_search": regexes.found,
    "replace": _replace,
    "round": _round,
    "split": _split,
    "ternary": _ternary,
}
"""Filters by name."""

TESTS: dict[str, Callable[..., bool]] = {"match": regexes.matches, "search": regexes.searches}
"""Ansible's tests beside Jinja's own, by name."""
