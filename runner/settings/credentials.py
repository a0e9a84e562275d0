"""`runner.credentials`: what to log in with, in the order in which it is tried.

A secret is named by where it is, `env:NAME` or `file:PATH`, so that `invoke.yaml` can be shown to anybody.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.environment import keep_back
from runner.models import Secret
from runner.text import reading

if TYPE_CHECKING:
    from runner.connection.auth.named import Named

__all__ = ["credentials"]

_KEYS = ("user", "password", "private_key")
_LONGEST_SECRET = 2**16


def credentials(value: Any) -> tuple[Named, ...]:
    """Read a list of mappings with `user`, `password` and `private_key`, of which the user may be missing.

    Raises:
        ValueError: It is something else, or a secret is not where it is said to be.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError("expected a list of {user, password, private_key}")  # noqa: TRY004
    return tuple(_one(f"credentials {place}", item) for place, item in enumerate(value, 1))


def _one(name: str, item: Any) -> Named:
    from runner.connection.auth.named import Named  # noqa: PLC0415 - tasks are listed without what connects

    if isinstance(item, Named):
        return item
    if not hasattr(item, "items"):
        raise ValueError(f"{name}: expected a mapping of {', '.join(_KEYS)}")
    given = dict(item.items())
    unknown = sorted(set(map(str, given)) - set(_KEYS))
    if unknown:
        raise ValueError(f"{name}: {unknown[0]!r} is not one of {', '.join(_KEYS)}")
    texts = {key: _text(name, key, given[key]) for key in given if given[key] is not None}
    if not {"password", "private_key"} & set(texts):
        raise ValueError(f"{name}: expected a password or a private_key")
    secret = _referred(name, texts["password"]) if "password" in texts else None
    return Named(f"runner.{name}", texts.get("user"), secret, texts.get("private_key"))


def _text(name: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value or value.startswith("-"):
        raise ValueError(f"{name}: {key} must be a text")
    return value


def _referred(name: str, reference: str) -> Secret:
    """Return the secret that a reference stands for; the reference might be one itself, and is not shown."""
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        if not os.environ.get(place):
            raise ValueError(f"{name}: the variable {place} is not set")
        keep_back(place)
        return Secret(os.environ[place])
    if kind == "file" and place:
        return Secret(_first_line(name, place))
    raise ValueError(f"{name}: password must be env:NAME or file:PATH, which say where it is")


def _first_line(name: str, path: str) -> str:
    try:
        content = reading.beginning(Path(path).expanduser(), _LONGEST_SECRET, pipes=True)
        line = content.partition(b"\n")[0].rstrip(b"\r").decode()
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or "is no text"
        raise ValueError(f"{name}: {path}: {why}") from exc
    if not line:
        raise ValueError(f"{name}: {path}: its first line is empty")
    return line
