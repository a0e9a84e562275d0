"""The plan of the lab: which machines there are, at which addresses, and who is linked with whom.

Nothing here touches the system. Every address is from 198.18.0.0/15, the block that RFC 2544 sets
aside for benchmarks between devices, so that no host of a user's network can be meant by mistake::

    operator (root namespace) 198.18.0.1 ── 198.18.0.2 core ─┬─ 198.18.1.11 fr1 ─┐
                                                             ├─ 198.18.1.12 fr2 ─┼─ a triangle, OSPF area 0
                                                             ├─ 198.18.1.13 fr3 ─┘
                                                             ├─ 198.18.1.20 servers: 198.18.64.0/22, one sshd
                                                             ├─ 198.18.9.0/29 silent: dropped without a word
                                                             └─ 198.18.9.9 prohibited: ICMP type 3, code 13
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

__all__ = [
    "BLOCK",
    "CLOSED",
    "CORE",
    "CORE_ADDRESS",
    "GATEWAY",
    "LINKS",
    "LOGIN",
    "NAMESPACES",
    "NODES",
    "OPERATOR_ADDRESS",
    "OPERATOR_LINK",
    "PROHIBITED",
    "ROUTERS",
    "SERVERS",
    "SERVER_RANGE",
    "SILENT",
    "SILENT_RANGE",
    "Link",
    "Node",
    "Router",
    "namespace_of",
    "router_named",
    "server_address",
]

LOGIN = "lab"
"""The one account of every lab host. It exists in the hosts' own /etc/passwd alone, see `accounts`."""

BLOCK = IPv4Network("198.18.0.0/15")
OPERATOR_LINK = "runner-lab"
"""The only network interface that the lab adds to the operator's own namespace."""
OPERATOR_ADDRESS = IPv4Address("198.18.0.1")
CORE_ADDRESS = IPv4Address("198.18.0.2")
GATEWAY = IPv4Address("198.18.1.1")
"""The core's address on each of its unnumbered links to the nodes."""
SERVER_RANGE = IPv4Network("198.18.64.0/22")
SILENT_RANGE = IPv4Network("198.18.9.0/29")
PROHIBITED = IPv4Address("198.18.9.9")
CLOSED = CORE_ADDRESS
"""A machine that is up and has nothing on port 22: the core runs no sshd."""

CORE = "core"
"""The machine in the middle, which only forwards; everything the operator sends passes it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the lab that people log in to.

    Attributes:
        name: Its host name; `namespace_of` makes the name of its network namespace.
        address: Where its management interface is reached.
        shell: The login shell of the account `LOGIN` on it.
    """

    name: str
    address: IPv4Address
    shell: str = "/bin/sh"


@dataclass(frozen=True, slots=True)
class Router(Node):
    """A node that runs FRR.

    Attributes:
        number: Tells it from the others: it is in its loopback address and its networks.
    """

    number: int = 0

    @property
    def loopback(self) -> IPv4Address:
        """Its OSPF router id, and an address that the other routers learn by OSPF."""
        return IPv4Address("198.19.255.0") + self.number

    @property
    def stub(self) -> IPv4Network:
        """A network behind it, which it has as a static route and tells the others of."""
        return IPv4Network((int(IPv4Address("198.19.0.0")) + 256 * (100 + self.number), 24))


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two routers, with a /30 network of its own."""

    left: Router
    right: Router
    network: IPv4Network

    def __contains__(self, router: object) -> bool:
        return router in (self.left, self.right)

    def peer(self, router: Router) -> Router:
        """Return the router at the other end."""
        return self.right if router == self.left else self.left

    def interface(self, router: Router) -> str:
        """Return the name of this cable's interface on `router`: it says where the cable leads."""
        return f"to-{self.peer(router).name}"

    def address(self, router: Router) -> str:
        """Return the address of that interface with its prefix length."""
        host = self.network[1] if router == self.left else self.network[2]
        return f"{host}/{self.network.prefixlen}"


def _router(number: int) -> Router:
    return Router(f"fr{number}", IPv4Address("198.18.1.10") + number, "/run/lab/vtysh", number)


ROUTERS = tuple(_router(number) for number in (1, 2, 3))
LINKS = tuple(
    Link(left, right, IPv4Network(f"198.19.{left.number}{right.number}.0/30"))
    for left in ROUTERS
    for right in ROUTERS
    if left.number < right.number
)
SERVERS = Node("servers", IPv4Address("198.18.1.20"))
NODES: tuple[Node, ...] = (*ROUTERS, SERVERS)
SILENT = tuple(SILENT_RANGE[number] for number in (1, 2, 3))


def namespace_of(name: str) -> str:
    """Return the network namespace of the machine `name`; the prefix marks it as ours."""
    return f"runner-lab-{name}"


NAMESPACES = tuple(namespace_of(name) for name in (CORE, *(node.name for node in NODES)))


def router_named(name: str) -> Router:
    """Return the router called `name`.

    Raises:
        KeyError: There is none.
    """
    return {router.name: router for router in ROUTERS}[name]


def server_address(number: int) -> IPv4Address:
    """Return the address of server `number`, as in `s001`; they all are doors of the one sshd."""
    return SERVER_RANGE[number]
