"""The environment in which programs are measured: that of somebody who has installed them."""

from __future__ import annotations

import os

__all__ = ["as_installed"]


def as_installed(**more: str) -> dict[str, str]:
    """Return this process's environment, with byte code kept from one start to the next.

    With PYTHONDONTWRITEBYTECODE a checkout is compiled anew at every start, while what `pip` installed is
    not: 0.1 s that are no part of any tool.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more
