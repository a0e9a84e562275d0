"""Limit the number of hosts in flight by the number of files that this process may open."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.reach.file_limit import host_allowance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.fanout.connecting import Connecting
    from runner.fanout.options import FanoutOptions
    from runner.models import Host

__all__ = ["fitted"]

logger = logging.getLogger(__name__)


def fitted(options: FanoutOptions, hosts: Sequence[Host], connecting: Connecting) -> FanoutOptions:
    """Return options whose number of workers fits the open file limit; log a warning if it was reduced.

    Args:
        options: How to spread the work.
        hosts: The hosts.
        connecting: How to connect to them.
    """
    wanted = min(options.workers, len(hosts))
    if host_allowance(wanted, connecting.most_files)[1] is None:
        return options
    workers, limit = host_allowance(wanted, connecting.files(hosts))
    # Import the modules that connections need now, while files can still be opened.
    with suppress(Exception):  # variables may raise; the connection to that host will report it
        connecting.load_ahead(hosts).join()
    if limit is None:
        return replace(options, spare=None)
    logger.warning(
        "%d hosts are worked on at a time instead of %d: a process may open %d files here; raise `ulimit -n`",
        workers,
        wanted,
        limit,
    )
    return replace(options, workers=workers, spare=None)
