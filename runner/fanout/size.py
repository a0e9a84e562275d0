"""How many hosts this machine can work on at once: each takes some of the files that a process may open."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.connection import kind, load_ahead
from runner.reach.file_limit import host_allowance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.fanout.options import FanoutOptions
    from runner.models import Host

__all__ = ["fitted"]

logger = logging.getLogger(__name__)

_FILES = {"ssh": 4, "local": 10, "openssh": 18}
"""The most files that one host takes at once, by its connection: the `ssh` program has many pipes."""
_MOST_FILES = max(_FILES.values())


def fitted(options: FanoutOptions, hosts: Sequence[Host]) -> FanoutOptions:
    """Return how to spread the work so that no host lacks a file; say once if that means fewer at a time.

    Args:
        options: How to spread it.
        hosts: The hosts.
    """
    wanted = min(options.workers, len(hosts))
    if host_allowance(wanted, _MOST_FILES)[1] is None:
        return options
    workers, limit = host_allowance(wanted, _files(hosts))
    # What connections are made of is loaded while there are files left to read it from.
    with suppress(Exception):  # as below
        load_ahead(hosts).join()
    if limit is None:
        return replace(options, spare=None)
    logger.warning(
        "%d hosts are worked on at a time instead of %d: a process may open %d files here; raise `ulimit -n`",
        workers,
        wanted,
        limit,
    )
    return replace(options, workers=workers, spare=None)


def _files(hosts: Sequence[Host]) -> int:
    """Return the most files that one of these hosts takes."""
    most = min(_FILES.values())
    for host in hosts:
        with suppress(Exception):  # its variables may raise; whoever connects to it will say so
            most = max(most, _FILES.get(kind(host), _MOST_FILES))
    return most
