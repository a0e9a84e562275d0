"""One line of a `known_hosts` file: marker, host names, key (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import binascii
import hmac
from dataclasses import dataclass
from typing import NamedTuple

from runner.connection.ssh_config.patterns import matches_any

__all__ = ["Entry", "Names", "parse"]

_FIELDS = 3
_HASH_PARTS = 4
_MARKERS = ("@revoked", "@cert-authority")


class Entry(NamedTuple):
    """One recorded key: its type (`ssh-ed25519`), its base64 text, and its `path:line`."""

    key_type: str
    blob: str
    place: str


@dataclass(frozen=True, slots=True)
class Names:
    """The host names of a line.

    Attributes:
        plain: The names themselves in lower case, if none of them is a pattern or hashed.
        patterns: Wildcards and negations.
        salt: Salt of a hashed name.
        digest: HMAC-SHA1 of the hashed name.
    """

    plain: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    salt: bytes = b""
    digest: bytes = b""

    def match(self, name: str) -> bool:
        """Tell whether a lower-case name matches: one pattern does, and no negated one does."""
        if self.digest:
            return hmac.compare_digest(hmac.digest(self.salt, name.encode(), "sha1"), self.digest)
        if not self.patterns:
            return name in self.plain
        return matches_any(self.patterns, name)


def parse(line: str, place: str) -> tuple[str | None, Names, Entry] | None:
    """Read one line; return None for an empty line or a comment.

    Args:
        line: Its text.
        place: Its `path:line`.

    Returns:
        Its marker or None, its names and its key.

    Raises:
        ValueError: It is not a known_hosts line; the text says why.
    """
    words = line.split(None, 4)
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else None
    if marker is not None and marker not in _MARKERS:
        raise ValueError(f"its marker is not one of {', '.join(_MARKERS)}")
    if len(words) < _FIELDS:
        raise ValueError("expected host names, key type and key")
    _check_key(words[1], words[2])
    return marker, _names(words[0]), Entry(words[1], words[2], place)


def _check_key(key_type: str, blob: str) -> None:
    """Refuse a key that does not contain its own type, or that is cut off."""
    try:
        raw = binascii.a2b_base64(blob, strict_mode=True)
    except ValueError:
        raise ValueError("its key is not base64") from None
    if not raw.startswith(len(key_type).to_bytes(4, "big") + key_type.encode()):
        raise ValueError(f"its key is not of the type it says, {key_type[:30]!r}")
    place = 0
    while place < len(raw):
        place += 4 + int.from_bytes(raw[place : place + 4], "big")
    if place != len(raw):
        raise ValueError("its key is cut off")


def _names(text: str) -> Names:
    if text.startswith("|"):
        return _hashed(text)
    parts = tuple(part for part in text.lower().split(",") if part)
    if not parts:
        raise ValueError("expected host names")
    return Names(patterns=parts) if any(char in text for char in "*?!") else Names(plain=parts)


def _hashed(text: str) -> Names:
    parts = text.split("|")
    if len(parts) != _HASH_PARTS or parts[1] != "1":
        raise ValueError("expected a hashed name of the form |1|salt|hash")
    try:
        salt, digest = (binascii.a2b_base64(part, strict_mode=True) for part in parts[2:])
    except ValueError:
        raise ValueError("its hashed name is not base64") from None
    if not digest:
        raise ValueError("its hashed name is empty")
    return Names(salt=salt, digest=digest)
