"""Find the platform that the variables of a host name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.platforms.names import find, platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.platforms.definition import Platform

__all__ = ["NAMES", "NETWORK_OS", "is_device", "of_variables"]

NETWORK_OS = "ansible_network_os"
NAMES = ("platform", "device_type")
"""Variables that name the platform of a device in some inventories, and mean something else in others."""


def is_device(variables: Mapping[str, Any]) -> bool:
    """Return whether the variables of a host say that it has a device's CLI, and no POSIX shell."""
    platform = found(variables)
    return bool(variables.get(NETWORK_OS)) if platform is None else not platform.posix


def found(variables: Mapping[str, Any]) -> Platform | None:
    """Return the platform that the variables of a host name; None if they name none that is known."""
    named = variables.get(NETWORK_OS)
    if named:
        return find(str(named))
    return next(filter(None, (find(variables.get(name)) for name in NAMES)), None)


def of_variables(variables: Mapping[str, Any]) -> Platform | None:
    """Return the platform that the variables of a host name; None if they name none.

    Raises:
        UnknownPlatform: `ansible_network_os` names one that is not known.
    """
    named = variables.get(NETWORK_OS)
    return platform(str(named)) if named else found(variables)
