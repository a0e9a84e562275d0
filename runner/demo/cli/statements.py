"""The configuration of a Juniper router as text.

A configuration is a list of statements, each a path such as `("system", "host-name vmx1")`. The text in
braces, the `set` commands and the comparison are three views of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.demo.cli.state import Configuration

__all__ = ["UNIT", "VERSION", "Statement", "differences", "in_braces", "statements"]

Statement: TypeAlias = tuple[str, ...]
"""A path in the configuration: the containers from the outside to the inside, and the statement."""

VERSION = "22.4R1.10"
"""The release of Junos."""

UNIT = ("unit 0", "family inet")
"""The containers of an address in an interface."""


def statements(configuration: Configuration, user: str) -> list[Statement]:
    """Return a configuration with its only user as statements, in the order of Junos."""
    found: list[Statement] = [
        (f"version {VERSION}",),
        ("system", f"host-name {configuration.hostname}"),
        ("system", "root-authentication", 'encrypted-password "$6$demo$hidden"'),
        ("system", "login", f"user {user}", "class super-user"),
        ("system", "login", f"user {user}", "authentication", 'encrypted-password "$6$demo$"'),
        ("system", "services", "ssh"),
        ("system", "syslog", "file messages", "any notice"),
    ]
    found += [("system", "ntp", f"server {server}") for server in configuration.ntp_servers]
    for interface in configuration.interfaces.values():
        place = ("interfaces", interface.name)
        if interface.description:
            found.append((*place, f'description "{interface.description}"'))
        if interface.shutdown:
            found.append((*place, "disable"))
        if interface.address:
            found.append((*place, *UNIT, f"address {interface.address}"))
    return found


def in_braces(listed: Iterable[Statement], indent: int = 0) -> list[str]:
    """Return the lines of statements in the format of `show configuration`."""
    tree: dict[str, list[Statement]] = {}
    for head, *rest in listed:
        tree.setdefault(head, [])
        if rest:
            tree[head].append(tuple(rest))
    lines = []
    for head, below in tree.items():
        if below:
            lines += [" " * indent + head + " {", *in_braces(below, indent + 4), " " * indent + "}"]
        else:
            lines.append(" " * indent + head + ";")
    return lines


def differences(before: list[Statement], after: list[Statement]) -> list[str]:
    """Return the lines of `show | compare`: each change under the innermost container of both sides."""
    shared = _containers(before) & _containers(after)
    changes: dict[Statement, dict[str, list[Statement]]] = {}
    for sign, these, others in (("-", before, after), ("+", after, before)):
        for each in these:
            if each not in others:
                depth = max(n for n in range(len(each)) if each[:n] in shared)
                signed = changes.setdefault(each[:depth], {"-": [], "+": []})
                signed[sign].append(each[depth:])
    lines = []
    for place, signed in changes.items():
        lines.append(f"[{' '.join(('edit', *place))}]")
        for sign, inner in signed.items():
            lines += [f"{sign}   {line}" for line in in_braces(inner)]
    return lines


def _containers(listed: list[Statement]) -> set[Statement]:
    return {each[:depth] for each in listed for depth in range(len(each))}
