"""A Juniper router: its command table, its candidate configuration and the output of its `show` commands.

All users edit one candidate, and nothing takes effect before `commit`; `commit confirmed` takes it back
unless it is confirmed in time ("Commit the Configuration" of the Junos OS CLI user guide). Only the
statements of `_CONFIG` exist, and an interface has one address. The output has the format that the
ntc-templates for `juniper_junos` parse, if there is one; the tests check this.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from runner.demo.cli import actions
from runner.demo.cli.grammar import Command, Fault
from runner.demo.cli.modifiers import JUNOS_FILTERS
from runner.demo.cli.session import Dialect, Mode, Row
from runner.demo.cli.statements import UNIT, VERSION, differences, in_braces, statements
from runner.demo.terminal import Pager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from runner.demo.cli.session import Session
    from runner.demo.cli.state import Configuration, DeviceState, InterfaceState
    from runner.demo.cli.statements import Statement

__all__ = ["JUNOS"]

Arguments = tuple[str, ...]

_SHARED = ""
"""The name of the only candidate."""

_CONFIRM_MINUTES = 10


def _prompt(session: Session) -> str:
    """Return the prompt: a blank line, a pending commit, the place in the configuration, user and host."""
    state, fallback = session.state, session.state.fallback
    configuring = session.mode is Mode.CONFIG
    lines = [""]
    if fallback is not None:
        minutes = math.ceil((fallback.deadline - state.now()) / timedelta(minutes=1))
        lines.append(f"# commit confirmed will be rolled back in {minutes} minutes")
    if configuring:
        lines.append("[edit]")
    name = f"{state.device.user}@{state.configuration.hostname}"
    return "\n".join([*lines, f"{name}# " if configuring else f"{name}> "])


def _as_text(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _running(session: Session) -> list[Statement]:
    return statements(session.state.configuration, session.state.device.user)


def _candidate(session: Session) -> list[Statement]:
    return statements(session.state.candidate(_SHARED), session.state.device.user)


def _show_configuration(session: Session, _arguments: Arguments) -> str:
    state = session.state
    head = f"## Last commit: {state.changed:%Y-%m-%d %H:%M:%S} UTC by {state.device.user}"
    return _as_text([head, *in_braces(_running(session))])


def _show_candidate(session: Session, _arguments: Arguments, section: str = "") -> str:
    chosen = [each[bool(section) :] for each in _candidate(session) if section in {"", each[0]}]
    return _as_text(in_braces(chosen))


def _as_set_commands(
    chosen: Callable[[Session], list[Statement]], session: Session, _arguments: Arguments
) -> str:
    return _as_text("set " + " ".join(statement) for statement in chosen(session))


def _compare(session: Session, _arguments: Arguments) -> str:
    return _as_text(differences(_running(session), _candidate(session)))


def _show_version(session: Session, _arguments: Arguments) -> str:
    return f"""\
Hostname: {session.state.configuration.hostname}
Model: vmx
Junos: {VERSION}
JUNOS simulation: it routes nothing, and Juniper has no part in it [{VERSION}]
JUNOS OS Kernel 64-bit  [20221013.demo]
JUNOS OS libs [20221013.demo]
JUNOS OS runtime [20221013.demo]
JUNOS OS time zone information [20221013.demo]
JUNOS network stack and utilities [20221013.demo]
JUNOS libs [20221013.demo]
JUNOS runtime [20221013.demo]
JUNOS common platform support [20221013.demo]
JUNOS mx modules [20221013.demo]
JUNOS mx runtime [20221013.demo]
JUNOS Routing mpls-oam-basic [20221013.demo]
JUNOS Routing lsys [20221013.demo]
JUNOS Packet Forwarding Engine Support (mx/vmx) [20221013.demo]
JUNOS Online Documentation [20221013.demo]
JUNOS FIPS mode utilities [20221013.demo]
"""


def _show_interfaces_terse(session: Session, arguments: Arguments) -> str:
    lines = ["Interface               Admin Link Proto    Local                 Remote"]
    for item in actions.chosen_interfaces(session, arguments):
        admin, link = "down" if item.shutdown else "up", "up" if item.up else "down"
        lines.append(f"{item.name:<23} {admin:<5} {link}")
        if item.address:
            lines.append(f"{item.name + '.0':<23} {admin:<5} {link:<4} inet     {item.address}")
    return _as_text(lines)


def _show_system_uptime(session: Session, _arguments: Arguments) -> str:
    state = session.state
    return (
        f"Current time: {state.now():%Y-%m-%d %H:%M:%S} UTC\n"
        f"System booted: {_since(state, state.booted)}\n"
        f"Last configured: {_since(state, state.changed)} by {state.device.user}\n"
    )


def _since(state: DeviceState, moment: datetime) -> str:
    """Return a time, and how long ago it was: `2026-11-23 12:00:00 UTC (1d 02:30 ago)`."""
    ago = state.now() - moment
    hours, minutes = ago.seconds // 3600, ago.seconds // 60 % 60
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({ago.days}d {hours:02}:{minutes:02} ago)"


def _set_page_length(session: Session, arguments: Arguments) -> str:
    actions.set_page_length(session, arguments)
    return f"Screen length set to {arguments[0]}\n"


def _set_width(_session: Session, arguments: Arguments) -> str:
    return f"Screen width set to {arguments[0]}\n"


def _set_completion(word: str, _session: Session, _arguments: Arguments) -> str:
    """Accept the setting: this CLI completes nothing while a user types."""
    return f"{word} complete-on-space\n"


def _reboot(session: Session, _arguments: Arguments) -> str:
    def reboot() -> str:
        return session.restart() + "\nShutdown NOW!\n[pid 4711]\n"

    return actions.ask_whether(session, "Reboot the system ? [yes,no] (no) ", reboot)


def _is_changed(session: Session) -> bool:
    return _SHARED in session.state.candidates and _candidate(session) != _running(session)


def _configure(session: Session, _arguments: Arguments) -> str:
    session.mode = Mode.CONFIG
    session.candidate = _SHARED
    warning = "The configuration has been changed but not committed\n" if _is_changed(session) else ""
    return "Entering configuration mode\n" + warning


def _leave(session: Session, _arguments: Arguments = ()) -> str:
    """Leave configuration mode, after a question if the candidate has changes; they stay in it."""

    def leave() -> str:
        return actions.leave_configuration(session) + "Exiting configuration mode\n"

    if not _is_changed(session):
        return leave()
    actions.ask_whether(session, "Exit with uncommitted changes? [yes,no] (yes) ", leave, default=True)
    return "The configuration has been changed but not committed\n"


def _rollback(session: Session, arguments: Arguments) -> str:
    """Load an earlier configuration into the candidate; 0 is the one that runs."""
    number = int(arguments[0]) if arguments else 0
    earlier = session.state.earlier(number)
    if number and earlier is None:
        return f"error: configuration {number} does not exist\n"
    session.state.candidates.pop(_SHARED, None)
    if earlier is not None:
        session.state.candidates[_SHARED] = earlier
    return "load complete\n"


def _faults_of(configuration: Configuration) -> str:
    """Return why a configuration cannot be committed; empty if it can."""
    seen: dict[ipaddress.IPv4Address, str] = {}
    for interface in configuration.interfaces.values():
        if interface.address is None:
            continue
        other = seen.setdefault(interface.address.ip, interface.name)
        if other != interface.name:
            place = f"[edit interfaces {interface.name} {' '.join(UNIT)}]"
            clash = f"identical local address found on intfs {other}.0 and {interface.name}.0"
            head = f"{place}\n  'address {interface.address}'\n    {clash}\n"
            return head + "error: configuration check-out failed\n"
    return ""


def _commit(session: Session, _arguments: Arguments) -> str:
    """Commit the candidate, which also confirms an earlier commit."""
    state = session.state
    faults = _faults_of(state.candidate(_SHARED))
    if faults:
        return faults
    state.commit(_SHARED)
    _save(session)
    return "commit complete\n"


def _save(session: Session) -> None:
    """Save the running configuration for the next start, as every commit does that needs no confirmation."""
    session.state.save(_as_text(in_braces(_running(session))))


def _commit_and_quit(session: Session, arguments: Arguments) -> str:
    text = _commit(session, arguments)
    return text + _leave(session) if text == "commit complete\n" else text


def _commit_with_comment(session: Session, arguments: Arguments) -> str:
    """Commit with a comment, which is not kept; `and-quit` may follow it."""
    act = _commit_and_quit if arguments[0].endswith(" and-quit") else _commit
    return act(session, arguments)


def _commit_check(session: Session, _arguments: Arguments) -> str:
    """Check the candidate. It also confirms an earlier commit, as on the real system."""
    faults = _faults_of(session.state.candidate(_SHARED))
    if faults:
        return faults
    session.state.confirm()
    _save(session)
    return "configuration check succeeds\n"


def _commit_confirmed(session: Session, arguments: Arguments) -> str:
    """Commit the candidate for a time in minutes."""
    minutes = int(arguments[0]) if arguments else _CONFIRM_MINUTES
    faults = _faults_of(session.state.candidate(_SHARED))
    if faults:
        return faults
    session.state.commit(_SHARED, timedelta(minutes=minutes))
    promise = f"commit confirmed will be automatically rolled back in {minutes} minutes unless confirmed"
    return f"{promise}\ncommit complete\n"


def _delete_servers(session: Session, arguments: Arguments) -> str:
    """Delete a time server, or all of them."""
    servers = session.configuration.ntp_servers
    chosen = [server for server in servers if server in (arguments or servers)]
    if not chosen:
        return "warning: statement not found\n"
    servers[:] = [server for server in servers if server not in chosen]
    return ""


def _interface(session: Session, name: str) -> InterfaceState:
    """Return an interface of the candidate; one without hardware can be configured as well."""
    interfaces = session.configuration.interfaces
    if name not in interfaces:
        session.interface_name(name)
        interfaces[name] = session.state.new_interface(name)
        interfaces[name].cabled = False
    return interfaces[name]


def _describe(session: Session, arguments: Arguments) -> str:
    _interface(session, arguments[0]).description = arguments[1].strip('"')
    return ""


def _disable(session: Session, arguments: Arguments) -> str:
    _interface(session, arguments[0]).shutdown = True
    return ""


def _set_address(session: Session, arguments: Arguments) -> str:
    _interface(session, arguments[0]).address = ipaddress.IPv4Interface(arguments[1])
    return ""


def _delete(field: str, session: Session, arguments: Arguments) -> str:
    """Delete a statement of an interface, or all of them if `field` is empty."""
    interface = session.configuration.interfaces.get(arguments[0])
    empty = session.state.new_interface(arguments[0])
    fields = [field] if field else ["description", "shutdown", "address"]
    if interface is None or all(getattr(interface, each) == getattr(empty, each) for each in fields):
        return "warning: statement not found\n"
    for each in fields:
        setattr(interface, each, getattr(empty, each))
    return ""


_EXEC: tuple[Row, ...] = (
    Command("configure", _configure),
    Command("exit", actions.log_out),
    Command("quit", actions.log_out),
    Command("request system reboot", _reboot),
    Command("set cli complete-on-space off", partial(_set_completion, "Disabling")),
    Command("set cli complete-on-space on", partial(_set_completion, "Enabling")),
    Command("set cli screen-length <0-32767>", _set_page_length),
    Command("set cli screen-width <0-32767>", _set_width),
    Command("show configuration", _show_configuration),
    Command("show configuration | display set", partial(_as_set_commands, _running)),
    Command("show interfaces terse", _show_interfaces_terse),
    Command("show interfaces INTERFACE terse", _show_interfaces_terse),
    Command("show system uptime", _show_system_uptime),
    Command("show version", _show_version),
)

_CONFIG: tuple[Row, ...] = (
    Command("commit", _commit),
    Command("commit and-quit", _commit_and_quit),
    Command("commit check", _commit_check),
    Command("commit comment LINE", _commit_with_comment),
    Command("commit confirmed", _commit_confirmed),
    Command("commit confirmed <1-65535>", _commit_confirmed),
    Command("commit confirmed <1-65535> comment LINE", _commit_confirmed),
    Command("delete interfaces INTERFACE", partial(_delete, "")),
    Command("delete interfaces INTERFACE description", partial(_delete, "description")),
    Command("delete interfaces INTERFACE disable", partial(_delete, "shutdown")),
    Command("delete interfaces INTERFACE unit 0", partial(_delete, "address")),
    Command("delete interfaces INTERFACE unit 0 family inet address", partial(_delete, "address")),
    Command("delete system ntp", _delete_servers),
    Command("delete system ntp server A.B.C.D", _delete_servers),
    Command("exit", _leave),
    Command("exit configuration-mode", _leave),
    Command("quit", _leave),
    Command("rollback", _rollback),
    Command("rollback <0-49>", _rollback),
    Command("run LINE", actions.run_exec),
    Command("set interfaces INTERFACE description LINE", _describe),
    Command("set interfaces INTERFACE disable", _disable),
    Command("set interfaces INTERFACE unit 0 family inet address A.B.C.D/LEN", _set_address),
    Command("set system host-name WORD", actions.rename),
    Command("set system ntp server A.B.C.D", actions.add_ntp_server),
    Command("show", _show_candidate),
    Command("show interfaces", partial(_show_candidate, section="interfaces")),
    Command("show system", partial(_show_candidate, section="system")),
    Command("show | compare", _compare),
    Command("show | display set", partial(_as_set_commands, _candidate)),
    Command("top", actions.accept),
)

JUNOS = Dialect(
    faults={
        Fault.UNKNOWN: "{start}^\nunknown command.\n",
        Fault.INVALID: "{start}^\nsyntax error, expecting <command>.\n",
        Fault.AMBIGUOUS: "{start}^\n'{word}' is ambiguous.\n",
        Fault.INCOMPLETE: "{caret}^\nsyntax error, expecting <command>.\n",
    },
    commands={Mode.EXEC: _EXEC, Mode.CONFIG: _CONFIG},
    interface_types=("fxp", "ge-", "lo", "xe-"),
    prompt=_prompt,
    banner=f"--- JUNOS {VERSION} Kernel 64-bit, simulated\n",
    comment="#",
    pager=Pager("---(more)---", "\r" + " " * 40 + "\r"),
    filters=JUNOS_FILTERS,
    # `| compare` and `| display set` are not modifiers here but the end of a command's name; a pipe in quotes
    # belongs to a pattern.
    pipe=r'\|(?!\s*(?:compare|display)\b)(?=(?:[^"]*"[^"]*")*[^"]*$)',
    chains=True,
    leave="",
)
"""The dialect of a Juniper router."""
