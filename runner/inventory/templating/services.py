"""What the lookups of templates may use beyond the variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["NO_SERVICES", "Services"]


class Services(NamedTuple):
    """What the lookups of templates may use beyond the variables.

    Attributes:
        environment: The environment variables that templates may see.
        read: Returns the text of a file next to the inventory; None if no file may be read.
        pipe: Runs a command of this machine's shell and returns what it prints; None if none may run.
        names: Returns the names of all variables.
        hosts: Returns the names of the hosts that a pattern means.
    """

    environment: Mapping[str, str] | None = None
    read: Callable[[str], str] | None = None
    pipe: Callable[[str], str] | None = None
    names: Callable[[], Iterable[str]] | None = None
    hosts: Callable[[str], Iterable[str]] | None = None


NO_SERVICES = Services()
