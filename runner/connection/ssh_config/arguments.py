"""Read the `ssh` arguments in an inventory: `ansible_ssh_common_args` and related variables.

Ansible passes them to the `ssh` program. Here they become options of `ssh_config`. An option that the keyword
table honours is applied, and one that changes nothing is skipped. Any other option is an error of that host,
because an option that is silently ignored causes a surprise later. An inventory is data: it runs no program.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from runner.connection.ssh_config.command_line import CONFIG, command_line, option
from runner.connection.ssh_config.keywords import TABLE, Use
from runner.connection.ssh_config.reader import take
from runner.connection.ssh_config.tokens import Words
from runner.connection.target.jump import read_proxy_command
from runner.connection.target.variables import invalid, refused
from runner.inventory import endpoint as given_for
from runner.models import Host
from runner.text.origin import Kind, Origin
from runner.text.words import split_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.connection.ssh_config.keywords import Keyword
    from runner.connection.ssh_config.tokens import Said

__all__ = ["ARGUMENTS", "passed_on", "read_arguments"]

# In the order in which Ansible puts them on its command line; as in ssh(1), the first value counts.
_VARIABLES = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
_PROXY_COMMANDS = ("ansible_ssh_proxy_command", "ansible_paramiko_proxy_command", "ansible_proxy_command")
_PROGRAMS = {f"ansible_{name}_executable": name for name in ("ssh", "scp", "sftp")}
_PROGRAMS["ansible_ssh_pkcs11_provider"] = ""
_TUNING = ("ipqos", "rekeylimit")

ARGUMENTS = frozenset((*_VARIABLES, *_PROXY_COMMANDS, *_PROGRAMS))
"""The variables that are read here; a host with none of them has no arguments."""


def read_arguments(host: Host, *, allow_commands: bool = False) -> tuple[Said, str | None]:
    """Return the options among a host's arguments of `ssh`, and the `ssh_config` file that `-F` names.

    Args:
        host: The host.
        allow_commands: Whether the arguments may name programs to run on this machine.

    Raises:
        InvalidVariable: An argument would run a program on this machine (reason `refused-variable`), or asks
            for something that is not supported (reason `bad-variable`).
    """
    if ARGUMENTS.isdisjoint(host.variables):
        return {}, None
    for name, usual in () if allow_commands else _PROGRAMS.items():
        value = host.variables.get(name)
        if value and value != usual:
            raise refused(name, str(value))
    said: Said = {}
    config = None
    for variable, name, words in _given(host):
        if name == CONFIG:
            config = config or words[0]
        elif name not in TABLE:
            raise invalid(f"{variable}: {words[0]!r} is not an option that is honoured")
        elif not allow_commands and _runs(name, words):
            raise refused(variable, TABLE[name].name)
        else:
            _check(host, variable, name, words)
            take(said, name, words)
    return said, config


def passed_on(host: Host) -> tuple[tuple[str, str], ...]:
    """Return the options among a host's arguments that only `ssh` itself understands, by name.

    Raises:
        InvalidVariable: The arguments cannot be read, or cannot be passed to `ssh`.
    """
    try:
        return tuple(
            (TABLE[name].name, TABLE[name].written(words))
            for _, name, words in _given(host)
            if name in TABLE and (_only_openssh(TABLE[name]) or name in _TUNING)
        )
    except ValueError as exc:
        raise invalid(f"ssh arguments: {exc}") from exc


def _given(host: Host) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the variable, the name and the arguments of each option."""
    for variable in (*_VARIABLES, *_PROXY_COMMANDS):
        if value := host.variables.get(variable):
            words = tuple(map(str, value)) if isinstance(value, list) else str(value)
            for name, arguments in _parsed(variable, words):
                yield variable, name, arguments


@lru_cache(maxsize=4096)
def _parsed(variable: str, value: str | tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read the value of a variable; cached, because thousands of hosts may share it."""
    try:
        if variable in _PROXY_COMMANDS:
            return (option(f"ProxyCommand {value}"),)
        words = split_words(value) if isinstance(value, str) else value
        origin = Origin(Kind.VARIABLE, variable)
        return tuple((name, Words(arguments, origin)) for name, arguments in command_line(words))
    except ValueError as exc:
        raise invalid(f"{variable}: {exc}") from None


def _runs(name: str, words: tuple[str, ...]) -> bool:
    """Tell whether an option makes `ssh` run a program on this machine."""
    if name != "proxycommand":
        return TABLE[name].runs and not TABLE[name].is_off(words)
    try:
        return read_proxy_command(words[0]) is None
    except ValueError:  # it names an invalid jump host, which is reported later
        return False


def _only_openssh(keyword: Keyword) -> bool:
    return keyword.runs or keyword.use is Use.ONLY_SSH


def _check(host: Host, variable: str, name: str, words: tuple[str, ...]) -> None:
    """Refuse an option that would have to be ignored, or whose value could mislead a shell."""
    keyword = TABLE[name]
    if _only_openssh(keyword):
        if host.variables.get("ansible_connection") != "openssh" and not keyword.is_off(words):
            why = "is not honoured by this connection; set ansible_connection to openssh"
            raise invalid(f"{variable}: {keyword.name} {why}")
    elif keyword.use is not Use.HONOURED and not keyword.changes_nothing(words):
        raise invalid(f"{variable}: {keyword.name} {words[0]!r} is not honoured")
    # Tokens insert these values into the user's own ProxyCommand, and so into a shell.
    if name == "user":
        given_for.login_name(words[0], host.name, f"{variable}: User")
    elif name == "hostname":
        given_for.endpoint(Host(host.name, {"ansible_host": words[0].replace("%h", "h").replace("%%", "%")}))
    elif name == "hostkeyalias":
        given_for.alias(words[0], host.name)
