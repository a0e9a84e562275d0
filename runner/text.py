"""What others wrote as part of messages of ours: nothing in it moves a terminal or begins a line."""

from __future__ import annotations

__all__ = ["excerpt", "printable", "quoted", "value_text"]

_LONGEST = 200


def printable(text: str) -> str:
    r"""Return a text with whatever is not printable written out as in `\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def quoted(value: object) -> str:
    """Return what somebody gave as it stands in a message: in quotes, several texts with commas between."""
    if isinstance(value, (list, tuple)) and value:
        return ", ".join(quoted(item) for item in value)
    return repr(value)


def excerpt(text: str | bytes, longest: int = _LONGEST) -> str:
    """Return the beginning of what a peer said, printable, of at most `longest` characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    shown = printable(text[:longest].strip())
    return shown if len(text) <= longest else shown + "…"


def value_text(value: object) -> str:
    """Return what a host task returned as text; its own `__str__` may raise anything."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - one host's value must not cost the others their report
        return f"<{type(value).__name__} that cannot be shown>"
