"""What a machine needs before it can have the lab."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

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


_CAPABILITIES = 1 << 12 | 1 << 21
"""`CAP_NET_ADMIN` and `CAP_SYS_ADMIN`, numbered as in `linux/capability.h`."""


def require_root() -> None:
    """Check that this user may make network namespaces, and links and mounts in them.

    Raises:
        LabUnavailable: The user is not root, or is root in a container that may not do all that root may.
    """
    if os.geteuid() != 0:
        raise LabUnavailable("the lab makes network namespaces, which takes root: run this again as root")
    if _effective_capabilities() & _CAPABILITIES != _CAPABILITIES:
        raise LabUnavailable(
            "the lab makes network namespaces: this container needs CAP_NET_ADMIN and CAP_SYS_ADMIN for that"
        )


def _effective_capabilities() -> int:
    """Return the bit set that `proc_pid_status(5)` calls `CapEff`."""
    lines = Path("/proc/thread-self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))


def require_programs(path: str = SEARCH_PATH) -> None:
    """Check that everything the lab runs is installed.

    Args:
        path: The folders where programs are looked for, as in `PATH`.

    Raises:
        LabUnavailable: Something is not; the message says what to install.
    """
    missing = [
        package
        for package, programs in _PACKAGES.items()
        if any(shutil.which(program, path=path) is None for program in programs)
    ]
    if missing:
        raise LabUnavailable(
            f"the lab needs packages that are not installed: apt-get install {' '.join(missing)}"
        )
