"""`runner.credentials`: the credentials for logins, in the order in which they are tried.

A secret is given as a reference, `env:NAME` or `file:PATH`, so that `invoke.yaml` itself holds no secrets.
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
    """Read a list of mappings with a `password` or `private_key` (or both), and optionally a `user`.

    Raises:
        ValueError: The value is not such a list, or a secret cannot be read.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError("expected a list of {user, password, private_key}")  # noqa: TRY004
    return tuple(_one(f"credentials {place}", item) for place, item in enumerate(value, 1))


def _one(name: str, item: Any) -> Named:
    from runner.connection.auth.named import Named  # noqa: PLC0415 - not needed to list tasks

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
    """Return the secret that a reference names. Errors do not show the reference: it may be a password."""
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        if not os.environ.get(place):
            raise ValueError(f"{name}: the variable {place} is not set")
        keep_back(place)
        return Secret(os.environ[place])
    if kind == "file" and place:
        return Secret(_first_line(name, place))
    raise ValueError(f"{name}: password must be a reference: env:NAME or file:PATH")


def _first_line(name: str, path: str) -> str:
    try:
        content = reading.beginning(Path(path).expanduser(), _LONGEST_SECRET, pipes=True)
        line = content.partition(b"\n")[0].rstrip(b"\r").decode()
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or "is not text"
        raise ValueError(f"{name}: {path}: {why}") from exc
    if not line:
        raise ValueError(f"{name}: {path}: its first line is empty")
    return line
