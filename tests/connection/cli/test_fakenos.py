"""The simulated devices of FakeNOS answer; a third party made them."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING

import paramiko
import pytest

from tests.connection.cli.fakenos import PASSWORD, USER, running_fakenos
from tests.demo.clients import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.cli.fakenos import FakeDevice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first test may have to install FakeNOS


@pytest.fixture(scope="session")
def fakenos(request: pytest.FixtureRequest) -> Iterator[dict[str, FakeDevice]]:
    """One device for each platform of FakeNOS, by platform."""
    with running_fakenos(request.config) as devices:
        yield devices


def test_every_device_answers_as_it_is_described(fakenos: dict[str, FakeDevice]) -> None:
    for device in fakenos.values():
        with paramiko.SSHClient() as client:
            name, kind, key = device.known_host.split()
            client.get_host_keys().add(name, kind, paramiko.RSAKey(data=base64.b64decode(key)))
            login = {"allow_agent": False, "look_for_keys": False, "timeout": 60, "auth_timeout": 60}
            client.connect("127.0.0.1", device.port, USER, PASSWORD, **login)
            shell = Shell(client)
            shell.channel.settimeout(60)
            shell.until(f"\r\n{device.prompt}")
            line, output = min(device.shows.items(), key=lambda show: len(show[1]))
            for typed, answer in ((line, output), ("bogus", device.refusal)):
                seen = shell.type(typed, f"\r\n{device.prompt}").replace("\r\n", "\n")
                assert seen == f"{typed}\n{answer}\n{device.prompt}", device.platform


def test_every_port_shows_an_ssh_banner(fakenos: dict[str, FakeDevice]) -> None:
    banners = {}
    for name, device in fakenos.items():
        with socket.create_connection(("127.0.0.1", device.port), 60) as connection:
            banners[name] = connection.makefile("rb").readline()[:8]
    assert set(banners.values()) == {b"SSH-2.0-"}
    assert len(banners) >= 40
    assert len({device.port for device in fakenos.values()}) == len(banners)
