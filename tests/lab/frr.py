"""The lab's routers: FRR's configuration, daemons, and whether OSPF has converged."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from tests.lab.processes import command_line, wait_until
from tests.lab.sshd import inside
from tests.lab.state import Lab, make_folder, write
from tests.lab.topology import LINKS, Router

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DAEMONS", "adjacencies", "processes", "start", "wait_for_convergence", "write_configuration"]

DAEMONS = ("zebra", "ospfd", "staticd")
"""In the order in which they start: the others register with zebra."""

_SHELL = """\
#!/bin/sh
[ $# -gt 0 ] || export VTYSH_PAGER='more -10'
exec /usr/bin/vtysh -N {} "$@"
"""


def write_configuration(lab: Lab, router: Router) -> None:
    """Write a router's configuration and its login shell.

    The login shell is a wrapper because `vtysh` finds the daemons of one router among several by `-N`. It
    hands every argument on, so that sshd's `SHELL -c COMMAND` is `vtysh -c COMMAND`, exit code and all.
    Without a command, it is interactive and has a pager, until `no terminal paginate`.
    """
    folder = lab.node(router)
    write(folder / "vtysh", _SHELL.format(router.name), mode=0o755)
    settings = folder / "frr" / router.name
    for path in (folder / "frr", settings, folder / "run"):
        make_folder(path)
    write(settings / "frr.conf", "".join(f"{line}\n" for line in _configuration(router)), mode=0o640)
    write(settings / "vtysh.conf", "service integrated-vtysh-config\n", mode=0o640)
    for path in (folder / "frr", settings, folder / "run", *settings.iterdir()):
        shutil.chown(path, "frr", "frr" if path.name == "frr.conf" else "frrvty")


def _configuration(router: Router) -> Iterator[str]:
    """Yield `frr.conf`; its timers find a dead neighbour in 10 s, and none that is only slow."""
    yield from ("frr defaults traditional", f"hostname {router.name}", "service integrated-vtysh-config", "!")
    yield from ("ip forwarding", f"ip route {router.stub} Null0")
    yield "!"
    yield from ("interface lo", f" ip address {router.loopback}/32", " ip ospf area 0", "exit", "!")
    for link in LINKS:
        if router in link:
            yield f"interface {link.interface(router)}"
            yield f" description to {link.peer(router).name}"
            yield f" ip address {link.address(router)}"
            yield " ip ospf area 0"
            yield " ip ospf network point-to-point"
            yield " ip ospf hello-interval 1"
            yield " ip ospf dead-interval 10"
            yield " ip ospf retransmit-interval 1"
            yield from ("exit", "!")
    yield from ("router ospf", f" ospf router-id {router.loopback}", " redistribute static", "exit", "!")


def start(lab: Lab, router: Router) -> None:
    """Start the daemons of a router whose machine is up, and give them their configuration.

    Raises:
        LabError: One of them did not start, or refused the configuration.
    """
    for daemon in DAEMONS:
        inside(
            lab, router, f"/usr/lib/frr/{daemon}", "-d", "-N", router.name, "--log", "file:/run/frr/frr.log"
        )
    inside(lab, router, "vtysh", "-N", router.name, "-b")


def processes(lab: Lab, router: Router) -> dict[str, int]:
    """Return the process ids of the daemons that run; a pid file that names another program is stale."""
    found = {daemon: _process(lab, router, daemon) for daemon in DAEMONS}
    return {daemon: pid for daemon, pid in found.items() if pid is not None}


def _process(lab: Lab, router: Router, daemon: str) -> int | None:
    try:
        pid = int((lab.node(router) / "run" / router.name / f"{daemon}.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    words = command_line(pid).split()
    return pid if words[:1] == [f"/usr/lib/frr/{daemon}"] and router.name in words else None


def adjacencies(lab: Lab, router: Router) -> int:
    """Return with how many neighbours a router's OSPF is in full adjacency (RFC 2328, 10.1)."""
    return _ask(lab, router, "show ip ospf neighbor").count("Full/")


def wait_for_convergence(lab: Lab, routers: tuple[Router, ...], *, seconds: float = 90) -> None:
    """Wait until each of `routers` has full adjacencies with all the others, and routes to their networks.

    Raises:
        LabError: It was not so in that time.
    """
    for router in routers:
        others = [other for other in routers if other != router]
        has_converged = partial(_knows, lab, router, others)
        wait_until(has_converged, f"OSPF of {router.name} to converge", seconds=seconds)


def _knows(lab: Lab, router: Router, others: list[Router]) -> bool:
    if adjacencies(lab, router) < len(others):
        return False
    routes = _ask(lab, router, "show ip route ospf")
    return all(f"O>* {other.stub} " in routes for other in others)


def _ask(lab: Lab, router: Router, command: str) -> str:
    return inside(lab, router, "vtysh", "-N", router.name, "-c", command)
