"""How hosts are connected to, before any host's own variables have been looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from runner.connection.command.become import Become

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.connection.auth.named import Named
    from runner.models import Secret
    from runner.text.origin import Origin

__all__ = ["KNOWN_HOSTS", "METHODS", "ConnectionOptions", "Guard", "HostKeyPolicy", "Overflow"]

KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
"""Where host keys are on record unless somebody says otherwise (ssh(1), FILES)."""

SSH_CONFIG = "~/.ssh/config"
"""The user's own `ssh_config`, behind which the system's is read, too (ssh_config(5))."""

METHODS = ("publickey", "password", "keyboard-interactive")
"""Ways to log in (RFC 4252, RFC 4256)."""


class HostKeyPolicy(StrEnum):
    """What is done about an unknown host key (ssh_config(5), StrictHostKeyChecking)."""

    STRICT = "strict"
    """Refuse it."""
    ACCEPT_NEW = "accept-new"
    """Record it; a key that differs from the recorded one is still refused."""
    OFF = "off"
    """Take any key, a changed one too."""


class Overflow(StrEnum):
    """What becomes of a command that prints more than is kept."""

    END = "end"
    """It is ended."""
    DROP = "drop"
    """It goes on, and what is too much is thrown away."""
    SPILL = "spill"
    """It goes on, and all that it prints is written to a file."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What the operator says about host keys, where an inventory says something else.

    What an inventory names is read and never written, and it adds to the checks and takes nothing from them.

    Attributes:
        ssh_config: The operator's `ssh_config` file, if an inventory names another one.
        known_hosts: The operator's `known_hosts` files, if an inventory names others. These are read, too,
            and new keys are recorded in the first of them.
        revoked_host_keys: The operator's file of revoked keys, if an inventory has a say in that.
    """

    ssh_config: str | None = None
    known_hosts: tuple[str, ...] = ()
    revoked_host_keys: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How hosts are connected to, where their own variables do not say otherwise.

    Attributes:
        user: Login name; the local user's where neither this nor the host's variables name one.
        password: Login password.
        private_keys: Paths of private key files, in the order in which they are tried.
        credentials: What else is tried then, in order.
        passphrases: What may open private keys.
        code: A one-time code, for servers that ask for one.
        known_hosts: Paths of `known_hosts` files; one that does not exist is passed over.
        host_key_policy: What is done about keys that they do not hold.
        connect_timeout_s: Seconds for each of: name and TCP connect, key exchange, login, opening a channel.
        command_timeout_s: Seconds for each command; None is no limit.
        host_timeout_s: Seconds for everything done on one host, retries included; None is no limit.
        idle_timeout_s: Seconds that a command may go without printing anything; None is no limit.
        max_output: Bytes kept in memory of each stream of each command.
        overflow: What becomes of a command that prints more.
        spill_folder: Where files with all of its output go then; None is the system's folder for such things.
        max_spill: Bytes that such a file may hold; a command that prints more is ended.
        revoked_host_keys: Path of a file with keys that no host may show; None is none.
        startups: Connections to one address at once that have not logged in yet; 0 is no limit.
        retries: How often an attempt that failed for a passing reason, before any command was sent, is
            repeated.
        keepalive_s: Seconds of silence after which the server is asked for a sign of life; after the third
            without one the connection counts as lost. None is never.
        ssh_config: Path of the user's `ssh_config` file; None is none.
        trust_ssh_config: Whether that file may name programs to run on this machine.
        allow_commands: Whether variables of the inventory may name programs to run on this machine.
        become: Whether commands run as another user than the one who logs in.
        become_as: As whom then, and how.
        methods: Ways to log in that may be used.
        origins: Where each value comes from, by the name of its field; `become_method`, `become_user` and
            `become_password` are parts of `become_as`. A field that is not here was not given; one that is
            here wins over `ssh_config`, also if it equals the default.
        guard: What holds of the operator's host key checks whatever the inventory says.
    """

    user: str | None = None
    password: Secret | None = None
    private_keys: tuple[str, ...] = ()
    credentials: tuple[Named, ...] = ()
    passphrases: tuple[Secret, ...] = ()
    code: Secret | None = None
    known_hosts: tuple[str, ...] = KNOWN_HOSTS
    host_key_policy: HostKeyPolicy = HostKeyPolicy.STRICT
    connect_timeout_s: float = 10.0
    command_timeout_s: float | None = 300.0
    host_timeout_s: float | None = None
    idle_timeout_s: float | None = None
    max_output: int = 16 * 2**20
    overflow: Overflow = Overflow.END
    spill_folder: str | None = None
    max_spill: int = 2**30
    revoked_host_keys: str | None = None
    startups: int = 0
    retries: int = 2
    keepalive_s: float | None = None
    become: bool = False
    become_as: Become = field(default_factory=Become)
    ssh_config: str | None = SSH_CONFIG
    trust_ssh_config: bool = True
    allow_commands: bool = False
    methods: tuple[str, ...] = METHODS
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)
    guard: Guard = field(default=Guard(), compare=False)

    def is_forced(self, name: str) -> bool:
        """Return whether a field was given for this very run, and so wins over the host's variables."""
        origin = self.origins.get(name)
        return origin is not None and origin.is_of_this_run

    @property
    def read_known_hosts(self) -> tuple[str, ...]:
        """All `known_hosts` files that are read; new keys are recorded in the first, the operator's."""
        return tuple(dict.fromkeys((*self.guard.known_hosts, *self.known_hosts)))

    @property
    def read_revoked_host_keys(self) -> tuple[str, ...]:
        """All files with keys that no host may show."""
        return tuple(dict.fromkeys(filter(None, (self.guard.revoked_host_keys, self.revoked_host_keys))))
