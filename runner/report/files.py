"""`--output-dir`: what each host said, in a file of its own."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.models import HostResult

__all__ = ["OutputFolder", "file_name"]

_LONGEST = 200


def file_name(host: str) -> str:
    """Return a host's name as a file name: never a path, never hidden, the same for no two hosts."""
    name = quote(host, safe="").replace("~", "%7E")
    if name.startswith((".", "-")):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > _LONGEST:
        digest = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        name = f"{name[:_LONGEST]}-{digest}"
    return name


class OutputFolder:
    """A folder with a file for each host, readable by its owner alone.

    Raises:
        UsageError: It cannot be made or written to.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser()
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._path):
                pass
        except OSError as exc:
            raise UsageError(f"--output-dir {path}: {exc.strerror or exc}") from exc

    def write(self, result: HostResult) -> None:
        """Write what a host said, its commands' bytes unchanged; replace what an earlier run wrote.

        Raises:
            OSError: It cannot be written; an earlier file is left as it was.
        """
        data = b"".join(item.stdout_bytes + item.stderr_bytes for item in result.commands)
        descriptor, temporary = tempfile.mkstemp(dir=self._path, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(self._path / file_name(result.host))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
