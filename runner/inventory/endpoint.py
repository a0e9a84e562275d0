"""Where a host's SSH server listens, as its variables say, and whether they can be meant so.

A value that cannot be used is that host's error, never the fleet's. What is allowed follows OpenSSH's
`ssh_valid_hostname`, narrowed to addresses and host names: nothing here may ever look like an option or a
command.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from runner.errors import InvalidVariable
from runner.models import Endpoint, Phase
from runner.text import printable

if TYPE_CHECKING:
    from runner.models import Host

__all__ = ["endpoint", "user"]

_LONGEST_NAME = 253
_NAME = re.compile(r"\w[\w.-]{0,252}")
_PORT_OF_NAME = re.compile(r"(?:[^:]+|\[.*\]):[0-9]+\Z")
_HIGHEST_PORT = 65535
_ADDRESS = ("ansible_host", "ansible_ssh_host")
_PORT = ("ansible_port", "ansible_ssh_port")
_VARIABLES = frozenset(_ADDRESS + _PORT)
_FORBIDDEN_IN_USER = frozenset("'`\";&<>|(){}")


def endpoint(host: Host, default_port: int = 22) -> Endpoint:
    """Tell where a host is reached: `ansible_host` or its name, and `ansible_port` or `default_port`.

    Args:
        host: The host.
        default_port: The port where its variables name none.

    Raises:
        InvalidVariable: The address or port cannot be used.
    """
    if _VARIABLES.isdisjoint(host.variables) and _NAME.fullmatch(host.name):
        return Endpoint(host.name, default_port)
    return Endpoint(_address(host), _port(host, default_port))


def user(host: Host) -> str | None:
    """Return the login name that a host's variables give, if any.

    Raises:
        InvalidVariable: It cannot be one (rules of OpenSSH's `ssh_valid_ruser`).
    """
    name, value = _first(host, "ansible_user", "ansible_ssh_user")
    if value is None:
        return None
    text = str(value)
    if not text or text.startswith("-") or " -" in text or text.endswith("\\"):
        raise _invalid(host, name, text, "is no login name")
    if any(char in _FORBIDDEN_IN_USER or not char.isprintable() for char in text):
        raise _invalid(host, name, text, "holds a character that no login name has")
    return text


def _first(host: Host, *names: str) -> tuple[str, Any]:
    """Return the first of these variables that is set."""
    variables = host.variables
    for name in names:
        if (value := variables.get(name)) is not None:
            return name, value
    return names[0], None


def _invalid(host: Host, name: str, value: Any, why: str) -> InvalidVariable:
    message = printable(f"{host.name}: {name} {value!r} {why}")
    return InvalidVariable(message, reason="bad-variable", phase=Phase.RESOLVE)


def _address(host: Host) -> str:
    name, value = _first(host, *_ADDRESS)
    if value is None:
        name, value = "host name", host.name
    if not isinstance(value, str) or not value:
        raise _invalid(host, name, value, "is no address: expected a host name or an IP address")
    if _NAME.fullmatch(value):
        return value
    text = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if _NAME.fullmatch(text) or _is_ip(text):
        return text
    raise _invalid(host, name, value, _why_no_address(text))


def _is_ip(text: str) -> bool:
    """Tell whether it is an IPv4 or IPv6 address, with a zone such as `%eth0` or without."""
    bare, percent, zone = text.partition("%")
    if percent and not (zone.isascii() and re.fullmatch(r"[A-Za-z0-9._-]+", zone)):
        return False
    try:
        return ipaddress.ip_address(bare).version == 6 or not percent  # noqa: PLR2004 - zones are IPv6's
    except ValueError:
        return False


def _why_no_address(text: str) -> str:
    if len(text) > _LONGEST_NAME:
        return f"has {len(text)} characters; a host name has at most {_LONGEST_NAME}"
    if text.startswith("-"):
        return "begins with '-', as an option would"
    if _PORT_OF_NAME.match(text):
        return "holds a port; set ansible_port"
    return "holds a character that no host name has; set ansible_host"


def _port(host: Host, default: int) -> int:
    name, value = _first(host, *_PORT)
    if value is None:
        return default
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:6])
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _HIGHEST_PORT:
        raise _invalid(
            host, name, host.variables[name], f"is no port: expected a number from 1 to {_HIGHEST_PORT}"
        )
    return value
