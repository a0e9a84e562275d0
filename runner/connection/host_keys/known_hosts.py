"""An index over the keys in `known_hosts` files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Paramiko's own reader takes time quadratic in the number of lines, does not support wildcards, negation or
markers, and gives up on one invalid line. This one reads a file once, finds plain names in constant time, and
skips a line that it cannot read, with a warning that names the line.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import logging
import os
import threading
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from runner.connection.host_keys.hashed_names import HashedNames
from runner.connection.host_keys.lines import Entry, Names, parse
from runner.connection.host_keys.lock import LONGEST, locked
from runner.text import reading, writing

__all__ = ["KnownHosts", "Verdict", "fingerprint", "host_pattern", "load", "record"]

logger = logging.getLogger(__name__)

_MOST_LINES = 1_000_000
_MOST_TOLD = 10  # invalid lines of a file that get a separate warning

_SSH_PORT = 22
_FEW = 8  # lines that are compared one by one
_load_lock = threading.Lock()


class Verdict(Enum):
    """The result of a search for a host's key in the files."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(slots=True)
class _Index:
    """The keys of one file: those of plain names by name, all others by key."""

    plain: dict[str, list[Entry]] = field(default_factory=dict)
    patterns: list[tuple[Names, Entry]] = field(default_factory=list)
    hashed: HashedNames = field(default_factory=HashedNames)
    by_key: dict[str, list[Names]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    revoked: list[tuple[Names, Entry]] = field(default_factory=list)
    authorities: list[tuple[Names, Entry]] = field(default_factory=list)

    def add(self, text: str, path: str, first_line: int) -> None:
        """Add lines of a file; warn about lines that cannot be read."""
        odd = 0
        for number, line in enumerate(text.split("\n"), first_line):
            place = f"{path}:{number}"
            try:
                parsed = parse(line, place)
            except ValueError as exc:
                odd += 1
                if odd <= _MOST_TOLD:
                    logger.warning("%s: passed over, %s", place, exc)
                continue
            if parsed is not None:
                self._take(*parsed)
        if odd > _MOST_TOLD:
            logger.warning("%s: passed over, %d more lines", path, odd - _MOST_TOLD)

    def _take(self, marker: str | None, names: Names, entry: Entry) -> None:
        if marker == "@revoked":
            self.revoked.append((names, entry))
            return
        if marker is not None:
            self.authorities.append((names, entry))
            return
        for name in names.plain:
            self.plain.setdefault(name, []).append(entry)
        if names.digest:
            self.hashed.add(names, entry)
        elif names.patterns:
            self.patterns.append((names, entry))
        if not names.plain:
            self._note(names, entry.blob)

    def _note(self, names: Names, blob: str) -> None:
        """Index names by their key; hashed names are left out if many hosts share the key."""
        if names.digest and blob in self.shared:
            return
        having = self.by_key.setdefault(blob, [])
        having.append(names)
        if len(having) > _FEW:
            self.shared.add(blob)
            self.by_key[blob] = [each for each in having if not each.digest]

    def vouches(self, name: str, blob: str) -> bool:
        """Tell whether this key is on record for a name, in constant time.

        It takes longer only if many hosts with hashed names share the key.
        """
        return (
            any(entry.blob == blob for entry in self.plain.get(name, ()))
            or any(names.match(name) for names in self.by_key.get(blob, ()))
            or (blob in self.shared and self.hashed.holds(name, blob))
        )

    def readable(self, name: str) -> list[Entry]:
        """Return the keys on record for a name in lines whose names are not hashed."""
        found = list(self.plain.get(name, ()))
        return found + [entry for names, entry in self.patterns if names.match(name)]

    def entries(self, name: str) -> list[Entry]:
        """Return all keys on record for a name; the first time this takes 1 µs for each hashed line."""
        return self.readable(name) + self.hashed.entries(name)


@dataclass(slots=True)
class KnownHosts:
    """The keys of all hosts in some `known_hosts` files."""

    _files: tuple[_Index, ...] = ()

    def likely_types(self, address: str, port: int) -> set[str]:
        """Return the types of key to ask a host for first.

        These are the types on record for it. If only a hashed name could match, return the types of all lines
        with hashed names, because a search through them takes long.
        """
        for name in _names(address, port):
            found = {entry.key_type for file in self._files for entry in file.readable(name)}
            if found:
                return found
        return {key_type for file in self._files for key_type in file.hashed.types}

    def check(self, address: str, port: int, blob: str) -> tuple[Verdict, list[Entry]]:
        """Judge the key that a host has shown; return the verdict and the entries that contradict the key.

        If a key is not the one on record, it counts as changed even if the types differ; the caller has to
        ask for the type on record before it believes that. A key under the bare address vouches for a server
        on another port but does not contradict the key of one (OpenSSH's `check_host_key`).
        """
        names = _names(address, port)
        revoked = self.revoked(address, port, blob)
        if revoked is not None:
            return Verdict.REVOKED, [revoked]
        if any(file.vouches(name, blob) for file in self._files for name in names):
            return Verdict.KNOWN, []
        against = [entry for file in self._files for entry in file.entries(names[0])]
        return (Verdict.CHANGED if against else Verdict.UNKNOWN), against

    def revoked(self, address: str, port: int, blob: str) -> Entry | None:
        """Return the line that revokes a key, or an authority, for a host; None if there is none."""
        names = _names(address, port)
        lines = (line for file in self._files for line in file.revoked)
        return next(
            (entry for of, entry in lines if entry.blob == blob and any(of.match(name) for name in names)),
            None,
        )

    def authorities(self, address: str, port: int) -> list[Entry]:
        """Return the keys of the authorities whose certificates vouch for a host (`@cert-authority`)."""
        names = _names(address, port)
        lines = (line for file in self._files for line in file.authorities)
        return [entry for of, entry in lines if any(of.match(name) for name in names)]

    def places(self, address: str, port: int) -> list[Entry]:
        """Return every key on record for exactly this host, hashed names included."""
        name = host_pattern(address, port).lower()
        return [entry for file in self._files for entry in file.entries(name)]


def host_pattern(address: str, port: int) -> str:
    """Return how `known_hosts` names a host: the bare address for port 22, else `[address]:port`."""
    return address if port == _SSH_PORT else f"[{address}]:{port}"


def fingerprint(blob: bytes) -> str:
    """Return a key's fingerprint as OpenSSH prints it: `SHA256:` and unpadded base64."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()
    return f"SHA256:{digest}"


def load(paths: tuple[str, ...]) -> KnownHosts:
    """Return the index over these files.

    An unchanged file is not read again; if a file has grown, only its new lines are parsed. A missing file
    counts as empty.
    """
    with _load_lock:
        return KnownHosts(tuple(_file(os.path.expanduser(path)) for path in paths))  # noqa: PTH111 - for each host


def record(path: str, address: str, port: int, key_type: str, blob: str) -> None:
    """Append a host's key to a file, completely or not at all, while no other of our processes appends.

    Raises:
        OSError: The file cannot be written.
    """
    target = Path(path).expanduser()
    line = f"{host_pattern(address, port)} {key_type} {blob}\n".encode()
    if target.exists() and not target.is_file():
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(target) as file:
        held = file.read()
        if line in held.splitlines(keepends=True):
            return
        writing.append(file.fileno(), line if not held or held.endswith(b"\n") else b"\n" + line)


def _names(address: str, port: int) -> tuple[str, ...]:
    name = host_pattern(address, port).lower()
    return (name,) if port == _SSH_PORT else (name, address.lower())


@dataclass(slots=True)
class _Read:
    """The content of a file when it was last read."""

    stamp: tuple[int, int, int]
    content: bytes
    index: _Index


_read: dict[str, _Read] = {}


def _content(path: str) -> bytes:
    content = reading.contents(path, LONGEST)
    if content.count(b"\n") > _MOST_LINES:
        raise OSError(errno.EFBIG, f"more than {_MOST_LINES:,} lines")
    return content


def _file(path: str) -> _Index:
    stamp, before = (0, 0, 0), _read.get(path)
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
        if path == os.devnull:  # some users name it to have no file
            return _Index()
        stamp = status.st_ino, status.st_mtime_ns, status.st_size
        if before is not None and before.stamp == stamp:
            return before.index
        content = _content(path)
    except FileNotFoundError:
        return _Index()
    except OSError as exc:
        logger.warning("%s: cannot be read, its host keys are not known: %s", path, exc.strerror)
        if exc.errno not in (errno.EINVAL, errno.EFBIG):  # a temporary fault: try again next time
            return _Index()
        content = b""
    index, parsed = _Index(), 0
    if before is not None and before.content.endswith(b"\n") and content.startswith(before.content):
        index, parsed = before.index, len(before.content)
    index.add(content[parsed:].decode("utf-8", "replace"), path, content.count(b"\n", 0, parsed) + 1)
    _read[path] = _Read(stamp, content, index)
    return index
