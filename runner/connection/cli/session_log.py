"""`--session-log`: a file for each device with everything that it sent, without secrets."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from runner.connection.auth.masking import masked
from runner.errors import LocalFault
from runner.models import Phase
from runner.text import excerpt, writing
from runner.text.file_names import file_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.models import Secret

__all__ = ["SessionLog"]

logger = logging.getLogger(__name__)

_LONGEST_LINE, _OVERLAP = 2**16, 2**10


class SessionLog:
    """The log of one session.

    A line is written when it is complete: a secret may come in several pieces.

    Args:
        file: The file; None keeps no log.
        secrets: The secrets to mask.
    """

    def __init__(self, file: BinaryIO | None, secrets: Collection[Secret]) -> None:
        self._file = file
        self._secrets = secrets
        self._line = b""

    @classmethod
    def of(cls, folder: str | None, name: str, secrets: Collection[Secret]) -> Self:
        """Open the log of a device in a folder; without a folder, keep none.

        Raises:
            LocalFault: The file cannot be written.
        """
        if folder is None:
            return cls(None, secrets)
        path = Path(folder).expanduser() / f"{file_name(name)}.log"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = open(path, "ab", buffering=0, opener=lambda *_: writing.open_to_append(path))  # noqa: SIM115
            os.fchmod(file.fileno(), 0o600)
            file.write(time.strftime("\n--- %Y-%m-%dT%H:%M:%S%z\n").encode())
        except (OSError, ValueError) as exc:
            why = getattr(exc, "strerror", None) or exc
            text = f"the session log {excerpt(repr(str(path)))} cannot be written: {why}"
            raise LocalFault(text, reason="session-log", phase=Phase.CHANNEL) from exc
        return cls(file, secrets)

    def received(self, data: bytes) -> None:
        """Note bytes that the device has sent."""
        if self._file is None:
            return
        done, end, self._line = (self._line + data).rpartition(b"\n")
        self._write(done + end)
        if len(self._line) > _LONGEST_LINE:  # keep enough of it to find a secret that comes in two pieces
            self._write(self._line[:-_OVERLAP])
            self._line = self._line[-_OVERLAP:]

    def close(self) -> None:
        """Write the unfinished line, and close the file."""
        if self._file is not None:
            self._write(self._line)
            self._file.close()
            self._file = None

    def _write(self, data: bytes) -> None:
        if self._file is None or not data:
            return
        try:
            self._file.write(masked(data, self._secrets))
        except OSError as exc:
            logger.warning("the session log %r ends here: %s", self._file.name, exc.strerror or exc)
            self._file.close()
            self._file = None
