"""Host names given instead of a file: `-i web1,web2:2222,`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.inventory.addresses import expand, split_port
from runner.inventory.graph import UNGROUPED

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["HOST_LIST", "HostList"]


class HostList:
    """Comma-separated names; a single name needs a comma after it.

    Ranges are expanded only if Ansible's configuration enables `advanced_host_list`, and not `host_list`
    before it.
    """

    order = 10

    def claims(self, source: str) -> bool:
        """Accept a text with a comma that is not an existing path."""
        return "," in source and not os.path.lexists(source)

    def read(self, source: str, loading: Loading) -> None:
        """Add each name that is not known yet to `ungrouped`."""
        graph, ranges = loading.graph, loading.options.rules.ranges_in_lists
        for item in source.split(","):
            name, port = split_port(item.strip(), ranges=ranges)
            for host in expand(name) if ranges else [name]:
                if host and host not in graph.hosts:
                    graph.add_host(host, graph.groups[UNGROUPED], port)


HOST_LIST = HostList()
