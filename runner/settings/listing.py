"""The settings that are in force, each with its origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.settings.lines import located
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.settings.settings import Settings

__all__ = ["Entry", "document", "entries", "lines", "ssh_config_entries"]

_MOST_PLACES = 3
# Options of `ssh_config` that apply if the setting is not given.
_CONFIGURED = {
    "User": "user",
    "IdentityFile": "private_key",
    "UserKnownHostsFile": "known_hosts",
    "GlobalKnownHostsFile": "known_hosts",
    "StrictHostKeyChecking": "host_key_policy",
    "ConnectTimeout": "connect_timeout",
    "ServerAliveInterval": "keepalive",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that is in force.

    Attributes:
        name: The setting, or the option of `ssh_config`.
        shown: The value as an operator would type it; `(set)` for a secret.
        value: The value for programs: a number, a text, a list or None; `(set)` for a secret.
        origins: Where it comes from; none for a default, several for equal lines of `ssh_config`.
        overruled_by: The setting that wins over it.
    """

    name: str
    shown: str
    value: Any
    origins: tuple[Origin, ...] = ()
    overruled_by: str | None = None


def entries(settings: Settings, *, everything: bool = False) -> Iterator[Entry]:
    """Yield the settings that were given, in the order of their declaration.

    Args:
        settings: The settings.
        everything: Whether to include settings that were not given.
    """
    for name, flag in settings.flags().items():
        value, origin = getattr(settings, name), settings.origins.get(name)
        if origin is not None or everything:
            shown = flag.shown(value)
            plain = shown if flag.is_secret and value else _plain(value)
            yield Entry(name, shown, plain, () if origin is None else (located(origin),))


def ssh_config_entries(settings: Settings) -> Iterator[Entry]:
    """Yield the options of `ssh_config` that replace settings, for any host."""
    from runner.connection.ssh_config.config_lines import given_options  # noqa: PLC0415 - needed only to display settings

    found: dict[tuple[str, str], list[Origin]] = {}
    for words in given_options(settings.connection_options().ssh_config):
        if words.origin.name in _CONFIGURED:
            found.setdefault((words.origin.name, " ".join(words)), []).append(words.origin)
    for (keyword, value), origins in found.items():
        setting = _CONFIGURED[keyword]
        winner = setting if setting in settings.origins else None
        yield Entry(keyword, value, value, tuple(origins), winner)


def _plain(value: Any) -> Any:
    if type(value) is tuple:
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(getattr(value, "pattern", value))


def lines(found: Iterable[Entry]) -> Iterator[str]:
    """Yield entries as lines for people, in columns."""
    entries = list(found)
    names = max((len(entry.name) for entry in entries), default=0)
    values = max((len(entry.shown) for entry in entries if len(entry.shown) <= names * 2), default=0)
    for entry in entries:
        yield f"{entry.name:{names}}  {entry.shown:{values}}  {_place(entry)}"


def _place(entry: Entry) -> str:
    if not entry.origins:
        return "default"
    shown = [str(origin) for origin in entry.origins[:_MOST_PLACES]]
    more = len(entry.origins) - len(shown)
    text = ", ".join(shown) + (f" and {more} more" if more else "")
    origin = entry.origins[0]
    if origin.kind is Kind.ANSIBLE_CFG:
        text += f" ({origin.name})"
    return f"{text} (overruled by {entry.overruled_by})" if entry.overruled_by else text


def document(settings: Iterable[Entry], ssh_config: Iterable[Entry]) -> dict[str, Any]:
    """Return entries as one JSON document."""
    return {
        "schema": 1,
        "settings": [_object(entry) for entry in settings],
        "ssh_config": [_object(entry) | {"overruled_by": entry.overruled_by} for entry in ssh_config],
    }


def _object(entry: Entry) -> dict[str, Any]:
    origins = [
        {"kind": str(each.kind), "name": each.name, "path": each.path, "line": each.line}
        for each in entry.origins
    ]
    return {"name": entry.name, "value": entry.value, "origins": origins}
