"""The simulated devices of FakeNOS answer; a third party made them."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING

import paramiko
import pytest

import runner
from runner.models import Host, Status
from runner.platforms import platform
from runner.platforms.refusals import refusal
from tests.connection.cli.fakenos import PASSWORD, USER, running_fakenos
from tests.demo.clients import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.jobs import Session
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


def hosts_of(devices: dict[str, FakeDevice], folder: Path) -> tuple[list[Host], dict[str, object]]:
    """Return the devices as hosts with their platforms, and how to log in to them."""
    known = folder / "known_hosts"
    known.write_text("".join(device.known_host for device in devices.values()))
    hosts = [
        device.host(ansible_connection="network_cli", ansible_network_os=name)
        for name, device in devices.items()
    ]
    return hosts, {
        "user": USER,
        "password": PASSWORD,
        "known_hosts": str(known),
        "no_ping": True,
        "workers": 50,
    }


@pytest.mark.parametrize("over", ["ssh", "openssh"])
def test_forty_platforms_at_once(fakenos: dict[str, FakeDevice], tmp_path: Path, over: str) -> None:
    hosts, login = hosts_of(fakenos, tmp_path)
    shows = {name: accepted(device) for name, device in fakenos.items()}
    asked = [
        Host(host.name, {**host.variables, "runner_cli_over": over, "shows": shows[host.name]})
        for host in hosts
    ]
    results = runner.run(asked, two_shows, executor="thread", **login)
    for result in results.values():
        device = fakenos[result.host]
        assert result.status is Status.FAILED, result
        assert result.reason == "refused", result
        outputs = [command.stdout.rstrip() for command in result.commands]
        wanted = [*(device.shows[line] for line in shows[result.host]), device.refusal]
        assert outputs == [text.rstrip() for text in wanted], result.host


def two_shows(host: Session) -> None:
    """Send two shows, and a command that the device refuses."""
    for command in (*host.variables["shows"], "bogus"):
        host.run(command)


def accepted(device: FakeDevice) -> list[str]:
    """Return the commands with the shortest and the longest output; some recorded outputs are refusals."""
    spoken = platform(device.platform)
    found = [line for line, output in device.shows.items() if refusal(spoken, output.encode()) is None]
    return [choice(found, key=lambda line: len(device.shows[line])) for choice in (min, max)]
