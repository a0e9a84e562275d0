"""netmiko, which drives real gear by its prompts, drives these devices too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runner.demo import Fleet

netmiko = pytest.importorskip("netmiko", reason="netmiko is not installed: pip install -e '.[test]'")


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


def test_a_server_answers_too(fleet: Fleet) -> None:
    with log_in(fleet, "db1", "linux") as connection:
        assert connection.send_command("hostname") == "db1"
