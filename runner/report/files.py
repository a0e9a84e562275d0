"""`--output-dir`: what each host said, in a file of its own."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.models import HostResult

__all__ = ["OutputFolder", "file_name", "file_names"]

_LONGEST = 200
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def file_name(host: str) -> str:
    """Return a host's name as a file name: never a path, never hidden, the same for no two hosts.

    What Windows does not take as a name (`CON`, a dot at the end) is not used either: folders get shared.
    """
    raw = host.encode("utf-8", "surrogatepass")
    name = quote(raw, safe="").replace("~", "%7E") or "%"
    if name.startswith((".", "-")) or _RESERVED.fullmatch(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if name.endswith("."):
        name = f"{name[:-1]}%2E"
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{hashlib.sha256(raw).hexdigest()[:16]}"
    return name


def file_names(hosts: Iterable[str]) -> dict[str, str]:
    """Return each host's file name; a digest tells those apart that differ in case alone."""
    names = {host: file_name(host) for host in hosts}
    folded = Counter(name.casefold() for name in names.values())
    return {
        host: name
        if folded[name.casefold()] == 1
        else f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        for host, name in names.items()
    }


class OutputFolder:
    """A folder with a file for each host, readable by its owner alone.

    Args:
        path: The folder; it is made where it does not exist.
        hosts: The names of all hosts of the run.

    Raises:
        UsageError: It cannot be made or written to.
    """

    def __init__(self, path: str, hosts: Iterable[str]) -> None:
        self._names = file_names(hosts)
        try:
            self._path = Path(path).expanduser()
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._path):
                pass
        except (OSError, RuntimeError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise UsageError(f"--output-dir {path!r}: {reason}") from exc

    def write(self, result: HostResult) -> None:
        """Write what a host said, its commands' bytes unchanged; replace what an earlier run wrote.

        A host that was sent nothing has no file: an empty one would look like one with nothing to say.

        Raises:
            OSError: It cannot be written; an earlier file is left as it was.
        """
        if not result.commands:
            (self._path / self._names[result.host]).unlink(missing_ok=True)
            return
        data = b"".join(item.stdout_bytes + item.stderr_bytes for item in result.commands)
        descriptor, temporary = tempfile.mkstemp(dir=self._path, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(self._path / self._names[result.host])
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
