"""Our templates for FRR: the outputs are those of real routers (FRR 8.4.4), in the folder `frr`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devices.asking import FOLDER, served

pytest.importorskip("textfsm")

OUTPUTS = sorted(path.stem for path in (FOLDER / "frr").glob("*.txt"))


def rows(name: str, command: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of an output, each without its empty fields."""
    text = (FOLDER / "frr" / f"{name}.txt").read_text()
    parse, found, error = served(command or name.replace("_", " "), text)
    assert (parse, error) == ("rows", None)
    return [{field: value for field, value in row.items() if value not in ("", [])} for row in found]


def test_interfaces_have_all_their_addresses() -> None:
    assert rows("show_interface_brief_more", "sh int br") == [
        {"interface": "lo", "status": "up", "vrf": "default", "addresses": ["10.255.0.1/32"]},
        {
            "interface": "to-b",
            "status": "up",
            "vrf": "default",
            "addresses": ["10.9.0.1/30", "10.9.1.1/24", "2001:db8::1/64"],
        },
        {"interface": "v1", "status": "up", "vrf": "default"},
        {"interface": "v2", "status": "down", "vrf": "default"},
    ]


def test_ospf_neighbours_have_state_and_role() -> None:
    assert rows("show_ip_ospf_neighbor") == [
        {
            "neighbor_id": "10.255.0.2",
            "priority": "1",
            "state": "Full",
            "role": "DR",
            "up_time": "8.070s",
            "dead_time": "3.928s",
            "address": "10.9.0.2",
            "interface": "to-b",
            "local_address": "10.9.0.1",
            "retransmits": "1",
            "requests": "0",
            "summaries": "0",
        }
    ]


@pytest.mark.parametrize("command", ["show bgp summary", "show ip bgp summary", "show bgp ipv4 unicast sum"])
def test_bgp_peers_have_a_state_or_a_number_of_prefixes(command: str) -> None:
    told = ("address_family", "neighbor", "remote_as", "state", "prefixes_received", "description")
    found = [tuple(row.get(name, "") for name in told) for row in rows("show_bgp_summary_more", command)]
    assert found == [
        ("IPv4 Unicast", "10.9.0.2", "65002", "", "2", "core link"),
        ("IPv4 Unicast", "10.9.0.3", "65003", "Idle (Admin)", "", ""),
        ("IPv4 Unicast", "2001:db8::2", "65002", "Connect", "", ""),
        ("IPv6 Unicast", "2001:db8::2", "65002", "Connect", "", ""),
    ]


def test_each_next_hop_of_a_route_is_a_row() -> None:
    told = ("vrf", "protocol", "prefix", "distance", "selected", "fib", "next_hop", "interface", "note")
    found = [tuple(row.get(name, "") for name in told) for row in rows("show_ip_route_vrf_all")]
    assert found[6:] == [
        ("default", "O", "10.255.0.2/32", "110", "", "", "10.9.0.2", "to-b", ""),
        ("default", "B", "10.255.0.2/32", "20", ">", "*", "10.9.0.2", "to-b", ""),
        ("default", "S", "192.0.2.0/24", "1", ">", "*", "10.9.0.2", "to-b", ""),
        ("default", "S", "192.0.2.0/24", "1", "", "*", "10.9.1.2", "to-b", ""),
        ("default", "S", "192.0.2.128/25", "1", ">", "*", "", "to-b", ""),
        ("default", "S", "198.51.100.0/24", "1", ">", "*", "10.9.0.2", "to-b", ""),
        ("default", "O", "203.0.113.0/24", "110", "", "", "10.9.0.2", "to-b", ""),
        ("default", "S", "203.0.113.0/24", "1", ">", "*", "", "", "blackhole"),
    ]


def test_a_connected_route_has_no_distance_of_the_route_before_it() -> None:
    ospf, connected, *_ = rows("show_ip_route")
    assert (ospf["distance"], ospf["metric"], ospf["weight"]) == ("110", "10", "1")
    assert connected == {
        "protocol": "C",
        "prefix": "10.9.0.0/30",
        "selected": ">",
        "fib": "*",
        "interface": "to-b",
        "uptime": "00:00:13",
    }


def test_the_version_is_one_row() -> None:
    assert rows("show_version") == [
        {"version": "8.4.4", "hostname": "vm", "system": "Linux(6.18.44-fc-v657)"}
    ]


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_has_rows(name: str) -> None:
    assert rows(name, name.removesuffix("_more").replace("_", " "))


@pytest.mark.parametrize("name", [name for name in OUTPUTS if not name.endswith("json")])
def test_a_line_that_no_rule_knows_is_named(name: str) -> None:
    text = (FOLDER / "frr" / f"{name}.txt").read_text()
    command = name.removesuffix("_more").replace("_", " ")
    assert served(command, text + "zebra is not running\n") == ("no-match", [], "zebra is not running")


def test_a_route_of_one_prefix_is_another_command() -> None:
    assert served("show ip route 192.0.2.0/24", "Routing entry for 192.0.2.0/24\n")[0] == "no-template"
