"""How to connect to hosts, before any host's own variables are applied."""

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
"""The files with host keys, by default (ssh(1), FILES)."""

SSH_CONFIG = "~/.ssh/config"
"""The user's own `ssh_config`; the system's file is read after it, too (ssh_config(5))."""

METHODS = ("publickey", "password", "keyboard-interactive")
"""Ways to log in (RFC 4252, RFC 4256)."""


class HostKeyPolicy(StrEnum):
    """What to do about an unknown host key (ssh_config(5), StrictHostKeyChecking)."""

    STRICT = "strict"
    """Refuse it."""
    ACCEPT_NEW = "accept-new"
    """Record it; a key that differs from the recorded one is still refused."""
    OFF = "off"
    """Accept any key, even a changed one."""


class Overflow(StrEnum):
    """What to do with a command that prints more than is kept."""

    END = "end"
    """End it."""
    DROP = "drop"
    """Let it go on, and drop the rest of its output."""
    SPILL = "spill"
    """Let it go on, and write all of its output to a file."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The operator's settings for host keys, if an inventory has other settings.

    Files that an inventory names are read and never written. They add to the checks and remove none.

    Attributes:
        ssh_config: The operator's `ssh_config` file, if an inventory names another one.
        known_hosts: The operator's `known_hosts` files, if an inventory names others. These are read, too,
            and new keys are recorded in the first of them.
        revoked_host_keys: The operator's file of revoked keys, if an inventory sets this, too.
    """

    ssh_config: str | None = None
    known_hosts: tuple[str, ...] = ()
    revoked_host_keys: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How to connect to hosts, unless their own variables say otherwise.

    Attributes:
        user: Login name; the local user's if neither this nor the host's variables name one.
        password: Login password.
        private_keys: Paths of private key files, in the order in which they are tried.
        credentials: Further credentials, tried after these, in order.
        passphrases: Passphrases for private keys.
        code: A one-time code, for servers that ask for one.
        known_hosts: Paths of `known_hosts` files; one that does not exist is skipped.
        host_key_policy: What to do about keys that are not in these files.
        connect_timeout_s: Seconds for each of: name and TCP connect, key exchange, login, opening a channel.
        command_timeout_s: Seconds for each command; None means no limit.
        host_timeout_s: Seconds for all work on one host, retries included; None means no limit.
        idle_timeout_s: Seconds that a command may go without printing anything; None means no limit.
        max_output: Bytes kept in memory of each stream of each command.
        overflow: What to do with a command that prints more.
        spill_folder: Folder for files with all of its output; None means the system's temporary folder.
        max_spill: Maximum bytes of such a file; a command that prints more is ended.
        revoked_host_keys: Path of a file with keys that no host may show; None means no file.
        startups: Maximum number of unauthenticated connections to one address; 0 means no limit.
        retries: How often an attempt that failed for a transient reason, before any command was sent, is
            repeated.
        keepalive_s: Seconds of silence after which a keepalive is sent; after the third without a reply the
            connection counts as lost. None means never.
        connection: Name of the connection to every host of this run; None: as each host's variables say.
        session_log: Folder for a file per device with everything that its CLI sent; None means no file.
        ssh_config: Path of the user's `ssh_config` file; None means no file.
        trust_ssh_config: Whether that file may name programs to run on this machine.
        allow_commands: Whether variables of the inventory may name programs to run on this machine.
        become: Whether commands run as another user than the one who logs in.
        become_as: That user, and the program that changes to it.
        methods: Login methods that may be used.
        origins: Where each value comes from, by the name of its field; `become_method`, `become_user` and
            `become_password` are parts of `become_as`. A field that is not here was not given; one that is
            here wins over `ssh_config`, even if it equals the default.
        guard: The operator's host key settings, which hold whatever the inventory says.
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
    connection: str | None = None
    session_log: str | None = None
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
        """All `known_hosts` files to read; new keys are recorded in the first, the operator's."""
        return tuple(dict.fromkeys((*self.guard.known_hosts, *self.known_hosts)))

    @property
    def read_revoked_host_keys(self) -> tuple[str, ...]:
        """All files with keys that no host may show."""
        return tuple(dict.fromkeys(filter(None, (self.guard.revoked_host_keys, self.revoked_host_keys))))
