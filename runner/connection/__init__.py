"""How to reach and log in to one host: the `Connection` protocol, and how a connection is found by name."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from threading import Thread
from typing import TYPE_CHECKING, Protocol, cast

from runner import plugins
from runner.connection.command import PLAIN, CommandOptions, Terminal
from runner.connection.options import ConnectionOptions, HostKeyPolicy, Overflow
from runner.errors import InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.connection.deadline import Deadline
    from runner.models import CommandResult, Host

__all__ = [
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
]

GROUP = "runner.connections"

# Ansible's connection names, translated to ours. A device's CLI is reached through SSH exec requests.
_ALIASES = {
    "smart": "ssh",
    "paramiko": "ssh",
    "paramiko_ssh": "ssh",
    "network_cli": "ssh",
    "ansible.builtin.ssh": "ssh",
    "ansible.builtin.paramiko_ssh": "ssh",
    "ansible.netcommon.network_cli": "ssh",
    "ansible.builtin.local": "local",
}


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


def connector(host: Host) -> Connect:
    """Return the connection that a host's `ansible_connection` names; by default `ssh`.

    Raises:
        InvalidVariable: No connection has that name.
    """
    name, known = kind(host), _connections()
    if name not in known:
        wanted = host.variables.get("ansible_connection")
        raise InvalidVariable(
            f"ansible_connection {wanted!r} is not known; known: {', '.join(sorted(known))}",
            reason="bad-variable",
            phase=Phase.CONNECT,
        )
    try:
        return _load(name)
    except plugins.BrokenPlugin as exc:
        text = f"the connection {name!r} cannot be loaded: {exc}"
        raise InvalidVariable(text, reason="bad-plugin", phase=Phase.CONNECT) from exc


def kind(host: Host) -> str:
    """Return our name of the connection that a host's `ansible_connection` asks for."""
    wanted = str(host.variables.get("ansible_connection") or "ssh")
    return _ALIASES.get(wanted, wanted)


def load_ahead(hosts: Iterable[Host]) -> Thread:
    """Import the modules for the connections to these hosts, in a thread, while the hosts are pinged.

    An import takes 0.2 s, for which the first host that answers would have to wait.
    """
    names = {kind(host) for host in hosts} & _connections()

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
