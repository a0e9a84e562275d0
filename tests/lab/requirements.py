"""What a machine needs before it can have the lab."""

from __future__ import annotations

import os
import shutil

from tests.lab.errors import LabUnavailable
from tests.lab.processes import SEARCH_PATH

__all__ = ["require_programs", "require_root"]

_PACKAGES = {
    "iproute2": ("ip",),
    "openssh-server": ("sshd",),
    "openssh-client": ("ssh", "ssh-keygen"),
    "frr": ("vtysh", "zebra", "ospfd", "staticd"),
    "util-linux": ("nsenter", "unshare"),
}
"""Debian's packages, and what the lab runs from each."""


def require_root() -> None:
    """Check that this user may make network namespaces.

    Raises:
        LabUnavailable: The user is not root.
    """
    if os.geteuid() != 0:
        raise LabUnavailable("the lab makes network namespaces, which takes root: run this again as root")


def require_programs() -> None:
    """Check that everything the lab runs is installed.

    Raises:
        LabUnavailable: Something is not; the message says what to install.
    """
    missing = [
        package
        for package, programs in _PACKAGES.items()
        if any(shutil.which(program, path=SEARCH_PATH) is None for program in programs)
    ]
    if missing:
        raise LabUnavailable(
            f"the lab needs packages that are not installed: apt-get install {' '.join(missing)}"
        )
