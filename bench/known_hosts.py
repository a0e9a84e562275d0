"""Measure a `known_hosts` file of 20,000 lines, with plain and with hashed names, 50 of them malformed.

`python bench/known_hosts.py [LINES]` prints milliseconds of processor time: to read the file, and to check
one host that shows the key on record, one that shows another key, and one that is not in the file.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.host_keys.known_hosts import KnownHosts, Verdict, load

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = 20_000
MALFORMED = 50
HOSTS = 50


def key() -> str:
    parts = (b"ssh-ed25519", os.urandom(32))
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


def plain(name: str) -> str:
    return name


def hashed(name: str) -> str:
    salt = os.urandom(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def each(known: KnownHosts, shown: dict[str, str], expected: Verdict) -> float:
    """Return milliseconds for one host: to find the key types to ask for, and to check the key it shows."""
    begin = time.process_time()
    for name, blob in shown.items():
        known.likely_types(name, 22)
        assert known.check(name, 22, blob)[0] is expected
    return (time.process_time() - begin) * 1000 / len(shown)


def measure(form: Callable[[str], str], lines: int) -> None:
    keys = {f"host{number}.example.com": key() for number in range(lines)}
    text = [f"{form(name)} ssh-ed25519 {blob}" for name, blob in keys.items()]
    text[:: lines // MALFORMED] = ["not a known_hosts line"] * len(text[:: lines // MALFORMED])
    some = dict(list(keys.items())[1 : HOSTS + 1])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "known_hosts"
        file.write_text("\n".join(text))
        begin = time.process_time()
        known = load((str(file),))
        read = (time.process_time() - begin) * 1000
    right = each(known, some, Verdict.KNOWN)
    wrong = each(known, dict.fromkeys(some, key()), Verdict.CHANGED)
    unknown = each(known, {f"new{number}": key() for number in range(HOSTS)}, Verdict.UNKNOWN)
    print(f"{form.__name__:8}{read:10.1f} ms{right:12.4f} ms{wrong:12.4f} ms{unknown:12.4f} ms")


def main() -> None:
    logging.disable(logging.WARNING)
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    print(f"{lines:<8}{'read':>13}{'same key':>15}{'changed key':>15}{'unknown host':>15}")
    for form in (plain, hashed):
        measure(form, lines)


if __name__ == "__main__":
    main()
