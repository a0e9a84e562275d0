"""Description of a simulated device: plain values, set before the fleet starts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Device", "Interface", "Platform"]


class Platform(StrEnum):
    """The platform that a device simulates."""

    IOS = "ios"
    """A Cisco IOS-XE router: user and privileged mode, `% Invalid input detected at '^' marker.`"""
    NXOS = "nxos"
    """A Cisco NX-OS switch: privileged from the start, `% Invalid command at '^' marker.`"""
    EOS = "eos"
    """An Arista EOS switch: user and privileged mode, `configure session`, `% Invalid input`"""
    JUNOS = "junos"
    """A Juniper router: a candidate configuration, `commit confirmed`, `unknown command.`"""
    LINUX = "linux"
    """A server with a small shell and real exit codes."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface with its initial configuration.

    Attributes:
        name: Full name, such as `GigabitEthernet1`.
        address: IPv4 address and prefix length (`192.0.2.1/30`); None for no address.
        description: The description; empty for none.
        shutdown: Whether the interface is administratively down.
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
    """One simulated device: its identity, its address and its behaviour.

    Attributes:
        name: Host name; the host key is derived from it.
        port: TCP port on `address`; 0 lets the system pick one (see `Fleet.endpoint`).
        platform: The platform that it simulates.
        address: IPv4 address that it listens on, in 127.0.0.0/8.
        interfaces: Its interfaces, in the order in which they are shown.
        serial: Invented serial number; if empty, one is derived from the name.
        uptime_s: How long it had been up when the fleet started, in seconds.
        user: The only login name.
        password: The password of that login.
        secret: The password for `enable`.
        sudo_asks: Whether `sudo` on a server asks for the password; False is `NOPASSWD` of sudoers(5).
        privilege: Privilege level after login on a CLI platform: 1 is user mode, 15 privileged mode.
        authorized_keys: Public keys in OpenSSH format that may log in as `user`.
        listening: False for a device that is down: its port is reserved, but not listening.
        accepts_login: False for a device that rejects every login.
        answers_exec: False for a device that refuses exec requests and offers only a shell.
        answer_delay_s: Delay before it answers a command, in seconds.
        login_delay_s: Delay before it answers a login, in seconds.
        latency_s: Delay of each message from the client, in seconds: a simulated round-trip time. The kernel
            does the TCP handshake, which stays as fast as loopback.
    """

    name: str
    port: int = 0
    platform: Platform = Platform.IOS
    address: str = "127.0.0.1"
    interfaces: tuple[Interface, ...] = ()
    serial: str = ""
    uptime_s: int = 3_116_760
    user: str = "demo"
    password: str = "demo"  # noqa: S105 - public, printed in the README: it protects only a simulation
    secret: str = "enable"  # noqa: S105
    sudo_asks: bool = True
    privilege: int = 1
    authorized_keys: tuple[str, ...] = ()
    listening: bool = True
    accepts_login: bool = True
    answers_exec: bool = True
    answer_delay_s: float = 0.0
    login_delay_s: float = 0.0
    latency_s: float = 0.0
