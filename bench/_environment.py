"""The environment of measured programs: as if they were installed."""

from __future__ import annotations

import os

__all__ = ["as_installed"]


def as_installed(**more: str) -> dict[str, str]:
    """Return this process's environment, changed so that Python caches byte code.

    With PYTHONDONTWRITEBYTECODE a checkout is compiled again at every start, which takes 0.1 s. Packages that
    `pip` installed are not, so the comparison would be unfair.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more
