"""How many sockets this process may have open, and how many hosts it may work on with them."""

from __future__ import annotations

import resource
from pathlib import Path

__all__ = ["host_allowance", "socket_allowance"]

_RESERVE = 64
"""File descriptors left to everybody else: output files, the history, a shell's children."""
_LEAST = 8
_SHARE = 2 / 3
"""The part of a scarce limit that hosts at work may take; the rest is for probes of the next ones."""


def host_allowance(wanted: int, each: int) -> tuple[int, int | None]:
    """Raise the soft limit of open files as far as permitted; tell how many hosts may be at work at once.

    Args:
        wanted: Hosts that are to be at work.
        each: Files that each of them takes.

    Returns:
        How many, and the limit if that is the reason why they are fewer.
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
    """Raise the soft limit of open files as far as permitted, and tell how many of the wanted sockets fit.

    The limit counts files that are open already, and some are kept back for the rest of the program. Raising
    it is safe here because nothing waits by `select`, which cannot count beyond 1,024 (RLIMIT_NOFILE in
    setrlimit(2)).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = _open_files() + _RESERVE
    target = taken + wanted
    if soft != resource.RLIM_INFINITY and soft < target:
        soft = _raise_to(target if hard == resource.RLIM_INFINITY else min(target, hard), soft, hard)
    room = wanted if soft == resource.RLIM_INFINITY else soft - taken
    return max(_LEAST, min(wanted, room))


def _raise_to(target: int, soft: int, hard: int) -> int:
    """Set the soft limit; systems that cap it lower than the hard limit says keep what they have."""
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
