"""The options of one host, as `ssh` arguments or `ssh_config` files give them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner import environment
from runner.connection.options import METHODS, HostKeyPolicy
from runner.connection.ssh_config.keywords import TABLE, Use, find
from runner.connection.target.jump import read_jumps, read_proxy_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.connection.ssh_config.tokens import Obtained, Said
    from runner.connection.target.jump import Jump

__all__ = ["POLICIES", "SshOptions", "options_of"]


@dataclass(frozen=True, slots=True)
class SshOptions:
    """The options that are given for one host, tokens filled in.

    In every field None means "not given". An option that `none`, `no` or `0` switches off is given: its value
    is empty or false.

    Attributes:
        address, user, port: Address, login name and port to connect with.
        identities, certificates: Paths of private keys, and of their certificates, in order.
        identities_only: Whether to try no other keys, neither the agent's nor those in the usual files.
        agent: Socket of the agent; empty means no agent.
        known_hosts, global_known_hosts: Paths of the user's files of host keys, and of the system's.
        key_alias: Name under which host keys are on record.
        revoked: Path of a file with keys that no host may show; empty means none.
        policy: The policy for unknown host keys.
        connect_timeout_s: Seconds for connecting; no limit counts as not given.
        keepalive_s: Seconds between keepalives; 0 means no keepalives.
        methods: Authentication methods, in the order of preference.
        jumps, proxy_command: Jump hosts on the way, the first one first, or the program that connects there.
        unhonoured: Names of keywords of `Use.ONLY_SSH` that are given.
    """

    address: str | None = None
    user: str | None = None
    port: int | None = None
    identities: tuple[str, ...] | None = None
    certificates: tuple[str, ...] | None = None
    identities_only: bool | None = None
    agent: str | None = None
    known_hosts: tuple[str, ...] | None = None
    global_known_hosts: tuple[str, ...] | None = None
    key_alias: str | None = None
    revoked: str | None = None
    policy: HostKeyPolicy | None = None
    connect_timeout_s: float | None = None
    keepalive_s: float | None = None
    methods: tuple[str, ...] | None = None
    jumps: tuple[Jump, ...] | None = None
    proxy_command: str | None = None
    unhonoured: tuple[str, ...] = ()


_NOTHING = SshOptions()
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME = re.compile(r"([0-9]+)([smhdw]?)", re.IGNORECASE)
_NO_FILE = ("/dev/null",)
_YES = ("yes", "true")
POLICIES = (
    dict.fromkeys(("yes", "true", "ask"), HostKeyPolicy.STRICT)
    | dict.fromkeys(("no", "false", "off"), HostKeyPolicy.OFF)
    | {"accept-new": HostKeyPolicy.ACCEPT_NEW}
)
"""The meaning of each value of `StrictHostKeyChecking`."""


def options_of(said: Said, tokens: Obtained) -> SshOptions:
    """Convert options to values.

    Args:
        said: The options by lower-case keyword; their values have been checked.
        tokens: The values of their tokens.

    Raises:
        ValueError: A token cannot be filled in, or a jump host is not valid.
    """
    if not said:
        return _NOTHING
    fields: dict[str, Any] = {}
    unhonoured = []
    for option, words in said.items():
        if option in _FIELDS:
            name, read = _FIELDS[option]
            fields[name] = read(tuple([tokens.fill(option, word) for word in words]))
        elif (known := find(option)) and known.use is Use.ONLY_SSH and not known.is_off(words):
            unhonoured.append(known.name)
    if not _METHODS.keys().isdisjoint(said):
        fields["methods"] = _methods(said)
    if "proxyjump" in said or "proxycommand" in said:
        fields |= _way(said, tokens)
    return SshOptions(**fields, unhonoured=tuple(sorted(unhonoured)))


def _seconds(words: tuple[str, ...]) -> float:
    return float(sum(int(number) * _UNITS[unit.lower()] for number, unit in _TIME.findall(words[0])))


def _agent(words: tuple[str, ...]) -> str | None:
    if words[0].startswith("$"):
        return environment.value(words[0][1:]) or ""
    return None if words[0] == "SSH_AUTH_SOCK" else _unless_none(words)


def _unless_none(words: tuple[str, ...]) -> str:
    return "" if words[0].lower() == "none" else words[0]


def _files(words: tuple[str, ...]) -> tuple[str, ...]:
    return _NO_FILE if words[0].lower() == "none" else words


_FIELDS: Mapping[str, tuple[str, Callable[[tuple[str, ...]], Any]]] = {
    "hostname": ("address", lambda words: words[0]),
    "user": ("user", lambda words: words[0]),
    "port": ("port", lambda words: int(words[0])),
    "identityfile": ("identities", tuple),
    "certificatefile": (
        "certificates",
        lambda words: tuple(file for file in words if file.lower() != "none"),
    ),
    "identitiesonly": ("identities_only", lambda words: words[0].lower() in _YES),
    "identityagent": ("agent", _agent),
    "userknownhostsfile": ("known_hosts", _files),
    "globalknownhostsfile": ("global_known_hosts", _files),
    "hostkeyalias": ("key_alias", lambda words: words[0].lower()),
    "revokedhostkeys": ("revoked", _unless_none),
    "stricthostkeychecking": ("policy", lambda words: POLICIES[words[0].lower()]),
    "connecttimeout": ("connect_timeout_s", lambda words: _seconds(words) or None),
    "serveraliveinterval": ("keepalive_s", _seconds),
}
_METHODS = {
    "pubkeyauthentication": "publickey",
    "passwordauthentication": "password",
    "kbdinteractiveauthentication": "keyboard-interactive",
    "preferredauthentications": "",
}


def _methods(said: Said) -> tuple[str, ...]:
    """Return the authentication methods that are not switched off, in the order of preference."""
    off = {method for option, method in _METHODS.items() if TABLE[option].is_off(said.get(option, ()))}
    preferred = said.get("preferredauthentications", METHODS)
    return tuple(
        method for method in ",".join(preferred).split(",") if method in METHODS and method not in off
    )


def _way(said: Said, tokens: Obtained) -> dict[str, Any]:
    """Return the jump hosts, or the program, through which to connect to the host."""
    if "proxycommand" not in said:
        return {"jumps": read_jumps(tokens.fill("proxyjump", said["proxyjump"][0]))}
    command = tokens.fill("proxycommand", said["proxycommand"][0])
    jumps = read_proxy_command(command, tokens.values["h"], tokens.values["p"])
    if jumps is not None:
        return {"jumps": jumps}
    if said.get("proxyusefdpass", ("no",))[0].lower() in _YES:
        raise ValueError("ProxyUseFdpass is not supported")
    return {"proxy_command": command}
