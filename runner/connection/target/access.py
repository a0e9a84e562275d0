"""Work out how to reach and log in to one host, from flags, variables, `ssh` arguments and settings."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.connection import kind, uses_cli
from runner.connection.command.become import BECOME_METHODS, Become
from runner.connection.host_keys.guard import Own, guarded, known_hosts_of, own_config
from runner.connection.options import SSH_CONFIG, ConnectionOptions, Guard, HostKeyPolicy
from runner.connection.ssh_config.arguments import ARGUMENTS, read_arguments
from runner.connection.ssh_config.config_lines import config_origin
from runner.connection.ssh_config.host_config import ROUTE_KEYWORDS, host_config, mentions
from runner.connection.ssh_config.options import SshOptions, options_of
from runner.connection.ssh_config.tokens import Obtained, Words
from runner.connection.target.logins import login_of, login_of_jump
from runner.connection.target.variables import ALIAS, invalid, named_text, pick, refused, switch, variable
from runner.errors import BecomeUnsupported
from runner.inventory import endpoint as given_for
from runner.models import Endpoint, Phase, Secret
from runner.platforms.hosts import is_device
from runner.text import excerpt
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.connection import Connect
    from runner.connection.auth.credentials import Login
    from runner.connection.ssh_config.tokens import Given, Said
    from runner.connection.target.jump import Jump
    from runner.models import Host

__all__ = ["CHECKING", "LoginTarget", "access", "become_of", "check_become", "look_up", "whereabouts"]

_SSH_PORT = 22
_BECOME_PASSWORDS = ("ansible_become_password", "ansible_become_pass")
# The collections in which Ansible finds the methods that have no collection in their name.
_BECOME_COLLECTIONS = ("ansible.builtin", "ansible.legacy", "ansible.netcommon", "community.general")
_TIMEOUTS = ("ansible_timeout", "ansible_ssh_timeout")
CHECKING = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
"""The variables that say whether host keys are checked."""
_HAS_A_SAY = frozenset(CHECKING)

# The ssh_config keywords that decide each field of the options.
_KEYWORDS = {
    "known_hosts": ("userknownhostsfile", "globalknownhostsfile"),
    "host_key_policy": ("stricthostkeychecking",),
    "connect_timeout_s": ("connecttimeout",),
    "keepalive_s": ("serveraliveinterval",),
    "revoked_host_keys": ("revokedhostkeys",),
    "methods": (
        "preferredauthentications",
        "pubkeyauthentication",
        "passwordauthentication",
        "kbdinteractiveauthentication",
    ),
}


@dataclass(frozen=True, slots=True)
class LoginTarget:
    """Everything that is needed to log in to one host.

    Attributes:
        endpoint: Address and port of its SSH server.
        login: The user and the credentials.
        options: The run's options, as changed for this host.
        given: The run's options, the same for every host.
        jumps: The jump hosts, the first one first.
        proxy_command: The program that connects to it, its tokens filled in.
        key_alias: The name under which its host keys are on record.
        unhonoured: `ssh_config` options of this host that only `ssh` itself honours.
    """

    endpoint: Endpoint
    login: Login
    options: ConnectionOptions
    given: ConnectionOptions
    jumps: tuple[Jump, ...] = ()
    proxy_command: str | None = None
    key_alias: str | None = None
    unhonoured: tuple[str, ...] = ()

    @property
    def known_as(self) -> Endpoint:
        """The name and port of its recorded host keys; an alias has no port (ssh_config(5), HostKeyAlias)."""
        return self.endpoint if self.key_alias is None else Endpoint(self.key_alias, _SSH_PORT)

    @classmethod
    def of_jump(cls, jumps: tuple[Jump, ...], given: ConnectionOptions) -> LoginTarget:
        """Return how to reach and log in to the last of some jump hosts.

        As with `ssh -J`, the target's user, password and options do not apply to its jump hosts. This run's
        keys do, unless a key file was named for the jump host itself.
        """
        last = jumps[-1]
        known = {"user": last.user, "port": str(last.port) if last.port else None}
        config, found = host_config(
            given.ssh_config,
            last.address,
            {option: (value,) for option, value in known.items() if value},
            trusted=given.trust_ssh_config,
        )
        chosen = _filled_in(given, config)
        origins = {name: _origin(given, found.said, name) for name in chosen}
        own = own_config(last.address, {}, {}, given)
        if own is not None:
            chosen["guard"], replaced = guarded(chosen, own, given)
            origins |= replaced
        before = jumps[:-1] or config.jumps or ()
        place = last.address, last.port or _SSH_PORT
        if any((jump.address, jump.port or _SSH_PORT) == place for jump in before):
            raise invalid(f"jump host {last}: the way there leads through itself, a loop")
        return cls(
            Endpoint(config.address or last.address, last.port or config.port or _SSH_PORT),
            login_of_jump(last, given, config),
            _with(given, chosen, origins),
            given,
            before,
            None if before else config.proxy_command,
            config.key_alias,
            config.unhonoured,
        )


class Lookup(NamedTuple):
    """The options that were found for one host.

    Attributes:
        target: Address and port of its SSH server.
        arguments: The options in its `ssh` arguments alone; these win over the settings.
        config: The options in its `ssh` arguments and `ssh_config` together; the settings win over these.
        options: The options of the run, with the `ssh_config` file for this host.
        said: The options in `config` as they are written, with their origins.
        own: The options of the operator's `ssh_config`, if the inventory influences the host key check.
    """

    target: Endpoint
    arguments: SshOptions
    config: SshOptions
    options: ConnectionOptions
    said: Given
    own: Own | None


def access(host: Host, options: ConnectionOptions) -> LoginTarget:
    """Work out how to reach and log in to a host.

    The variables have the names and the precedence of Ansible's `ssh` connection plugin: a variable wins over
    the same option in `ssh` arguments. Unlike with Ansible, the command line of this run wins over the
    inventory. The user's `ssh_config` fills in options that neither these nor the settings give; it is looked
    up by the address in the inventory.

    Raises:
        InvalidVariable: A variable has an invalid value, or would run a program on this machine.
    """
    found = look_up(host, options)
    target, arguments, config, given, *_ = found
    chosen = _chosen(host, found)
    alias = config.key_alias
    if alias is not None and not ALIAS.fullmatch(alias):  # it becomes a name in a known_hosts file
        raise invalid(f"HostKeyAlias {alias!r} is not a host name")
    login = login_of(host, chosen, arguments, config)
    route = config.jumps or (), config.proxy_command
    return LoginTarget(target, login, chosen, given, *route, key_alias=alias, unhonoured=config.unhonoured)


def look_up(host: Host, options: ConnectionOptions) -> Lookup:
    """Return the options of a host.

    `ssh_config` is looked up by the address in the inventory.

    Raises:
        InvalidVariable: A variable or file cannot be used, or would run a program here without permission.
    """
    said, config_file = read_arguments(host, allow_commands=options.allow_commands)
    options = options if config_file is None else _with_file(options, config_file)
    given = given_for.endpoint(host, 0)
    known = dict(said)
    user = _given_user(host, options, said)
    if user is not None:
        known["user"] = (user,)
    if given.port:
        known["port"] = (str(given.port),)
    if said:
        _check(said, known, given.address)
    trusted = options.trust_ssh_config
    config, found = host_config(options.ssh_config, given.address, known, trusted=trusted)
    if config.proxy_command and "proxycommand" in said and not options.allow_commands:
        raise refused("ssh arguments", "ProxyCommand")  # its tokens turned it into another command
    arguments = options_of(said, found)
    target = Endpoint(config.address or given.address, given.port or config.port or _SSH_PORT)
    own = own_config(given.address, known, said, options)
    return Lookup(target, arguments, config, options, found.said, own)


def _check(said: Said, known: Said, name: str) -> None:
    """Raise an error if the arguments are wrong by themselves, whatever `ssh_config` says."""
    try:
        options_of(said, Obtained(name, known, name))
    except ValueError as exc:
        raise invalid(f"ssh arguments: {exc}") from exc


def _given_user(host: Host, options: ConnectionOptions, said: Said) -> str | None:
    """Return the login name; None if only `ssh_config` can give it."""
    if options.is_forced("user"):
        return None if options.user is None else named_text("user", options.user)
    argument = said["user"][0] if "user" in said else None
    user = pick(options, "user", given_for.user(host), argument)
    return None if user is None else given_for.login_name(user, host.name)


def _with_file(options: ConnectionOptions, config: str) -> ConnectionOptions:
    """Return options with the file that `-F` in an inventory names, unless this run's flags name one.

    Such a file may run programs only if the inventory may, or if it is the operator's file or the run's.
    """
    if options.is_forced("ssh_config"):
        return options
    path = _named_file(config, options.ssh_config)
    is_own = path in (None, options.ssh_config, SSH_CONFIG)
    trusted = options.trust_ssh_config if is_own else options.allow_commands
    if (path, trusted) == (options.ssh_config, options.trust_ssh_config):
        return options
    guard = Guard(options.ssh_config or os.devnull)
    return dataclasses.replace(options, ssh_config=path, trust_ssh_config=trusted, guard=guard)


@lru_cache(maxsize=256)
def _named_file(config: str, of_run: str | None) -> str | None:
    """Return the file that `-F` names; the operator's own file in the spelling that is used elsewhere."""
    if config.lower() == "none":
        return None
    path = os.path.abspath(os.path.expanduser(config))  # noqa: PTH100, PTH111 - as the rest of ssh_config
    if not os.path.exists(path):  # noqa: PTH110 - as above
        raise invalid(f"-F {config!r}: there is no such file")
    for own in filter(None, (of_run, SSH_CONFIG)):
        if path == os.path.abspath(os.path.expanduser(own)):  # noqa: PTH100, PTH111 - as above
            return own
    return path


def whereabouts(host: Host, options: ConnectionOptions) -> Endpoint:
    """Return the endpoint of a host as `access` does, faster if only the inventory decides it.

    Raises:
        InvalidVariable: A variable has an invalid value.
    """
    if mentions(options.ssh_config, ROUTE_KEYWORDS) is False and ARGUMENTS.isdisjoint(host.variables):
        return given_for.endpoint(host)
    return access(host, options).endpoint


def _chosen(host: Host, found: Lookup) -> ConnectionOptions:
    """Return the run's options, as changed by the host's variables, `ssh` arguments and `ssh_config`."""
    _, arguments, config, options, said, own = found
    become = become_of(host, options)
    chosen = _filled_in(options, config)
    of_arguments = {
        "known_hosts": known_hosts_of(arguments) and known_hosts_of(config),
        "host_key_policy": arguments.policy,
        "connect_timeout_s": arguments.connect_timeout_s,
        "keepalive_s": arguments.keepalive_s,
        "revoked_host_keys": arguments.revoked or None,
        "methods": arguments.methods,
    }
    for name, value in of_arguments.items():
        if value is not None and not options.is_forced(name):
            chosen[name] = value
    origins = {name: _origin(options, said, name) for name in chosen}
    for name, names, value in (
        ("host_key_policy", CHECKING, _checking(host)),
        ("connect_timeout_s", _TIMEOUTS, _timeout(host)),
    ):
        if value is not None and not options.is_forced(name):
            chosen[name] = value
            origins[name] = Origin(
                Kind.VARIABLE, next(each for each in names if variable(host, (each,)) is not None)
            )
    if own is not None or not _HAS_A_SAY.isdisjoint(host.variables):
        chosen["guard"], replaced = guarded(chosen, own or Own(config, said, options.ssh_config), options)
        origins |= replaced
    chosen["keepalive_s"] = chosen.get("keepalive_s", options.keepalive_s) or None  # 0 means no keepalives
    chosen |= {"become": become is not None, "become_as": become or options.become_as}
    return _with(options, chosen, origins)


def _origin(options: ConnectionOptions, said: Given, name: str) -> Origin:
    """Return the origin of a field: the `ssh` arguments, or the line of `ssh_config`.

    If the options come from `ssh -G`, only the file is known.
    """
    for keyword in _KEYWORDS[name]:
        words = said.get(keyword)
        if isinstance(words, Words):
            return words.origin
    return config_origin(_KEYWORDS[name][0], options.ssh_config)


def _with(
    base: ConnectionOptions, wanted: dict[str, Any], origins: Mapping[str, Origin]
) -> ConnectionOptions:
    """Return options with new values in some fields; the same object if nothing changes."""
    changed = {name: value for name, value in wanted.items() if getattr(base, name) != value}
    if origins:
        changed["origins"] = {**base.origins, **origins}
    return dataclasses.replace(base, **changed) if changed else base


def _filled_in(options: ConnectionOptions, config: SshOptions) -> dict[str, Any]:
    """Return the values of `ssh_config` for the fields that nothing else sets."""
    values = {
        "host_key_policy": config.policy,
        "connect_timeout_s": config.connect_timeout_s,
        "keepalive_s": config.keepalive_s or None,
        "methods": config.methods,
        "revoked_host_keys": config.revoked or None,
        "known_hosts": known_hosts_of(config),
    }
    given = options.origins
    return {name: value for name, value in values.items() if value is not None and name not in given}


def become_of(host: Host, options: ConnectionOptions) -> Become | None:
    """Return the privilege escalation for a host's commands; None if they run as the login user.

    This run's flags, `ansible_become` and related variables, and the settings decide it. `check_become`
    checks whether the host's connection supports the method.

    Raises:
        InvalidVariable: One of the variables cannot be used.
    """
    switched = switch("ansible_become", variable(host, ("ansible_become",)))
    if not pick(options, "become", switched, None):
        return None
    usual = options.become_as
    method = _become_part(host, options, "method")
    collection, _, name = method.rpartition(".")
    password = variable(host, _BECOME_PASSWORDS) or usual.password
    if options.is_forced("become_password"):
        password = usual.password
    return Become(
        method=name if collection in _BECOME_COLLECTIONS else method,
        user=named_text("user", _become_part(host, options, "user")),
        password=password if password is None or isinstance(password, Secret) else Secret(str(password)),
    )


def check_become(host: Host, options: ConnectionOptions, connect: Connect) -> None:
    """Check, before connecting to a host, that its connection supports the become method.

    Without this check a connection that ignores become would run the commands as the login user.

    Args:
        host: The host.
        options: The run's options.
        connect: The entry point of the host's connection.

    Raises:
        BecomeUnsupported: The connection does not support the method.
        InvalidVariable: One of the variables cannot be used.
    """
    become = become_of(host, options)
    supported: tuple[str, ...] = getattr(connect, "become_methods", ())
    if become is None or become.method in supported:
        return
    others = "|".join(method for method in BECOME_METHODS if method in supported)
    advice = "run it without become (--become, ansible_become)"
    if supported == ("enable",):
        advice += ", or use --become-method enable"
    elif is_device(host.variables):
        advice += ", or have it typed into the device's CLI with --connection cli"
    elif others:
        advice += f", or use --become-method {others}"
    raise BecomeUnsupported(
        f"become method {excerpt(repr(become.method))} is not supported on {excerpt(host.name)} "
        f"by its {kind(host, options.connection)} connection, so nothing was sent; {advice}",
        reason="become-unsupported",
        phase=Phase.CONNECT,
    )


def _become_part(host: Host, options: ConnectionOptions, part: str) -> str:
    usual = getattr(options.become_as, part)
    if options.is_forced(f"become_{part}"):
        return str(usual)
    given = variable(host, (f"ansible_become_{part}",))
    if part == "method" and given is None and "become_method" not in options.origins:
        return "enable" if uses_cli(host, options.connection) else str(usual)
    return str(given or usual)


def _timeout(host: Host) -> float | None:
    value = variable(host, _TIMEOUTS)
    if value is None:
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise invalid(f"ansible_timeout {value!r} is not a number of seconds above 0")
    return seconds


def _checking(host: Host) -> HostKeyPolicy | None:
    """Return the policy that `ansible_host_key_checking` sets: only `false` sets one, as with Ansible."""
    value = variable(host, CHECKING)
    if value is None:
        return None
    return None if switch("ansible_host_key_checking", value) else HostKeyPolicy.OFF
