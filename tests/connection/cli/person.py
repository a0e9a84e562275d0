"""A person at a scripted device: a plain Paramiko client that knows the right answer, and waits for it."""

from __future__ import annotations

import base64
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from tests.demo.clients import Shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.connection.cli.device import Device
    from tests.connection.cli.script import Pager

_TOKEN = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|.|\n", re.DOTALL)


@contextmanager
def client_of(device: Device) -> Iterator[paramiko.SSHClient]:
    """Log in; the host key must be the one that the device says is its own."""
    with paramiko.SSHClient() as client:
        name, kind, key = device.known_host.split()
        client.get_host_keys().add(name, kind, paramiko.Ed25519Key(data=base64.b64decode(key)))
        login = {"allow_agent": False, "look_for_keys": False, "timeout": 60, "auth_timeout": 60}
        if device.script.password is None:
            login["auth_strategy"] = _without_password(device.script.user)
        client.connect("127.0.0.1", device.port, device.script.user, device.script.password, **login)
        yield client


def _without_password(user: str) -> paramiko.auth_strategy.AuthStrategy:
    class Strategy(paramiko.auth_strategy.AuthStrategy):
        def get_sources(self) -> Iterator[paramiko.auth_strategy.AuthSource]:
            yield paramiko.auth_strategy.NoneAuth(user)

    return Strategy(paramiko.SSHConfig())


class Person(Shell):
    """An interactive shell whose user knows the right answer, and waits for it."""

    def __init__(self, client: paramiko.SSHClient) -> None:
        super().__init__(client)
        self.channel.settimeout(60)

    def sees(self, is_enough: Callable[[str], bool], pager: Pager | None = None) -> str:
        """Read until there is enough on the screen; turn the pages of this pager. Return the screen."""
        came, seen = b"", ""
        while not is_enough(seen):
            chunk = self.channel.recv(1024)
            assert chunk, f"the shell ended after {came!r}"
            came += chunk
            seen = screen(came.decode(errors="replace"))
            if pager and came.decode(errors="replace").endswith((pager.more, pager.at_end or pager.more)):
                self.send(" ")
        return seen

    def all(self) -> str:
        """Read until the session ends; return the screen."""
        seen = b""
        while chunk := self.channel.recv(1024):
            seen += chunk
        return screen(seen.decode())


def screen(text: str) -> str:
    """Return the screen of a terminal after this text, without blanks at the ends of lines but the last.

    The terminal knows movements in a line and `ESC [ K`.
    """
    lines, column = [""], 0
    for token in _TOKEN.finditer(text):
        argument, code = token.groups()
        if token[0] == "\n":
            lines.append("")
        elif token[0] in ("\r", "\b") or code == "D":
            step = {"\r": column, "\b": 1}.get(token[0], int(argument or 1) if code else 0)
            column = max(0, column - step)
        elif code == "K":
            lines[-1] = lines[-1][:column]
        elif code is None:
            lines[-1] = lines[-1].ljust(column)[:column] + token[0] + lines[-1][column + 1 :]
            column += 1
    return "\n".join([line.rstrip() for line in lines[:-1]] + lines[-1:])


@contextmanager
def person_at(device: Device) -> Iterator[Person]:
    """Log in, open a shell, and wait for the prompt."""
    with client_of(device) as client:
        person = Person(client)
        person.sees(lambda seen: seen.endswith(screen(device.script.prompt.split("\n")[-1])))
        yield person
