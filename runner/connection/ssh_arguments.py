"""What arguments of `ssh` in an inventory ask for: `ansible_ssh_common_args` and its like, read as data.

Ansible hands them to the `ssh` program. Here they are read (ssh(1), ssh_config(5)): what has a meaning for us
is honoured, what changes nothing is passed over, and what is neither is that host's error: an option that is
silently ignored is a surprise later. An inventory is data, so that nothing in it runs a program here.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.connection.jump import Jump, read_jumps, read_proxy_command
from runner.connection.options import METHODS, HostKeyPolicy
from runner.errors import InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.models import Host

__all__ = ["ARGUMENTS", "SshArguments", "passed_on", "read_arguments"]

# In the order in which Ansible puts them on its command line; as in ssh(1), the first value counts.
_VARIABLES = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
_PROXY_COMMANDS = (
    "ansible_ssh_proxy_command",
    "ansible_paramiko_proxy_command",
    "ansible_proxy_command",
)
_PROGRAMS = {
    "ansible_ssh_executable": "ssh",
    "ansible_scp_executable": "scp",
    "ansible_sftp_executable": "sftp",
    "ansible_ssh_pkcs11_provider": "",
}

ARGUMENTS = frozenset((*_VARIABLES, *_PROXY_COMMANDS, *_PROGRAMS))
"""The variables that are read here: a host that has none of them has no arguments."""


@dataclass(frozen=True, slots=True)
class SshArguments:
    """What the arguments say; None and empty are nothing.

    Attributes:
        user: Login name.
        port: TCP port.
        identities: Paths of private key files, in order.
        certificates: Paths of certificates of such keys.
        identities_only: Whether neither the agent's other keys nor those in the usual files are tried.
        connect_timeout_s: Seconds for connecting.
        policy: What is done about unknown host keys.
        known_hosts: Paths of the user's `known_hosts` files.
        global_known_hosts: Paths of the system's.
        key_alias: The name under which host keys are on record.
        revoked: Path of a file with keys that no host may show.
        keepalive_s: Seconds between signs of life.
        methods: Ways to log in, in the order of preference.
        jumps: Hosts to go through; empty is none, also where the settings name some.
        proxy_command: Program that leads to the host, its tokens as they are written.
    """

    user: str | None = None
    port: int | None = None
    identities: tuple[str, ...] | None = None
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    connect_timeout_s: float | None = None
    policy: HostKeyPolicy | None = None
    known_hosts: tuple[str, ...] | None = None
    global_known_hosts: tuple[str, ...] | None = None
    key_alias: str | None = None
    revoked: str | None = None
    keepalive_s: float | None = None
    methods: tuple[str, ...] | None = None
    jumps: tuple[Jump, ...] | None = None
    proxy_command: str | None = None


_NONE = SshArguments()


def read_arguments(host: Host, *, allow_commands: bool = False) -> SshArguments:
    """Read all variables of a host that hold arguments of `ssh` or name programs.

    Args:
        host: The host.
        allow_commands: Whether they may name programs to run on this machine.

    Raises:
        InvalidVariable: One would run a program on this machine (reason `refused-variable`), or asks for
            something that we do not do (reason `bad-variable`).
    """
    variables = host.variables
    if ARGUMENTS.isdisjoint(variables):
        return _NONE
    if not allow_commands:
        _refuse_programs(variables)
    chosen = _Chosen(allow_commands, openssh=variables.get("ansible_connection") == "openssh")
    for name in _VARIABLES:
        if variables.get(name):
            for option, argument in _options(name, _words(name, variables[name])):
                chosen.take(name, option, argument)
    for name in _PROXY_COMMANDS:
        if variables.get(name):
            chosen.take(name, "ProxyCommand", str(variables[name]))
    return SshArguments(**chosen.fields)


def _refuse_programs(variables: Mapping[str, Any]) -> None:
    for name, usual in _PROGRAMS.items():
        value = variables.get(name)
        if value and value != usual:
            raise _refused(name, str(value))


def passed_on(host: Host) -> tuple[tuple[str, str], ...]:
    """Return the options among a host's arguments that only `ssh` itself understands, by name.

    Raises:
        InvalidVariable: They cannot be read.
    """
    given = [(name, host.variables[name]) for name in _VARIABLES if host.variables.get(name)]
    found = (item for name, value in given for item in _options(name, _words(name, value)))
    return tuple((option, argument) for option, argument in found if option.lower() in _PASSED_ON)


def _words(variable: str, value: Any) -> Iterator[str]:
    """Return a variable's arguments one by one."""
    try:
        return iter([str(word) for word in value] if isinstance(value, list) else shlex.split(str(value)))
    except ValueError as exc:
        raise _bad(variable, f"cannot be read: {exc}") from None


class _Chosen:
    """What the arguments have said so far: the first value counts, but for options of which all do."""

    def __init__(self, allow_commands: bool, *, openssh: bool) -> None:
        self.fields: dict[str, Any] = {}
        self._allow_commands = allow_commands
        self._openssh = openssh

    def take(self, variable: str, option: str, argument: str) -> None:
        """Take in one option; raise what says that it cannot be."""
        name = option.lower()
        if name in _PROGRAM_OPTIONS and argument.lower() not in ("no", "none") and not self._allow_commands:
            raise _refused(variable, option)
        if name == "proxycommand":
            self._take_proxy(variable, argument)
        elif name in _HONOURED:
            field, read = _HONOURED[name]
            try:
                self._keep(field, read(argument.strip("\"'")))
            except ValueError as exc:
                raise _bad(variable, f"{option} {argument!r}: {exc}") from None
        elif name in _PASSED_ON:
            if not self._openssh:
                raise _unsupported(variable, option)
        elif name not in _WITHOUT_MEANING and not (name in _SWITCHES and argument.lower() == "no"):
            raise _bad(variable, f"{option} is not honoured")

    def _keep(self, field: str, value: Any) -> None:
        if field in _APPENDED:
            self.fields[field] = self.fields.get(field, ()) + value
        elif field != "jumps" or "proxy_command" not in self.fields:
            self.fields.setdefault(field, value)

    def _take_proxy(self, variable: str, command: str) -> None:
        try:
            jumps = read_proxy_command(command)
        except ValueError as exc:
            raise _bad(variable, f"ProxyCommand: {exc}") from None
        if jumps is not None:
            self._keep("jumps", jumps)
        elif not self._allow_commands:
            raise _refused(variable, "ProxyCommand")
        elif "jumps" not in self.fields:
            self.fields.setdefault("proxy_command", command)


def _options(variable: str, words: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with its argument, flags as the ssh_config options that they stand for."""
    for word in words:
        if not word.startswith("-") or word == "-":
            raise _bad(variable, f"{word!r} is no option of ssh")
        rest = word[1:]
        while rest:
            flag, rest = rest[0], rest[1:]
            if flag in _PLAIN_FLAGS:
                continue
            if flag not in _FLAGS_WITH_ARGUMENT:
                raise _bad(variable, f"-{flag} is not honoured")
            argument = rest or next(words, None)
            if argument is None:
                raise _bad(variable, f"-{flag} needs an argument")
            yield from _flag(variable, flag, argument)
            break


def _flag(variable: str, flag: str, argument: str) -> Iterator[tuple[str, str]]:
    if flag != "o":
        yield _FLAGS_WITH_ARGUMENT[flag], argument
        return
    # Both `Name=value` and `Name value`, as in ssh_config(5).
    name, _, value = argument.strip().replace("=", " ", 1).partition(" ")
    value = value.strip()
    if not name or not value:
        raise _bad(variable, f"-o {argument!r} is not of the form name=value")
    yield name, value


def _seconds(text: str) -> float:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError("expected a whole number of seconds")
    return float(text)


def _keepalive(text: str) -> float | None:
    return None if text == "0" else _seconds(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:  # noqa: PLR2004 - TCP's
        raise ValueError("expected a port from 1 to 65535")
    return int(text)


def _policy(text: str) -> HostKeyPolicy:
    words = {"yes": "strict", "ask": "strict", "accept-new": "accept-new", "no": "off", "off": "off"}
    if text.lower() not in words:
        raise ValueError(f"expected one of {', '.join(words)}")
    return HostKeyPolicy(words[text.lower()])


def _files(text: str) -> tuple[str, ...]:
    return () if text.lower() == "none" else tuple(shlex.split(text))


def _file(text: str) -> tuple[str, ...]:
    return (text,)


def _path(text: str) -> str | None:
    return None if text.lower() == "none" else os.path.expanduser(text)  # noqa: PTH111 - as ssh_config has it


def _yes(text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise ValueError("expected yes or no")
    return text.lower() in ("yes", "true")


def _methods(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name in METHODS)


def _without(method: str) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        return METHODS if text.lower() != "no" else tuple(name for name in METHODS if name != method)

    return read


_HONOURED: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "user": ("user", str),
    "port": ("port", _port),
    "identityfile": ("identities", _file),
    "certificatefile": ("certificates", _file),
    "identitiesonly": ("identities_only", _yes),
    "connecttimeout": ("connect_timeout_s", _seconds),
    "stricthostkeychecking": ("policy", _policy),
    "userknownhostsfile": ("known_hosts", _files),
    "globalknownhostsfile": ("global_known_hosts", _files),
    "hostkeyalias": ("key_alias", str),
    "revokedhostkeys": ("revoked", _path),
    "serveraliveinterval": ("keepalive_s", _keepalive),
    "preferredauthentications": ("methods", _methods),
    "pubkeyauthentication": ("methods", _without("publickey")),
    "passwordauthentication": ("methods", _without("password")),
    "kbdinteractiveauthentication": ("methods", _without("keyboard-interactive")),
    "proxyjump": ("jumps", read_jumps),
}
_APPENDED = frozenset({"identities", "certificates"})
_PROGRAM_OPTIONS = frozenset(
    {"localcommand", "permitlocalcommand", "knownhostscommand", "pkcs11provider", "securitykeyprovider"}
)
# They change how a connection is kept, shown or made fast, never where it goes or whom it trusts.
_WITHOUT_MEANING = frozenset(
    {
        "addkeystoagent",
        "batchmode",
        "checkhostip",
        "compression",
        "connectionattempts",
        "controlmaster",
        "controlpath",
        "controlpersist",
        "escapechar",
        "hashknownhosts",
        "loglevel",
        "numberofpasswordprompts",
        "serveralivecountmax",
        "tcpkeepalive",
        "updatehostkeys",
        "visualhostkey",
    }
)
# About algorithms and addresses: Paramiko has its own.
_OPENSSH_ONLY = frozenset(
    {
        "addressfamily",
        "bindaddress",
        "bindinterface",
        "casignaturealgorithms",
        "ciphers",
        "hostbasedacceptedalgorithms",
        "hostkeyalgorithms",
        "identityagent",
        "ipqos",
        "kexalgorithms",
        "macs",
        "pubkeyacceptedalgorithms",
        "pubkeyacceptedkeytypes",
        "rekeylimit",
        "requiredrsasize",
    }
)
_PASSED_ON = _OPENSSH_ONLY | _PROGRAM_OPTIONS
_SWITCHES = frozenset(
    {
        "canonicalizehostname",
        "forwardagent",
        "forwardx11",
        "forwardx11trusted",
        "gssapiauthentication",
        "gssapidelegatecredentials",
        "gssapikeyexchange",
        "hostbasedauthentication",
        "nohostauthenticationforlocalhost",
        "requesttty",
        "stdinnull",
        "tunnel",
        "verifyhostkeydns",
    }
)
_PLAIN_FLAGS = frozenset("CMTakqvx")
_FLAGS_WITH_ARGUMENT = {
    "o": "",
    "l": "User",
    "p": "Port",
    "i": "IdentityFile",
    "J": "ProxyJump",
    "S": "ControlPath",
    "I": "PKCS11Provider",
    "F": "-F",
    "b": "BindAddress",
    "c": "Ciphers",
    "D": "-D",
    "L": "-L",
    "m": "MACs",
    "R": "-R",
    "W": "-W",
}


def _bad(variable: str, why: str) -> InvalidVariable:
    return InvalidVariable(f"{variable}: {why}", reason="bad-variable", phase=Phase.CONNECT)


def _refused(variable: str, what: str) -> InvalidVariable:
    return InvalidVariable(
        f"{variable}: {what!r} would run a program on this machine, which an inventory may do only with "
        "--allow-inventory-commands",
        reason="refused-variable",
        phase=Phase.CONNECT,
    )


def _unsupported(variable: str, option: str) -> InvalidVariable:
    return _bad(variable, f"{option} is not honoured by this connection; set ansible_connection to openssh")
