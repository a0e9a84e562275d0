"""`inventories/demo` and the fleet say the same, to Ansible as well as to us."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner import load
from runner.demo import DEMO_DEVICES, Fleet

INVENTORY = Path(__file__).parents[2] / "inventories" / "demo"


def ansible_inventory(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("ansible-inventory")
    if not command.exists():
        pytest.skip("ansible-core is not installed")
    return subprocess.run(
        [sys.executable, str(command), "-i", str(INVENTORY), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"LANG": "C.UTF-8", "HOME": str(home)},
        cwd=home,
    )


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return json.loads(ansible_inventory(tmp_path_factory.mktemp("home"), "--list").stdout)


@pytest.mark.differential
def test_ansible_reads_the_folder_without_a_warning(tmp_path: Path) -> None:
    assert ansible_inventory(tmp_path, "--list").stderr == ""


@pytest.mark.differential
def test_ansible_finds_the_fleets_devices_where_they_listen(listing: dict) -> None:
    hosts = listing["_meta"]["hostvars"]
    found = {name: (seen["ansible_host"], seen["ansible_port"]) for name, seen in hosts.items()}
    assert found == {device.name: (device.address, device.port) for device in DEMO_DEVICES}


@pytest.mark.differential
def test_the_inventory_holds_the_login_and_the_enable_secret_of_each_device(listing: dict) -> None:
    for device in DEMO_DEVICES:
        seen = listing["_meta"]["hostvars"][device.name]
        assert (seen["ansible_user"], seen["ansible_password"]) == (device.user, device.password)
        if device.platform == "ios":
            assert seen["ansible_become_password"] == device.secret


@pytest.mark.differential
def test_groups_are_there_to_play_with(listing: dict) -> None:
    assert set(listing["routers"]["hosts"]) == {"r1", "r2", "r3", "r-slow", "r-down", "r-denied"}
    assert set(listing["network"]["children"]) == {"routers", "switches"}
    assert set(listing["servers"]["children"]) == {"web", "db"}
    assert {"r1", "r2"} <= set(listing["routers"]["hosts"]) & set(listing["east"]["hosts"])
    assert sorted(listing["east"]["hosts"] + listing["west"]["hosts"]) == sorted(
        device.name for device in DEMO_DEVICES
    )


@pytest.mark.differential
def test_the_network_os_of_a_device_is_the_platform_that_it_plays(listing: dict) -> None:
    names = {"ios": "cisco.ios.ios", "nxos": "cisco.nxos.nxos", "linux": None}
    for device in DEMO_DEVICES:
        seen = listing["_meta"]["hostvars"][device.name].get("ansible_network_os")
        assert seen == names[device.platform]


def test_every_host_of_the_folder_inventories_is_on_loopback() -> None:
    hosts = load(str(INVENTORY.parent)).select("all")
    assert {host.name for host in hosts} == {device.name for device in DEMO_DEVICES}
    assert all(ipaddress.ip_address(host.variables["ansible_host"]).is_loopback for host in hosts)


def test_the_committed_known_hosts_are_the_keys_that_the_fleet_serves() -> None:
    lines = (INVENTORY / "known_hosts.txt").read_text().splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("#")) == Fleet().known_hosts()
