"""Network namespaces, links and routes: `ip-netns(8)`, `ip-link(8)` and `ip-route(8)` in the lab's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab import topology
from tests.lab.processes import end, run, wait_until
from tests.lab.topology import Link, Node, Router, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Network

__all__ = [
    "connect_node",
    "connect_operator",
    "connect_routers",
    "create",
    "destroy",
    "disconnect_operator",
    "existing",
    "foreign_routes",
    "pids",
]


def existing() -> tuple[str, ...]:
    """Return the network namespaces of the lab that exist, in the order of the plan."""
    names = {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()}
    return tuple(name for name in topology.NAMESPACES if name in names)


def pids(namespace: str) -> tuple[int, ...]:
    """Return the processes that run in a namespace which exists."""
    return tuple(int(pid) for pid in run("ip", "netns", "pids", namespace).split())


def foreign_routes(block: IPv4Network) -> tuple[str, ...]:
    """Return the routes of the operator's namespace into `block` that are not the lab's own."""
    routes = run("ip", "-4", "route", "show", "table", "all", "root", str(block)).splitlines()
    return tuple(route.strip() for route in routes if f"dev {topology.OPERATOR_LINK} " not in f"{route} ")


def create(name: str) -> None:
    """Make the namespace of the machine `name`."""
    namespace = namespace_of(name)
    run("ip", "netns", "add", namespace)
    _configure(namespace, ["link set lo up"])


def destroy(namespace: str) -> None:
    """End every process in a namespace which exists, then remove it and with it every interface in it.

    Raises:
        LabError: A process in it does not die.
    """

    def is_empty() -> bool:
        remaining = pids(namespace)
        end(remaining)
        return not remaining

    wait_until(is_empty, f"the end of every process in {namespace}", seconds=30)
    run("ip", "netns", "delete", namespace)


def connect_operator() -> None:
    """Lay the cable from the operator to the core, and lead the lab's whole block into it.

    The core has no default route: what the plan does not know ends there and goes nowhere.
    """
    core = namespace_of(topology.CORE)
    device = topology.OPERATOR_LINK
    run("ip", "link", "add", device, "type", "veth", "peer", "name", "operator", "netns", core)
    _configure(core, _core_commands())
    run("ip", "address", "add", f"{topology.OPERATOR_ADDRESS}/30", "dev", device)
    run("ip", "link", "set", device, "up")
    run("ip", "route", "add", str(topology.BLOCK), "via", str(topology.CORE_ADDRESS), "dev", device)
    _forward(core)


def _core_commands() -> Iterator[str]:
    yield f"address add {topology.CORE_ADDRESS}/30 dev operator"
    yield "link set operator up"
    yield f"route add blackhole {topology.SILENT_RANGE}"
    yield f"route add prohibit {topology.PROHIBITED}"


def _forward(namespace: str) -> None:
    """Let a namespace route; answer each packet that cannot be delivered, not only some a second."""
    settings = "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit"
    run("ip", "netns", "exec", namespace, "sh", "-euc", settings)


def disconnect_operator() -> None:
    """Take the operator's cable away, and the routes with it; no fault where there is none."""
    if f": {topology.OPERATOR_LINK}@" in run("ip", "-oneline", "link", "show", "type", "veth"):
        run("ip", "link", "delete", topology.OPERATOR_LINK)


def connect_node(node: Node) -> None:
    """Lay the management cable from the core to a node.

    The link is unnumbered in the sense of RFC 1812, 2.2.7: the core has one address for all of them. The
    servers' range is a `local` route on the node: the kernel takes every address in it for the node's own.
    """
    core, own = namespace_of(topology.CORE), namespace_of(node.name)
    run("ip", "-n", core, "link", "add", node.name, "type", "veth", "peer", "name", "mgmt", "netns", own)
    at_core = [
        f"address add {topology.GATEWAY} peer {node.address} dev {node.name}",
        f"link set {node.name} up",
    ]
    at_node = [
        f"address add {node.address} peer {topology.GATEWAY} dev mgmt",
        "link set mgmt up",
        f"route add default via {topology.GATEWAY}",
    ]
    if node == topology.SERVERS:
        at_core.append(f"route add {topology.SERVER_RANGE} via {node.address}")
        at_node.append(f"route add local {topology.SERVER_RANGE} dev lo")
    _configure(own, at_node)
    _configure(core, at_core)


def connect_routers(link: Link) -> None:
    """Lay a cable between two routers; its addresses are for FRR to set."""
    ends: list[tuple[Router, str]] = [(router, link.interface(router)) for router in (link.left, link.right)]
    (left, left_name), (right, right_name) = ends
    peer = ("peer", "name", right_name, "netns", namespace_of(right.name))
    run("ip", "-n", namespace_of(left.name), "link", "add", left_name, "type", "veth", *peer)
    for router, name in ends:
        _configure(namespace_of(router.name), [f"link set {name} up"])


def _configure(namespace: str, commands: Iterable[str]) -> None:
    """Run `ip` commands inside a namespace, in one process, up to the first that fails."""
    run("ip", "-n", namespace, "-batch", "-", stdin="".join(f"{command}\n" for command in commands))
