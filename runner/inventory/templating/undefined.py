"""What is not defined in a template, and the filters and tests that ask for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from jinja2.runtime import Undefined

from runner.inventory.bounds import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FILTERS", "TESTS", "Broken", "Missing", "undef"]


class Missing(StrictUndefined):
    """What is not defined: further names may follow it, and any other use of it is an error.

    A variable that is defined and cannot be worked out is one as well, with its own error as `exc`.
    """

    def __getattr__(self, name: str) -> Any:
        """Return itself for any name but Python's own."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: object) -> Any:
        """Return itself."""
        return self

    def require(self) -> None:
        """Raise the error of using it."""
        self._fail_with_undefined_error()


class Broken(Missing):
    """A variable that is defined and cannot be worked out: any use of it raises why.

    Args:
        name: Its name.
        error: Why it cannot be worked out.
    """

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name=name, exc=lambda _message: error)  # type: ignore[arg-type]


def _is_defined(value: object) -> bool:
    if isinstance(value, Broken):
        value.require()
    return not isinstance(value, Undefined)


def _is_undefined(value: object) -> bool:
    return not _is_defined(value)


def undef(hint: str | None = None) -> Missing:
    """Return something that is not defined, as Ansible's function `undef` does."""
    return Missing(hint=hint or "Mandatory variable has not been overridden")


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Return a default for what is not defined, or also for what counts as false."""
    if not _is_defined(value) or (boolean and not value):
        return default_value
    return value


def _mandatory(value: Any, msg: str | None = None) -> Any:
    if not _is_defined(value):
        raise FilterError(msg or "a mandatory variable is not defined")
    return value


def _ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    """Choose between two values, or three."""
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


FILTERS: dict[str, Callable[..., Any]] = {
    "d": _default,
    "default": _default,
    "mandatory": _mandatory,
    "ternary": _ternary,
}
"""Filters by name."""

TESTS: dict[str, Callable[..., bool]] = {"defined": _is_defined, "undefined": _is_undefined}
"""Tests by name."""
