"""What the simulated platforms do on a real connection: questions, pagers, banners, refused exec requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import paramiko
import pytest

from runner.demo import Device, Fleet, eos_switch, junos_router

from .clients import Shell, anywhere, connect, execute, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EOS, JUNOS = eos_switch("eos1", 1), junos_router("vmx1", 1)


@pytest.fixture
def start() -> Iterator[Callable[[Device], Fleet]]:
    """Start a fleet of one device; stop all of them at the end."""
    fleets: list[Fleet] = []

    def start_one(device: Device) -> Fleet:
        fleets.append(Fleet(anywhere(device)).start())
        return fleets[-1]

    yield start_one
    for fleet in fleets:
        fleet.stop()


def enabled(client: paramiko.SSHClient, name: str) -> Shell:
    shell = Shell(client)
    shell.until(f"{name}>")
    shell.type("enable", "Password: ")
    shell.type("enable", f"{name}#")
    return shell


def test_a_juniper_router_greets_with_its_banner_and_a_blank_line(start: Callable[[Device], Fleet]) -> None:
    with connect(start(JUNOS), "vmx1") as client:
        seen = Shell(client).until("vmx1> ")
    assert seen == "\r\n--- JUNOS 22.4R1.10 Kernel 64-bit, simulated\r\n\r\ndemo@vmx1> "


def test_the_pager_of_junos_is_erased_by_blanks(start: Callable[[Device], Fleet]) -> None:
    with connect(start(JUNOS), "vmx1") as client:
        shell = Shell(client)
        shell.until("vmx1> ")
        shell.type("show configuration", "---(more)---")
        shell.send(" ")
        assert shell.until("---(more)---").startswith("\r" + " " * 40 + "\r")
        shell.send("q")
        assert shell.until("demo@vmx1> ") == "\r" + " " * 40 + "\r\r\ndemo@vmx1> "
        assert "(more)" not in shell.type("show configuration | no-more", "}\r\n\r\ndemo@vmx1> ")


def test_the_pager_of_eos_is_coloured(start: Callable[[Device], Fleet]) -> None:
    with connect(start(EOS), "eos1") as client:
        shell = enabled(client, "eos1")
        shell.type("show running-config", "\x1b[7m --More-- \x1b[27m")
        shell.send("q")
        assert shell.until("eos1#") == "\r\x1b[Keos1#"
        shell.type("terminal length 0", "eos1#")
        assert "More" not in shell.type("show running-config", "\r\neos1#")


@pytest.mark.parametrize(("device", "prompt"), [(named("r1"), "r1#"), (EOS, "eos1#")])
def test_one_key_answers_confirm(start: Callable[[Device], Fleet], device: Device, prompt: str) -> None:
    with connect(start(device), device.name) as client:
        shell = enabled(client, device.name)
        assert shell.type("reload", "[confirm]") == "reload\r\nProceed with reload? [confirm]"
        shell.send("n")
        assert shell.until(prompt) == "\r\n" + prompt


@pytest.mark.parametrize(
    ("device", "command", "question", "reply"),
    [
        (named("r1", privilege=15), "reload", "[confirm]", "\r"),
        (named("sw1"), "reload", "(y/n)?  [n] ", "y\r"),
        (replace(EOS, privilege=15), "reload", "[confirm]", "y"),
        (JUNOS, "request system reboot", "[yes,no] (no) ", "yes\r"),
    ],
)
def test_a_restart_ends_every_connection(
    start: Callable[[Device], Fleet], device: Device, command: str, question: str, reply: str
) -> None:
    fleet = start(device)
    with connect(fleet, device.name) as client, connect(fleet, device.name) as other:
        shell, bystander = Shell(client), Shell(other)
        shell.type(command, question)
        shell.send(reply)
        shell.rest()
        bystander.rest()
        assert shell.channel.recv_exit_status() == bystander.channel.recv_exit_status() == -1
    with connect(fleet, device.name) as client:
        assert "% Invalid" not in execute(client, "show version").stdout


def test_a_question_over_exec_waits_for_standard_input(start: Callable[[Device], Fleet]) -> None:
    with connect(start(JUNOS), "vmx1") as client:
        answer = execute(client, "request system reboot", b"no\n")
        assert answer.stdout == "Reboot the system ? [yes,no] (no) \r\n"
        assert answer.exit_code == 0
        assert execute(client, "request system reboot").stdout == "Reboot the system ? [yes,no] (no) "


def test_each_platform_answers_an_exec_request(start: Callable[[Device], Fleet]) -> None:
    with connect(start(JUNOS), "vmx1") as client:
        assert execute(client, "show version").stdout.startswith("Hostname: vmx1\r\nModel: vmx\r\n")
    with connect(start(EOS), "eos1") as client:
        assert execute(client, "show hostname").stdout == "Hostname: eos1\r\nFQDN:     eos1\r\n"
        assert execute(client, "show foo").stdout == "% Invalid input (at token 1: 'foo')\r\n"


@pytest.mark.parametrize(
    ("device", "prompt"),
    [(EOS, "eos1>"), (JUNOS, "demo@vmx1> "), (named("r1"), "r1>"), (named("web1"), "demo@web1:~$ ")],
)
def test_a_device_that_refuses_exec_still_has_a_shell(
    start: Callable[[Device], Fleet], device: Device, prompt: str
) -> None:
    with connect(start(replace(device, answers_exec=False)), device.name) as client:
        with pytest.raises(paramiko.SSHException, match="Channel closed"):
            execute(client, "show version")
        assert Shell(client).until(prompt)


def test_the_clock_of_a_fleet_can_be_moved_on() -> None:
    time = [NOON]
    with Fleet(anywhere(JUNOS), now=lambda: time[0]) as fleet, connect(fleet, "vmx1") as client:
        shell = Shell(client)
        shell.until("demo@vmx1> ")
        shell.type("configure", "demo@vmx1# ")
        shell.type("set system host-name core", "demo@vmx1# ")
        shell.type("commit confirmed 5", "demo@core# ")
        time[0] += timedelta(minutes=5)
        shell.type("", "demo@vmx1# ")
