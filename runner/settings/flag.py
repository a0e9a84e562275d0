"""The declaration of a setting: its help, its default, and how to parse its value."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.models import Secret, Status
from runner.text import quantities
from runner.text.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "Flag",
    "between",
    "one_of",
    "one_of_or",
    "path_list",
    "paths",
    "secret",
    "secrets",
    "setting",
    "statuses",
    "switch",
    "text",
]


@dataclass(frozen=True, slots=True)
class Flag:
    """How one setting is given and parsed.

    Attributes:
        help: Its description, for `--help`.
        read: Parses the given value; raises `ValueError` that says what was expected.
        short: Its one-letter flag.
        repeatable: Whether it may be given several times.
        on_command_line: Whether it has a flag; a secret has none.
        default: The value if it is not given.
        entries: The entry-point group whose names may be given; `help` lists the built-in names.
        is_shown: Whether its value may be shown; a secret is never shown.
    """

    help: str
    read: Callable[[Any], Any]
    short: str | None = None
    repeatable: bool = False
    on_command_line: bool = True
    default: Any = None
    entries: str | None = None
    is_shown: bool = True

    @property
    def description(self) -> str:
        """The help, with the default if there is one."""
        shown = self.shown_default
        return f"{self.help} (default: {shown})" if shown else self.help

    def described(self, names: Iterable[str]) -> str:
        """Return the description, plus those of `names` that the help does not mention."""
        others = [name for name in names if name not in self.help.replace(",", " ").split()]
        return f"{self.description}; also installed: {', '.join(others)}" if others else self.description

    @property
    def shown_default(self) -> str:
        """The default as an operator would type it; empty if there is none."""
        return "" if self.default in (None, (), False) else self.shown(self.default)

    @property
    def is_secret(self) -> bool:
        """Whether its value must not be shown."""
        return self.read in (secret, secrets) or not self.is_shown

    def shown(self, value: Any) -> str:
        """Return a value as an operator would type it; `(set)` for a secret."""
        if value in (None, ()):
            return "(none)"
        if self.is_secret:
            return "(set)"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if type(value) is tuple:
            return " ".join(self.shown(item) for item in value)
        if isinstance(value, (re.Pattern, Expression)):
            return str(value.pattern)
        return f"{value:g}" if isinstance(value, float) else str(value)

    @property
    def is_switch(self) -> bool:
        """Whether it is given without a value."""
        return self.read is switch


def text(value: Any) -> str:
    """Read one text; a number in a YAML file counts as text.

    An empty text is refused: `--resume "$RUN"` and `--limit "$LIMIT"` with an unset variable would silently
    do everything on every host, and `--output-dir ""` would write to the current folder.
    """
    if isinstance(value, (list, tuple, set, dict, bool)) or hasattr(value, "items"):
        raise ValueError("expected a text")
    if not str(value):
        raise ValueError("expected a text that is not empty")
    return str(value)


def setting(default: Any, help: str, read: Callable[[Any], Any] = text, **extra: Any) -> Any:  # noqa: A002 - Invoke's name
    """Declare a field of the settings; `extra` holds more attributes of its `Flag`."""
    return field(default=default, metadata={"flag": Flag(help, read, default=default, **extra)})


def one_of(*names: str) -> Callable[[Any], str]:
    """Return a parser for one of these names."""

    def read(value: Any) -> str:
        if str(value) not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return str(value)

    return read


def one_of_or(word: str, other: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a parser for this word, or for any value that another parser accepts."""

    def read(value: Any) -> Any:
        if value == word:
            return word
        try:
            return other(value)
        except ValueError as exc:
            raise ValueError(f"{exc}, or {word}") from None

    return read


def path_list(value: Any) -> tuple[str, ...]:
    """Read paths: a list, or one text separated by `:`, as in PATH."""
    return tuple(part for item in paths(value) for part in item.split(os.pathsep) if part)


def paths(value: Any) -> tuple[str, ...]:
    """Read one path or a list of them."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    if any(isinstance(item, (bool, int, float)) or hasattr(item, "items") or not item for item in items):
        raise ValueError("expected a path, or a list of paths")
    return tuple(os.fspath(item) for item in items)


def switch(value: Any) -> bool:
    """Read yes or no, also as text from the environment."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
    if str(value).lower() not in words:
        raise ValueError("expected yes or no")
    return words[str(value).lower()]


def between(least: int, most: int) -> Callable[[Any], int]:
    """Return a parser for a number within these bounds."""

    def read(value: Any) -> int:
        number = quantities.count(value)
        if not least <= number <= most:
            raise ValueError(f"expected a number from {least} to {most}")
        return number

    return read


def statuses(value: Any) -> tuple[Status, ...]:
    """Read statuses: one, several separated by commas, or a list; `not-ok` means all except `ok`."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    words = [word.strip() for item in items for word in str(item).split(",") if word.strip()]
    known = [str(status) for status in Status]
    if not words or not set(words) <= {*known, "not-ok"}:
        raise ValueError(f"expected some of {', '.join(known)}, or not-ok")
    return tuple(
        status for status in Status if status in words or ("not-ok" in words and status is not Status.OK)
    )


def secret(value: Any) -> Secret:
    """Read a text that must not be shown."""
    return value if isinstance(value, Secret) else Secret(str(value))


def secrets(value: Any) -> tuple[Secret, ...]:
    """Read one or several texts that must not be shown."""
    return tuple(secret(item) for item in (value if isinstance(value, (list, tuple)) else (value,)))
