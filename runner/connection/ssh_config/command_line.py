"""Read the command line of `ssh` as options of `ssh_config` (ssh(1))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.connection.ssh_config.keywords import TABLE, find
from runner.connection.ssh_config.words import keyword

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["CONFIG", "DESTINATION", "STDIO", "command_line", "option"]

CONFIG, STDIO, DESTINATION = "-F", "-W", ""
"""Names of the other parts: the file to read, the target of `-W`, and a word that is not a flag."""

# fmt: off
_SWITCHES = {
    "4": "AddressFamily inet", "6": "AddressFamily inet6", "A": "ForwardAgent yes", "a": "ForwardAgent no",
    "C": "Compression yes", "f": "ForkAfterAuthentication yes", "g": "GatewayPorts yes",
    "K": "GSSAPIAuthentication yes", "k": "GSSAPIDelegateCredentials no", "M": "ControlMaster yes",
    "N": "SessionType none", "n": "StdinNull yes", "q": "LogLevel quiet", "s": "SessionType subsystem",
    "T": "RequestTTY no", "t": "RequestTTY yes", "v": "LogLevel debug1", "X": "ForwardX11 yes",
    "x": "ForwardX11 no", "Y": "ForwardX11Trusted yes",
}
_WITH_ARGUMENT = {
    "B": "BindInterface", "b": "BindAddress", "c": "Ciphers", "e": "EscapeChar", "I": "PKCS11Provider",
    "i": "IdentityFile", "J": "ProxyJump", "l": "User", "m": "MACs", "P": "Tag", "p": "Port",
    "S": "ControlPath",
}
# fmt: on


def command_line(words: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each option with its arguments, by lower-case keyword, and each other part by its name.

    Raises:
        ValueError: A flag or keyword is unknown, or its argument is not known to be valid.
    """
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            yield DESTINATION, (word,)
            continue
        flags = word[1:]
        while flags:
            flag, flags = flags[0], flags[1:]
            if flag in _SWITCHES:
                yield option(_SWITCHES[flag])
                continue
            argument = flags or next(rest, None)
            if argument is None:
                raise ValueError(f"-{flag} is unknown, or needs an argument")
            yield _flag(flag, argument)
            break


def _flag(flag: str, argument: str) -> tuple[str, tuple[str, ...]]:
    if flag == "o":
        return option(argument)
    if f"-{flag}" in (CONFIG, STDIO):
        return f"-{flag}", (argument,)
    if flag not in _WITH_ARGUMENT:
        raise ValueError(f"-{flag} is not honoured")
    name = _WITH_ARGUMENT[flag].lower()
    return name, TABLE[name].checked((argument,))


def option(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the option that a text such as `Name=value` or `Name value` gives; raise as `command_line`."""
    name, rest = keyword(text) or (text, "")
    known = find(name)
    if known is None:
        raise ValueError(f"{name[:40]!r} is not a keyword of ssh_config that is known here")
    return known.name.lower(), known.read(rest)
