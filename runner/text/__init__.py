"""What others wrote as part of messages of ours: nothing in it moves a terminal or begins a line."""

from __future__ import annotations

from functools import cache

from runner.text.translation import Table, decoded, translated

__all__ = ["because", "excerpt", "printable", "quoted", "value_text"]

_LONGEST = 200


def printable(text: str) -> str:
    r"""Return a text with whatever is not printable written out as in `\x1b`."""
    return text if text.isprintable() else translated(text, _unprintable())


@cache
def _unprintable() -> Table:
    return Table(lambda code: code if chr(code).isprintable() else repr(chr(code))[1:-1])


def quoted(value: object) -> str:
    """Return what somebody gave as it stands in a message: in quotes, several texts with commas between."""
    if isinstance(value, (list, tuple)) and value:
        return ", ".join(quoted(item) for item in value)
    return repr(value)


def excerpt(text: str | bytes, longest: int = _LONGEST) -> str:
    """Return the beginning of what a peer said, printable, of at most `longest` characters."""
    if isinstance(text, bytes):
        text = decoded(text[: longest * 4 + 4])  # a character has four bytes at most
    shown = printable(text[:longest].strip())
    return shown if len(text) <= longest else shown + "…"


def because(text: str | bytes) -> str:
    """Return a colon and the beginning of what a peer said, for the end of a message; nothing for nothing."""
    words = excerpt(text)
    return f": {words}" if words else ""


def value_text(value: object) -> str:
    """Return what a host task returned as text; its own `__str__` may raise anything."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - one host's value must not cost the others their report
        return f"<{type(value).__name__} that cannot be shown>"
