"""The filters and tests that templates of an inventory may use; each gives a result of bounded size."""

from __future__ import annotations

import base64
import binascii
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FILTERS", "MAX_RESULT", "TESTS", "FilterError", "bounded"]

MAX_RESULT = 65_536
"""The longest text, and the most items, that a template may give."""

_MAX_BITS = 256
_MAX_REGEX = 200
_MAX_SUBJECT = 128
_MAX_REPEATS = 3
_MAX_CHOICES = 4

_HARMLESS = (
    "abs",
    "capitalize",
    "d",
    "default",
    "dictsort",
    "e",
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
    "round",
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


class FilterError(Exception):
    """A filter that refuses its input. One line for people."""


def bounded(value: Any) -> Any:
    """Return a value as it is.

    Raises:
        FilterError: It is larger than anything that an inventory needs.
    """
    if isinstance(value, (str, bytes, list, tuple, dict, set)) and len(value) > MAX_RESULT:
        raise FilterError(f"a result of more than {MAX_RESULT} characters or items")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise FilterError("a number of more than 77 digits")
    return value


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


@lru_cache(maxsize=512)
def _regex(pattern: str) -> re.Pattern[str]:
    """Compile an expression that cannot run away: no repeat in a repeat, and few of them, and few choices.

    Matching takes at most about `length ** (repeats + 1) * 2 ** choices` steps, and nothing ends it early.
    """
    if len(pattern) > _MAX_REGEX:
        raise FilterError(f"a regular expression of more than {_MAX_REGEX} characters")
    # What makes matching explode is a repeated group that itself repeats or chooses, and a back-reference.
    if re.search(r"\)\s*[*+{]|\(\?P=|\\[1-9]", pattern):
        raise FilterError("a regular expression with a repeated group or a back-reference is not allowed")
    if len(re.findall(r"[*+{]", pattern)) > _MAX_REPEATS:
        raise FilterError(f"a regular expression with more than {_MAX_REPEATS} repeats")
    if len(re.findall(r"\||(?<!\()\?", pattern)) > _MAX_CHOICES:
        raise FilterError(f"a regular expression with more than {_MAX_CHOICES} choices")
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as exc:
        raise FilterError(f"not a regular expression: {exc}") from exc


def _subject(value: object) -> str:
    text = _text(value)
    if len(text) > _MAX_SUBJECT:
        raise FilterError(f"a text of more than {_MAX_SUBJECT} characters for a regular expression")
    return text


def _regex_replace(value: object, pattern: str = "", replacement: str = "") -> str:
    subject, expression = _subject(value), _regex(pattern)
    if len(str(replacement)) > _MAX_REGEX:
        raise FilterError(f"a replacement of more than {_MAX_REGEX} characters")
    return expression.sub(str(replacement), subject)


def _regex_search(value: object, pattern: str) -> str | None:
    match = _regex(pattern).search(_subject(value))
    return match[0] if match else None


def _b64decode(value: object) -> str:
    try:
        return base64.b64decode(_text(value)).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise FilterError("not base64 of a text") from exc


def _matches(value: object, pattern: str) -> bool:
    return _regex(pattern).match(_subject(value)) is not None


def _searches(value: object, pattern: str) -> bool:
    return _regex(pattern).search(_subject(value)) is not None


FILTERS: dict[str, Callable[..., Any]] = {
    **{name: JINJA_FILTERS[name] for name in _HARMLESS},
    "b64decode": _b64decode,
    "b64encode": lambda value: base64.b64encode(_text(value).encode()).decode(),
    "basename": lambda value: os.path.basename(_text(value)),  # noqa: PTH119 - a text, of any system
    "bool": _bool,
    "dirname": lambda value: os.path.dirname(_text(value)),  # noqa: PTH120
    "join": _join,
    "mandatory": _mandatory,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
    "replace": _replace,
    "split": _split,
    "ternary": _ternary,
}
"""Filters by name."""

TESTS: dict[str, Callable[..., bool]] = {"match": _matches, "search": _searches}
"""Ansible's tests beside Jinja's own, by name."""
