"""A Cisco IOS-XE router: its command table and the output of its `show` commands.

The output has the format that the ntc-templates for `cisco_ios` parse; the tests check this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.demo.cli import actions
from runner.demo.cli.grammar import Command, Fault
from runner.demo.cli.session import PRIVILEGED, Dialect, Mode, Question, Row

if TYPE_CHECKING:
    from datetime import timedelta

    from runner.demo.cli.session import Session
    from runner.demo.cli.state import InterfaceState

__all__ = ["IOS"]

Arguments = tuple[str, ...]

_IMAGE = "X86_64_LINUX_IOSD-UNIVERSALK9-M"
_TWO_ADDRESSES = 30
"""Prefix length of the network between two routers."""


def _spoken(uptime: timedelta) -> str:
    """Return a duration in the format of IOS: `5 weeks, 1 day, 1 hour, 46 minutes`."""
    minutes = int(uptime.total_seconds()) // 60
    parts = [
        (minutes // 10080, "week"),
        (minutes // 1440 % 7, "day"),
        (minutes // 60 % 24, "hour"),
        (minutes % 60, "minute"),
    ]
    return ", ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n or unit == "minute")


def _show_version(session: Session, _arguments: Arguments) -> str:
    state = session.state
    name = state.configuration.hostname
    ports = sum(not interface.virtual for interface in state.configuration.interfaces.values())
    return f"""\
Cisco IOS XE Software, Version 17.09.04a
Cisco IOS Software [Cupertino], Virtual XE Software ({_IMAGE}), Version 17.9.4a, RELEASE SOFTWARE (fc3)
Technical Support: http://www.cisco.com/techsupport
This is a simulation: it routes nothing, and Cisco has no part in it.
Compiled Fri 20-Oct-23 10:44 by demo

ROM: IOS-XE ROMMON

{name} uptime is {_spoken(state.uptime)}
Uptime for this control processor is {_spoken(state.uptime)}
System returned to ROM by reload
System image file is "bootflash:packages.conf"
Last reload reason: reload

License Level: ax
License Type: Perpetual
Next reload license Level: ax

The current throughput level is 10000 kbps

Smart Licensing Status: Registration Not Applicable/Not Applicable

cisco C8000V (VXE) processor (revision VXE) with 2028465K/3075K bytes of memory.
Processor board ID {state.serial}
Router operating mode: Autonomous
{ports} Gigabit Ethernet interfaces
32768K bytes of non-volatile configuration memory.
3965316K bytes of physical memory.
6188032K bytes of virtual hard disk at bootflash:.

Configuration register is 0x2102

"""


def _status(interface: InterfaceState) -> str:
    if interface.shutdown:
        return "administratively down"
    return "up" if interface.up else "down"


def _show_ip_interface_brief(session: Session, _arguments: Arguments) -> str:
    lines = ["Interface              IP-Address      OK? Method Status                Protocol"]
    for interface in session.state.configuration.interfaces.values():
        address = str(interface.address.ip) if interface.address else "unassigned"
        method = "NVRAM" if interface.address else "unset"
        protocol = "up" if interface.up else "down"
        lines.append(
            f"{interface.name:<22} {address:<15} YES {method:<6} {_status(interface):<21} {protocol:<8}"
        )
    return "\n".join(lines) + "\n"


def _show_ip_ospf_neighbor(session: Session, _arguments: Arguments) -> str:
    """List the neighbours over links that are up. The hello timers are not simulated."""
    lines = ["", "Neighbor ID     Pri   State           Dead Time   Address         Interface"]
    for interface in session.state.configuration.interfaces.values():
        address = _other_end(interface)
        if interface.neighbor and interface.up and address:
            neighbor = f"{interface.neighbor:<15}   0   FULL/  -        00:00:36"
            lines.append(f"{neighbor}    {address:<15} {interface.name}")
    return "\n".join(lines) + "\n" if lines[2:] else ""


def _other_end(interface: InterfaceState) -> str:
    """Return the other address of a link between two routers; empty if the network is not a /30."""
    if interface.address is None or interface.address.network.prefixlen != _TWO_ADDRESSES:
        return ""
    return next(str(other) for other in interface.address.network.hosts() if other != interface.address.ip)


def _show_interfaces(session: Session, arguments: Arguments) -> str:
    return "".join(_interface_text(interface) for interface in actions.chosen_interfaces(session, arguments))


def _interface_text(interface: InterfaceState) -> str:
    protocol = "up" if interface.up else "down"
    head = [f"{interface.name} is {_status(interface)}, line protocol is {protocol}"]
    if interface.name.startswith("Loopback"):
        head.append("  Hardware is Loopback")
    else:
        kind = "Ethernet SVI" if interface.virtual else "CSR vNIC"
        head.append(f"  Hardware is {kind}, address is {interface.mac} (bia {interface.mac})")
    if interface.description:
        head.append(f"  Description: {interface.description}")
    if interface.address:
        head.append(f"  Internet address is {interface.address}")
    return "\n".join(head) + "\n" + (_LOOPBACK if interface.virtual else _ETHERNET) + _COUNTERS


_LOOPBACK = """\
  MTU 1514 bytes, BW 8000000 Kbit/sec, DLY 5000 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation LOOPBACK, loopback not set
  Keepalive set (10 sec)
"""

_ETHERNET = """\
  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation ARPA, loopback not set
  Keepalive set (10 sec)
  Full Duplex, 1000Mbps, link type is auto, media type is Virtual
  output flow-control is unsupported, input flow-control is unsupported
  ARP type: ARPA, ARP Timeout 04:00:00
"""

_COUNTERS = """\
  Last input 00:00:01, output 00:00:02, output hang never
  Last clearing of "show interface" counters never
  Input queue: 0/375/0/0 (size/max/drops/flushes); Total output drops: 0
  Queueing strategy: fifo
  Output queue: 0/40 (size/max)
  5 minute input rate 1000 bits/sec, 1 packets/sec
  5 minute output rate 1000 bits/sec, 1 packets/sec
     48211 packets input, 5203164 bytes, 0 no buffer
     Received 0 broadcasts (0 IP multicasts)
     0 runts, 0 giants, 0 throttles
     0 input errors, 0 CRC, 0 frame, 0 overrun, 0 ignored
     0 watchdog, 0 multicast, 0 pause input
     47955 packets output, 5178013 bytes, 0 underruns
     0 output errors, 0 collisions, 1 interface resets
     0 unknown protocol drops
     0 babbles, 0 late collision, 0 deferred
     0 lost carrier, 0 no carrier, 0 pause output
     0 output buffer failures, 0 output buffers swapped out
"""


def _show_inventory(session: Session, _arguments: Arguments) -> str:
    return f"""\
NAME: "Chassis", DESCR: "Cisco Catalyst 8000V Edge Chassis"
PID: C8000V            , VID: V00, SN: {session.state.serial}

NAME: "module R0", DESCR: "Cisco Catalyst 8000V Edge Route Processor"
PID: C8000V            , VID: V00, SN: {session.state.serial}

NAME: "module F0", DESCR: "Cisco Catalyst 8000V Edge Embedded Services Processor"
PID: C8000V            , VID: V00, SN:

"""


def _show_clock(session: Session, _arguments: Arguments) -> str:
    now = session.state.now()
    return f"*{now:%H:%M:%S}.{now.microsecond // 1000:03} UTC {now:%a %b} {now.day} {now.year}\n"


def _interface_lines(interface: InterfaceState) -> list[str]:
    lines = [f"interface {interface.name}"]
    if interface.description:
        lines.append(f" description {interface.description}")
    if interface.address:
        lines.append(f" ip address {interface.address.ip} {interface.address.netmask}")
    else:
        lines.append(" no ip address")
    if interface.shutdown:
        lines.append(" shutdown")
    if not interface.virtual:
        lines.append(" negotiation auto")
    return [*lines, "!"]


def _running_config(session: Session) -> str:
    """Return the configuration without its heading."""
    configuration, device = session.state.configuration, session.state.device
    lines = [
        *(
            "!",
            "version 17.9",
            "service timestamps debug datetime msec",
            "service timestamps log datetime msec",
        ),
        *("service password-encryption", "platform console serial", "!"),
        *(f"hostname {configuration.hostname}", "!", "boot-start-marker", "boot-end-marker", "!"),
        *("enable secret 9 $9$demo$hidden", "!", "no aaa new-model", "!", "no ip domain lookup", "!"),
        *(
            f"username {device.user} privilege {device.privilege} secret 9 $9$demo$hidden",
            "!",
        ),
    ]
    for interface in configuration.interfaces.values():
        lines += _interface_lines(interface)
    lines += [
        "ip forward-protocol nd",
        "no ip http server",
        "no ip http secure-server",
        "ip ssh version 2",
        "!",
    ]
    lines += [f"ntp server {server}" for server in configuration.ntp_servers]
    lines += ["!", "line con 0", " transport preferred none", " stopbits 1"]
    lines += ["line vty 0 4", " login local", " transport preferred none", " transport input ssh", "!", "end"]
    return "\n".join(lines) + "\n"


def _show_running_config(session: Session, _arguments: Arguments) -> str:
    text = _running_config(session)
    return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n{text}\n"


def _show_startup_config(session: Session, _arguments: Arguments) -> str:
    text = session.state.startup
    return f"Using {len(text)} out of 33554432 bytes\n{text}\n" if text else "startup-config is not present\n"


def _write_memory(session: Session, _arguments: Arguments) -> str:
    session.state.save(_running_config(session))
    return "Building configuration...\n[OK]\n"


def _copy_to_startup(session: Session, arguments: Arguments) -> str:
    """Save after a question. Another file name than that of the start is not simulated."""

    def reply(name: str) -> str:
        if name.strip() in {"", "startup-config"}:
            return _write_memory(session, arguments)
        return f"%Error opening nvram:{name.strip()} (Permission denied)\n"

    return session.ask(Question("Destination filename [startup-config]? ", reply))


def _write_erase(session: Session, _arguments: Arguments) -> str:
    """Erase the saved configuration after a question."""

    def erase() -> str:
        session.state.erase()
        return "[OK]\nErase of nvram: complete\n"

    warning = "Erasing the nvram filesystem will remove all configuration files! Continue? [confirm]"
    return actions.confirm(session, warning, erase)


def _ping(session: Session, arguments: Arguments) -> str:
    answered = actions.answers_ping(session, arguments)
    outcome = "100 percent (5/5), round-trip min/avg/max = 1/1/2 ms" if answered else "0 percent (0/5)"
    return (
        "Type escape sequence to abort.\n"
        f"Sending 5, 100-byte ICMP Echos to {arguments[0]}, timeout is 2 seconds:\n"
        f"{'!!!!!' if answered else '.....'}\n"
        f"Success rate is {outcome}\n"
    )


_EXEC: tuple[Row, ...] = (
    Command("configure terminal", actions.configure, PRIVILEGED),
    Command("copy running-config startup-config", _copy_to_startup, PRIVILEGED),
    Command("disable", actions.disable),
    Command("enable", actions.enable),
    Command("exit", actions.log_out),
    Command("logout", actions.log_out),
    Command("ping A.B.C.D", _ping),
    Command("quit", actions.log_out),
    Command("reload", actions.restart, PRIVILEGED),
    Command("show clock", _show_clock),
    Command("show interfaces", _show_interfaces),
    Command("show interfaces INTERFACE", _show_interfaces),
    Command("show inventory", _show_inventory),
    Command("show ip interface brief", _show_ip_interface_brief),
    Command("show ip ospf neighbor", _show_ip_ospf_neighbor),
    Command("show running-config", _show_running_config, PRIVILEGED),
    Command("show startup-config", _show_startup_config, PRIVILEGED),
    Command("show version", _show_version),
    Command("terminal length <0-512>", actions.set_page_length),
    Command("terminal no length", actions.set_page_length),
    Command("terminal width <0-512>", actions.accept),
    Command("write", _write_memory, PRIVILEGED),
    Command("write erase", _write_erase, PRIVILEGED),
    Command("write memory", _write_memory, PRIVILEGED),
)

IOS = Dialect(
    faults={
        Fault.INVALID: "{caret}^\n% Invalid input detected at '^' marker.\n\n",
        Fault.AMBIGUOUS: '% Ambiguous command:  "{line}"\n',
        Fault.INCOMPLETE: "% Incomplete command.\n\n",
    },
    commands={
        Mode.EXEC: _EXEC,
        Mode.CONFIG: actions.CONFIG_COMMANDS,
        Mode.INTERFACE: actions.INTERFACE_COMMANDS,
    },
    interface_types=("GigabitEthernet", "Loopback", "Vlan"),
)
"""The dialect of a router."""
