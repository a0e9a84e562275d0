"""Jump hosts as they are written: `ProxyJump`, and the `ProxyCommand` that means the same (ssh_config(5))."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from runner.errors import InvalidVariable
from runner.inventory import endpoint as given_for
from runner.models import Endpoint, Host

__all__ = ["Jump", "read_jumps", "read_proxy_command"]

_PIPES = ("%h:%p", "[%h]:%p")
_FLAGS_WITHOUT_ARGUMENT = frozenset("CTaknqvx")
_PASSED_OVER = ("controlmaster", "controlpath", "controlpersist", "loglevel", "batchmode", "compression")


@dataclass(frozen=True, slots=True)
class Jump:
    """A host to go through: where it is, and who logs in there.

    Attributes:
        address: Its address or name.
        port: Its TCP port; None is what `ssh_config` says, else 22.
        user: Login name; None is what `ssh_config` says, else who runs us, as with `ssh -J`.
        identity: Path of the private key file that was named for it.
    """

    address: str
    port: int | None = None
    user: str | None = None
    identity: str | None = None

    def __str__(self) -> str:
        return str(Endpoint(self.address, self.port)) if self.port else self.address


def read_jumps(text: str) -> tuple[Jump, ...]:
    """Read `[user@]host[:port]` or `ssh://[user@]host[:port]`, several parted by commas; `none` is none.

    Raises:
        ValueError: It is nothing of that form.
    """
    return () if text.strip().lower() == "none" else tuple(_jump(part.strip()) for part in text.split(","))


def read_proxy_command(text: str) -> tuple[Jump, ...] | None:
    """Read a `ProxyCommand` that is a jump host in other words: `ssh -W %h:%p [user@]host`.

    Returns:
        The jump hosts; None where the command is another program, or does anything else beside.

    Raises:
        ValueError: It is of that form, but its host cannot be one.
    """
    if text.strip().lower() == "none":
        return ()
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if not words or words[0] not in ("ssh", "/usr/bin/ssh"):
        return None
    given = _given(words[1:])
    if given is None or given.get("W") not in _PIPES or "host" not in given:
        return None
    written = given["host"] + (f":{given['p']}" if "p" in given else "")
    last = _jump(written, user=given.get("l"), identity=given.get("i"))
    return (*read_jumps(given.get("J", "none")), last)


def _given(words: list[str]) -> dict[str, str] | None:
    """Return what arguments of `ssh` say, by flag; None where one is not known to be without effects."""
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            if "host" in given:
                return None
            given["host"] = word
        elif set(word[1:]) <= _FLAGS_WITHOUT_ARGUMENT:
            continue
        elif word[1] not in "WlpiJo" or not _keep(given, word[1], word[2:] or next(rest, "")):
            return None
    return given


def _keep(given: dict[str, str], flag: str, argument: str) -> bool:
    """Keep a flag's argument; whether it is one that may stand here."""
    if flag != "o":
        given.setdefault(flag, argument)
        return bool(argument)
    name, _, value = argument.replace("=", " ", 1).partition(" ")
    flags = {"user": "l", "port": "p", "identityfile": "i", "proxyjump": "J"}
    if name.lower() in flags:
        given.setdefault(flags[name.lower()], value.strip())
        return bool(value.strip())
    return name.lower() in _PASSED_OVER


def _jump(text: str, user: str | None = None, identity: str | None = None) -> Jump:
    rest = text.removeprefix("ssh://")
    name, at, place = rest.rpartition("@")
    address, port = _split(place)
    variables = {"ansible_host": address, "ansible_port": port, "ansible_user": name if at else user}
    jump = Host(text, {key: value for key, value in variables.items() if value is not None})
    try:
        target = given_for.endpoint(jump)
        return Jump(target.address, target.port if port else None, given_for.user(jump), identity)
    except InvalidVariable:
        raise ValueError(f"{text!r} is no jump host: expected [user@]host[:port]") from None


def _split(place: str) -> tuple[str, str | None]:
    """Split `host:port`; an IPv6 address stands in brackets where a port follows."""
    if place.startswith("["):
        address, _, port = place[1:].partition("]")
        return address, port.removeprefix(":") or None
    if place.count(":") == 1:
        address, _, port = place.partition(":")
        return address, port or None
    return place, None
