"""Actions of the commands that all platforms share: modes, configuration, terminal settings."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from runner.demo.cli.grammar import Command
from runner.demo.cli.session import DEFAULT_PAGE_LENGTH, Mode, Row

if TYPE_CHECKING:
    from runner.demo.cli.session import Session
    from runner.demo.cli.state import InterfaceState

__all__ = [
    "CONFIG_COMMANDS",
    "INTERFACE_COMMANDS",
    "PREFIX_ADDRESS",
    "accept",
    "answers_ping",
    "chosen_interfaces",
    "configure",
    "disable",
    "enable",
    "log_out",
    "set_page_length",
]

Arguments = tuple[str, ...]


def accept(_session: Session, _arguments: Arguments) -> str:
    """Accept a command that has no effect here, such as `terminal width`."""
    return ""


def enable(session: Session, _arguments: Arguments) -> str:
    """Ask for the password of privileged mode."""
    return session.ask_secret()


def disable(session: Session, _arguments: Arguments) -> str:
    """Return to user mode."""
    session.privilege = 1
    return ""


def log_out(session: Session, _arguments: Arguments) -> str:
    """End the session."""
    session.closed = True
    return ""


def configure(session: Session, _arguments: Arguments) -> str:
    """Enter configuration mode."""
    session.mode = Mode.CONFIG
    return "Enter configuration commands, one per line.  End with CNTL/Z.\n"


def _end(session: Session, _arguments: Arguments) -> str:
    """Leave all configuration modes."""
    session.mode = Mode.EXEC
    session.interface = None
    return ""


def _leave(session: Session, _arguments: Arguments) -> str:
    """Leave the innermost configuration mode."""
    session.mode = Mode.CONFIG if session.mode is Mode.INTERFACE else Mode.EXEC
    session.interface = None
    return ""


def _do(session: Session, arguments: Arguments) -> str:
    """Run an exec command without leaving configuration mode."""
    return session.run_exec(arguments[0])


def _rename(session: Session, arguments: Arguments) -> str:
    """Set the host name; the prompt changes at once."""
    session.state.configuration.hostname = arguments[0]
    return ""


def _add_ntp_server(session: Session, arguments: Arguments) -> str:
    """Add a time server."""
    servers = session.state.configuration.ntp_servers
    if arguments[0] not in servers:
        servers.append(arguments[0])
    return ""


def _remove_ntp_server(session: Session, arguments: Arguments) -> str:
    """Remove a time server; do nothing if it is not configured."""
    servers = session.state.configuration.ntp_servers
    if arguments[0] in servers:
        servers.remove(arguments[0])
    return ""


def chosen_interfaces(session: Session, arguments: Arguments) -> list[InterfaceState]:
    """Return the interface that a `show` command names, or all interfaces if it names none.

    Raises:
        Refusal: The interface does not exist.
    """
    interfaces = session.state.configuration.interfaces
    if not arguments:
        return list(interfaces.values())
    name = session.interface_name(arguments[0])
    if name not in interfaces:
        raise session.last_word_invalid()
    return [interfaces[name]]


def _enter_interface(session: Session, arguments: Arguments) -> str:
    """Enter an interface's mode; create the interface if it is virtual and does not exist."""
    name = session.interface_name(arguments[0])
    interface = session.state.configuration.interfaces.get(name)
    if interface is None:
        interface = session.state.add_interface(name)
        if not interface.virtual:
            del session.state.configuration.interfaces[name]
            raise session.last_word_invalid()
    session.interface = interface
    session.mode = Mode.INTERFACE
    return ""


def _remove_interface(session: Session, arguments: Arguments) -> str:
    """Remove a virtual interface."""
    interface = session.state.configuration.interfaces.get(session.interface_name(arguments[0]))
    if interface is None or not interface.virtual:
        raise session.last_word_invalid()
    del session.state.configuration.interfaces[interface.name]
    return ""


def _current(session: Session) -> InterfaceState:
    if session.interface is None:
        raise session.last_word_invalid()
    return session.interface


def _describe(session: Session, arguments: Arguments) -> str:
    """Set the interface's description."""
    _current(session).description = arguments[0]
    return ""


def _clear_description(session: Session, _arguments: Arguments) -> str:
    """Remove the interface's description."""
    _current(session).description = ""
    return ""


def _set_address(session: Session, arguments: Arguments) -> str:
    """Set the interface's IPv4 address, from address and mask or from a prefix."""
    try:
        address = ipaddress.IPv4Interface("/".join(arguments))
    except ValueError:
        return _bad_mask(*arguments)
    # Python also accepts a host mask such as 0.0.0.255; network gear does not.
    if len(arguments) > 1 and str(address.netmask) != arguments[1]:
        return _bad_mask(*arguments)
    _current(session).address = address
    return ""


def _bad_mask(address: str, mask: str) -> str:
    return f"Bad mask {mask} for address {address}\n"


def _clear_address(session: Session, _arguments: Arguments) -> str:
    """Remove the interface's IPv4 address."""
    _current(session).address = None
    return ""


def _shut_down(session: Session, _arguments: Arguments) -> str:
    """Take the interface down administratively."""
    _current(session).shutdown = True
    return ""


def _start_up(session: Session, _arguments: Arguments) -> str:
    """End the administrative shutdown of the interface."""
    _current(session).shutdown = False
    return ""


def set_page_length(session: Session, arguments: Arguments) -> str:
    """Set the number of lines of a page; 0 turns paging off, and no argument restores the default."""
    session.page_length = int(arguments[0]) if arguments else DEFAULT_PAGE_LENGTH
    return ""


def answers_ping(session: Session, arguments: Arguments) -> bool:
    """Return whether an address answers: it does if it is in the network of an interface that is up."""
    target = ipaddress.IPv4Address(arguments[0])
    return any(
        interface.up and interface.address is not None and target in interface.address.network
        for interface in session.state.configuration.interfaces.values()
    )


CONFIG_COMMANDS: tuple[Row, ...] = (
    Command("do LINE", _do),
    Command("end", _end),
    Command("exit", _leave),
    Command("hostname WORD", _rename),
    Command("interface INTERFACE", _enter_interface),
    Command("no interface INTERFACE", _remove_interface),
    Command("no ntp server A.B.C.D", _remove_ntp_server),
    Command("ntp server A.B.C.D", _add_ntp_server),
)
"""The commands of configuration mode."""

INTERFACE_COMMANDS: tuple[Row, ...] = (
    Command("description LINE", _describe),
    Command("ip address A.B.C.D A.B.C.D", _set_address),
    Command("no description", _clear_description),
    Command("no ip address", _clear_address),
    Command("no shutdown", _start_up),
    Command("shutdown", _shut_down),
)
"""The additional commands of interface mode."""

PREFIX_ADDRESS: Row = Command("ip address A.B.C.D/LEN", _set_address)
"""Setting an address by prefix length, for platforms that support it."""
