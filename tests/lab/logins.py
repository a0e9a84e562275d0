"""Logging in to the lab's nodes with OpenSSH's own client, host keys checked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.lab.errors import LabError
from tests.lab.processes import run
from tests.lab.topology import LOGIN, Node, Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.state import Lab

__all__ = ["command_line", "require_logins"]


def command_line(lab: Lab, address: object, command: str, *, timeout_s: int = 60) -> list[str]:
    """Return the words that run a command on an address of the lab.

    Args:
        lab: The lab.
        address: The address.
        command: The command.
        timeout_s: Seconds that the connection may take.
    """
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(timeout_s),
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(lab.known_hosts),
    }
    flags = [f"-o{name}={value}" for name, value in options.items()]
    return ["ssh", "-F", "none", "-n", *flags, "-i", str(lab.login_key), f"{LOGIN}@{address}", command]


def require_logins(lab: Lab, nodes: Sequence[Node]) -> None:
    """Log in to nodes and run a command on each, all at once.

    Raises:
        LabError: A node does not let the login in, or its login shell does not answer; the message names all
            of these nodes and says what to do.
    """
    with ThreadPoolExecutor(len(nodes)) as pool:
        faults = list(filter(None, pool.map(lambda node: _fault(lab, node), nodes)))
    if faults:
        raise LabError(
            f"no login works on {'; '.join(faults)}: build the lab again by `lab.down` and then `lab.up`"
        )


def _fault(lab: Lab, node: Node) -> str | None:
    """Return which node does not answer, and why; None if it answers."""
    command = "show version" if isinstance(node, Router) else "true"
    try:
        run(*command_line(lab, node.address, command, timeout_s=20), seconds=60)
    except LabError as exc:
        return f"{node.name} ({str(exc).rpartition(': ')[2]})"
    return None
