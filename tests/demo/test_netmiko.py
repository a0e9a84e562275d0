"""netmiko, which drives real gear by its prompts, drives these devices too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.demo import Fleet, eos_switch, junos_router

from .clients import anywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

netmiko = pytest.importorskip("netmiko", reason="netmiko is not installed: pip install -e '.[test]'")


@pytest.fixture
def others() -> Iterator[Fleet]:
    """Devices that are not in the demo fleet. They refuse exec requests: netmiko needs none."""
    devices = (eos_switch("eos1", 1), junos_router("vmx1", 1))
    with Fleet(anywhere(*(replace(device, answers_exec=False) for device in devices))) as fleet:
        yield fleet


def log_in(fleet: Fleet, name: str, device_type: str) -> netmiko.BaseConnection:
    place = fleet.endpoint(name)
    return netmiko.ConnectHandler(
        device_type=device_type,
        host=place.address,
        port=place.port,
        username="demo",
        password="demo",
        secret="enable",
        conn_timeout=20,
        auth_timeout=20,
        banner_timeout=20,
        read_timeout_override=30,
    )


@pytest.mark.parametrize(
    ("name", "device_type", "prompt"),
    [("r1", "cisco_ios", "r1>"), ("r2", "cisco_xe", "r2>"), ("sw1", "cisco_nxos", "sw1#")],
)
def test_a_command_comes_back_whole_and_without_paging(
    fleet: Fleet, name: str, device_type: str, prompt: str
) -> None:
    with log_in(fleet, name, device_type) as connection:
        assert connection.find_prompt() == prompt
        seen = connection.send_command("show version")
    assert f"{name} uptime is" in seen or f"Device name: {name}" in seen
    assert "--More--" not in seen


@pytest.mark.parametrize(("name", "device_type"), [("r1", "cisco_ios"), ("sw1", "cisco_nxos")])
def test_a_configuration_is_sent_seen_and_saved(fleet: Fleet, name: str, device_type: str) -> None:
    with log_in(fleet, name, device_type) as connection:
        connection.enable()
        assert connection.check_enable_mode()
        seen = connection.send_config_set(["ntp server 192.0.2.123", "bogus"])
        assert "% Invalid" in seen
        assert not connection.check_config_mode()
        assert connection.send_command("show running-config | include ntp") == "ntp server 192.0.2.123"
        connection.save_config()
        assert "192.0.2.123" in connection.send_command("show startup-config")


def test_a_question_is_answered(fleet: Fleet) -> None:
    with log_in(fleet, "r1", "cisco_ios") as connection:
        connection.enable()
        connection.send_command("copy running-config startup-config", expect_string=r"filename.*\? ")
        assert "[OK]" in connection.send_command("\n", expect_string="#")


@pytest.mark.parametrize(
    ("name", "device_type", "prompt", "command", "last_line"),
    [
        ("eos1", "arista_eos", "eos1#", "show running-config", "end"),
        ("vmx1", "juniper_junos", "demo@vmx1>", "show configuration", "}"),
    ],
)
def test_the_other_platforms_answer_whole_and_without_paging(
    others: Fleet, name: str, device_type: str, prompt: str, command: str, last_line: str
) -> None:
    with log_in(others, name, device_type) as connection:
        connection.enable()
        assert connection.find_prompt() == prompt
        lines = connection.send_command(command).rstrip().splitlines()
    assert len(lines) > 24
    assert lines[-1] == last_line
    assert not any("ore" in line and "--" in line for line in lines)


def test_an_arista_switch_is_configured_in_a_session(others: Fleet) -> None:
    with log_in(others, "eos1", "arista_eos") as connection:
        connection.enable()
        connection.config_mode("configure session change")
        assert connection.check_config_mode()
        connection.send_config_set(
            ["ntp server 192.0.2.123"], enter_config_mode=False, exit_config_mode=False
        )
        seen = connection.send_command("show session-config diffs", expect_string=r"\)#")
        assert "+ntp server 192.0.2.123" in seen
        connection.send_command("commit", expect_string="#")
        assert not connection.check_config_mode()
        assert connection.send_command("show running-config | include ntp") == "ntp server 192.0.2.123"
        assert "Copy completed" in connection.save_config()


def test_an_arista_switch_is_configured_at_once(others: Fleet) -> None:
    with log_in(others, "eos1", "arista_eos") as connection:
        connection.enable()
        assert "% Invalid input" in connection.send_config_set(["interface Ethernet3", "shutdown", "bogus"])
        assert "disabled" in connection.send_command("show interfaces Et3 status")


def test_a_juniper_router_is_configured_and_committed(others: Fleet) -> None:
    with log_in(others, "vmx1", "juniper_junos") as connection:
        seen = connection.send_config_set(
            ["set system ntp server 192.0.2.123", "set bogus"], exit_config_mode=False
        )
        assert "syntax error" in seen
        assert "+       server 192.0.2.123;" in connection.send_command("show | compare")
        assert "configuration check succeeds" in connection.commit(check=True)
        assert "rolled back in 5 minutes" in connection.commit(confirm=True, confirm_delay=5)
        assert "commit complete" in connection.commit(comment="a change", and_quit=True)
        assert not connection.check_config_mode()
        seen = connection.send_command("show configuration | display set | match ntp")
        assert seen.strip() == "set system ntp server 192.0.2.123"


def test_uncommitted_changes_do_not_keep_netmiko_in_configuration_mode(others: Fleet) -> None:
    with log_in(others, "vmx1", "juniper_junos") as connection:
        connection.send_config_set(["set system host-name core"])
        assert not connection.check_config_mode()
        assert connection.find_prompt() == "demo@vmx1>"


def test_a_server_answers_too(fleet: Fleet) -> None:
    with log_in(fleet, "db1", "linux") as connection:
        assert connection.send_command("hostname") == "db1"
