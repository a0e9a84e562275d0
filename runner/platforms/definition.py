"""A `Platform` holds the differences between kinds of devices as plain data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Platform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One kind of device. A field without evidence keeps its default.

    Regular expressions are texts, compiled when they are first used: most runs never use most of them. They
    ignore case.
    """

    name: str
    """Our one name: the name that netutils has for it, `cisco_ios`, or else netmiko's or ntc-templates'."""

    netmiko: str | None = None
    """netmiko's `device_type`; None if netmiko does not know the platform."""

    ntc: str | None = None
    """The platform's name in ntc-templates; None if that has no template for the platform."""

    ansible: tuple[str, ...] = ()
    """Values of `ansible_network_os`, in full: `cisco.ios.ios`. The last part, `ios`, is a name as well."""

    also: tuple[str, ...] = ()
    """Other names: further device types of netmiko, names of NAPALM, scrapli and ntc-templates."""

    refusals: tuple[str, ...] = ()
    """Regular expressions of the lines that refuse a command, matched at the start of a stripped line.

    Words that mean a refusal on every CLI (`refusals.py` has them) need not be repeated here.
    """

    harmless: tuple[str, ...] = ()
    """Regular expressions of lines that match `refusals` and are not refusals."""

    exec: bool = False
    """Whether the device carries out an SSH exec request as a CLI command, and ends it with the output."""

    posix: bool = False
    """Whether a login gives a POSIX shell, as on any other server: such a host needs no device CLI."""

    session: tuple[str, ...] = ()
    """Commands that switch off paging and set the width, for this session only, outside configuration mode.

    A device may refuse some of them: older software lacks them, or the login has too few rights.
    """

    enable: str | None = None
    """The command that raises the privilege; None if there is none."""

    privileged: str = ""
    """The end of the prompt in privileged mode, `#`; empty if the prompt does not show the privilege."""

    leave_config: tuple[str, ...] = ()
    """The commands that leave configuration mode, from any depth, without saving."""

    config_prompt: str | None = None
    """Regular expression that finds configuration mode in the last line of a prompt; None if unknown."""
