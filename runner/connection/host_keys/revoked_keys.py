"""Read the list of keys that no host may show, whatever is on record: `RevokedHostKeys` (ssh_config(5))."""

from __future__ import annotations

import binascii
import os
from functools import lru_cache

from runner.text import reading

__all__ = ["UnreadableList", "revoked"]

_LONGEST = 64 * reading.MIB
_MAGIC = b"SSHKRL\n\0"


class UnreadableList(Exception):
    """The list of revoked keys cannot be read, so no host is trusted."""


def revoked(path: str, *blobs: bytes) -> bool:
    """Tell whether a file lists one of these keys.

    As with OpenSSH, no host is trusted if the file cannot be read to its end: the rest may list the key.

    Args:
        path: The file, with one public key per line.
        blobs: The host's key, and the key of the authority that signed it.

    Raises:
        UnreadableList: It cannot be read, a line of it is not a key, or it is a Key Revocation List, which
            only OpenSSH reads.
    """
    try:
        changed_ns = os.stat(path).st_mtime_ns  # noqa: PTH116 - asked for every host
        return not _keys(path, changed_ns).isdisjoint(blobs)
    except OSError as exc:
        raise UnreadableList(f"{path}: {exc.strerror or exc}") from exc


@lru_cache(maxsize=64)
def _keys(path: str, changed_ns: int) -> frozenset[bytes]:  # noqa: ARG001 - a changed file is read again
    data = reading.contents(path, _LONGEST)
    if data.startswith(_MAGIC):
        raise UnreadableList(
            f"{path} is a Key Revocation List, which this connection does not read: list the keys one a "
            "line, or set ansible_connection: openssh"
        )
    lines = enumerate(data.splitlines(), 1)
    return frozenset(_key(line.split(), f"{path}:{number}") for number, line in lines if _says_anything(line))


def _says_anything(line: bytes) -> bool:
    return not line.lstrip().startswith(b"#") and bool(line.strip())


def _key(words: list[bytes], place: str) -> bytes:
    """Return the key of a line: its type, the key in base64 (which begins with the type), and a comment."""
    try:
        blob = binascii.a2b_base64(words[1], strict_mode=True)
    except (IndexError, ValueError):
        blob = b""
    if not blob.startswith(len(words[0]).to_bytes(4, "big") + words[0]):
        raise UnreadableList(f"{place} is not a public key")
    return blob
