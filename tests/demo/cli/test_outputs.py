"""What the devices print reads as the real thing does: the public ntc-templates parse it rightly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.demo import DEMO_DEVICES
from runner.demo.cli.ios import IOS
from runner.demo.cli.nxos import NXOS
from runner.demo.cli.session import Session
from runner.demo.cli.state import DeviceState

parse_output = pytest.importorskip("ntc_templates.parse").parse_output

DEVICES = {device.name: device for device in DEMO_DEVICES}
NOON = datetime(2026, 11, 23, 12, 0, 0, 7000, tzinfo=UTC)


def rows(name: str, command: str) -> list[dict]:
    device = DEVICES[name]
    dialect, platform = (IOS, "cisco_ios") if device.platform == "ios" else (NXOS, "cisco_nxos")
    session = Session(DeviceState(device, lambda: NOON), dialect, interactive=False)
    return parse_output(platform=platform, command=command, data=session.execute(command))


def only(name: str, command: str) -> dict:
    (row,) = rows(name, command)
    return row


def test_show_version_of_a_router() -> None:
    row = only("r1", "show version")
    assert row["hostname"] == "r1"
    assert row["version"] == "17.9.4a"
    assert row["release"] == "fc3"
    assert row["software_image"] == "X86_64_LINUX_IOSD-UNIVERSALK9-M"
    assert row["running_image"] == "packages.conf"
    assert row["hardware"] == ["C8000V"]
    assert row["serial"] == ["9DEMO01RTR"]
    assert row["config_register"] == "0x2102"
    assert row["reload_reason"] == "reload"
    assert row["uptime"] == "5 weeks, 1 day, 3 hours, 47 minutes"


def test_show_version_of_a_switch() -> None:
    row = only("sw2", "show version")
    assert row["hostname"] == "sw2"
    assert row["os"] == "10.3(4a) [Maintenance Release]"
    assert row["platform"] == "C9300v"
    assert row["serial"] == "9DEMO02SWI"
    assert row["boot_image"] == "bootflash:///nxos64-cs.10.3.4a.M.bin"
    assert row["uptime"] == "14 day(s), 3 hour(s), 7 minute(s), 41 second(s)"


def test_show_ip_interface_brief_of_a_router() -> None:
    seen = [tuple(row.values()) for row in rows("r1", "show ip interface brief")]
    assert seen == [
        ("GigabitEthernet1", "198.51.100.1", "up", "up"),
        ("GigabitEthernet2", "198.51.100.5", "up", "up"),
        ("GigabitEthernet4", "unassigned", "administratively down", "down"),
        ("Loopback0", "192.0.2.1", "up", "up"),
    ]


def test_show_ip_ospf_neighbor_names_the_other_end_of_each_link_that_is_up() -> None:
    seen = [tuple(row.values()) for row in rows("r1", "show ip ospf neighbor")]
    assert seen == [
        ("192.0.2.2", "0", "FULL/  -", "00:00:36", "198.51.100.2", "GigabitEthernet1"),
        ("192.0.2.3", "0", "FULL/  -", "00:00:36", "198.51.100.6", "GigabitEthernet2"),
    ]


def test_every_ospf_neighbour_has_the_router_that_names_it_as_a_neighbour() -> None:
    pairs = {
        (DEVICES[name].interfaces[-1].address, f"{row['neighbor_id']}/32", row["ip_address"])
        for name in ("r1", "r2", "r3", "r-slow")
        for row in rows(name, "show ip ospf neighbor")
    }
    assert len(pairs) == 8
    assert {(own, other) for own, other, _ in pairs} == {(other, own) for own, other, _ in pairs}
    addresses = {
        each.address.partition("/")[0]
        for device in DEVICES.values()
        for each in device.interfaces
        if each.address
    }
    assert {address for _, _, address in pairs} <= addresses


@pytest.mark.parametrize("line", ["shutdown", "no ip address", "ip address 10.0.0.1 255.0.0.0"])
def test_a_link_that_no_longer_works_has_no_ospf_neighbour(line: str) -> None:
    state = DeviceState(DEVICES["r-slow"], lambda: NOON)
    session = Session(state, IOS, interactive=False)
    session.privilege = 15
    for typed in ("configure terminal", "interface GigabitEthernet1", line, "end"):
        session.execute(typed)
    assert session.execute("show ip ospf neighbor") == ""


def test_show_ip_interface_brief_of_a_switch() -> None:
    seen = [
        (row["interface"], row["ip_address"], row["link"]) for row in rows("sw1", "show ip interface brief")
    ]
    assert seen == [("Vlan10", "198.51.100.129", "link-up"), ("Lo0", "192.0.2.101", "link-up")]


def test_show_inventory_of_a_router() -> None:
    seen = [(row["name"], row["pid"], row["vid"], row["sn"]) for row in rows("r2", "show inventory")]
    assert seen == [
        ("Chassis", "C8000V", "V00", "9DEMO02RTR"),
        ("module R0", "C8000V", "V00", "9DEMO02RTR"),
        ("module F0", "C8000V", "V00", ""),
    ]


def test_show_inventory_of_a_switch() -> None:
    seen = [(row["name"], row["pid"], row["vid"], row["sn"]) for row in rows("sw1", "show inventory")]
    assert seen == [
        ("Chassis", "N9K-C9300v", "V02", "9DEMO01SWI"),
        ("Slot 1", "N9K-X9364v", "V02", "9DEMO01SWI"),
    ]


def test_show_interfaces_of_a_router() -> None:
    seen = {row["interface"]: row for row in rows("r1", "show interfaces")}
    first, spare = seen["GigabitEthernet1"], seen["GigabitEthernet4"]
    assert (first["link_status"], first["protocol_status"]) == ("up", "up")
    assert (first["ip_address"], first["prefix_length"]) == ("198.51.100.1", "30")
    assert (first["description"], first["mtu"], first["bandwidth"]) == ("to r2", "1500", "1000000 Kbit")
    assert (first["duplex"], first["input_errors"]) == ("Full Duplex", "0")
    assert first["mac_address"] == first["bia"]
    assert (spare["link_status"], spare["protocol_status"]) == ("administratively down", "down")
    assert list(seen) == ["GigabitEthernet1", "GigabitEthernet2", "GigabitEthernet4", "Loopback0"]


def test_show_interface_of_a_switch() -> None:
    seen = {row["interface"]: row for row in rows("sw1", "show interface")}
    uplink, unplugged, unused = (seen[f"Ethernet1/{number}"] for number in (1, 3, 4))
    assert (uplink["link_status"], uplink["admin_state"]) == ("up", "up")
    assert (uplink["description"], uplink["mode"], uplink["speed"]) == ("uplink to r1", "access", "1000 Mb/s")
    assert unplugged["link_status"] == "down (Link not connected)"
    assert (unused["link_status"], unused["admin_state"]) == ("down (Administratively down)", "down")
    assert seen["Vlan10"]["ip_address"] == "198.51.100.129"


def test_show_interface_brief_of_a_switch() -> None:
    seen = {row["interface"]: row for row in rows("sw1", "show interface brief")}
    assert seen["mgmt0"]["ip_address"] == "203.0.113.1"
    assert (seen["Eth1/1"]["status"], seen["Eth1/1"]["reason"]) == ("up", "none")
    assert (seen["Eth1/4"]["status"], seen["Eth1/4"]["reason"]) == ("down", "Administratively down")


@pytest.mark.parametrize(("name", "time"), [("r1", "12:00:00.007"), ("sw1", "12:00:00.007")])
def test_show_clock(name: str, time: str) -> None:
    row = only(name, "show clock")
    assert (row["time"], row["day"], row["month"], row["year"]) == (time, "23", "Nov", "2026")
    assert (row["timezone"], row["dayweek"]) == ("UTC", "Mon")
