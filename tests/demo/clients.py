"""Two ways to talk to a device as its users do: one command, and an interactive shell."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import paramiko

from runner.demo import DEMO_DEVICES, Device, Fleet


class Answer(NamedTuple):
    stdout: str
    stderr: str
    exit_code: int


def anywhere(*devices: Device) -> tuple[Device, ...]:
    """Return the devices with ports that the system picks."""
    return tuple(replace(device, port=0) for device in devices)


def named(name: str, **changes: object) -> Device:
    """Return a device of the demo fleet, changed, on a port that the system picks."""
    device = next(device for device in DEMO_DEVICES if device.name == name)
    return replace(device, port=0, **changes)


def connect(
    fleet: Fleet, name: str, user: str = "demo", password: str = "demo", **options: object
) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    place = fleet.endpoint(name)
    defaults = {"allow_agent": False, "look_for_keys": False, "timeout": 20, "auth_timeout": 20}
    client.connect(place.address, place.port, user, password, **(defaults | options))
    return client


def execute(client: paramiko.SSHClient, command: str, stdin: bytes = b"", *, pty: bool = False) -> Answer:
    channel = client.get_transport().open_session(timeout=20)
    channel.settimeout(20)
    if pty:
        channel.get_pty()
    channel.exec_command(command)
    channel.sendall(stdin)
    channel.shutdown_write()
    stdout, stderr = channel.makefile("rb").read(), channel.makefile_stderr("rb").read()
    return Answer(stdout.decode(), stderr.decode(), channel.recv_exit_status())


class Shell:
    """An interactive shell as a person sees it: raw characters in both directions."""

    def __init__(self, client: paramiko.SSHClient) -> None:
        self.channel = client.invoke_shell()
        self.channel.settimeout(20)

    def send(self, text: str) -> None:
        self.channel.sendall(text.encode())

    def until(self, ending: str) -> str:
        """Return everything that comes, up to and with `ending`."""
        seen = ""
        while not seen.endswith(ending):
            chunk = self.channel.recv(1024)
            assert chunk, f"the shell ended after {seen!r}"
            seen += chunk.decode()
        return seen

    def type(self, line: str, ending: str) -> str:
        self.send(line + "\r")
        return self.until(ending)

    def rest(self) -> str:
        """Return what comes until the device hangs up."""
        return self.channel.makefile("rb").read().decode()
