"""The fleet that `inventories/demo` describes, and fleets of any size for tests and benchmarks.

Addresses are from the ranges reserved for documentation (RFC 5737); serial numbers are invented.
"""

from __future__ import annotations

from dataclasses import replace

from runner.demo.device import Device, Interface, Platform

__all__ = ["DEMO_DEVICES", "eos_switch", "junos_router", "replicas"]


def _router(name: str, number: int, *links: Interface) -> Device:
    """Return a router: its links, a port without a cable, and a loopback with the router id."""
    interfaces = (
        *links,
        Interface("GigabitEthernet4", shutdown=True, cabled=False),
        Interface("Loopback0", f"192.0.2.{number}/32", "router id"),
    )
    return Device(
        name,
        22100 + number,
        Platform.IOS,
        interfaces=interfaces,
        serial=f"9DEMO{number:02}RTR",
        uptime_s=3_116_760 + 7_260 * number,
    )


def _switch(name: str, number: int) -> Device:
    """Return a switch: a management port, an uplink, access ports, a VLAN interface and a loopback."""
    interfaces = (
        Interface("mgmt0", f"203.0.113.{number}/24"),
        Interface("Ethernet1/1", description="uplink to r1"),
        Interface("Ethernet1/2", description="servers"),
        Interface("Ethernet1/3", cabled=False),
        Interface("Ethernet1/4", shutdown=True, cabled=False),
        Interface("Vlan10", f"198.51.100.{128 + number}/25", "servers"),
        Interface("loopback0", f"192.0.2.{100 + number}/32", "router id"),
    )
    return Device(
        name,
        22110 + number,
        Platform.NXOS,
        interfaces=interfaces,
        serial=f"9DEMO{number:02}SWI",
        uptime_s=1_047_941 + 86_460 * number,
        privilege=15,
    )


def eos_switch(name: str, number: int) -> Device:
    """Return an Arista switch: a management port, an uplink, access ports, a VLAN interface and a loopback.

    Args:
        name: Its host name.
        number: A number from 1 to 9, which is part of its port, its addresses and its serial number.
    """
    interfaces = (
        Interface("Management1", f"203.0.113.{10 + number}/24"),
        Interface("Ethernet1", description="uplink to r1"),
        Interface("Ethernet2", description="servers"),
        Interface("Ethernet3", cabled=False),
        Interface("Ethernet4", shutdown=True, cabled=False),
        Interface("Vlan10", f"198.51.100.{140 + number}/25", "servers"),
        Interface("Loopback0", f"192.0.2.{110 + number}/32", "router id"),
    )
    return Device(
        name,
        22130 + number,
        Platform.EOS,
        interfaces=interfaces,
        serial=f"9DEMO{number:02}EOS",
        uptime_s=2_074_321 + 3_660 * number,
    )


def junos_router(name: str, number: int) -> Device:
    """Return a Juniper router: a management port, two links, a port without a cable, and a loopback.

    Args:
        name: Its host name.
        number: A number from 1 to 9, which is part of its port, its addresses and its serial number.
    """
    interfaces = (
        Interface("ge-0/0/0", f"198.51.100.{64 + 4 * number + 1}/30", "to r1"),
        Interface("ge-0/0/1", f"203.0.113.{128 + 4 * number + 1}/30", "to r2"),
        Interface("ge-0/0/2", shutdown=True, cabled=False),
        Interface("fxp0", f"203.0.113.{20 + number}/25"),
        Interface("lo0", f"192.0.2.{120 + number}/32", "router id"),
    )
    return Device(
        name,
        22140 + number,
        Platform.JUNOS,
        interfaces=interfaces,
        serial=f"9DEMO{number:02}JUN",
        uptime_s=5_184_042 + 7_320 * number,
    )


def _server(name: str, number: int) -> Device:
    """Return a server with one interface."""
    return Device(
        name,
        22120 + number,
        Platform.LINUX,
        interfaces=(Interface("eth0", f"198.51.100.{200 + number}/25"),),
        uptime_s=604_800 * number + 11_160,
    )


def _link(number: int, address: str, description: str, neighbor: int) -> Interface:
    """Return an interface that links to another router, its OSPF neighbour."""
    name = f"GigabitEthernet{number}"
    return Interface(name, address, description, neighbor=f"192.0.2.{neighbor}")


DEMO_DEVICES: tuple[Device, ...] = (
    _router("r1", 1, _link(1, "198.51.100.1/30", "to r2", 2), _link(2, "198.51.100.5/30", "to r3", 3)),
    _router("r2", 2, _link(1, "198.51.100.2/30", "to r1", 1), _link(2, "198.51.100.9/30", "to r3", 3)),
    _router(
        "r3",
        3,
        _link(1, "198.51.100.6/30", "to r1", 1),
        _link(2, "198.51.100.10/30", "to r2", 2),
        _link(3, "198.51.100.14/30", "satellite to r-slow", 4),
    ),
    replace(_router("r-slow", 4, _link(1, "198.51.100.13/30", "satellite to r3", 3)), answer_delay_s=2.0),
    replace(_router("r-down", 5), listening=False),
    replace(_router("r-denied", 6), accepts_login=False),
    _switch("sw1", 1),
    _switch("sw2", 2),
    _server("web1", 1),
    _server("web2", 2),
    _server("db1", 3),
)
"""The demo fleet, in the order of its inventory: ports 22101 to 22123, below the ephemeral range."""


def replicas(model: Device, count: int, *, first_port: int = 0, prefix: str = "d") -> tuple[Device, ...]:
    """Return `count` devices that behave like `model`.

    Args:
        model: The device to repeat.
        count: The number of devices.
        first_port: Port of the first device; the others get the ports after it. 0 lets the system pick each.
        prefix: The beginning of their names; a number of equal width follows.
    """
    width = len(str(count))
    return tuple(
        replace(model, name=f"{prefix}{number:0{width}}", port=first_port + number - 1 if first_port else 0)
        for number in range(1, count + 1)
    )
