"""What a simulated device is: plain values, written down before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Device", "Interface", "Platform"]


class Platform(StrEnum):
    """What a device claims to be."""

    IOS = "ios"
    """A Cisco IOS-XE router: user and privileged mode, `% Invalid input detected at '^' marker.`"""
    NXOS = "nxos"
    """A Cisco NX-OS switch: privileged from the start, `% Invalid command at '^' marker.`"""
    LINUX = "linux"
    """A server with a small shell and real exit codes."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface as it is before anybody configures it.

    Attributes:
        name: Its full name, such as `GigabitEthernet1`.
        address: IPv4 address and prefix length (`192.0.2.1/30`); None for none.
        description: Its description; empty for none.
        shutdown: Whether it is administratively down.
        cabled: Whether the other end is up, so that the link is up unless shut down.
        neighbor: Router id of the OSPF neighbour at the other end; None for none.
    """

    name: str
    address: str | None = None
    description: str = ""
    shutdown: bool = False
    cabled: bool = True
    neighbor: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One simulated device: who it is, where it listens, how it behaves.

    Attributes:
        name: Its host name; its host key is derived from it.
        port: TCP port on `address`; 0 lets the system pick one (see `Fleet.endpoint`).
        platform: What it claims to be.
        address: Where it listens: an address in 127.0.0.0/8.
        interfaces: Its interfaces, in the order in which they are shown.
        serial: Its invented serial number; empty derives one from the name.
        uptime_s: How long it had been up when the fleet started, in seconds.
        user: The only login name.
        password: The password of that login.
        secret: What `enable` asks for.
        sudo_asks: Whether `sudo` on a server asks for the password; False is `NOPASSWD` of sudoers(5).
        privilege: Privilege level after login on a CLI platform: 1 is user mode, 15 privileged mode.
        authorized_keys: Public keys in OpenSSH format that may log in as `user`.
        listening: False for a device that is down: its port is held, and nobody listens.
        accepts_login: False for a device that refuses every login.
        answer_delay_s: How long it thinks before it answers a command, in seconds.
        login_delay_s: How long it thinks before it answers a login, in seconds.
        latency_s: How much later than sent it sees each message of the client, in seconds: a round-trip
            time. The TCP handshake is the kernel's and stays as fast as loopback is.
    """

    name: str
    port: int = 0
    platform: Platform = Platform.IOS
    address: str = "127.0.0.1"
    interfaces: tuple[Interface, ...] = ()
    serial: str = ""
    uptime_s: int = 3_116_760
    user: str = "demo"
    password: str = "demo"  # noqa: S105 - printed in the README: it guards nothing but a simulation
    secret: str = "enable"  # noqa: S105
    sudo_asks: bool = True
    privilege: int = 1
    authorized_keys: tuple[str, ...] = ()
    listening: bool = True
    accepts_login: bool = True
    answer_delay_s: float = 0.0
    login_delay_s: float = 0.0
    latency_s: float = 0.0
