"""What a connection needs to know, and how much of it a host's own variables decide."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from runner.errors import InvalidVariable
from runner.models import Phase, Secret

if TYPE_CHECKING:
    from runner.models import Host

__all__ = ["ConnectionOptions", "HostKeyPolicy", "Login"]


class HostKeyPolicy(StrEnum):
    """What is done about an unknown host key (ssh_config(5), StrictHostKeyChecking)."""

    STRICT = "strict"
    """Refuse it."""
    ACCEPT_NEW = "accept-new"
    """Record it; a key that differs from the recorded one is still refused."""
    OFF = "off"
    """Take any key, a changed one too."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How hosts are connected to, where their own variables do not say otherwise.

    Attributes:
        user: Login name; the local user's where neither this nor the host's variables name one.
        password: Login password.
        private_key: Path of a private key file.
        known_hosts: Paths of `known_hosts` files; one that does not exist is passed over.
        host_key_policy: What is done about keys that they do not hold.
        connect_timeout_s: Seconds for each of: name and TCP connect, key exchange, login, opening a channel.
        command_timeout_s: Seconds for each command; None is no limit.
        host_timeout_s: Seconds for everything done on one host, retries included; None is no limit.
        max_output: Bytes kept of each stream of each command; one that prints more is ended.
        retries: How often an attempt that failed for a passing reason, before any command was sent, is
            repeated.
        forced: Names of the fields above that win over the host's variables, because the user gave them for
            this run.
    """

    user: str | None = None
    password: Secret | None = None
    private_key: str | None = None
    known_hosts: tuple[str, ...] = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
    host_key_policy: HostKeyPolicy = HostKeyPolicy.STRICT
    connect_timeout_s: float = 10.0
    command_timeout_s: float | None = 300.0
    host_timeout_s: float | None = None
    max_output: int = 16 * 2**20
    retries: int = 2
    forced: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in to one host, and with what.

    Attributes:
        user: Login name.
        password: Password, for password and keyboard-interactive authentication.
        private_key: Path of the private key file that was asked for.
    """

    user: str
    password: Secret | None = None
    private_key: str | None = None

    @classmethod
    def of(cls, host: Host, options: ConnectionOptions) -> Login:
        """Choose one host's login: this run's flags, then the host's variables, then the settings.

        The names of the variables are those of Ansible's `ssh` connection plugin. Unlike there, what is given
        on the command line wins over the inventory.

        Raises:
            InvalidVariable: A variable is not a text that can stand for what it names.
        """
        user = _choose(host, options, "user", ("ansible_user", "ansible_ssh_user"))
        password = _choose(
            host, options, "password", ("ansible_password", "ansible_ssh_password", "ansible_ssh_pass")
        )
        key = _choose(
            host, options, "private_key", ("ansible_private_key_file", "ansible_ssh_private_key_file")
        )
        return cls(
            user=_text("user", user) if user is not None else getpass.getuser(),
            password=password if password is None or isinstance(password, Secret) else Secret(str(password)),
            private_key=None if key is None else _text("private key", key),
        )


def _choose(host: Host, options: ConnectionOptions, name: str, variables: tuple[str, ...]) -> Any:
    if name not in options.forced:
        for variable in variables:
            value = host.variables.get(variable)
            if value not in (None, ""):
                return value
    return getattr(options, name)


def _text(what: str, value: Any) -> str:
    """Return a login name or path that no part of the program can mistake for something else."""
    text = str(value)
    if not text or text.startswith("-") or not text.isprintable():
        raise InvalidVariable(
            f"{text!r} cannot be a {what}: it is empty, begins with '-' or holds control characters",
            reason="bad-variable",
            phase=Phase.LOGIN,
        )
    return text
