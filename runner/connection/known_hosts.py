"""Which host keys are known: an index over `known_hosts` files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Paramiko's own reader takes time quadratic in the number of lines, knows no wildcards, negation or markers,
and gives up on one odd line. This one reads a file once, finds plain names in constant time, and passes over
what it cannot read, with a warning that names the line.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import logging
import os
import threading
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["KnownHosts", "Verdict", "fingerprint", "host_pattern", "load", "record"]

logger = logging.getLogger(__name__)

_FIELDS = 3
_HASH_PARTS = 4
_SSH_PORT = 22
_MARKERS = ("@revoked", "@cert-authority")
_append_lock = threading.Lock()
_load_lock = threading.Lock()


class Verdict(Enum):
    """What the files say about a key that a host has shown."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


class Entry(NamedTuple):
    """One recorded key: its type (`ssh-ed25519`), its base64 text, and where it stands."""

    key_type: str
    blob: str
    place: str


class _Hashed(NamedTuple):
    salt: bytes
    digest: bytes
    entry: Entry


@dataclass(slots=True)
class KnownHosts:
    """The keys of all hosts of some `known_hosts` files, by host name."""

    _plain: dict[str, list[Entry]] = field(default_factory=dict)
    _patterns: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    _hashed: list[_Hashed] = field(default_factory=list)
    _revoked: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)

    def add_line(self, line: str, place: str) -> None:
        """Take in one line of a file; `place` is its `path:line`, for messages.

        Raises:
            ValueError: The line is no known_hosts entry; the text says why.
        """
        words = line.split(None, 4)
        if not words or words[0].startswith("#"):
            return
        marker = words.pop(0) if words[0].startswith("@") else None
        if marker is not None and marker not in _MARKERS:
            raise ValueError(f"marker {marker} is not one of {', '.join(_MARKERS)}")
        if len(words) < _FIELDS:
            raise ValueError("expected host names, key type and key")
        names, entry = words[0], Entry(words[1], words[2], place)
        if marker == "@revoked":
            self._revoked.append((tuple(names.split(",")), entry))
        elif marker is None:
            self._add(names, entry)

    def _add(self, names: str, entry: Entry) -> None:
        if names.startswith("|"):
            self._hashed.append(_hashed(names, entry))
            return
        parts = names.split(",")
        if any(character in names for character in "*?!"):
            self._patterns.append((tuple(parts), entry))
            return
        for name in parts:
            self._plain.setdefault(name.lower(), []).append(entry)

    def entries(self, address: str, port: int) -> list[Entry]:
        """Return every recorded key of the host at this address and port."""
        name = host_pattern(address, port).lower()
        found = list(self._plain.get(name, ()))
        found += [entry for patterns, entry in self._patterns if _matches(patterns, name)]
        encoded = name.encode()
        found += [
            hashed.entry
            for hashed in self._hashed
            if hmac.digest(hashed.salt, encoded, "sha1") == hashed.digest
        ]
        return found

    def check(self, address: str, port: int, key_type: str, blob: str) -> tuple[Verdict, list[Entry]]:
        """Judge the key that a host has shown; return the verdict and the host's recorded keys.

        A recorded key of another type does not make a shown key changed: as in OpenSSH, only a differing key
        of the same type does, unless no recorded type was offered by the host at all.
        """
        name = host_pattern(address, port).lower()
        for patterns, entry in self._revoked:
            if entry.blob == blob and _matches(patterns, name):
                return Verdict.REVOKED, [entry]
        found = self.entries(address, port)
        if any(entry.key_type == key_type and entry.blob == blob for entry in found):
            return Verdict.KNOWN, found
        return (Verdict.CHANGED if found else Verdict.UNKNOWN), found


def host_pattern(address: str, port: int) -> str:
    """Return how `known_hosts` names a host: the bare address for port 22, else `[address]:port`."""
    return address if port == _SSH_PORT else f"[{address}]:{port}"


def fingerprint(blob: bytes) -> str:
    """Return a key's fingerprint as OpenSSH prints it: `SHA256:` and unpadded base64."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()
    return f"SHA256:{digest}"


def load(paths: tuple[str, ...]) -> KnownHosts:
    """Return the index over these files, read once for as long as they do not change."""
    stamps = tuple(_stamp(path) for path in paths)
    with _load_lock:
        return _load(stamps)


def record(path: str, address: str, port: int, key_type: str, blob: str) -> None:
    """Append a host's key to a file, whole or not at all, while no other process of ours appends.

    Raises:
        OSError: The file cannot be written.
    """
    target = Path(path).expanduser()
    line = f"{host_pattern(address, port)} {key_type} {blob}\n".encode()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with _append_lock, os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = file.read()
        if line in held.splitlines(keepends=True):
            return
        file.write(line if not held or held.endswith(b"\n") else b"\n" + line)


def _stamp(path: str) -> tuple[str, int, int]:
    """Return a file's path with what tells its contents from older ones."""
    expanded = Path(path).expanduser()
    try:
        status = expanded.stat()
    except OSError:
        return str(expanded), 0, 0
    return str(expanded), status.st_mtime_ns, status.st_size


@lru_cache(maxsize=8)
def _load(stamps: tuple[tuple[str, int, int], ...]) -> KnownHosts:
    known = KnownHosts()
    for path, _, _ in stamps:
        try:
            text = Path(path).read_text("utf-8", "replace")
        except FileNotFoundError:
            continue
        except OSError as exc:
            logger.warning("%s: cannot be read, its host keys are not known: %s", path, exc.strerror)
            continue
        for number, line in enumerate(text.split("\n"), 1):
            try:
                known.add_line(line, f"{path}:{number}")
            except ValueError as exc:
                logger.warning("%s:%d: passed over, %s", path, number, exc)
    return known


def _hashed(names: str, entry: Entry) -> _Hashed:
    parts = names.split("|")
    if len(parts) != _HASH_PARTS or parts[1] != "1":
        raise ValueError("expected a hashed name of the form |1|salt|hash")
    try:
        return _Hashed(
            base64.b64decode(parts[2], validate=True), base64.b64decode(parts[3], validate=True), entry
        )
    except binascii.Error as exc:
        raise ValueError("the hashed name is not base64") from exc


def _matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether a name is meant: one pattern matches and no negated one does (ssh_config(5), PATTERNS)."""
    matched = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if fnmatchcase(name, _glob(pattern[1:])):
                return False
        elif fnmatchcase(name, _glob(pattern)):
            matched = True
    return matched


def _glob(pattern: str) -> str:
    """Return an OpenSSH pattern for `fnmatchcase`: there, brackets are ordinary characters."""
    return pattern.lower().replace("[", "[[]")
