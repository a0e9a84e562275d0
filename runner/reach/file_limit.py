"""Raise the open-file limit, and work out how many sockets and hosts fit into it."""

from __future__ import annotations

import resource
from pathlib import Path

__all__ = ["host_allowance", "socket_allowance"]

_RESERVE = 64
"""File descriptors reserved for output files, the history and a shell's children."""
_LEAST = 8
_SHARE = 2 / 3
"""The share of a scarce limit for hosts in progress; the rest is for probes of the next hosts."""


def host_allowance(wanted: int, each: int) -> tuple[int, int | None]:
    """Raise the soft limit of open files as far as permitted; return how many hosts may run at once.

    Args:
        wanted: The number of hosts wanted at once.
        each: The number of files that each host needs.

    Returns:
        The number of hosts, and the file limit if it allows fewer than wanted, else None.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = _open_files()
    target = taken + _RESERVE + round(wanted * each / _SHARE)
    if soft != resource.RLIM_INFINITY and soft < target:
        soft = _raise_to(target if hard == resource.RLIM_INFINITY else min(target, hard), soft, hard)
    if soft == resource.RLIM_INFINITY or soft >= target:
        return wanted, None
    room = (soft - taken - min(_RESERVE, soft // 4)) * _SHARE
    fit = max(1, int(room / each))
    return min(wanted, fit), soft if fit < wanted else None


def socket_allowance(wanted: int) -> int:
    """Raise the soft limit of open files as far as permitted; return how many of the wanted sockets fit.

    Open files count against the limit, and some are reserved for the rest of the program. Raising the limit
    is safe because nothing here uses `select`, which cannot handle descriptors above 1,023 (setrlimit(2),
    RLIMIT_NOFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = _open_files() + _RESERVE
    target = taken + wanted
    if soft != resource.RLIM_INFINITY and soft < target:
        soft = _raise_to(target if hard == resource.RLIM_INFINITY else min(target, hard), soft, hard)
    room = wanted if soft == resource.RLIM_INFINITY else soft - taken
    return max(_LEAST, min(wanted, room))


def _raise_to(target: int, soft: int, hard: int) -> int:
    """Set and return the soft limit; keep the present one if the system caps it below its hard limit."""
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    except (OSError, ValueError):
        return soft
    return target


def _open_files() -> int:
    """Count this process's open files."""
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:
        return _RESERVE
