"""What the commands do that every platform shares: modes, configuration, the terminal, ping."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from runner.demo.cli.session import DEFAULT_PAGE_LENGTH, Mode

if TYPE_CHECKING:
    from runner.demo.cli.session import Session
    from runner.demo.cli.state import InterfaceState

__all__ = [
    "accept",
    "add_ntp_server",
    "answers_ping",
    "clear_address",
    "clear_description",
    "configure",
    "describe",
    "disable",
    "do",
    "enable",
    "end",
    "enter_interface",
    "leave",
    "log_out",
    "remove_interface",
    "remove_ntp_server",
    "rename",
    "set_address",
    "set_page_length",
    "shut_down",
    "start_up",
]

Arguments = tuple[str, ...]


def accept(_session: Session, _arguments: Arguments) -> str:
    """Take a command that has nothing to change here, such as `terminal width`."""
    return ""


def enable(session: Session, _arguments: Arguments) -> str:
    """Ask for the secret of privileged mode."""
    return session.ask_secret()


def disable(session: Session, _arguments: Arguments) -> str:
    """Go back to user mode."""
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


def end(session: Session, _arguments: Arguments) -> str:
    """Leave configuration altogether."""
    session.mode = Mode.EXEC
    session.interface = None
    return ""


def leave(session: Session, _arguments: Arguments) -> str:
    """Leave the innermost configuration mode."""
    session.mode = Mode.CONFIG if session.mode is Mode.INTERFACE else Mode.EXEC
    session.interface = None
    return ""


def do(session: Session, arguments: Arguments) -> str:
    """Run an exec command without leaving configuration."""
    return session.run_exec(arguments[0])


def rename(session: Session, arguments: Arguments) -> str:
    """Set the host name; the prompt follows at once."""
    session.state.configuration.hostname = arguments[0]
    return ""


def add_ntp_server(session: Session, arguments: Arguments) -> str:
    """Add a time server."""
    servers = session.state.configuration.ntp_servers
    if arguments[0] not in servers:
        servers.append(arguments[0])
    return ""


def remove_ntp_server(session: Session, arguments: Arguments) -> str:
    """Remove a time server; one that is not there is no fault."""
    servers = session.state.configuration.ntp_servers
    if arguments[0] in servers:
        servers.remove(arguments[0])
    return ""


def enter_interface(session: Session, arguments: Arguments) -> str:
    """Enter an interface's mode; a virtual interface comes to be by this, hardware does not."""
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


def remove_interface(session: Session, arguments: Arguments) -> str:
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


def describe(session: Session, arguments: Arguments) -> str:
    """Set the interface's description."""
    _current(session).description = arguments[0]
    return ""


def clear_description(session: Session, _arguments: Arguments) -> str:
    """Remove the interface's description."""
    _current(session).description = ""
    return ""


def set_address(session: Session, arguments: Arguments) -> str:
    """Set the interface's IPv4 address, from address and mask or from a prefix."""
    try:
        _current(session).address = ipaddress.IPv4Interface("/".join(arguments))
    except ValueError:
        return f"Bad mask {arguments[-1]} for address {arguments[0]}\n"
    return ""


def clear_address(session: Session, _arguments: Arguments) -> str:
    """Remove the interface's IPv4 address."""
    _current(session).address = None
    return ""


def shut_down(session: Session, _arguments: Arguments) -> str:
    """Take the interface down administratively."""
    _current(session).shutdown = True
    return ""


def start_up(session: Session, _arguments: Arguments) -> str:
    """Let the interface come up."""
    _current(session).shutdown = False
    return ""


def set_page_length(session: Session, arguments: Arguments) -> str:
    """Set how many lines a page has; 0 never pauses, and no argument restores the default."""
    session.page_length = int(arguments[0]) if arguments else DEFAULT_PAGE_LENGTH
    return ""


def answers_ping(session: Session, arguments: Arguments) -> bool:
    """Tell whether an address answers: those on a network of an interface that is up do."""
    target = ipaddress.IPv4Address(arguments[0])
    return any(
        interface.up and interface.address is not None and target in interface.address.network
        for interface in session.state.configuration.interfaces.values()
    )
