"""Sanitise untrusted text for messages, so that it cannot control the terminal or begin a new line."""

from __future__ import annotations

from functools import cache

from runner.text.translation import Table, decoded, translated

__all__ = ["because", "excerpt", "printable", "quoted", "value_text"]

_LONGEST = 200


def printable(text: str) -> str:
    r"""Return a text with each unprintable character escaped, as in `\x1b`."""
    return text if text.isprintable() else translated(text, _unprintable())


@cache
def _unprintable() -> Table:
    return Table(lambda code: code if chr(code).isprintable() else repr(chr(code))[1:-1])


def quoted(value: object) -> str:
    """Return a value for use in a message: quoted, a list's items separated by commas."""
    if isinstance(value, (list, tuple)) and value:
        return ", ".join(quoted(item) for item in value)
    return repr(value)


def excerpt(text: str | bytes, longest: int = _LONGEST) -> str:
    """Return the beginning of a peer's text: printable, at most `longest` characters."""
    if isinstance(text, bytes):
        text = decoded(text[: longest * 4 + 4])  # a character has at most four bytes
    shown = printable(text[:longest].strip())
    return shown if len(text) <= longest else shown + "…"


def because(text: str | bytes) -> str:
    """Return a colon and the beginning of a peer's text, for the end of a message; empty for no text."""
    words = excerpt(text)
    return f": {words}" if words else ""


def value_text(value: object) -> str:
    """Return the text of a value that a host task returned; its `__str__` may raise anything."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - one host's value must not break the report of the others
        return f"<{type(value).__name__} that cannot be shown>"
