"""The lab: real OpenSSH servers and real FRR routers on one machine, each in a network namespace of its own.

It takes root and Debian's packages `frr`, `openssh-server` and `iproute2`. Everything it makes is found again
by name (namespaces, one link, `.lab/`), so that `down` removes a lab whatever became of the program that made
it.
"""

from __future__ import annotations

from tests.lab.errors import LabError, LabUnavailable
from tests.lab.lifecycle import NodeStatus, down, is_up, start_router, status, stop_router, up
from tests.lab.state import Lab

__all__ = [
    "Lab",
    "LabError",
    "LabUnavailable",
    "NodeStatus",
    "down",
    "is_up",
    "start_router",
    "status",
    "stop_router",
    "up",
]
