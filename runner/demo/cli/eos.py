"""An Arista EOS switch: its command table, its configuration sessions and the output of its `show` commands.

The output has the format that the ntc-templates for `arista_eos` parse; the tests check this. Configuration
sessions follow "Configure Session" of the EOS user manual: a session changes a copy of the configuration,
`commit` makes the copy the running configuration, and `commit timer` takes it back unless it is confirmed.
"""

from __future__ import annotations

from datetime import timedelta
from difflib import unified_diff
from typing import TYPE_CHECKING

from runner.demo.cli import actions
from runner.demo.cli.grammar import Command, Fault, Refusal
from runner.demo.cli.modifiers import SWITCH_FILTERS
from runner.demo.cli.session import PRIVILEGED, Dialect, Mode, Row
from runner.demo.terminal import Pager

if TYPE_CHECKING:
    from runner.demo.cli.session import Session
    from runner.demo.cli.state import Configuration, InterfaceState

__all__ = ["EOS"]

Arguments = tuple[str, ...]

_VERSION = "4.30.1F"
_PROMPT_LETTERS = 6
"""Letters of a session's name that the prompt shows."""


def _short(name: str) -> str:
    """Return an interface's name as prompts and tables abbreviate it: `Et1`, `Ma1`, `Lo0`."""
    return name[:2] + name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def _prompt(session: Session) -> str:
    """Return the prompt: `eos1>`, `eos1#`, `eos1(config-if-Et1)#`, `eos1(config-s-change)#`."""
    place = "" if session.mode is Mode.EXEC else "config"
    if session.candidate is not None:
        place += f"-s-{session.candidate[:_PROMPT_LETTERS]}"
    if session.interface:
        place += f"-if-{_short(session.interface)}"
    sign = "#" if session.privilege >= PRIVILEGED else ">"
    return session.state.configuration.hostname + (f"({place})" if place else "") + sign


def _spoken(uptime: timedelta) -> str:
    """Return a duration in the format of EOS: `3 weeks, 3 days, 1 hour and 13 minutes`."""
    minutes = int(uptime.total_seconds()) // 60
    parts = [
        (minutes // 10080, "week"),
        (minutes // 1440 % 7, "day"),
        (minutes // 60 % 24, "hour"),
        (minutes % 60, "minute"),
    ]
    words = [f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n or unit == "minute"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[:-1] else words)


def _show_version(session: Session, _arguments: Arguments) -> str:
    state = session.state
    mac = state.new_interface("system").mac
    return f"""\
Arista cEOSLab
Hardware version:
Serial number: {state.serial}
Hardware MAC address: {mac}
System MAC address: {mac}

Software image version: {_VERSION}
Architecture: x86_64
Internal build version: {_VERSION}-demo
Internal build ID: 00000000-0000-0000-0000-00000000demo
Image format version: 1.0
Image optimization: None

cEOS tools version: none: this is a simulation, it switches nothing, and Arista has no part in it
Kernel version: 5.15.0-demo

Uptime: {_spoken(state.uptime)}
Total memory: 8152020 kB
Free memory: 6523112 kB

"""


def _show_hostname(session: Session, _arguments: Arguments) -> str:
    name = session.state.configuration.hostname
    return f"Hostname: {name}\nFQDN:     {name}\n"


def _show_clock(session: Session, _arguments: Arguments) -> str:
    return f"{session.state.now():%a %b %d %H:%M:%S %Y}\nTimezone: UTC\nClock source: NTP server\n"


def _show_interfaces_status(session: Session, arguments: Arguments) -> str:
    heading = "Port       Name               Status       Vlan     Duplex Speed  Type            Flags"
    lines = [heading + " Encapsulation"]
    for item in actions.chosen_interfaces(session, arguments):
        if item.virtual:
            continue
        status = "disabled" if item.shutdown else "connected" if item.cabled else "notconnect"
        vlan = "routed" if item.address else "1"
        port = f"{_short(item.name):<10} {item.description[:18]:<18} {status:<12} {vlan:<8}"
        lines.append(f"{port} {'full':<6} {'1G':<6} EbraTestPhyPort")
    return "\n".join(lines) + "\n"


def _show_ip_interface_brief(session: Session, _arguments: Arguments) -> str:
    lines = [
        f"{'Address':>85}",
        "Interface         IP Address            Status       Protocol            MTU    Owner",
        "----------------- --------------------- ------------ -------------- ----------- -------",
    ]
    for item in session.state.configuration.interfaces.values():
        if item.address is None:
            continue
        status = "admin down" if item.shutdown else "up" if item.up else "down"
        protocol = "up" if item.up else "down"
        lines.append(f"{item.name:<17} {item.address!s:<21} {status:<12} {protocol:<14} {1500:>11}")
    return "\n".join(lines) + "\n"


def _interface_lines(interface: InterfaceState) -> list[str]:
    lines = [f"interface {interface.name}"]
    if interface.description:
        lines.append(f"   description {interface.description}")
    if interface.shutdown:
        lines.append("   shutdown")
    if interface.address and interface.name.startswith("Ethernet"):
        lines.append("   no switchport")
    if interface.address:
        lines.append(f"   ip address {interface.address}")
    return [*lines, "!"]


def _text(session: Session, configuration: Configuration) -> str:
    """Return a configuration without its heading."""
    lines = [
        *("no aaa root", "!"),
        *(
            f"username {session.state.device.user} privilege 15 role network-admin secret sha512 $6$demo$",
            "!",
        ),
        *("transceiver qsfp default-mode 4x10G", "!", "service routing protocols model multi-agent", "!"),
        *(f"hostname {configuration.hostname}", "!"),
    ]
    if configuration.ntp_servers:
        lines += [*(f"ntp server {server}" for server in configuration.ntp_servers), "!"]
    lines += ["spanning-tree mode mstp", "!", "vlan 10", "!"]
    for interface in configuration.interfaces.values():
        lines += _interface_lines(interface)
    return "\n".join([*lines, "ip routing", "!", "end"]) + "\n"


def _headed(session: Session, command: str, configuration: Configuration) -> str:
    device = f"! device: {configuration.hostname} (cEOSLab, EOS-{_VERSION})"
    return f"! Command: {command}\n{device}\n!\n{_text(session, configuration)}"


def _show_running_config(session: Session, _arguments: Arguments) -> str:
    return _headed(session, "show running-config", session.state.configuration)


def _show_startup_config(session: Session, _arguments: Arguments) -> str:
    return session.state.startup


def _save(session: Session, _arguments: Arguments) -> str:
    session.state.save(_headed(session, "show startup-config", session.state.configuration))
    return "Copy completed successfully.\n"


def _write_erase(session: Session, _arguments: Arguments) -> str:
    """Erase the saved configuration after a question."""

    def erase() -> str:
        session.state.erase()
        return ""

    return actions.confirm(session, "Proceed with erasing startup configuration? [confirm]", erase)


def _configure(session: Session, _arguments: Arguments) -> str:
    """Enter configuration mode; EOS says nothing then."""
    session.mode = Mode.CONFIG
    return ""


def _enter_session(session: Session, arguments: Arguments) -> str:
    """Enter a configuration session, which begins as a copy of the running configuration."""
    candidates = session.state.candidates
    actions.leave_configuration(session)
    session.candidate = arguments[0] if arguments else f"sess-{len(candidates) + 1}"
    session.state.candidate(session.candidate)
    session.mode = Mode.CONFIG
    return ""


def _own(session: Session) -> str:
    """Return the name of this configuration session.

    Raises:
        Refusal: This is not a configuration session, so that its commands do not exist.
    """
    if session.candidate is None:
        raise Refusal(Fault.INVALID, 0)
    return session.candidate


def _commit(session: Session, arguments: Arguments) -> str:
    """Commit this session; with a time, take it back after this time unless it is committed again."""
    return _commit_named(session, (_own(session), *arguments))


def _commit_named(session: Session, arguments: Arguments) -> str:
    name, *timer = arguments
    hours, minutes, seconds = (int(part) for part in timer[0].split(":")) if timer else (0, 0, 0)
    after = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    session.state.commit(name, after if timer else None)
    return actions.leave_configuration(session)


def _abort(session: Session, _arguments: Arguments) -> str:
    """Throw this session away."""
    return _abort_named(session, (_own(session),))


def _abort_named(session: Session, arguments: Arguments) -> str:
    """Throw a session away; take back its commit with a timer."""
    fallback = session.state.fallback
    if fallback is not None and fallback.name == arguments[0]:
        session.state.revert()
    session.state.candidates.pop(arguments[0], None)
    return actions.leave_configuration(session)


def _show_session(session: Session, _arguments: Arguments) -> str:
    return _headed(session, "show session-config", session.state.candidate(_own(session)))


def _show_diffs(session: Session, arguments: Arguments) -> str:
    """Show the changes that a commit of a session would make, as a unified diff."""
    name = arguments[0] if arguments else _own(session)
    before = _text(session, session.state.configuration).splitlines()
    after = _text(session, session.state.candidate(name)).splitlines()
    names = ("system:/running-config", f"session:/{name}-session-config")
    return "".join(line + "\n" for line in unified_diff(before, after, *names, lineterm=""))


def _show_sessions(session: Session, _arguments: Arguments) -> str:
    state = session.state
    lines = [
        *("Maximum number of completed sessions: 1", "Maximum number of pending sessions: 5", ""),
        "  Name           State                  User       Terminal   Commit Time Left",
        "  -------------- ---------------------- ---------- ---------- ----------------",
    ]
    rows = [(name, "pending", "") for name in state.candidates]
    fallback = state.fallback
    if fallback is not None:
        seconds = int((fallback.deadline - state.now()).total_seconds())
        rows.append((fallback.name, "pendingCommitTimer", str(timedelta(seconds=seconds))))
    for name, condition, left in rows:
        mark = "*" if name == session.candidate else " "
        lines.append(
            f"{mark} {name:<14} {condition:<22} {state.device.user:<10} {'vty3':<10} {left}".rstrip()
        )
    return "\n".join(lines) + "\n"


def _set_page_length(session: Session, arguments: Arguments) -> str:
    """Set the length of a page, and say so."""
    actions.set_page_length(session, arguments)
    if session.page_length:
        return f"Pagination set to {session.page_length} lines.\n"
    return "Pagination disabled.\n"


def _set_width(_session: Session, arguments: Arguments) -> str:
    """Say that the width is set; lines are not broken here."""
    return f"Width set to {arguments[0]} columns.\n"


_EXEC: tuple[Row, ...] = (
    Command("configure", _configure, PRIVILEGED),
    Command("configure session", _enter_session, PRIVILEGED),
    Command("configure session WORD", _enter_session, PRIVILEGED),
    Command("configure session WORD abort", _abort_named, PRIVILEGED),
    Command("configure session WORD commit", _commit_named, PRIVILEGED),
    Command("configure session WORD commit timer HH:MM:SS", _commit_named, PRIVILEGED),
    Command("configure terminal", _configure, PRIVILEGED),
    Command("copy running-config startup-config", _save, PRIVILEGED),
    Command("disable", actions.disable),
    Command("enable", actions.enable),
    Command("exit", actions.log_out),
    Command("logout", actions.log_out),
    Command("reload", actions.restart, PRIVILEGED),
    Command("show clock", _show_clock),
    Command("show configuration sessions", _show_sessions, PRIVILEGED),
    Command("show hostname", _show_hostname),
    Command("show interfaces INTERFACE status", _show_interfaces_status),
    Command("show interfaces status", _show_interfaces_status),
    Command("show ip interface brief", _show_ip_interface_brief),
    Command("show running-config", _show_running_config, PRIVILEGED),
    Command("show session-config", _show_session, PRIVILEGED),
    Command("show session-config diffs", _show_diffs, PRIVILEGED),
    Command("show session-config named WORD diffs", _show_diffs, PRIVILEGED),
    Command("show startup-config", _show_startup_config, PRIVILEGED),
    Command("show version", _show_version),
    Command("terminal length <0-32767>", _set_page_length),
    Command("terminal width <0-32767>", _set_width),
    Command("write", _save, PRIVILEGED),
    Command("write erase", _write_erase, PRIVILEGED),
    Command("write memory", _save, PRIVILEGED),
)


EOS = Dialect(
    faults={
        Fault.INVALID: "% Invalid input (at token {token}: '{word}')\n",
        Fault.AMBIGUOUS: "% Ambiguous command (at token {token}: '{word}')\n",
        Fault.INCOMPLETE: "% Incomplete command (at token {token}: '{word}')\n",
    },
    commands={
        Mode.EXEC: _EXEC,
        Mode.CONFIG: (
            *actions.CONFIG_COMMANDS,
            Command("abort", _abort),
            Command("commit", _commit),
            Command("commit timer HH:MM:SS", _commit),
        ),
        Mode.INTERFACE: (*actions.INTERFACE_COMMANDS, actions.PREFIX_ADDRESS),
    },
    interface_types=("Ethernet", "Loopback", "Management", "Vlan"),
    prompt=_prompt,
    pager=Pager("\x1b[7m --More-- \x1b[27m", "\r\x1b[K"),
    filters=SWITCH_FILTERS,
    exec_in_config=True,
)
"""The dialect of an Arista switch."""
