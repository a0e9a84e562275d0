"""Undefined values in templates, and the filters and tests for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from jinja2.runtime import Undefined

from runner.inventory.parsing.bounds import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FILTERS", "TESTS", "Broken", "Missing", "undef"]


class Missing(StrictUndefined):
    """An undefined value: further names may follow it, but any other use of it is an error.

    A variable that is defined but cannot be computed is one as well, with its own error as `exc`.
    """

    def __getattr__(self, name: str) -> Any:
        """Return itself for any name except Python's special names."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: object) -> Any:
        """Return itself."""
        return self

    def require(self) -> None:
        """Raise the error for using an undefined value."""
        self._fail_with_undefined_error()


class Broken(Missing):
    """A variable that is defined but cannot be computed: any use of it raises the error.

    Args:
        name: Its name.
        error: The error that prevented the computation.
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
    """Return an undefined value, as Ansible's function `undef` does."""
    return Missing(hint=hint or "Mandatory variable has not been overridden")


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Return a default for an undefined value, or, with `boolean`, also for one that counts as false."""
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
