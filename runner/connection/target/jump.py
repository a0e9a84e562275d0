"""Parse jump hosts: `ProxyJump`, and a `ProxyCommand` with the same meaning (ssh_config(5))."""

from __future__ import annotations

from dataclasses import dataclass

from runner.connection.ssh_config.command_line import DESTINATION, STDIO, command_line
from runner.connection.ssh_config.keywords import TABLE
from runner.errors import InvalidVariable
from runner.inventory import endpoint as given_for
from runner.models import Endpoint, Host
from runner.text.words import split_words

__all__ = ["Jump", "read_jumps", "read_proxy_command"]

_OF_A_JUMP = {STDIO, DESTINATION, "user", "port", "identityfile", "proxyjump"}


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump host with its login.

    Attributes:
        address: Its address or name.
        port: Its TCP port; None means the one in `ssh_config`, else 22.
        user: Login name; None means the one in `ssh_config`, else the local user, as with `ssh -J`.
        identity: Path of the private key file that was named for it.
    """

    address: str
    port: int | None = None
    user: str | None = None
    identity: str | None = None

    def __str__(self) -> str:
        return str(Endpoint(self.address, self.port)) if self.port else self.address


def read_jumps(text: str) -> tuple[Jump, ...]:
    """Read jump hosts of the form `[user@]host[:port]` or `ssh://[user@]host[:port]`, separated by commas.

    `none` means to use no jump host.

    Raises:
        ValueError: The text does not have this form.
    """
    return () if text.strip().lower() == "none" else tuple(_jump(part.strip()) for part in text.split(","))


def read_proxy_command(text: str, host: str = "%h", port: str = "%p") -> tuple[Jump, ...] | None:
    """Read a `ProxyCommand` that only names a jump host: `ssh -W host:port [user@]host`.

    Returns:
        The jump hosts; None if the command is another program or also does something else.

    Raises:
        ValueError: It has this form, but its host is not a valid jump host.
    """
    if text.strip().lower() == "none":
        return ()
    given = _given(text)
    if given.get(STDIO) not in (f"{host}:{port}", f"[{host}]:{port}") or DESTINATION not in given:
        return None
    written = given[DESTINATION] + (f":{given['port']}" if "port" in given else "")
    last = _jump(written, user=given.get("user"), identity=given.get("identityfile"))
    return (*read_jumps(given.get("proxyjump", "none")), last)


def _given(text: str) -> dict[str, str]:
    """Return the options in the arguments of `ssh`; empty if they do more than connect to a host."""
    given: dict[str, str] = {}
    try:
        program, *words = split_words(text)
        for name, arguments in command_line(words):
            if name not in _OF_A_JUMP and (name not in TABLE or not TABLE[name].changes_nothing(arguments)):
                return {}
            if name == DESTINATION and name in given:
                return {}
            given.setdefault(name, arguments[0])
    except ValueError:
        return {}
    return given if program in ("ssh", "/usr/bin/ssh") else {}


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
        raise ValueError(f"{text!r} is not a jump host: expected [user@]host[:port]") from None


def _split(place: str) -> tuple[str, str | None]:
    """Split `host:port`; an IPv6 address is in brackets if a port follows."""
    if place.startswith("["):
        address, _, port = place[1:].partition("]")
        return address, port.removeprefix(":") or None
    address, _, port = place.partition(":") if place.count(":") == 1 else (place, "", "")
    return address, port or None
