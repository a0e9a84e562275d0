"""Services that the lookups of templates may use, in addition to the variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["NO_SERVICES", "Services"]


class Services(NamedTuple):
    """Services that the lookups of templates may use, in addition to the variables.

    Attributes:
        environment: The environment variables that templates may see.
        read: Returns the text of a file next to the inventory; None if no file may be read.
        pipe: Runs a shell command on this machine and returns its output; None if no command may run.
        names: Returns the names of all variables.
        hosts: Returns the names of the hosts that a pattern selects.
    """

    environment: Mapping[str, str] | None = None
    read: Callable[[str], str] | None = None
    pipe: Callable[[str], str] | None = None
    names: Callable[[], Iterable[str]] | None = None
    hosts: Callable[[str], Iterable[str]] | None = None


NO_SERVICES = Services()
