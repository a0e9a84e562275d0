"""The environment for child processes and inventories, without our secrets.

A password in `INVOKE_RUNNER_PASSWORD` is for this program only. An inventory script, a ProxyCommand, a local
command or a template does not need it and could leak it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SAFE_PATH", "SECRET_SETTINGS", "keep_back", "kept_back", "of_child", "value"]

SECRET_SETTINGS = ("password", "become_password", "code", "key_passphrase", "credentials")
"""Settings whose values are secret."""
SAFE_PATH = "PYTHONSAFEPATH"
"""The variable that keeps the current folder out of Python's search path (python(1))."""

# Invoke's sudo password, and the askpass program of `ssh`: we give `ssh` our own askpass program.
_OTHERS = ("INVOKE_SUDO_PASSWORD", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE")
_kept_back = {*(f"INVOKE_RUNNER_{name.upper()}" for name in SECRET_SETTINGS), *_OTHERS}
if SAFE_PATH not in os.environ:  # if it is set later, then by us, for our workers only
    _kept_back.add(SAFE_PATH)


def keep_back(*names: str) -> None:
    """Hide more variables from child processes: the configuration says that they hold secrets."""
    _kept_back.update(names)


def kept_back() -> Iterator[str]:
    """Yield the names of the variables that are hidden from other programs."""
    return iter(sorted(_kept_back))


def value(name: str) -> str | None:
    """Return the value of a variable for an inventory or `ssh_config`; None if it is unset or hidden."""
    return None if name in _kept_back else os.environ.get(name)


def of_child(**extra: str) -> dict[str, str]:
    """Return the environment for a child process.

    Args:
        extra: Variables to add.
    """
    return {name: text for name, text in os.environ.items() if name not in _kept_back} | extra
