"""Which hosts cannot be judged from here, because only a jump host reaches them, or need no judging."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.models import Host

__all__ = ["is_local", "needs_jump"]

_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
_PROXIES = (
    "ansible_ssh_proxy_command",
    "ansible_ssh_proxy_jump",
    "ansible_paramiko_proxy_command",
    "ansible_proxy_command",
)
_OPTIONS = ("proxyjump", "proxycommand")


def is_local(host: Host) -> bool:
    """Tell whether the host is this machine itself (`ansible_connection: local`), which needs no probe."""
    connection = host.variables.get("ansible_connection")
    return connection in ("local", "ansible.builtin.local")


def needs_jump(host: Host) -> bool:
    """Tell whether a host's variables send SSH through a jump host, so that only SSH can tell if it is up.

    That is `ProxyJump`, `ProxyCommand` or `-J` in `ansible_ssh_args`, `ansible_ssh_common_args` or
    `ansible_ssh_extra_args`, or one of the variables of Ansible's connection plugins that hold a proxy
    command. The value `none` switches a jump off, as in ssh_config(5).
    """
    variables = host.variables
    if any(variables.get(name) for name in _PROXIES):
        return True
    return any(_jumps(str(variables[name])) for name in _ARGUMENTS if variables.get(name))


def _jumps(arguments: str) -> bool:
    """Tell whether arguments of `ssh` name a jump host; what cannot be read is left to SSH, too."""
    try:
        words = shlex.split(arguments)
    except ValueError:
        return True
    return any(_names_jump(word, following) for word, following in zip(words, [*words[1:], ""], strict=True))


def _names_jump(word: str, following: str) -> bool:
    """Tell whether one word of the arguments, with the one after it, names a jump host."""
    if word.startswith("-J"):
        return (word[2:] or following).lower() != "none"
    option = following if word == "-o" else word.removeprefix("-o") if word.startswith("-o") else ""
    name, _, value = option.strip().replace("=", " ", 1).partition(" ")
    return name.lower() in _OPTIONS and value.strip(" =").lower() != "none"
