"""Ansible's tests (`is version(…)`, `is truthy`, …), with the arguments that its documentation names."""

from __future__ import annotations

import math
import operator
import posixpath
import re
import urllib.parse
from contextlib import suppress
from functools import total_ordering
from typing import TYPE_CHECKING, Any

from runner.inventory.parsing.bounds import FilterError
from runner.inventory.templating.texts import _flags, _text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TESTS"]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), operator.eq),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys(("<=", "le"), operator.le),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys((">=", "ge"), operator.ge),
    **dict.fromkeys(("!=", "<>", "ne"), operator.ne),
}
_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)
_SEMANTIC = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*))?"
    r"(?:\+[\da-zA-Z-]+(?:\.[\da-zA-Z-]+)*)?",
    re.ASCII,
)
_YES = frozenset({"y", "yes", "on", "1", "true", "t", 1})
_NO = frozenset({"n", "no", "off", "0", "false", "f", 0})


def _loose(text: str) -> list[int | str]:
    """Split a version into numbers and words (Python's former `distutils.version.LooseVersion`)."""
    parts = [part for part in re.split(r"(\d+|[a-z]+|\.)", text) if part and part != "."]
    return [int(part) if part.isdigit() else part for part in parts]


def _strict(text: str) -> tuple[Any, ...]:
    """Read `1.2.3` or `1.2b1` (Python's former `distutils.version.StrictVersion`)."""
    match = _STRICT.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid version number {text!r}")
    major, minor, patch, letter, number = match.groups()
    # A version without a letter is the release itself, which comes after all of its pre-releases.
    return (int(major), int(minor), int(patch or 0), letter or "z", int(number or 0))


@total_ordering
class _Part:
    """One part of a pre-release: numbers come before words (Semantic Versioning 2.0.0, 11)."""

    def __init__(self, text: str) -> None:
        self._key = (0, int(text), "") if text.isdigit() else (1, 0, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and self._key == other._key

    def __lt__(self, other: _Part) -> bool:
        return self._key < other._key

    __hash__ = None  # type: ignore[assignment]


def _semantic(text: str) -> tuple[Any, ...]:
    match = _SEMANTIC.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid semantic version {text!r}")
    release = tuple(int(match[group]) for group in (1, 2, 3))
    early = [_Part(part) for part in match[4].split(".")] if match[4] else []
    return (*release, not early, early)


def _pep440(text: str) -> Any:
    try:
        from packaging.version import Version  # noqa: PLC0415 - few compare by PEP 440
    except ImportError as exc:
        raise FilterError("version_type='pep440' needs packaging: pip install packaging") from exc
    return Version(text)


_VERSIONS: dict[str, Callable[[str], Any]] = {
    "loose": _loose,
    "strict": _strict,
    "semver": _semantic,
    "semantic": _semantic,
    "pep440": _pep440,
}


def _version(
    value: object,
    version: object,
    operator: str = "eq",
    strict: bool | None = None,
    version_type: str | None = None,
) -> bool:
    """Compare two versions."""
    if strict is not None and version_type is not None:
        raise FilterError("version: strict and version_type exclude each other")
    if not value or not version:
        raise FilterError("version: an empty version cannot be compared")
    kind = "strict" if strict else version_type or "loose"
    if kind not in _VERSIONS:
        raise FilterError(f"version: invalid version type {kind!r}; there are {', '.join(_VERSIONS)}")
    if operator not in _OPERATORS:
        raise FilterError(f"version: invalid operator {operator!r}; there are {', '.join(_OPERATORS)}")
    try:
        left, right = (_VERSIONS[kind](_text(each)) for each in (value, version))
        ordered = left == right or left < right or left > right  # numbers and words have no order
        return bool(ordered and _OPERATORS[operator](left, right))
    except (TypeError, ValueError) as exc:
        raise FilterError(f"version: {exc}") from exc


def _truthy(value: Any, convert_bool: bool = False) -> bool:
    """Return whether a value counts as true in Python, or means yes."""
    if convert_bool:
        word = value.lower().strip() if isinstance(value, str) else value
        with suppress(TypeError):  # for example for a list
            value = True if word in _YES else False if word in _NO else value
    return bool(value)


def _regex(
    value: object,
    pattern: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    """Return whether a regular expression matches."""
    expression = re.compile(pattern, _flags(ignorecase=ignorecase, multiline=multiline))
    matching = {"search": expression.search, "match": expression.match, "fullmatch": expression.fullmatch}
    return matching.get(match_type, expression.search)(_text(value)) is not None


def _match(value: object, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return _regex(value, pattern, ignorecase, multiline, "match")


def _is_uri(value: Any, schemes: Any = None) -> bool:
    try:
        return not schemes or urllib.parse.urlparse(value).scheme in schemes
    except (ValueError, AttributeError, TypeError):
        return False


def _is_url(value: Any, schemes: Any = None) -> bool:
    if not _is_uri(value, schemes):
        return False
    parts = urllib.parse.urlparse(value)
    return bool(parts.netloc or parts.scheme == "file")


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


TESTS: dict[str, Callable[..., bool]] = {
    "abs": posixpath.isabs,
    "all": all,
    "any": any,
    "contains": lambda sequence, value: value in sequence,
    "falsy": lambda value, convert_bool=False: not _truthy(value, convert_bool),
    "is_abs": posixpath.isabs,
    "isnan": _is_nan,
    "issubset": lambda left, right: set(left) <= set(right),
    "issuperset": lambda left, right: set(left) >= set(right),
    "match": _match,
    "nan": _is_nan,
    "regex": _regex,
    "search": _regex,
    "subset": lambda left, right: set(left) <= set(right),
    "superset": lambda left, right: set(left) >= set(right),
    "truthy": _truthy,
    "uri": _is_uri,
    "url": _is_url,
    "urn": lambda value: _is_uri(value, ["urn"]),
    "version": _version,
    "version_compare": _version,
}
"""Tests by name."""
