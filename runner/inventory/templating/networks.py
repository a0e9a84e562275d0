"""The filters for addresses of Ansible's collection `ansible.utils`: `ipaddr` and its family.

The meaning of each query is that of the collection's documentation ("ipaddr filter"). The package `netaddr`
does the arithmetic, as it does there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.inventory.bounds import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netaddr import IPNetwork

__all__ = ["FILTERS"]

_PAIR = 2
_QUAD = 4


def _netaddr() -> Any:
    try:
        import netaddr  # noqa: PLC0415 - only for inventories that compute addresses
    except ImportError as exc:
        raise FilterError("needs netaddr: pip install 'invoke-runner[templates]'") from exc
    return netaddr


class _Address(NamedTuple):
    """What a value means as an address.

    Attributes:
        net: The address with its prefix.
        text: The value, in its usual form.
        has_prefix: Whether the value had a prefix.
    """

    net: IPNetwork
    text: Any
    has_prefix: bool


def _parsed(value: object, version: int | None) -> _Address | None:
    """Read an address, with or without a prefix; a number counts as an address."""
    netaddr = _netaddr()
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
    """Return the address that a number stands for: of IPv4 if it is small enough."""
    netaddr = _netaddr()
    address = netaddr.IPAddress(number, version or (4 if number < 1 << 32 else 6))
    network: IPNetwork = netaddr.IPNetwork(address)
    if prefix is not None:
        network.prefixlen = prefix
    return network


def _usable(net: IPNetwork) -> tuple[int, int] | None:
    """Return the first and the last address that a host can have; None in a network of one address."""
    if net.size == 1:
        return None
    edge = 0 if net.size == _PAIR else 1
    return net.first + edge, net.last - edge


def _ip(number: int, net: IPNetwork) -> str:
    return str(_netaddr().IPAddress(number, net.version))


def _is_host(net: IPNetwork) -> bool:
    """Tell whether an address is one of a host, and not the name of its network."""
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
    """Make a query that needs a network, and gets its first and last usable address."""

    def asked(each: _Address) -> Any:
        if not each.has_prefix:
            raise FilterError("Not a network address")
        bounds = _usable(each.net)
        return None if bounds is None else query(each, *bounds)

    return asked


def _neighbour(step: int) -> Callable[[_Address, int, int], str | None]:
    def asked(each: _Address, first: int, last: int) -> str | None:
        number = int(each.net.ip) + step
        return _ip(number, each.net) if first <= number <= last else None

    return asked


def _peer(each: _Address) -> str:
    net = each.net
    if not each.has_prefix:
        raise FilterError("Not a network address")
    number = int(net.ip)
    if net.size == _PAIR:
        return _ip(number ^ 1, net)
    if net.size != _QUAD:
        raise FilterError("Not a point-to-point network")
    if number % _QUAD in (0, 3):
        which = "Network" if number % _QUAD == 0 else "Broadcast"
        raise FilterError(f"{which} address of /30 has no peer")
    return _ip(number ^ 3, net)


def _if_host(shape: str) -> Callable[[_Address], str | None]:
    """Make a query for an address within a network, in a shape such as `{ip}/{prefixlen}`."""

    def asked(each: _Address) -> str | None:
        net = each.net
        if net.size > 1 and (net.size == _PAIR or net.ip != net.network):
            return shape.format(ip=net.ip, prefixlen=net.prefixlen, netmask=net.netmask)
        return None

    return asked


def _kept(test: Callable[[Any], bool]) -> Callable[[_Address], Any]:
    """Make a query that gives the value itself if a test of the address holds."""
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
        except _netaddr().AddrConversionError:
            return False

    return asked


def _six_to_four(each: _Address) -> Any:
    net = each.net
    if net.version == 6:  # noqa: PLR2004
        return each.text if net.ip in _netaddr().IPNetwork("2002::/16") and _is_host(net) else False
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
    "first_usable": _of_network(lambda each, first, _last: _ip(first, each.net)),
    "host": lambda each: str(each.net) if each.net.size == 1 or _is_host(each.net) else None,
    "hostmask": lambda each: str(each.net.hostmask),
    "int": lambda each: f"{int(each.net.ip)}/{each.net.prefixlen}" if each.has_prefix else int(each.net.ip),
    "ip/prefix": _if_host("{ip}/{prefixlen}"),
    "ip_netmask": _if_host("{ip} {netmask}"),
    "ipv4": _in_version(4),
    "ipv6": _in_version(6),
    "last_usable": _of_network(lambda each, _first, last: _ip(last, each.net)),
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
    "range_usable": _of_network(lambda each, first, last: f"{_ip(first, each.net)}-{_ip(last, each.net)}"),
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
    each = None if not value or value is True else _parsed(value, version)
    if each is None or (version and each.net.version != version):
        return False
    asked = _QUERIES.get(query) if isinstance(query, str) else None
    if asked is not None:
        return asked(each)
    return _nth_or_member(each, query)


def _nth_or_member(each: _Address, query: Any) -> Any:
    """Answer a query that is a position in the network, or a network that the address has to be in."""
    netaddr = _netaddr()
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


def _network_of(value: Any) -> IPNetwork | None:
    """Return the network that a value names, or the address with its prefix."""
    each = _parsed(value, None) if value and value is not True else None
    return None if each is None else each.net


def _ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """Count or pick the subnets of a network, or pick a network around an address."""
    found = _network_of(value)
    if found is None:
        return False
    net = found.cidr
    if query in ("", None):
        return str(net)
    return _subnets(net, int(query), index) if str(query).isdigit() else _position(net, query)


def _subnets(net: IPNetwork, size: int, index: Any) -> Any:
    """Count or pick the subnets of a network by the length of their prefix."""
    if size > (width := 128 if net.version == 6 else 32):  # noqa: PLR2004
        return False
    if net.size == 1:
        return _around(net, size, index, width)
    if index is None:
        if size < net.prefixlen:
            raise FilterError(f"Requested subnet size of {size} is invalid")
        return str(2 ** (size - net.prefixlen))
    count = 2.0 ** (size - net.prefixlen)
    wanted = int(index) + (int(count) if int(index) < 0 else 0)
    if not 0 <= wanted < count:
        return False
    return f"{_ip(net.first + (wanted << width - size), net)}/{size}"


def _around(net: IPNetwork, size: int, index: Any, width: int) -> Any:
    """Return a network that holds an address, by its prefix and its position among all that do."""
    wanted = 0 if index is None else int(index)
    above = net.supernet(size)
    if index is not None and (wanted > width + 1 - wanted or wanted < size - width):
        return False
    try:
        return str(above[wanted])
    except IndexError as exc:
        raise FilterError("ipsubnet: index out of range") from exc


def _position(net: IPNetwork, query: Any) -> str:
    """Return which of the subnets of a network this one is, counted from 1."""
    outer = _network_of(query)
    if outer is None:
        raise FilterError(f"You must pass a valid subnet or IP address; {query} is invalid")
    outer = outer.cidr
    if net not in outer:
        raise FilterError(f"{net} is not in the subnet {outer}")
    return str(((net.first - outer.first) >> (128 if net.version == 6 else 32) - net.prefixlen) + 1)  # noqa: PLR2004


def _ipmath(value: Any, amount: Any) -> str:
    """Add a number to an address."""
    net = _network_of(value) if isinstance(value, str) else None
    if net is None:
        raise FilterError(f"You must pass a valid IP address; {value} is invalid")
    if not isinstance(amount, int):
        raise FilterError(f"You must pass an integer for arithmetic; {amount} is not a valid integer")
    return str(net.ip + amount)


def _nthhost(value: Any, query: Any = "") -> Any:
    """Return an address of a network by its position."""
    net = _network_of(value)
    try:
        return False if net is None or query in ("", None) or net.size <= int(query) else str(net[int(query)])
    except ValueError:
        return False


def _nth_usable(sign: int) -> Callable[[Any, Any], Any]:
    def asked(value: Any, offset: Any) -> Any:
        net = _network_of(value)
        if net is None:
            return False
        if not isinstance(offset, int):
            raise FilterError("Must pass in an integer")
        bounds = _usable(net)
        number = int(net.ip) + sign * offset
        return _ip(number, net) if bounds and bounds[0] <= number <= bounds[1] else None

    return asked


def _network_in_network(value: Any, test: Any) -> bool:
    """Tell whether an address or network lies in a network."""
    outer, inner = _network_of(value), _network_of(test)
    return bool(outer and inner and outer.first <= inner.first and inner.last <= outer.last)


def _network_in_usable(value: Any, test: Any) -> bool:
    """Tell whether an address or network lies in a network, its first and last address left out."""
    outer, inner = _network_of(value), _network_of(test)
    if outer is None or inner is None:
        return False
    first, last = _usable(outer) or (outer.first, outer.last)
    return bool(first <= inner.first and inner.last <= last)


def _reduce_on_network(values: Any, network: Any) -> list[Any]:
    """Return the addresses that lie in a network."""
    return [value for value in values if _network_in_network(network, value)]


def _cidr_merge(values: Any, action: str = "merge") -> Any:
    """Join neighbouring networks, or return the smallest network around all."""
    netaddr = _netaddr()
    try:
        if action == "merge":
            return [str(net) for net in netaddr.cidr_merge(values)]
        if action != "span":
            raise FilterError(f"cidr_merge: invalid action {action!r}")
        if len(values) > 1:
            return str(netaddr.spanning_cidr(values))
        return str(netaddr.IPNetwork(values[0])) if values else None
    except (netaddr.AddrFormatError, TypeError, ValueError) as exc:
        raise FilterError(f"cidr_merge: {exc}") from exc


def _ip4_hex(value: Any, delimiter: str = "") -> str:
    """Return an IPv4 address in hexadecimal."""
    net = _network_of(value)
    if net is None or net.version != 4 or "/" in str(value):  # noqa: PLR2004
        raise FilterError(f"You must pass a valid IP address; {value} is invalid")
    return delimiter.join(f"{number:02x}" for number in net.ip.words)


def _ipwrap(value: Any, query: Any = "") -> Any:
    """Put brackets around IPv6 addresses, and leave everything else."""
    if isinstance(value, (list, tuple)):
        return [_ipwrap(item, query) for item in value]
    found = _ipaddr(value, query)
    return _ipaddr(found, "wrap") if found else value


def _of_version(version: int) -> Callable[..., Any]:
    return lambda value, query="": _ipaddr(value, query, version)


_MAC_SHAPES = {
    "bare": "mac_bare",
    "cisco": "mac_cisco",
    "eui48": "mac_eui48",
    "linux": "mac_unix_expanded",
    "pgsql": "mac_pgsql",
    "postgresql": "mac_pgsql",
    "psql": "mac_pgsql",
    "unix": "mac_unix",
    "win": "mac_eui48",
}


def _hwaddr(value: Any, query: str = "") -> Any:
    """Check a hardware address, and write it in the shape that a query names."""
    netaddr = _netaddr()
    try:
        address = netaddr.EUI(value)
    except (netaddr.AddrFormatError, TypeError, ValueError):
        if query and query != "bool":
            raise FilterError(f"hwaddr: not a hardware address: {value}") from None
        return None
    if query in _MAC_SHAPES:
        address.dialect = getattr(netaddr, _MAC_SHAPES[query])
        return str(address)
    plain = {"": value, "bool": True, "int": int(address)}
    if query not in plain:
        raise FilterError(f"hwaddr: unknown filter type: {query}")
    return plain[query]


def _slaac(value: Any, query: Any = "") -> Any:
    """Return the address that a host with a hardware address gives itself in an IPv6 network (RFC 4862)."""
    net = _network_of(value)
    if net is None or net.version != 6 or not query:  # noqa: PLR2004
        return False
    netaddr = _netaddr()
    try:
        return str(netaddr.EUI(query).ipv6(net.network))
    except (netaddr.AddrFormatError, TypeError, ValueError):
        return False


FILTERS: dict[str, Callable[..., Any]] = {
    "cidr_merge": _cidr_merge,
    "hwaddr": _hwaddr,
    "ip4_hex": _ip4_hex,
    "ipaddr": lambda value, query="": _ipaddr(value, query),
    "ipmath": _ipmath,
    "ipsubnet": _ipsubnet,
    "ipv4": _of_version(4),
    "ipv6": _of_version(6),
    "ipwrap": _ipwrap,
    "macaddr": _hwaddr,
    "network_in_network": _network_in_network,
    "network_in_usable": _network_in_usable,
    "next_nth_usable": _nth_usable(1),
    "nthhost": _nthhost,
    "previous_nth_usable": _nth_usable(-1),
    "reduce_on_network": _reduce_on_network,
    "slaac": _slaac,
}
"""Filters by name; each also has the name of the collection before it (`ansible.utils.ipaddr`)."""
