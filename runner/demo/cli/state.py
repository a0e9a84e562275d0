"""The state of a running network device: its configuration, interfaces and clock."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from runner.demo.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner.demo.device import Device

__all__ = ["Configuration", "DeviceState", "InterfaceState"]


@dataclass(slots=True)
class InterfaceState:
    """One interface with its present configuration.

    Attributes:
        name: Full name.
        mac: Hardware address, `5254.00xx.xxxx`.
        address: IPv4 address and prefix; None for none.
        description: Description; empty for none.
        shutdown: Whether it is administratively down.
        cabled: Whether the other end is up.
        neighbor: Router id of the OSPF neighbour at the other end; None for none.
    """

    name: str
    mac: str
    address: ipaddress.IPv4Interface | None = None
    description: str = ""
    shutdown: bool = False
    cabled: bool = True
    neighbor: str | None = None

    @property
    def up(self) -> bool:
        """Whether link and line protocol are up."""
        return self.cabled and not self.shutdown

    @property
    def virtual(self) -> bool:
        """Whether the interface has no hardware, so that configuration commands can create and remove it."""
        return self.name.lower().startswith(("loopback", "vlan"))


@dataclass(slots=True)
class Configuration:
    """The parts of the running configuration that can be changed."""

    hostname: str
    interfaces: dict[str, InterfaceState]
    ntp_servers: list[str] = field(default_factory=list)


class DeviceState:
    """The state of a device while the fleet runs; all sessions on the device share it.

    Args:
        device: The description of the device.
        now: Returns the time.
    """

    def __init__(self, device: Device, now: Callable[[], datetime] = utc_now) -> None:
        self.device = device
        self.now = now
        self.booted = now() - timedelta(seconds=device.uptime_s)
        self.configuration = Configuration(device.name, {})
        self.startup = ""
        for interface in device.interfaces:
            state = self.add_interface(interface.name)
            state.address = ipaddress.IPv4Interface(interface.address) if interface.address else None
            state.description = interface.description
            state.shutdown = interface.shutdown
            state.cabled = interface.cabled
            state.neighbor = interface.neighbor

    @property
    def serial(self) -> str:
        """The serial number of the device, or one derived from its name."""
        return self.device.serial or "9" + hashlib.sha256(self.device.name.encode()).hexdigest()[:10].upper()

    @property
    def uptime(self) -> timedelta:
        """How long the device has been up."""
        return self.now() - self.booted

    def add_interface(self, name: str) -> InterfaceState:
        """Add an interface without an address, and return it."""
        digits = hashlib.sha256(f"{self.device.name} {name}".encode()).hexdigest()
        state = InterfaceState(name, f"5254.00{digits[:2]}.{digits[2:6]}")
        self.configuration.interfaces[name] = state
        return state
