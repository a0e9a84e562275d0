"""Record host keys: many at once, and in place of old keys if the caller says so."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runner.connection.host_keys.lines import parse
from runner.connection.host_keys.lock import locked
from runner.text import writing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["KeyRecord", "write_down"]

_SALT = 20  # the length of a SHA-1 digest, as in OpenSSH


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One host's key.

    Attributes:
        name: The host's name in `known_hosts`: `web`, `[192.0.2.1]:2222`.
        key_type: The key's type.
        blob: The key, in base64.
    """

    name: str
    key_type: str
    blob: str

    def line(self, *, hashed: bool) -> str:
        """Return its line, with a hashed name if asked to (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        name = _hashed(self.name) if hashed else self.name
        return f"{name} {self.key_type} {self.blob}\n"


def write_down(
    path: str, added: Sequence[KeyRecord], replaced: Collection[tuple[str, str]] = (), *, hashed: bool = False
) -> None:
    """Add keys to a file, all of them or none, while no other of our processes writes to it.

    If keys are replaced, the file is replaced in one step, and the old file is kept as `.old`, as
    ssh-keygen(1) does.

    Args:
        path: The file; it is created if it does not exist.
        added: The keys.
        replaced: Names, each with a type of key to remove for it. A name that only a pattern matches is not
            removed.
        hashed: Whether names are written hashed.

    Raises:
        OSError: The file cannot be written.
    """
    target = Path(os.path.realpath(Path(path).expanduser()))
    text = "".join(record.line(hashed=hashed) for record in added).encode()
    with locked(target) as file:
        held = file.read()
        kept = _without(held, replaced) if replaced else held
        between = b"" if not kept or kept.endswith(b"\n") else b"\n"
        if kept == held:
            writing.append(file.fileno(), between + text, sync=True)
        else:
            _replace(target, file, held, kept + between + text)


def _without(held: bytes, replaced: Collection[tuple[str, str]]) -> bytes:
    """Return a file's content without the keys of some names."""
    lines = held.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    return "".join(_line_without(line, replaced) for line in lines).encode("utf-8", "surrogateescape")


def _line_without(line: str, replaced: Collection[tuple[str, str]]) -> str:
    try:
        parsed = parse(line, "")
    except ValueError:
        return line
    if parsed is None or parsed[0] is not None:
        return line
    _, names, entry = parsed
    gone = {name.lower() for name, key_type in replaced if key_type == entry.key_type}
    if names.digest:
        return "" if any(names.match(name) for name in gone) else line
    if not gone.intersection(names.plain):
        return line
    written, rest = line.lstrip().split(None, 1)
    left = [name for name in written.split(",") if name.lower() not in gone]
    return f"{','.join(left)} {rest}" if left else ""


def _replace(target: Path, file: IO[bytes], held: bytes, content: bytes) -> None:
    like = os.fstat(file.fileno())
    writing.replace(target.with_name(f"{target.name}.old"), held, like, sync=True)
    writing.replace(target, content, like, sync=True)


def _hashed(name: str) -> str:
    salt = secrets.token_bytes(_SALT)
    digest = hmac.digest(salt, name.lower().encode(), "sha1")
    return "|1|{}|{}".format(*(base64.b64encode(part).decode() for part in (salt, digest)))
