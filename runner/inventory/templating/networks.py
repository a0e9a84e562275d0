"""Filters of Ansible's collection `ansible.utils` that compute with networks and hardware addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.inventory.parsing.bounds import FilterError
from runner.inventory.templating.addresses import load_netaddr, nth_address, parsed, usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from netaddr import IPNetwork

__all__ = ["FILTERS"]


def _network_of(value: Any) -> IPNetwork | None:
    """Return the network that a value names, or the address with its prefix."""
    each = parsed(value, None) if value and value is not True else None
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
    return f"{nth_address(net.first + (wanted << width - size), net)}/{size}"


def _around(net: IPNetwork, size: int, index: Any, width: int) -> Any:
    """Return a network that contains an address, by its prefix and its position among all such networks."""
    wanted = 0 if index is None else int(index)
    above = net.supernet(size)
    if index is not None and (wanted > width + 1 - wanted or wanted < size - width):
        return False
    try:
        return str(above[wanted])
    except IndexError as exc:
        raise FilterError("ipsubnet: index out of range") from exc


def _position(net: IPNetwork, query: Any) -> str:
    """Return the position of a subnet within the outer network, counted from 1."""
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
        bounds = usable(net)
        number = int(net.ip) + sign * offset
        return nth_address(number, net) if bounds and bounds[0] <= number <= bounds[1] else None

    return asked


def _network_in_network(value: Any, test: Any) -> bool:
    """Return whether an address or network lies in a network."""
    outer, inner = _network_of(value), _network_of(test)
    return bool(outer and inner and outer.first <= inner.first and inner.last <= outer.last)


def _network_in_usable(value: Any, test: Any) -> bool:
    """Return whether an address or network lies in a network, without its first and last address."""
    outer, inner = _network_of(value), _network_of(test)
    if outer is None or inner is None:
        return False
    first, last = usable(outer) or (outer.first, outer.last)
    return bool(first <= inner.first and inner.last <= last)


def _reduce_on_network(values: Any, network: Any) -> list[Any]:
    """Return the addresses that lie in a network."""
    return [value for value in values if _network_in_network(network, value)]


def _cidr_merge(values: Any, action: str = "merge") -> Any:
    """Join neighbouring networks, or return the smallest network around all."""
    netaddr = load_netaddr()
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
    """Check a hardware address, and return it in the format that a query names."""
    netaddr = load_netaddr()
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
    """Return the address that a host configures in an IPv6 network from its MAC address (RFC 4862)."""
    net = _network_of(value)
    if net is None or net.version != 6 or not query:  # noqa: PLR2004
        return False
    netaddr = load_netaddr()
    try:
        return str(netaddr.EUI(query).ipv6(net.network))
    except (netaddr.AddrFormatError, TypeError, ValueError):
        return False


FILTERS: dict[str, Callable[..., Any]] = {
    "cidr_merge": _cidr_merge,
    "hwaddr": _hwaddr,
    "ip4_hex": _ip4_hex,
    "ipmath": _ipmath,
    "ipsubnet": _ipsubnet,
    "macaddr": _hwaddr,
    "network_in_network": _network_in_network,
    "network_in_usable": _network_in_usable,
    "next_nth_usable": _nth_usable(1),
    "nthhost": _nthhost,
    "previous_nth_usable": _nth_usable(-1),
    "reduce_on_network": _reduce_on_network,
    "slaac": _slaac,
}
"""Filters by name."""
