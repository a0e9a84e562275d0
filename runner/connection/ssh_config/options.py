"""Which options of `ssh_config` are read here, and what their arguments may be (ssh_config(5)).

An argument that is not known to be right is left to `ssh` itself to judge: what this module lets through
means here exactly what it means there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.connection.ssh_config.words import arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["APPENDED", "HIGHEST_PORT", "option", "seconds"]

APPENDED = frozenset({"identityfile", "certificatefile"})
"""Options of which every value counts, not only the first."""

HIGHEST_PORT = 65535
_MOST_FILES = 32  # SSH_MAX_HOSTS_FILES
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME = re.compile(r"([0-9]{1,9})([smhdw]?)", re.IGNORECASE)
_JUMP = re.compile(r"(ssh://)?([\w.%-]+@)?(\[[\w.:%-]+\]|[\w.%-]+)(:[0-9]{1,5})?", re.ASCII)
_YES = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_CHECKING = _YES | {"off": "no", "ask": "ask", "accept-new": "accept-new"}
_PUBKEY = _YES | {"unbound": "yes", "host-bound": "yes"}


def seconds(text: str) -> float | None:
    """Read a time such as `10`, `90s` or `1h30m`; `none` is none (ssh_config(5), TIME FORMATS).

    Raises:
        ValueError: It is none.
    """
    if text.lower() == "none":
        return None
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text[:40]!r} is no time")
    return float(sum(int(number) * _UNITS[unit.lower()] for number, unit in parts))


def option(name: str, rest: str) -> tuple[str, ...] | None:
    """Return the value of an option.

    Args:
        name: The lower-case keyword.
        rest: What follows it on its line.

    Returns:
        Its words; None where it is one that changes nothing here.

    Raises:
        ValueError: It is not known, or its arguments are not known to be right.
    """
    if name in _READ:
        return _READ[name](rest)
    words = arguments(rest)
    if name in _SWITCHES and len(words) == 1 and words[0].lower() in _YES:
        return None
    if name in _PASSED_OVER and words:
        return None
    raise ValueError(f"{name[:40]} {rest[:40]}: only ssh itself can judge that")


def _one(rest: str) -> str:
    words = arguments(rest)
    if len(words) != 1:
        raise ValueError("expected one argument")
    return words[0]


def _text(rest: str) -> tuple[str, ...]:
    return (_one(rest),)


def _host_name(rest: str) -> tuple[str, ...]:
    name = _one(rest)
    if re.search(r"%(?![%h])", name.replace("%%", "")):
        raise ValueError("a HostName with another token than %h")
    return (name,)


def _port(rest: str) -> tuple[str, ...]:
    text = _one(rest)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= HIGHEST_PORT:
        raise ValueError("no port")
    return (str(int(text)),)


def _time(rest: str) -> tuple[str, ...]:
    value = seconds(_one(rest))
    return ("none" if value is None else f"{value:.0f}",)


def _files(rest: str) -> tuple[str, ...]:
    words = arguments(rest)
    if not words or len(words) > _MOST_FILES or (len(words) > 1 and "none" in map(str.lower, words)):
        raise ValueError("no list of files")
    return tuple(words)


def _jumps(rest: str) -> tuple[str, ...]:
    text = rest.rstrip()
    if text.lower() != "none" and not all(_JUMP.fullmatch(part) for part in text.split(",")):
        raise ValueError("no list of jump hosts")
    return (text,)


def _command(rest: str) -> tuple[str, ...]:
    """Return a command as it is: quotes and `#` are the shell's; but a quote has to be closed for `ssh`."""
    arguments(rest, may_be_empty=True)
    return (rest.rstrip(),)


def _word_of(words: Mapping[str, str]) -> Callable[[str], tuple[str, ...]]:
    def read(rest: str) -> tuple[str, ...]:
        try:
            return (words[_one(rest).lower()],)
        except KeyError as exc:
            raise ValueError(f"expected one of {', '.join(words)}") from exc

    return read


_READ: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "hostname": _host_name,
    "user": _text,
    "port": _port,
    "identityfile": _text,
    "certificatefile": _text,
    "identityagent": _text,
    "identitiesonly": _word_of(_YES),
    "userknownhostsfile": _files,
    "globalknownhostsfile": _files,
    "hostkeyalias": _text,
    "revokedhostkeys": _text,
    "stricthostkeychecking": _word_of(_CHECKING),
    "connecttimeout": _time,
    "serveraliveinterval": _time,
    "proxyjump": _jumps,
    "proxycommand": _command,
    "preferredauthentications": _text,
    "pubkeyauthentication": _word_of(_PUBKEY),
    "passwordauthentication": _word_of(_YES),
    "kbdinteractiveauthentication": _word_of(_YES),
}
# They change how a connection is kept, shown or made fast, or belong to what we never do.
_SWITCHES = frozenset(
    {
        "batchmode",
        "checkhostip",
        "clearallforwardings",
        "compression",
        "enablesshkeysign",
        "exitonforwardfailure",
        "forwardx11",
        "forwardx11trusted",
        "gatewayports",
        "gssapiauthentication",
        "gssapidelegatecredentials",
        "hashknownhosts",
        "hostbasedauthentication",
        "permitlocalcommand",
        "stdinnull",
        "streamlocalbindunlink",
        "tcpkeepalive",
        "updatehostkeys",
        "verifyhostkeydns",
        "visualhostkey",
    }
)
_PASSED_OVER = frozenset(
    {
        "controlpath",
        "controlpersist",
        "dynamicforward",
        "localforward",
        "remoteforward",
        "sendenv",
        "setenv",
    }
)
