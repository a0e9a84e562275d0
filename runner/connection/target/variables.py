"""Read a host's variables: which of several names counts, and which source takes precedence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runner.errors import InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from runner.models import Host

__all__ = ["ALIAS", "invalid", "named_text", "pick", "refused", "switch", "unusable", "variable"]

ALIAS = re.compile(r"[\w.:\[\]-]+")
"""Pattern of a name under which host keys may be on record."""

_YES = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}


def variable(host: Host, names: tuple[str, ...]) -> Any:
    """Return the first of these variables that is set and not empty."""
    for name in names:
        value = host.variables.get(name)
        if value not in (None, ""):
            return value
    return None


def pick(options: ConnectionOptions, name: str, of_variable: Any, argument: Any) -> Any:
    """Return the first value of: flags, a host's variable, its `ssh` arguments, the settings."""
    if not options.is_forced(name):
        for value in (of_variable, argument):
            if value is not None:
                return value
    return getattr(options, name)


def switch(name: str, value: Any) -> bool | None:
    """Read a yes or no; return None for None.

    Raises:
        InvalidVariable: The value is something else.
    """
    if value is None:
        return None
    found = _YES.get(str(value).lower())
    if found is None:
        raise invalid(f"{name} {value!r} is neither yes nor no")
    return found


def named_text(what: str, value: Any) -> str:
    """Return a login name or path that cannot be mistaken for something else, such as a flag.

    Raises:
        InvalidVariable: It is empty, begins with `-` or holds control characters.
    """
    text = str(value)
    if not text or text.startswith("-") or not text.isprintable():
        raise invalid(
            f"{text!r} cannot be a {what}: it is empty, begins with '-' or holds control characters"
        )
    return text


def invalid(text: str) -> InvalidVariable:
    """Return the error for a variable that cannot be used."""
    return InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT)


def refused(variable: str, what: str) -> InvalidVariable:
    """Return the error for an inventory variable that would run a program."""
    return InvalidVariable(
        f"{variable}: {what!r} would run a program on this machine, which an inventory may do only with "
        "--allow-inventory-commands",
        reason="refused-variable",
        phase=Phase.CONNECT,
    )


def unusable(path: str, why: str) -> InvalidVariable:
    """Return the error for a file that cannot be used."""
    return InvalidVariable(f"{path}: {why}", reason="bad-ssh-config", phase=Phase.CONNECT)
