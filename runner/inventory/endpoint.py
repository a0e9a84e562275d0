"""The address, port and login name of a host, read from its variables and checked.

A value that cannot be used is an error of that host, never of the whole fleet. These values end up in command
lines of programs, in shells (`%h`, `%n`, `%r` and `%k` of ssh_config(5)) and in configuration files. So each
value may hold only characters that have no special meaning in any of these places, and cannot be read as an
option.
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

__all__ = ["alias", "endpoint", "login_name", "user"]

_LONGEST_NAME = 253
_NAME = re.compile(r"\w[\w.-]{0,252}")
_PORT_OF_NAME = re.compile(r"(?:[^:]+|\[.*\]):[0-9]+\Z")
_HIGHEST_PORT = 65535
_ADDRESS = ("ansible_host", "ansible_ssh_host")
_PORT = ("ansible_port", "ansible_ssh_port")
_VARIABLES = frozenset(_ADDRESS + _PORT)
_PART_OF_USER = r"[\w.@+:-]+"
_USER = re.compile(rf"(?!-){_PART_OF_USER}(?:\\{_PART_OF_USER})?")
_ALIAS = re.compile(r"(?!-)[\w.:-]+")


def endpoint(host: Host, default_port: int = 22) -> Endpoint:
    """Return a host's address and port: `ansible_host` or its name, `ansible_port` or `default_port`.

    Args:
        host: The host.
        default_port: The port if its variables do not set one.

    Raises:
        InvalidVariable: The address or port cannot be used.
    """
    if _VARIABLES.isdisjoint(host.variables) and _NAME.fullmatch(host.name):
        return Endpoint(host.name, default_port)
    return Endpoint(_address(host), _port(host, default_port))


def user(host: Host) -> str | None:
    """Return the login name that a host's variables set, if any.

    Raises:
        InvalidVariable: It is not a valid login name.
    """
    name, value = _first(host, "ansible_user", "ansible_ssh_user")
    return None if value is None else login_name(value, host.name, name)


def login_name(value: Any, of: str, given_as: str = "user") -> str:
    r"""Check and return a login name: letters, digits and `._@+:-`, also with a domain (`DOMAIN\user`).

    Args:
        value: The name.
        of: The host, for the message.
        given_as: The variable or setting that holds the name, for the message.

    Raises:
        InvalidVariable: It is not a valid login name.
    """
    text = str(value)
    if _USER.fullmatch(text) is None:
        why = r"is not a login name: expected letters, digits and ._@+:-, or DOMAIN\user of these"
        raise _invalid(of, given_as, text, why)
    return text


def alias(value: str, of: str) -> str:
    """Check and return the name under which a host key is stored: `HostKeyAlias` of ssh_config(5).

    Raises:
        InvalidVariable: It is not a host name.
    """
    if _ALIAS.fullmatch(value) is None:
        raise _invalid(of, "HostKeyAlias", value, "is not a host name")
    return value


def _first(host: Host, *names: str) -> tuple[str, Any]:
    """Return the name and value of the first of these variables that is set."""
    variables = host.variables
    for name in names:
        if (value := variables.get(name)) is not None:
            return name, value
    return names[0], None


def _invalid(of: str, name: str, value: Any, why: str) -> InvalidVariable:
    message = printable(f"{of}: {name} {value!r} {why}")
    return InvalidVariable(message, reason="bad-variable", phase=Phase.RESOLVE)


def _address(host: Host) -> str:
    name, value = _first(host, *_ADDRESS)
    if value is None:
        name, value = "host name", host.name
    if not isinstance(value, str) or not value:
        raise _invalid(host.name, name, value, "is not an address: expected a host name or an IP address")
    if _NAME.fullmatch(value):
        return value
    text = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if _NAME.fullmatch(text) or _is_ip(text):
        return text
    raise _invalid(host.name, name, value, _why_no_address(text))


def _is_ip(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address, with or without a zone such as `%eth0`."""
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
            host.name,
            name,
            host.variables[name],
            f"is not a port: expected a number from 1 to {_HIGHEST_PORT}",
        )
    return value
