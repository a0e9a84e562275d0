"""Two network namespaces for benchmarks: a near one for the tool, and a far one with the hosts.

A route leads from the near one to the far one. The far one answers for all addresses from `ANSWERING` on as
if each were a separate host, and silently drops packets to addresses from `SILENT` on.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ANSWERING", "FAR", "NEAR", "SILENT", "network"]

NEAR, FAR = f"bench{os.getpid()}near", f"bench{os.getpid()}far"
ANSWERING, SILENT = ipaddress.ip_address("10.64.0.1"), ipaddress.ip_address("10.72.0.1")

_COMMANDS = f"""
ip netns add {NEAR}
ip netns add {FAR}
ip link add near netns {NEAR} type veth peer name far netns {FAR}
ip -n {NEAR} link set lo up
ip -n {FAR} link set lo up
ip -n {NEAR} addr add 10.0.0.1/30 dev near
ip -n {FAR} addr add 10.0.0.2/30 dev far
ip -n {NEAR} link set near up
ip -n {FAR} link set far up
ip -n {NEAR} route add 10.64.0.0/12 via 10.0.0.2
ip -n {FAR} route add local 10.64.0.0/13 dev lo
ip -n {FAR} route add blackhole 10.72.0.0/13
"""


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Create the namespaces, and remove them at the end of the context; needs root."""
    try:
        for line in _COMMANDS.strip().splitlines():
            subprocess.run(line.split(), check=True, stdout=subprocess.DEVNULL)
        yield
    finally:
        for namespace in (NEAR, FAR):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
