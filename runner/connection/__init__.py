"""How to reach and log in to one host: the `Connection` protocol, and how a connection is found by name."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from threading import Thread
from typing import TYPE_CHECKING, Protocol, cast

from runner import plugins
from runner.connection.command import PLAIN, CommandOptions, Terminal
from runner.connection.options import ConnectionOptions, HostKeyPolicy, Overflow
from runner.errors import HostError, InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.connection.deadline import Deadline
    from runner.models import CommandResult, Host
    from runner.platforms.definition import Platform

__all__ = [
    "CLI",
    "PLAIN",
    "CommandOptions",
    "Connect",
    "Connection",
    "ConnectionOptions",
    "HostKeyPolicy",
    "Overflow",
    "Terminal",
    "connector",
    "kind",
    "load_ahead",
    "platform_of",
    "uses_cli",
]

GROUP = "runner.connections"

# Ansible's connection names, translated to ours.
_ALIASES = {
    "smart": "ssh",
    "paramiko": "ssh",
    "paramiko_ssh": "ssh",
    "network_cli": "cli",
    "ansible.builtin.ssh": "ssh",
    "ansible.builtin.paramiko_ssh": "ssh",
    "ansible.netcommon.network_cli": "cli",
    "ansible.builtin.local": "local",
}


CLI = "runner_cli"
"""The variable that says how a device is asked: by `exec` requests, or in its interactive `shell`."""
_PLATFORM = frozenset({CLI, "ansible_network_os", "platform", "device_type"})


class Connection(Protocol):
    """A login on one host."""

    sent: bool
    """Whether a command has been sent to the host: after that, nothing is repeated."""

    def run(self, command: str, given: CommandOptions = PLAIN) -> CommandResult:
        """Run one command and wait for its end; raise `HostError` if it does not end by itself."""

    def close(self) -> None:
        """End the login at once."""


class Connect(Protocol):
    """The type of the objects in the entry-point group `runner.connections`, one for each connection name.

    Its attribute `become_methods`, if it has one, names the become methods that the connection supports.
    """

    def __call__(self, host: Host, options: ConnectionOptions, deadline: Deadline) -> Connection:
        """Log in to a host before the deadline; raise `HostError` if that fails."""


def connector(host: Host, chosen: str | None = None) -> Connect:
    """Return the connection of a host; see `kind`.

    Raises:
        InvalidVariable: No connection has that name.
    """
    name, known = kind(host, chosen), _connections()
    if name not in known:
        wanted = host.variables.get("ansible_connection")
        raise _invalid(f"ansible_connection {wanted!r} is not known; known: {', '.join(sorted(known))}")
    try:
        return _load(name)
    except plugins.BrokenPlugin as exc:
        text = f"the connection {name!r} cannot be loaded: {exc}"
        raise InvalidVariable(text, reason="bad-plugin", phase=Phase.CONNECT) from exc


def kind(host: Host, chosen: str | None = None) -> str:
    """Return our name of the connection of a host: by default `ssh`, or `cli` for a device without exec.

    Args:
        host: The host. Its `runner_cli` (exec or shell) counts more than its `ansible_connection`, and that
            more than its platform.
        chosen: The connection that this run uses for every host, if it was given.

    Raises:
        InvalidVariable: The variables name a platform that is not known, or `runner_cli` is something else.
    """
    if chosen is not None:
        return chosen
    variables = host.variables
    wanted = variables.get("ansible_connection")
    found = "ssh" if not wanted else _ALIASES.get(str(wanted), str(wanted))
    if _PLATFORM.isdisjoint(variables):
        return found
    way = variables.get(CLI)
    if way not in (None, "", "exec", "shell"):
        raise _invalid(f"{CLI} {way!r} is neither exec nor shell")
    if way and found in ("ssh", "cli"):
        return "ssh" if way == "exec" else "cli"
    return found if wanted else _of_platform(host)


def uses_cli(host: Host, chosen: str | None = None) -> bool:
    """Return whether commands are typed into the CLI of a host; False if its variables are wrong.

    The login reports a wrong variable as the result of the host.
    """
    try:
        return kind(host, chosen) == "cli"
    except HostError:
        return False


def _of_platform(host: Host) -> str:
    """Return the connection for a host whose variables may name its platform, and name no connection."""
    platform = platform_of(host)
    return "ssh" if platform is None or platform.exec or platform.posix else "cli"


def platform_of(host: Host) -> Platform | None:
    """Return the platform that the variables of a host name; None if they name none.

    Raises:
        InvalidVariable: Its `ansible_network_os` is not known.
    """
    from runner.platforms import hosts  # noqa: PLC0415 - most hosts have no platform
    from runner.platforms.names import UnknownPlatform  # noqa: PLC0415

    try:
        return hosts.of_variables(host.variables)
    except UnknownPlatform as exc:
        raise _invalid(f"{hosts.NETWORK_OS}: {exc}") from exc


def _invalid(text: str) -> InvalidVariable:
    return InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT)


def load_ahead(hosts: Iterable[Host], chosen: str | None = None) -> Thread:
    """Import the modules for the connections to these hosts, in a thread, while the hosts are pinged.

    An import takes 0.2 s, for which the first host that answers would have to wait.
    """
    names = set()
    for host in hosts:
        with suppress(HostError):  # the login raises it again and reports it for its host
            names.add(kind(host, chosen))

    names &= _connections()  # here, as its warnings must come once

    def load() -> None:
        for name in names:
            with suppress(Exception):  # the login imports it again and reports the error for its host
                _load(name)

    thread = Thread(target=load, name="runner-load-ahead", daemon=True)
    thread.start()
    return thread


@lru_cache(maxsize=1)
def _connections() -> frozenset[str]:
    return frozenset(plugins.names(GROUP))


@lru_cache(maxsize=16)
def _load(name: str) -> Connect:
    return cast("Connect", plugins.load(GROUP, name))
