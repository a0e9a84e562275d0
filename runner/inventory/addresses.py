"""Host names as inventories write them: `name:port`, `[v6]:port`, and ranges such as `web[01:20:2]`.

The grammar is the one that Ansible documents under "Adding ranges of hosts", with the special cases that its
releases accept: an unusual text is used unchanged as a name. Only a text with a `[` can be an error.
"""

from __future__ import annotations

import re
import string
from functools import cache
from itertools import islice, product
from math import prod

from runner.errors import InventoryError

__all__ = ["MAX_RANGE_HOSTS", "expand", "is_address", "is_endpoint", "is_ip", "split_port"]

MAX_RANGE_HOSTS = 100_000
"""Maximum number of hosts from the ranges of one name: `[0:9999][0:9999]` is a mistake or an attack."""

_STEP = r"(?::[0-9]+)?"
_DECIMAL = rf"\[[0-9]+:[0-9]+{_STEP}\]"
_LABEL_RANGE = rf"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+){_STEP}\]"
_V4_PART = rf"(?:[01]?[0-9]{{1,2}}|2[0-4][0-9]|25[0-5]|{_DECIMAL})"
_V6_PART = rf"(?:[0-9a-f]{{1,4}}|\[[0-9a-f]+:[0-9a-f]+{_STEP}\])"
_LABEL = rf"(?:\w|{_LABEL_RANGE})(?:[\w-]|{_LABEL_RANGE})*(?<![_-])"
_BRACKETED_PORT = r"\[(.+)\]:([0-9]+)"
_PLAIN_PORT = r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)"


def _v6() -> str:
    """Return a regular expression for an IPv6 address.

    It matches eight groups with at most one `::`; the last two may be an IPv4 address.
    """
    part = _V6_PART
    dotted = rf"(?:{part}\.){{3}}{part}"
    forms = [rf"(?:{part}:){{7}}{part}", rf"(?:{part}:){{1,6}}:", rf":(?::{part}){{1,6}}", rf"{part}?::"]
    forms += [rf"(?:{part}:){{{left}}}(?::{part}){{1,{7 - left}}}" for left in range(1, 7)]
    forms += [rf"(?:0:){{6}}{dotted}", rf"::(?:ffff:)?{dotted}", rf"(?:0:){{5}}ffff:{dotted}"]
    return "|".join(forms)


@cache
def _compiled(name: str) -> re.Pattern[str]:
    """Compile one of the grammars on first use, because most inventories need none of them."""
    grammars = {
        "bracketed": _BRACKETED_PORT,
        "plain": _PLAIN_PORT,
        "v4": rf"(?:{_V4_PART}\.){{3}}{_V4_PART}",
        "v6": _v6(),
        "name": rf"{_LABEL}(?:\.{_LABEL})*",
    }
    return re.compile(rf"(?:{grammars[name]})\Z", re.IGNORECASE)


def is_ip(text: str) -> bool:
    """Return whether `text` looks like an IPv4 or IPv6 address, ranges allowed."""
    # Count colons first: an IPv6 address has at least two, and its grammar is slow to compile.
    kinds = ("v4", "v6") if text.count(":") > 1 else ("v4",)
    return any(_compiled(kind).match(text) for kind in kinds)


def is_address(text: str) -> bool:
    """Return whether `text` is an address or a host name, ranges allowed."""
    return is_ip(text) or _compiled("name").match(text) is not None


def _split(text: str) -> tuple[str, int | None]:
    """Split off `:port` without checking the rest."""
    port = None
    for kind in ("bracketed", "plain"):
        if match := _compiled(kind).match(text):
            text, port = match[1], int(match[2])
    return text, port


def is_endpoint(text: str) -> bool:
    """Return whether `text` is an address or host name, with or without a port, ranges allowed."""
    try:
        return is_address(_split(text)[0])
    except ValueError:
        return False


def split_port(text: str, *, ranges: bool = True) -> tuple[str, int | None]:
    """Split `name:port`; return any other text unchanged, without a port.

    Args:
        text: The text from the inventory.
        ranges: Whether the name may hold ranges.
    """
    if ":" not in text and "[" not in text:
        return text, None
    try:
        name, port = _split(text)
    except ValueError:  # a port with more digits than Python converts
        return text, None
    if not is_address(name) or ("[" in name and not ranges):
        return text, None
    return name, port


def _bounds(body: str, whole: str) -> tuple[str, str, str]:
    """Split the inside of a range into begin, end and step."""
    parts = body.split(":")
    if len(parts) not in (2, 3):
        raise InventoryError("a host range is [begin:end] or [begin:end:step]", text=whole)
    begin, end, step = parts[0] or "0", parts[1], parts[2] if len(parts) == 3 else "1"  # noqa: PLR2004
    if not end:
        raise InventoryError("a host range needs an end", text=whole)
    return begin, end, step


def _number(text: str, whole: str) -> int:
    try:
        return int(text)
    except ValueError as exc:
        message = "a host range goes from number to number or from letter to letter"
        raise InventoryError(message, text=whole) from exc


def _members(body: str, whole: str) -> list[str]:
    """List the members of one range."""
    begin, end, step_text = _bounds(body, whole)
    width = len(begin) if begin[0] == "0" and len(begin) > 1 else 0
    if width and width != len(end):
        raise InventoryError(f"{begin!r} and {end!r} differ in width", text=whole)
    step = _number(step_text, whole)
    if step == 0:
        raise InventoryError("the step of a host range cannot be 0", text=whole)
    first, last = string.ascii_letters.find(begin), string.ascii_letters.find(end)
    if first >= 0 and last >= 0:
        if first > last:
            raise InventoryError("a host range begins with its lower letter", text=whole)
        return [letter.zfill(width) for letter in string.ascii_letters[first : last + 1 : step]]
    numbers = range(_number(begin, whole), _number(end, whole) + 1, step)
    # A negative step gives no hosts, here as in Ansible.
    return [str(number).zfill(width) for number in islice(numbers, MAX_RANGE_HOSTS + 1)]


def _pieces(pattern: str) -> list[list[str]]:
    """Split a pattern into its fixed texts and the members of its ranges, in order."""
    if "|" in pattern:
        raise InventoryError("a host name with a range cannot hold '|'", text=pattern)
    pieces, rest = [], pattern
    while (left := rest.find("[")) >= 0:
        right = rest.find("]")
        if right < left:
            raise InventoryError("a host range is not closed: '[' and ']' do not pair", text=pattern)
        pieces += [[rest[:left]], _members(rest[left + 1 : right], pattern)]
        rest = rest[right + 1 :]
    return [*pieces, [rest]]


def expand(pattern: str) -> list[str]:
    """List the host names of `pattern`, with its ranges expanded; the rightmost range changes fastest.

    Raises:
        InventoryError: A range cannot be read, or the ranges make more than `MAX_RANGE_HOSTS` hosts.
    """
    if "[" not in pattern:
        return [pattern]
    pieces = _pieces(pattern)
    if prod(len(piece) for piece in pieces) > MAX_RANGE_HOSTS:
        raise InventoryError(f"ranges make more than {MAX_RANGE_HOSTS:,} hosts", text=pattern)
    return ["".join(parts) for parts in product(*pieces)]
