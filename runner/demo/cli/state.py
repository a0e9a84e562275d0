"""The state of a running network device: its configurations, interfaces and clock."""

from __future__ import annotations

import hashlib
import ipaddress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from runner.demo.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner.demo.device import Device

__all__ = ["Configuration", "DeviceState", "Fallback", "InterfaceState"]


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
        return self.name.lower().startswith(("lo", "vlan"))


@dataclass(slots=True)
class Configuration:
    """The parts of the running configuration that can be changed."""

    hostname: str
    interfaces: dict[str, InterfaceState]
    ntp_servers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fallback:
    """The configuration that comes back unless the present one is confirmed in time.

    Attributes:
        name: The candidate that was committed.
        configuration: The last configuration that needs no confirmation.
        deadline: The time at which it comes back.
    """

    name: str
    configuration: Configuration
    deadline: datetime


class DeviceState:
    """The state of a device while the fleet runs; all sessions on the device share it.

    Args:
        device: The description of the device.
        now: Returns the time.

    Attributes:
        candidates: The configurations that are not yet committed, by name.
        startup: The text of the saved configuration; empty for none.
        changed: The time of the last commit or restart.
    """

    def __init__(self, device: Device, now: Callable[[], datetime] = utc_now) -> None:
        self.device = device
        self.now = now
        self.booted = now() - timedelta(seconds=device.uptime_s)
        self.changed = self.booted
        self.candidates: dict[str, Configuration] = {}
        self.startup = ""
        self._initial = Configuration(device.name, {})
        for interface in device.interfaces:
            state = self.new_interface(interface.name)
            state.address = ipaddress.IPv4Interface(interface.address) if interface.address else None
            state.description = interface.description
            state.shutdown = interface.shutdown
            state.cabled = interface.cabled
            state.neighbor = interface.neighbor
            self._initial.interfaces[interface.name] = state
        self._running = deepcopy(self._initial)
        self._saved = self._initial
        self._history: list[Configuration] = []
        self._fallback: Fallback | None = None

    @property
    def configuration(self) -> Configuration:
        """The running configuration."""
        self._expire()
        return self._running

    @property
    def fallback(self) -> Fallback | None:
        """The return to an earlier configuration that is due; None if the present one is confirmed."""
        self._expire()
        return self._fallback

    def _expire(self) -> None:
        """Go back if the present configuration was not confirmed in time."""
        fallback = self._fallback
        if fallback is not None and self.now() >= fallback.deadline:
            self.revert()
            self.changed = fallback.deadline

    def candidate(self, name: str) -> Configuration:
        """Return a candidate; a new one begins as a copy of the running configuration."""
        if name not in self.candidates:
            self.candidates[name] = deepcopy(self.configuration)
        return self.candidates[name]

    def commit(self, name: str, revert_after: timedelta | None = None) -> None:
        """Make a candidate the running configuration.

        Args:
            name: The candidate; if there is none of this name, the configuration does not change.
            revert_after: The time after which the configuration before it comes back, unless another commit
                confirms it. None confirms it at once.
        """
        running, fallback = self.configuration, self._fallback
        self._running = self.candidates.pop(name, running)
        self._history.insert(0, running)
        self.changed = self.now()
        self._fallback = None
        if revert_after is not None:
            kept = fallback.configuration if fallback else deepcopy(running)
            self._fallback = Fallback(name, kept, self.now() + revert_after)

    def confirm(self) -> None:
        """Keep the running configuration, which otherwise would not outlive its time."""
        self._expire()
        self._fallback = None

    def revert(self) -> None:
        """Return at once to the last configuration that needs no confirmation."""
        if self._fallback is not None:
            unchanged = [name for name, each in self.candidates.items() if each == self._running]
            for name in unchanged:
                del self.candidates[name]
            self._running, self._fallback = self._fallback.configuration, None

    def earlier(self, number: int) -> Configuration | None:
        """Return a copy of a configuration before a commit: 1 is the one before the last; None if unknown."""
        return deepcopy(self._history[number - 1]) if 0 < number <= len(self._history) else None

    def save(self, text: str) -> None:
        """Save the running configuration, whose text this is, for the next start."""
        self.startup = text
        self._saved = deepcopy(self.configuration)

    def erase(self) -> None:
        """Erase the saved configuration: the device starts as it did when the fleet started."""
        self.startup = ""
        self._saved = self._initial

    def restart(self) -> None:
        """Start again with the saved configuration."""
        self.booted = self.changed = self.now()
        self._running, self._fallback = deepcopy(self._saved), None
        self.candidates.clear()

    @property
    def serial(self) -> str:
        """The serial number of the device, or one derived from its name."""
        return self.device.serial or "9" + hashlib.sha256(self.device.name.encode()).hexdigest()[:10].upper()

    @property
    def uptime(self) -> timedelta:
        """How long the device has been up."""
        return self.now() - self.booted

    def new_interface(self, name: str) -> InterfaceState:
        """Return an interface without an address, which is in no configuration yet."""
        digits = hashlib.sha256(f"{self.device.name} {name}".encode()).hexdigest()
        return InterfaceState(name, f"5254.00{digits[:2]}.{digits[2:6]}")
