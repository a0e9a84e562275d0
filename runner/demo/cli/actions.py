"""Actions of the commands that all platforms share: modes, configuration, terminal settings."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from runner.demo.cli.grammar import Command
from runner.demo.cli.session import DEFAULT_PAGE_LENGTH, Mode, Question, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.demo.cli.session import Session
    from runner.demo.cli.state import InterfaceState

__all__ = [
    "CONFIG_COMMANDS",
    "INTERFACE_COMMANDS",
    "PREFIX_ADDRESS",
    "accept",
    "add_ntp_server",
    "answers_ping",
    "ask_whether",
    "chosen_interfaces",
    "configure",
    "confirm",
    "disable",
    "enable",
    "leave_configuration",
    "log_out",
    "rename",
    "restart",
    "run_exec",
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


def leave_configuration(session: Session, _arguments: Arguments = ()) -> str:
    """Leave all configuration modes. A candidate stays as it is, for a later session."""
    session.mode = Mode.EXEC
    session.interface = ""
    session.candidate = None
    return ""


def confirm(session: Session, text: str, act: Callable[[], str]) -> str:
    """Ask a `[confirm]` question, to which Enter or `y` says yes, and any other key no."""
    return session.ask(Question(text, lambda key: act() if key in {"", "y", "Y"} else "", one_key=True))


def ask_whether(session: Session, text: str, act: Callable[[], str], *, default: bool = False) -> str:
    """Ask a question with `yes` and `no`.

    Args:
        session: The session.
        text: The question.
        act: Carries out the command after a `yes`, and returns the output.
        default: Whether Enter alone means `yes`.
    """

    def reply(line: str) -> str:
        word = line.strip().lower()
        return act() if (word in {"y", "yes"} if word else default) else ""

    return session.ask(Question(text, reply))


def restart(session: Session, _arguments: Arguments = ()) -> str:
    """Restart the device after a question."""
    return confirm(session, "Proceed with reload? [confirm]", session.restart)


def _leave(session: Session, _arguments: Arguments) -> str:
    """Leave the innermost configuration mode."""
    if session.mode is not Mode.INTERFACE:
        return leave_configuration(session)
    session.mode = Mode.CONFIG
    session.interface = ""
    return ""


def run_exec(session: Session, arguments: Arguments) -> str:
    """Run an exec command without leaving configuration mode."""
    return session.run_exec(arguments[0])


def rename(session: Session, arguments: Arguments) -> str:
    """Set the host name; the prompt shows that of the running configuration."""
    session.configuration.hostname = arguments[0]
    return ""


def add_ntp_server(session: Session, arguments: Arguments) -> str:
    """Add a time server."""
    servers = session.configuration.ntp_servers
    if arguments[0] not in servers:
        servers.append(arguments[0])
    return ""


def _remove_ntp_server(session: Session, arguments: Arguments) -> str:
    """Remove a time server; do nothing if it is not configured."""
    servers = session.configuration.ntp_servers
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
        raise session.invalid_word(arguments[0])
    return [interfaces[name]]


def _enter_interface(session: Session, arguments: Arguments) -> str:
    """Enter an interface's mode; create the interface if it is virtual and does not exist."""
    name = session.interface_name(arguments[0])
    interfaces = session.configuration.interfaces
    if name not in interfaces:
        interface = session.state.new_interface(name)
        if not interface.virtual:
            raise session.invalid_word()
        interfaces[name] = interface
    session.interface = name
    session.mode = Mode.INTERFACE
    return ""


def _remove_interface(session: Session, arguments: Arguments) -> str:
    """Remove a virtual interface."""
    interfaces = session.configuration.interfaces
    interface = interfaces.get(session.interface_name(arguments[0]))
    if interface is None or not interface.virtual:
        raise session.invalid_word()
    del interfaces[interface.name]
    return ""


def _current(session: Session) -> InterfaceState:
    """Return the interface of this mode, which another session may have removed."""
    interface = session.configuration.interfaces.get(session.interface)
    if interface is None:
        raise session.invalid_word()
    return interface


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
    Command("do LINE", run_exec),
    Command("end", leave_configuration),
    Command("exit", _leave),
    Command("hostname WORD", rename),
    Command("interface INTERFACE", _enter_interface),
    Command("no interface INTERFACE", _remove_interface),
    Command("no ntp server A.B.C.D", _remove_ntp_server),
    Command("ntp server A.B.C.D", add_ntp_server),
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
