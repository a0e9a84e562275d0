"""The environment that programs which we start see, and that an inventory may ask for: without our secrets.

A password in `INVOKE_RUNNER_PASSWORD` is for us. An inventory script, a ProxyCommand, a command on this
machine or a template has no need of it, and could pass it on.
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

# Invoke's own password, and the program that `ssh` asks for passwords: our `ssh` gets our own program.
_OTHERS = ("INVOKE_SUDO_PASSWORD", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE")
_kept_back = {*(f"INVOKE_RUNNER_{name.upper()}" for name in SECRET_SETTINGS), *_OTHERS}
if SAFE_PATH not in os.environ:  # then we set it for our workers alone
    _kept_back.add(SAFE_PATH)


def keep_back(*names: str) -> None:
    """Keep more variables to ourselves: the configuration says that they hold secrets."""
    _kept_back.update(names)


def kept_back() -> Iterator[str]:
    """Yield the names of the variables that no other program sees."""
    return iter(sorted(_kept_back))


def value(name: str) -> str | None:
    """Return a variable as an inventory or `ssh_config` may see it; None if there is none."""
    return None if name in _kept_back else os.environ.get(name)


def of_child(**extra: str) -> dict[str, str]:
    """Return the environment for a program that we start.

    Args:
        extra: Variables to add.
    """
    return {name: text for name, text in os.environ.items() if name not in _kept_back} | extra
