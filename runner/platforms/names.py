"""Find a platform by any of the names that tools have for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.text import excerpt

if TYPE_CHECKING:
    from runner.platforms.definition import Platform

__all__ = ["UnknownPlatform", "find", "known", "platform"]


class UnknownPlatform(RunnerError):
    """No device platform has the name that was given."""


def platform(name: str) -> Platform:
    """Return the platform that has this name in Ansible, netmiko, NAPALM, scrapli or ntc-templates.

    Args:
        name: `cisco_ios`, `cisco.ios.ios`, `ios`, `cisco_iosxe` and so on.

    Raises:
        UnknownPlatform: No platform has this name; the message has similar names.
    """
    found = find(name)
    if found is None:
        raise UnknownPlatform(f"{excerpt(str(name))!r} is not the name of a device platform{_nearest(name)}")
    return found


def find(name: object) -> Platform | None:
    """Return the platform that has this name, as `platform` does; None for any other value.

    The variables `platform` and `device_type` of an inventory may mean something else.
    """
    if not isinstance(name, str):
        return None
    text = name.strip().lower().replace("-", "_")
    names = _index()
    return names.get(text) or names.get(text.removesuffix("_ssh"))


def known(name: object) -> bool:
    """Return whether a platform has this name."""
    return find(name) is not None


@cache
def _index() -> dict[str, Platform]:
    """Return the platform of every name, the last parts of Ansible's names included."""
    from runner.platforms.table import PLATFORMS, others  # noqa: PLC0415 - most runs need no platform

    names: dict[str, Platform] = {}
    short: dict[str, Platform] = {}
    for each in (*PLATFORMS, *others()):
        for name in (each.name, each.netmiko, each.ntc, *each.also, *each.ansible):
            if name is not None:
                names.setdefault(name, each)
        for name in each.ansible:
            short.setdefault(name.rpartition(".")[2], each)
    return short | names


def _nearest(name: object) -> str:
    """Return the end of a message about a wrong name: similar names, or where to look for one."""
    import difflib  # noqa: PLC0415 - only a wrong name needs it

    found = difflib.get_close_matches(excerpt(str(name)).lower(), _index(), n=3)
    if found:
        return f"; did you mean {', '.join(found)}?"
    return "; give the name that Ansible, netmiko or ntc-templates has for it, such as cisco_ios"
