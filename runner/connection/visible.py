"""What a peer says, as part of a message for people: one line, and nothing that drives a terminal."""

from __future__ import annotations

__all__ = ["visible"]

_LONGEST = 200


def visible(text: str | bytes, longest: int = _LONGEST) -> str:
    r"""Return a text with whatever is not printable as `\xNN`, cut to `longest` characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:longest].strip())
    return shown if len(text) <= longest else shown + "…"
