"""Command lines that every login shell reads in the same way: POSIX shells, csh, tcsh and fish.

A server passes a command line to the user's login shell, and which shell that is depends on the server
(RFC 4254 section 6.5). All of these shells share the following rules:

* In single quotes every character but a quote is literal, except that fish reads backslashes and csh `!`.
* Outside of quotes, a backslash makes each of these three characters literal.
* csh ends a quoted text at a newline, so a line must not hold a newline.

A server may refuse a line that is not UTF-8, so other bytes are written as octal numbers.
"""

from __future__ import annotations

import re

__all__ = ["line", "quoted", "shell"]

_PARTS = re.compile(r"[\\'!]|[^\\'!]+")
_PLAIN = re.compile(r"[A-Za-z0-9_/.,:+-]+")
_DECODE = 'eval "$(printf %b "$1")"'
_BYTE = re.compile(r"[\udc80-\udcff]")  # of surrogateescape (PEP 383)


def quoted(text: str) -> str:
    """Quote a text without newlines so that every login shell, and every POSIX shell, reads it literally."""
    parts = [_quoted(part) for part in _PARTS.findall(text)]
    return "".join(parts) or "''"


def line(*words: str) -> str:
    """Return the command line, in one line, that runs a program with any arguments."""
    text = " ".join(map(quoted, words))
    if "\n" not in text and not _BYTE.search(text):
        return text
    encoded = f"exec {text}".replace("\\", r"\\").replace("\n", r"\n")
    encoded = _BYTE.sub(lambda found: rf"\0{ord(found[0]) & 0xFF:o}", encoded)
    return " ".join(map(quoted, ("sh", "-c", _DECODE, "sh", encoded)))


def shell(script: str) -> str:
    """Return the command line that makes a POSIX shell run a script.

    The shell is found by PATH: a restricted login shell refuses a path.
    """
    return line("sh", "-c", script)


def _quoted(part: str) -> str:
    if part in "\\'!":
        return f"\\{part}"
    return part if _PLAIN.fullmatch(part) else f"'{part}'"
