"""Hosts' names as names of files: never a path, never hidden, the same for no two hosts."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FAILED", "INDEX", "file_name", "file_names"]

INDEX = "index.jsonl"
"""What is in a folder of outputs; no host's file is called like it."""

FAILED = "failed.txt"
"""The hosts of such a folder that did not end `ok`."""

_LONGEST = 200
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?|index\.jsonl|failed\.txt", re.IGNORECASE)


def file_name(host: str) -> str:
    """Return a host's name as a file name: never a path, never hidden, the same for no two hosts.

    What Windows does not take as a name (`CON`, a dot at the end) is not used either: folders get shared.
    """
    raw = host.encode("utf-8", "surrogatepass")
    name = quote(raw, safe="").replace("~", "%7E") or "%"
    if name.startswith((".", "-")) or _RESERVED.fullmatch(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if name.endswith("."):
        name = f"{name[:-1]}%2E"
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{hashlib.sha256(raw).hexdigest()[:16]}"
    return name


def file_names(hosts: Iterable[str]) -> dict[str, str]:
    """Return each host's file name; a digest tells those apart that differ in case alone."""
    names = {host: file_name(host) for host in hosts}
    folded = Counter(name.casefold() for name in names.values())
    return {
        host: name
        if folded[name.casefold()] == 1
        else f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        for host, name in names.items()
    }
