"""Convert host names to file names that are unique, not hidden, and not a path."""

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
"""The index file of an output folder; no host's file gets this name."""

FAILED = "failed.txt"
"""The file that lists the hosts in an output folder that did not end `ok`."""

_LONGEST = 200
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?|index\.jsonl|failed\.txt", re.IGNORECASE)


def file_name(host: str) -> str:
    """Return the file name for a host: unique, not hidden, and not a path.

    Names that Windows does not accept (`CON`, a dot at the end) are avoided too, because folders are shared.
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
    """Return each host's file name; names that differ only in case get a digest appended."""
    names = {host: file_name(host) for host in hosts}
    folded = Counter(name.casefold() for name in names.values())
    return {
        host: name
        if folded[name.casefold()] == 1
        else f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        for host, name in names.items()
    }
