"""How one host is got at: by this run's flags, its variables, `ssh` arguments in these, and the settings."""

from __future__ import annotations

import dataclasses
import getpass
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.connection.become import BECOME_METHODS, Become
from runner.connection.options import KNOWN_HOSTS, HostKeyPolicy
from runner.connection.ssh_arguments import read_arguments
from runner.connection.ssh_config import host_config
from runner.errors import InvalidVariable
from runner.inventory import endpoint as given_for
from runner.models import Endpoint, Phase, Secret

if TYPE_CHECKING:
    from runner.connection.jump import Jump
    from runner.connection.options import ConnectionOptions
    from runner.connection.ssh_arguments import SshArguments
    from runner.connection.ssh_config import HostConfig
    from runner.models import Host

__all__ = ["Access", "Login", "access", "become_of"]

logger = logging.getLogger(__name__)

_SSH_PORT = 22
_PASSWORDS = ("ansible_password", "ansible_ssh_password", "ansible_ssh_pass")
_KEYS = ("ansible_private_key_file", "ansible_ssh_private_key_file")
_BECOME_PASSWORDS = ("ansible_become_password", "ansible_become_pass")
_TIMEOUTS = ("ansible_timeout", "ansible_ssh_timeout")
_CHECKING = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
_YES = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and with what.

    Attributes:
        user: Login name.
        password: Password, for password and keyboard-interactive authentication.
        private_key: Path of the private key file that was asked for.
        identities: Private key files to try where none was asked for; one that cannot be used is passed over.
        methods: Ways to log in that may be used.
    """

    user: str
    password: Secret | None = None
    private_key: str | None = None
    identities: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("publickey", "password", "keyboard-interactive")


@dataclass(frozen=True, slots=True)
class Access:
    """All that is needed to log in to one host.

    Attributes:
        endpoint: Where it listens.
        login: Who logs in.
        options: The run's options, with what the host's variables change in them.
        given: The run's options as they are for every host.
        jumps: The hosts to go through, the first one first.
    """

    endpoint: Endpoint
    login: Login
    options: ConnectionOptions
    given: ConnectionOptions
    jumps: tuple[Jump, ...] = ()

    @classmethod
    def of_jump(cls, jumps: tuple[Jump, ...], given: ConnectionOptions) -> Access:
        """Return how the last of some jump hosts is got at.

        As with `ssh -J`, what was said of the target (its user, its password, its options) does not hold for
        the hosts on the way; this run's key does, beside what was named for the jump host itself.
        """
        last = jumps[-1]
        config = host_config(given.ssh_config, last.address)
        login = Login(
            user=last.user or config.user or getpass.getuser(),
            private_key=last.identity or given.private_key,
            identities=config.identities,
        )
        endpoint = Endpoint(config.address or last.address, last.port or config.port or _SSH_PORT)
        return cls(endpoint, login, _recorded(given, config), given, jumps[:-1] or config.jumps)


def access(host: Host, options: ConnectionOptions) -> Access:
    """Work out how a host is got at.

    The names of the variables are those of Ansible's `ssh` connection plugin, and among them its order holds:
    a variable of its own wins over the same thing in `ssh` arguments. Unlike there, what is given on the
    command line of this run wins over the inventory. The user's `ssh_config` fills in what neither these nor
    the settings say; it is asked about the address that the inventory gives.

    Raises:
        InvalidVariable: A variable cannot be used as what it stands for, or would run a program here.
    """
    arguments = read_arguments(host)
    given = given_for.endpoint(host, 0 if arguments.port is None else arguments.port)
    config = host_config(options.ssh_config, given.address)
    base = _recorded(options, config)
    become = become_of(host, options)
    chosen = dataclasses.replace(
        base,
        known_hosts=_pick(base, "known_hosts", None, arguments.known_hosts),
        host_key_policy=_pick(options, "host_key_policy", _checking(host), arguments.policy),
        connect_timeout_s=_pick(options, "connect_timeout_s", _timeout(host), arguments.connect_timeout_s),
        keepalive_s=_pick(options, "keepalive_s", None, arguments.keepalive_s),
        methods=_pick(options, "methods", None, arguments.methods),
        become=become is not None,
        become_as=become or options.become_as,
    )
    if chosen.host_key_policy is HostKeyPolicy.OFF:
        _warn_of_unchecked_keys()
    return Access(
        endpoint=Endpoint(config.address or given.address, given.port or config.port or _SSH_PORT),
        login=_login(host, chosen, arguments, config),
        options=chosen,
        given=options,
        jumps=config.jumps if arguments.jumps is None else arguments.jumps,
    )


def _recorded(options: ConnectionOptions, config: HostConfig) -> ConnectionOptions:
    """Return options with the known_hosts files that `ssh_config` names, where nobody else names some."""
    if not config.known_hosts or options.known_hosts != KNOWN_HOSTS:
        return options
    return dataclasses.replace(options, known_hosts=config.known_hosts)


def _login(host: Host, options: ConnectionOptions, arguments: SshArguments, config: HostConfig) -> Login:
    user = _pick(options, "user", given_for.user(host), arguments.user)
    password = _pick(options, "password", _variable(host, _PASSWORDS), None)
    key = _pick(options, "private_key", _variable(host, _KEYS), arguments.identity)
    return Login(
        user=_text("user", user) if user is not None else config.user or getpass.getuser(),
        password=password if password is None or isinstance(password, Secret) else Secret(str(password)),
        private_key=None if key is None else _text("private key", key),
        identities=config.identities,
        methods=options.methods,
    )


def _pick(options: ConnectionOptions, name: str, variable: Any, argument: Any) -> Any:
    """Return what the flags, a host's variable, its `ssh` arguments or the settings say, in that order."""
    if name not in options.forced:
        for value in (variable, argument):
            if value is not None:
                return value
    return getattr(options, name)


def become_of(host: Host, options: ConnectionOptions) -> Become | None:
    """Return as whom a host's commands run; None is the user who logs in.

    That is decided by this run's flags, `ansible_become` and its like, and the settings. The method `enable`
    of an inventory is passed over: on a device one has the privileges that one logs in with.

    Raises:
        InvalidVariable: One of the variables cannot be used.
    """
    wanted = _variable(host, ("ansible_become",))
    switched = None if wanted is None else _YES.get(str(wanted).lower())
    if wanted is not None and switched is None:
        raise _invalid(f"ansible_become {wanted!r} is neither yes nor no")
    usual = options.become_as
    method = _become_part(host, options, "method").rpartition(".")[2]
    if not _pick(options, "become", switched, None) or method == "enable":
        return None
    if method not in BECOME_METHODS:
        raise _invalid(f"ansible_become_method {method!r} is not one of {', '.join(BECOME_METHODS)}")
    password = _variable(host, _BECOME_PASSWORDS) or usual.password
    if "become_password" in options.forced:
        password = usual.password
    return Become(
        method=method,
        user=_text("user", _become_part(host, options, "user")),
        password=password if password is None or isinstance(password, Secret) else Secret(str(password)),
    )


def _become_part(host: Host, options: ConnectionOptions, part: str) -> str:
    usual = getattr(options.become_as, part)
    if f"become_{part}" in options.forced:
        return str(usual)
    return str(_variable(host, (f"ansible_become_{part}",)) or usual)


def _variable(host: Host, names: tuple[str, ...]) -> Any:
    """Return the first of these variables that is set and not empty."""
    values = (host.variables.get(name) for name in names)
    return next((value for value in values if value not in (None, "")), None)


def _timeout(host: Host) -> float | None:
    value = _variable(host, _TIMEOUTS)
    if value is None:
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise _invalid(f"ansible_timeout {value!r} is no number of seconds above 0")
    return seconds


def _checking(host: Host) -> HostKeyPolicy | None:
    """Return what `ansible_host_key_checking` says: only its `false` says anything, as with Ansible."""
    value = _variable(host, _CHECKING)
    if value is None:
        return None
    checked = _YES.get(str(value).lower())
    if checked is None:
        raise _invalid(f"ansible_host_key_checking {value!r} is neither yes nor no")
    return None if checked else HostKeyPolicy.OFF


@lru_cache(maxsize=1)
def _warn_of_unchecked_keys() -> None:
    """Say it once a process, not once a host."""
    logger.warning("host keys are not checked: whoever answers in a host's place gets its password")


def _text(what: str, value: Any) -> str:
    """Return a login name or path that no part of the program can mistake for something else."""
    text = str(value)
    if not text or text.startswith("-") or not text.isprintable():
        raise _invalid(
            f"{text!r} cannot be a {what}: it is empty, begins with '-' or holds control characters"
        )
    return text


def _invalid(text: str) -> InvalidVariable:
    return InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT)
