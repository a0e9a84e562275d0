"""Bringing the lab up, looking at it, taking it down, and stopping single routers of it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tests.lab import frr, namespaces, sshd, topology
from tests.lab.accounts import write_accounts
from tests.lab.errors import LabError, LabUnavailable
from tests.lab.logins import require_logins
from tests.lab.processes import end
from tests.lab.requirements import require_programs, require_root
from tests.lab.state import Lab, claimed, make_folder
from tests.lab.topology import Node, Router, namespace_of

__all__ = ["NodeStatus", "down", "is_up", "start_router", "status", "stop_router", "up"]

_LAB = Lab()


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What runs on one node of the lab.

    Attributes:
        node: The node.
        running: Its daemons that run.
        stopped: Those that should run too and do not.
        adjacencies: With how many neighbours its OSPF is in full adjacency; None where it runs none.
    """

    node: Node
    running: tuple[str, ...]
    stopped: tuple[str, ...]
    adjacencies: int | None = None

    @property
    def ok(self) -> bool:
        """Whether all of its daemons run."""
        return not self.stopped

    def __str__(self) -> str:
        state = "up" if self.ok else f"down ({', '.join(self.stopped)})"
        ospf = "" if self.adjacencies is None else f"  {self.adjacencies} full OSPF adjacencies"
        return f"{self.node.name:8} {self.node.address!s:14} {state}{ospf}"


def up(lab: Lab = _LAB) -> Lab:
    """Bring the lab up and return when its routers have found each other; leave one alone that is up.

    What is left of a lab that is up by halves is removed first. A lab counts as up only if a login works on
    each node.

    Raises:
        LabUnavailable: No root, missing packages, another checkout's lab, or a route in its way.
        LabError: Something did not start, and nothing of the lab is left; or all daemons of a lab that was up
            run, but a node lets no login in: that lab is left as it is.
    """
    require_root()
    require_programs()
    with claimed(lab):
        if not is_up(lab):
            _remove(lab)
            _refuse_foreign_routes()
            try:
                _build(lab)
            except BaseException:
                _remove(lab)
                raise
        else:
            require_logins(lab, topology.NODES)
    return lab


def down(lab: Lab = _LAB) -> None:
    """Take the lab down, or what is left of one: processes, namespaces, links, routes and its folder.

    Raises:
        LabUnavailable: The user is not root, or the lab is another checkout's.
    """
    require_root()
    with claimed(lab):
        _remove(lab)


def is_up(lab: Lab = _LAB) -> bool:
    """Return whether this checkout's lab is up as a whole: every daemon, every namespace.

    Whoever may not read the lab's folder is told that there is none; it takes root to use it anyway.
    """
    daemons_run = all(_running(lab, node) == _expected(node) for node in topology.NODES)
    return daemons_run and namespaces.existing() == topology.NAMESPACES


def status(lab: Lab = _LAB) -> tuple[NodeStatus, ...]:
    """Return what runs on each node of this checkout's lab.

    Raises:
        LabUnavailable: The user is not root.
    """
    require_root()
    return tuple(_node_status(lab, node) for node in topology.NODES)


def stop_router(name: str, lab: Lab = _LAB) -> None:
    """End everything on a router and remove its namespace, as if it had been carried out of the room.

    Raises:
        KeyError: There is no router of that name.
        LabUnavailable: The user is not root, or the lab is another checkout's.
    """
    require_root()
    with claimed(lab):
        _stop(topology.router_named(name))


def start_router(name: str, lab: Lab = _LAB) -> None:
    """Bring a router back with its keys and configuration, and wait until OSPF has its neighbours again.

    Raises:
        KeyError: There is no router of that name.
        LabUnavailable: The user is not root, or the lab is another checkout's.
        LabError: It did not start, it lets no login in, or the lab is down.
    """
    require_root()
    router = topology.router_named(name)
    with claimed(lab):
        if namespace_of(topology.CORE) not in namespaces.existing():
            raise LabError(f"{name} has no lab to come back to: bring the lab up first")
        _stop(router)
        namespaces.create(router.name)
        namespaces.connect_node(router)
        present = tuple(each for each in topology.ROUTERS if namespace_of(each.name) in namespaces.existing())
        for link in topology.LINKS:
            if router in link and link.peer(router) in present:
                namespaces.connect_routers(link)
        sshd.start(lab, router)
        frr.start(lab, router)
        frr.wait_for_convergence(lab, present)
        require_logins(lab, (router,))


def _build(lab: Lab) -> None:
    lab.state.mkdir(mode=0o700)
    _write(lab)
    for name in (topology.CORE, *(node.name for node in topology.NODES)):
        namespaces.create(name)
    namespaces.connect_operator()
    for node in topology.NODES:
        namespaces.connect_node(node)
    for link in topology.LINKS:
        namespaces.connect_routers(link)
    for node in topology.NODES:
        sshd.start(lab, node)
    for router in topology.ROUTERS:
        frr.start(lab, router)
    frr.wait_for_convergence(lab, topology.ROUTERS)
    require_logins(lab, topology.NODES)


def _write(lab: Lab) -> None:
    login_key = sshd.make_key(lab.login_key, "lab login")
    host_keys = {}
    for node in topology.NODES:
        make_folder(lab.node(node))
        write_accounts(lab.node(node), node)
        host_keys[node] = sshd.write_configuration(lab, node, login_key)
        if isinstance(node, Router):
            frr.write_configuration(lab, node)
    sshd.write_known_hosts(lab, host_keys)
    _hand_over(lab)


def _hand_over(lab: Lab) -> None:
    """Let whoever called `sudo` log in to the lab without it: the login is theirs, the rest stays root's."""
    caller = os.environ.get("SUDO_UID", "")
    if caller.isdecimal():
        lab.state.chmod(0o711)
        for path in (lab.login_key, lab.known_hosts):
            os.chown(path, int(caller), -1)


def _stop(node: Node) -> None:
    namespace = namespace_of(node.name)
    if namespace in namespaces.existing():
        namespaces.destroy(namespace)


def _remove(lab: Lab) -> None:
    """Remove the lab in an order that works from every state it can be in.

    The folder goes last: until then its pid files still tell of processes whose namespace has lost its name.
    """
    namespaces.disconnect_operator()
    for namespace in namespaces.existing():
        namespaces.destroy(namespace)
    end(_strays(lab))
    lab.remove()


def _strays(lab: Lab) -> list[int]:
    servers = [sshd.main_process(lab, node) for node in topology.NODES]
    daemons = [pid for router in topology.ROUTERS for pid in frr.processes(lab, router).values()]
    return [pid for pid in (*servers, *daemons) if pid is not None]


def _expected(node: Node) -> tuple[str, ...]:
    return ("sshd", *frr.DAEMONS) if isinstance(node, Router) else ("sshd",)


def _running(lab: Lab, node: Node) -> tuple[str, ...]:
    servers = ("sshd",) if sshd.main_process(lab, node) is not None else ()
    return (*servers, *frr.processes(lab, node)) if isinstance(node, Router) else servers


def _node_status(lab: Lab, node: Node) -> NodeStatus:
    running = _running(lab, node)
    stopped = tuple(name for name in _expected(node) if name not in running)
    return NodeStatus(node, running, stopped, _neighbours(lab, node) if isinstance(node, Router) else None)


def _neighbours(lab: Lab, router: Router) -> int:
    """Count adjacencies; a router whose daemons are down, or die while they are asked, has none."""
    try:
        return frr.adjacencies(lab, router)
    except LabError:
        return 0


def _refuse_foreign_routes() -> None:
    routes = namespaces.foreign_routes(topology.BLOCK)
    if routes:
        raise LabUnavailable(
            f"the lab needs {topology.BLOCK}, and this machine routes it already: {routes[0]}"
        )
