"""A Cisco NX-OS switch: its command table and the output of its `show` commands.

The output has the format that the ntc-templates for `cisco_nxos` parse; the tests check this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.demo.cli import actions
from runner.demo.cli.grammar import Command, Fault
from runner.demo.cli.modifiers import SWITCH_FILTERS
from runner.demo.cli.session import Dialect, Mode, Row, cisco_prompt

if TYPE_CHECKING:
    from datetime import timedelta

    from runner.demo.cli.session import Session
    from runner.demo.cli.state import InterfaceState

__all__ = ["NXOS"]

Arguments = tuple[str, ...]


def _spoken(uptime: timedelta) -> str:
    """Return a duration in the format of NX-OS: `12 day(s), 3 hour(s), 5 minute(s), 41 second(s)`."""
    seconds = int(uptime.total_seconds())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    return f"{days} day(s), {hours} hour(s), {minutes} minute(s), {seconds % 60} second(s)"


def _show_version(session: Session, _arguments: Arguments) -> str:
    state = session.state
    return f"""\
Cisco Nexus Operating System (NX-OS) Software
TAC support: http://www.cisco.com/tac
This is a simulation: it switches nothing, and Cisco has no part in it.

Software
  BIOS: version 08.40
  NXOS: version 10.3(4a) [Maintenance Release]
  BIOS compile time:  05/26/2023
  NXOS image file is: bootflash:///nxos64-cs.10.3.4a.M.bin
  NXOS compile time:  10/20/2023 12:00:00 [10/20/2023 19:23:31]

Hardware
  cisco Nexus9000 C9300v Chassis
  Intel(R) Xeon(R) CPU with 16408964 kB of memory.
  Processor Board ID {state.serial}

  Device name: {state.configuration.hostname}
  bootflash:    4287040 kB

Kernel uptime is {_spoken(state.uptime)}

Last reset
  Reason: Unknown
  System version:
  Service:

plugin
  Core Plugin, Ethernet Plugin

Active Package(s):

"""


def _short(name: str) -> str:
    """Return an interface's name as the brief tables abbreviate it: `Eth1/1`, `Lo0`."""
    return name.replace("Ethernet", "Eth").replace("loopback", "Lo")


def _show_ip_interface_brief(session: Session, _arguments: Arguments) -> str:
    lines = [
        'IP Interface Status for VRF "default"(1)',
        "Interface            IP Address      Interface Status",
    ]
    for interface in session.state.configuration.interfaces.values():
        if interface.address is None or interface.name == "mgmt0":
            continue
        link = "up" if interface.up else "down"
        admin = "down" if interface.shutdown else "up"
        status = f"protocol-{link}/link-{link}/admin-{admin}"
        lines.append(f"{_short(interface.name):<20} {interface.address.ip!s:<15} {status}")
    return "\n".join(lines) + "\n"


def _reason(interface: InterfaceState) -> str:
    if interface.shutdown:
        return "Administratively down"
    return "none" if interface.cabled else "Link not connected"


def _show_interface_brief(session: Session, _arguments: Arguments) -> str:
    interfaces = session.state.configuration.interfaces.values()
    rule = "-" * 80
    lines = [rule, "Port   VRF          Status IP Address                              Speed    MTU", rule]
    for item in interfaces:
        if item.name == "mgmt0":
            address = str(item.address.ip) if item.address else "--"
            lines.append(f"{item.name:<6} {'--':<12} {_link(item):<6} {address:<39} {'1000':<8} 1500")
    lines += ["", rule, "Ethernet        VLAN    Type Mode   Status  Reason                 Speed     Port"]
    lines += ["Interface                                                                    Ch #", rule]
    for item in interfaces:
        if item.name.startswith("Ethernet"):
            speed = "1000(D)" if item.up else "auto(D)"
            row = f"{_short(item.name):<15} 1       eth  access {_link(item):<7} {_reason(item):<22}"
            lines.append(f"{row} {speed:<9} --")
    return "\n".join(lines) + "\n"


def _link(interface: InterfaceState) -> str:
    return "up" if interface.up else "down"


def _show_interface(session: Session, arguments: Arguments) -> str:
    return "\n".join(
        _interface_text(interface) for interface in actions.chosen_interfaces(session, arguments)
    )


def _interface_text(interface: InterfaceState) -> str:
    blame = "" if interface.up else f" ({_reason(interface)})"
    admin = "down" if interface.shutdown else "up"
    lines = [f"{interface.name} is {_link(interface)}{blame}"]
    if interface.name.startswith("Vlan"):
        lines += [f"admin state is {admin}", f"  Hardware is EtherSVI, address is {interface.mac}"]
    elif interface.virtual:
        lines += [f"admin state is {admin}", "  Hardware: Loopback"]
    else:
        lines.append(f"admin state is {admin}, Dedicated Interface")
        lines.append(f"  Hardware: 100/1000/10000 Ethernet, address: {interface.mac} (bia {interface.mac})")
    if interface.description:
        lines.append(f"  Description: {interface.description}")
    if interface.address:
        lines.append(f"  Internet Address is {interface.address}")
    return "\n".join(lines) + "\n" + _LINE_RATE + ("" if interface.virtual else _PORT) + _COUNTERS


_LINE_RATE = """\
  MTU 1500 bytes, BW 1000000 Kbit, DLY 10 usec
  reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation ARPA, medium is broadcast
"""

_PORT = """\
  Port mode is access
  full-duplex, 1000 Mb/s
  Beacon is turned off
  Auto-Negotiation is turned on  FEC mode is Auto
  Input flow-control is off, output flow-control is off
  Auto-mdix is turned off
  Switchport monitor is off
  EtherType is 0x8100
  EEE (efficient-ethernet) : n/a
  Last link flapped 1week(s) 3day(s)
  Last clearing of "show interface" counters never
  1 interface resets
"""

_COUNTERS = """\
  RX
    24180 unicast packets  340 multicast packets  10 broadcast packets
    24530 input packets  2010450 bytes
    0 jumbo packets  0 storm suppression packets
    0 runts  0 giants  0 CRC  0 no buffer
    0 input error  0 short frame  0 overrun   0 underrun  0 ignored
    0 watchdog  0 bad etype drop  0 bad proto drop  0 if down drop
    0 input with dribble  0 input discard
    0 Rx pause
  TX
    23990 unicast packets  510 multicast packets  12 broadcast packets
    24512 output packets  1998760 bytes
    0 jumbo packets
    0 output error  0 collision  0 deferred  0 late collision
    0 lost carrier  0 no carrier  0 babble  0 output discard
    0 Tx pause
"""


def _show_inventory(session: Session, _arguments: Arguments) -> str:
    return f"""\
NAME: "Chassis",  DESCR: "Nexus9000 C9300v Chassis"
PID: N9K-C9300v          ,  VID: V02 ,  SN: {session.state.serial}

NAME: "Slot 1",  DESCR: "Nexus 9000v Ethernet Module"
PID: N9K-X9364v          ,  VID: V02 ,  SN: {session.state.serial}

"""


def _show_clock(session: Session, _arguments: Arguments) -> str:
    now = session.state.now()
    stamp = f"{now:%H:%M:%S}.{now.microsecond // 1000:03} UTC {now:%a %b %d %Y}"
    return f"{stamp}\nTime source is NTP\n"


def _interface_lines(interface: InterfaceState) -> list[str]:
    lines = ["", f"interface {interface.name}"]
    if interface.description:
        lines.append(f"  description {interface.description}")
    if interface.name == "mgmt0":
        lines.append("  vrf member management")
    if interface.address:
        lines.append(f"  ip address {interface.address}")
    if interface.shutdown:
        lines.append("  shutdown")
    elif interface.name.startswith("Vlan"):
        lines.append("  no shutdown")
    return lines


def _show_running_config(session: Session, _arguments: Arguments) -> str:
    configuration = session.state.configuration
    now = session.state.now()
    lines = [
        "",
        "!Command: show running-config",
        f"!Time: {now:%a %b %d %H:%M:%S %Y}",
        *("", "version 10.3(4a) Bios:version 08.40", f"hostname {configuration.hostname}"),
        *("vdc switch id 1", "", "feature interface-vlan", "", "no password strength-check"),
        f"username {session.state.device.user} password 5 $5$demo$hidden  role network-admin",
        *("ip domain-lookup", "vlan 1,10"),
        *[f"ntp server {server}" for server in configuration.ntp_servers],
    ]
    for interface in configuration.interfaces.values():
        lines += _interface_lines(interface)
    lines += ["", "line console", "line vty", "boot nxos bootflash:/nxos64-cs.10.3.4a.M.bin"]
    return "\n".join(lines) + "\n\n"


def _show_startup_config(session: Session, _arguments: Arguments) -> str:
    return session.state.startup or "No startup configuration\n"


def _save(session: Session, arguments: Arguments) -> str:
    session.state.save(_show_running_config(session, arguments).replace("running-config", "startup-config"))
    bar = "#" * 40
    return f"[{bar}] 100%\nCopy complete, now saving to disk (please wait)...\nCopy complete.\n"


def _write_erase(session: Session, _arguments: Arguments) -> str:
    """Erase the saved configuration after a question."""

    def erase() -> str:
        session.state.erase()
        return ""

    return "Warning: This command will erase the startup-configuration.\n" + actions.ask_whether(
        session, "Do you wish to proceed anyway? (y/n)  [n] ", erase
    )


def _reload(session: Session, _arguments: Arguments) -> str:
    """Restart the switch after a question."""
    return actions.ask_whether(session, "This command will reboot the system. (y/n)?  [n] ", session.restart)


def _ping(session: Session, arguments: Arguments) -> str:
    target = arguments[0]
    answered = actions.answers_ping(session, arguments)
    lines = [f"PING {target} ({target}): 56 data bytes"]
    for number in range(5):
        reply = f"64 bytes from {target}: icmp_seq={number} ttl=254 time=1.2 ms"
        lines.append(reply if answered else f"Request {number} timed out")
    received, loss = (5, "0.00") if answered else (0, "100.00")
    lines += ["", f"--- {target} ping statistics ---"]
    lines.append(f"5 packets transmitted, {received} packets received, {loss}% packet loss")
    return "\n".join(lines) + "\n"


_EXEC: tuple[Row, ...] = (
    Command("configure terminal", actions.configure),
    Command("copy running-config startup-config", _save),
    Command("exit", actions.log_out),
    Command("ping A.B.C.D", _ping),
    Command("reload", _reload),
    Command("show clock", _show_clock),
    Command("show interface", _show_interface),
    Command("show interface INTERFACE", _show_interface),
    Command("show interface brief", _show_interface_brief),
    Command("show inventory", _show_inventory),
    Command("show ip interface brief", _show_ip_interface_brief),
    Command("show running-config", _show_running_config),
    Command("show startup-config", _show_startup_config),
    Command("show version", _show_version),
    Command("terminal length <0-512>", actions.set_page_length),
    Command("terminal width <0-512>", actions.accept),
    Command("write erase", _write_erase),
)

NXOS = Dialect(
    faults={
        Fault.INVALID: "{caret}^\n% Invalid command at '^' marker.\n",
        Fault.AMBIGUOUS: "{caret}^\n% Ambiguous command at '^' marker.\n",
        Fault.INCOMPLETE: "{caret}^\n% Incomplete command at '^' marker.\n",
    },
    commands={
        Mode.EXEC: _EXEC,
        Mode.CONFIG: actions.CONFIG_COMMANDS,
        Mode.INTERFACE: (*actions.INTERFACE_COMMANDS, actions.PREFIX_ADDRESS),
    },
    interface_types=("Ethernet", "Vlan", "loopback", "mgmt"),
    prompt=lambda session: cisco_prompt(session) + " ",
    filters=SWITCH_FILTERS,
    exec_in_config=True,
)
"""The dialect of a switch."""
