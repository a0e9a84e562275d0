"""Short names for sets of hosts: the group's name for a whole group, folded names for the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.text.hostlist import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["named"]

_PLAIN = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)
"""Names that a host pattern reads as a plain name."""


def named(sets: Sequence[Sequence[str]], groups: Mapping[str, Collection[str]]) -> list[str]:
    """Return a text for each set of hosts, such as `routers,web1`, which `--group` accepts.

    A group's name replaces its hosts if all hosts of that group in the whole inventory are in the set. A
    group with a single host, or with the same name as a host, is not used.

    Args:
        sets: Names of hosts; no host is in two sets.
        groups: The hosts of each group.
    """
    place = {host: number for number, hosts in enumerate(sets) for host in hosts}
    everyone = groups.get("all", ())
    whole: dict[int, list[str]] = {}
    for group, members in groups.items():
        number = _same(place.get(host) for host in members) if len(members) > 1 else None
        if number is not None and group not in everyone and _PLAIN.fullmatch(group):
            whole.setdefault(number, []).append(group)
    return [
        _text(hosts, whole[number], groups) if number in whole else fold(hosts)
        for number, hosts in enumerate(sets)
    ]


def _same(numbers: Iterable[int | None]) -> int | None:
    """Return the number that all items equal; None if they differ."""
    found = None
    for number in numbers:
        if number is None or (found is not None and number != found):
            return None
        found = number
    return found


def _text(hosts: Sequence[str], candidates: Sequence[str], groups: Mapping[str, Collection[str]]) -> str:
    """Replace hosts by whole groups, each host by one group only.

    Groups that are not part of a larger group come first, in the order of the inventory: an inventory usually
    begins with the most important division of its hosts. If several groups have the same hosts, `all` is the
    last choice.
    """
    widest = _widest(sorted(candidates, key=lambda name: (-len(groups[name]), name == "all")), groups)
    left = set(hosts)
    chosen = []
    for group in sorted(candidates, key=lambda name: (name not in widest, name == "all")):
        members = set(groups[group])
        if members <= left:
            chosen.append(group)
            left -= members
    return ",".join([*chosen, fold(left)] if left else chosen)


def _widest(candidates: Iterable[str], groups: Mapping[str, Collection[str]]) -> set[str]:
    """Return the groups that are not part of another group; `candidates` are sorted, the largest first."""
    found: set[str] = set()
    holders: dict[str, set[str]] = {}
    for group in candidates:
        around = [holders.get(host, set()) for host in groups[group]]
        if not set.intersection(*around):
            found.add(group)
            for host in groups[group]:
                holders.setdefault(host, set()).add(group)
    return found
