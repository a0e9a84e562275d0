"""The address filters of Ansible's collection `ansible.utils`: `ipaddr`, `ipv4`, `ipv6` and `ipwrap`.

The meaning of each query is that of the collection's documentation ("ipaddr filter"). The package `netaddr`
does the arithmetic, as it does there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.inventory.parsing.bounds import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netaddr import IPNetwork

__all__ = ["FILTERS", "load_netaddr", "nth_address", "parsed", "usable"]

_PAIR = 2
_QUAD = 4


def load_netaddr() -> Any:
    """Import and return the optional package `netaddr`.

    Raises:
        FilterError: It is not installed.
    """
    try:
        import netaddr  # noqa: PLC0415 - only for inventories that compute addresses
    except ImportError as exc:
        raise FilterError("filters for addresses need netaddr: pip install netaddr") from exc
    return netaddr


class _Address(NamedTuple):
    """A value read as an address.

    Attributes:
        net: The address with its prefix.
        text: The value, in its usual form.
        has_prefix: Whether the value had a prefix.
    """

    net: IPNetwork
    text: Any
    has_prefix: bool


def parsed(value: object, version: int | None) -> _Address | None:
    """Read an address, with or without a prefix; a number counts as an address. None if it is not one."""
    netaddr = load_netaddr()
    text = str(value)
    address, slash, prefix = text.partition("/")
    try:
        if text.isdigit():
            net = _of_number(int(text), None, version)
            return _Address(net, str(net), has_prefix=False)
        if address.isdigit() and prefix.isdigit():
            net = _of_number(int(address), int(prefix), None)
            return _Address(net, str(net), has_prefix=True)
        return _Address(netaddr.IPNetwork(text), value, has_prefix=bool(slash))
    except (netaddr.AddrFormatError, ValueError, TypeError):
        return None


def _of_number(number: int, prefix: int | None, version: int | None) -> IPNetwork:
    """Return the address with a number: without a version, IPv4 if the number is small enough."""
    netaddr = load_netaddr()
    address = netaddr.IPAddress(number, version or (4 if number < 1 << 32 else 6))
    network: IPNetwork = netaddr.IPNetwork(address)
    if prefix is not None:
        network.prefixlen = prefix
    return network


def usable(net: IPNetwork) -> tuple[int, int] | None:
    """Return the first and the last address that a host can have; None in a network of one address."""
    if net.size == 1:
        return None
    edge = 0 if net.size == _PAIR else 1
    return net.first + edge, net.last - edge


def nth_address(number: int, net: IPNetwork) -> str:
    """Return the address with a number, in the IP version of a network."""
    return str(load_netaddr().IPAddress(number, net.version))


def _is_host(net: IPNetwork) -> bool:
    """Return whether an address is that of a host, not the address of its network."""
    return bool(net.ip != net.network or not net.broadcast)


def _host_address(each: _Address) -> str | None:
    net = each.net
    return str(net.ip) if net.size == 1 or _is_host(net) or net.version == 6 else None  # noqa: PLR2004


def _with_prefix(each: _Address) -> str | bool:
    net = each.net
    if net.size > _PAIR and net.ip in (net.network, net.broadcast):
        return False
    return f"{net.ip}/{net.prefixlen}"


def _of_network(query: Callable[[_Address, int, int], Any]) -> Callable[[_Address], Any]:
    """Make a query that needs a network and gets its first and last usable address."""

    def asked(each: _Address) -> Any:
        if not each.has_prefix:
            raise FilterError("Not a network address")
        bounds = usable(each.net)
        return None if bounds is None else query(each, *bounds)

    return asked


def _neighbour(step: int) -> Callable[[_Address, int, int], str | None]:
    def asked(each: _Address, first: int, last: int) -> str | None:
        number = int(each.net.ip) + step
        return nth_address(number, each.net) if first <= number <= last else None

    return asked


def _peer(each: _Address) -> str:
    net = each.net
    if not each.has_prefix:
        raise FilterError("Not a network address")
    number = int(net.ip)
    if net.size == _PAIR:
        return nth_address(number ^ 1, net)
    if net.size != _QUAD:
        raise FilterError("Not a point-to-point network")
    if number % _QUAD in (0, 3):
        which = "Network" if number % _QUAD == 0 else "Broadcast"
        raise FilterError(f"{which} address of /30 has no peer")
    return nth_address(number ^ 3, net)


def _if_host(shape: str) -> Callable[[_Address], str | None]:
    """Make a query for an address within a network, in a shape such as `{ip}/{prefixlen}`."""

    def asked(each: _Address) -> str | None:
        net = each.net
        if net.size > 1 and (net.size == _PAIR or net.ip != net.network):
            return shape.format(ip=net.ip, prefixlen=net.prefixlen, netmask=net.netmask)
        return None

    return asked


def _kept(test: Callable[[Any], bool]) -> Callable[[_Address], Any]:
    """Make a query that returns the value itself if its address passes a test."""
    return lambda each: each.text if test(each.net.ip) else None


def _is_public(ip: Any) -> bool:
    return bool(
        ip.is_unicast()
        and ip.is_global()
        and not ip.is_loopback()
        and not ip.is_netmask()
        and not ip.is_hostmask()
    )


def _in_version(version: int) -> Callable[[_Address], Any]:
    def asked(each: _Address) -> Any:
        if each.net.version == version:
            return each.text
        try:
            return str(each.net.ipv4() if version == 4 else each.net.ipv6())  # noqa: PLR2004
        except load_netaddr().AddrConversionError:
            return False

    return asked


def _six_to_four(each: _Address) -> Any:
    net = each.net
    if net.version == 6:  # noqa: PLR2004
        return each.text if net.ip in load_netaddr().IPNetwork("2002::/16") and _is_host(net) else False
    if (net.size > 1 and net.ip == net.network) or not net.ip.is_unicast():
        return False
    return "2002:{:02x}{:02x}:{:02x}{:02x}::1/48".format(*net.ip.words)


def _kind(each: _Address) -> str:
    return "address" if each.net.size == 1 or each.net.ip != each.net.network else "network"


def _wrapped(each: _Address) -> Any:
    if each.net.version != 6:  # noqa: PLR2004
        return each.text
    return f"[{each.net.ip}]" + (f"/{each.net.prefixlen}" if each.has_prefix else "")


_QUERIES: dict[str, Callable[[_Address], Any]] = {
    "": lambda each: str(each.net) if each.has_prefix else str(each.net.ip),
    "6to4": _six_to_four,
    "address": _host_address,
    "address/prefix": _with_prefix,
    "bool": lambda _: True,
    "broadcast": lambda each: str(each.net.broadcast) if each.net.size > _PAIR else None,
    "cidr": lambda each: str(each.net),
    "first_usable": _of_network(lambda each, first, _last: nth_address(first, each.net)),
    "host": lambda each: str(each.net) if each.net.size == 1 or _is_host(each.net) else None,
    "hostmask": lambda each: str(each.net.hostmask),
    "int": lambda each: f"{int(each.net.ip)}/{each.net.prefixlen}" if each.has_prefix else int(each.net.ip),
    "ip/prefix": _if_host("{ip}/{prefixlen}"),
    "ip_netmask": _if_host("{ip} {netmask}"),
    "ipv4": _in_version(4),
    "ipv6": _in_version(6),
    "last_usable": _of_network(lambda each, _first, last: nth_address(last, each.net)),
    "link-local": _kept(lambda ip: bool(ip.is_link_local())),
    "loopback": _kept(lambda ip: bool(ip.is_loopback())),
    "multicast": _kept(lambda ip: bool(ip.is_multicast())),
    "net": lambda each: str(each.net) if each.net.size > 1 and each.net.ip == each.net.network else None,
    "netmask": lambda each: str(each.net.netmask),
    "network": lambda each: str(each.net.network),
    "network_netmask": lambda each: f"{each.net.network} {each.net.netmask}",
    "network_wildcard": lambda each: f"{each.net.network} {each.net.hostmask}",
    "next_usable": _of_network(_neighbour(1)),
    "peer": _peer,
    "prefix": lambda each: each.net.prefixlen,
    "previous_usable": _of_network(_neighbour(-1)),
    "private": _kept(lambda ip: not ip.is_global()),
    "public": _kept(_is_public),
    "range_usable": _of_network(
        lambda each, first, last: f"{nth_address(first, each.net)}-{nth_address(last, each.net)}"
    ),
    "revdns": lambda each: each.net.ip.reverse_dns,
    "size": lambda each: each.net.size,
    "size_usable": lambda each: (
        0 if each.net.size == 1 else each.net.size - (2 if each.net.size > _PAIR else 0)
    ),
    "subnet": lambda each: str(each.net.cidr),
    "type": _kind,
    "unicast": _kept(lambda ip: bool(ip.is_unicast())),
    "version": lambda each: each.net.version,
    "wrap": _wrapped,
}
_QUERIES |= {
    "gateway": _with_prefix,
    "gw": _with_prefix,
    "host/prefix": _with_prefix,
    "hostnet": _with_prefix,
    "ip": _host_address,
    "lo": _QUERIES["loopback"],
    "network/prefix": _QUERIES["subnet"],
    "network_id": _QUERIES["network"],
    "router": _with_prefix,
    "wildcard": _QUERIES["hostmask"],
}


def _ipaddr(value: Any, query: Any = "", version: int | None = None) -> Any:
    """Check an address and return what a query asks about it; False if the value is not an address."""
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        answers = [_ipaddr(item, query, version) for item in value]
        return [answer for answer in answers if answer]
    each = None if not value or value is True else parsed(value, version)
    if each is None or (version and each.net.version != version):
        return False
    asked = _QUERIES.get(query) if isinstance(query, str) else None
    if asked is not None:
        return asked(each)
    return _nth_or_member(each, query)


def _nth_or_member(each: _Address, query: Any) -> Any:
    """Answer a query that is a position in the network, or a network that must contain the address."""
    netaddr = load_netaddr()
    if isinstance(query, int) or str(query).lstrip("-").isdigit():
        if each.net.size == 1:
            return str(each.net) if each.has_prefix else str(each.net.ip)
        try:
            return f"{each.net[int(query)]}/{each.net.prefixlen}"
        except IndexError:
            return False
    try:
        within = netaddr.IPNetwork(query)
    except (netaddr.AddrFormatError, ValueError, TypeError) as exc:
        raise FilterError(f"ipaddr: unknown filter type: {query}") from exc
    return each.text if each.net in netaddr.IPSet([within]) else None


def _ipwrap(value: Any, query: Any = "") -> Any:
    """Put brackets around IPv6 addresses, and leave everything else unchanged."""
    if isinstance(value, (list, tuple)):
        return [_ipwrap(item, query) for item in value]
    found = _ipaddr(value, query)
    return _ipaddr(found, "wrap") if found else value


def _of_version(version: int) -> Callable[..., Any]:
    return lambda value, query="": _ipaddr(value, query, version)


FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": lambda value, query="": _ipaddr(value, query),
    "ipv4": _of_version(4),
    "ipv6": _of_version(6),
    "ipwrap": _ipwrap,
}
"""Filters by name."""
