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
from runner.text.file_names import file_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.models import Secret

__all__ = ["SessionLog"]

logger = logging.getLogger(__name__)


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
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            file = open(path, "ab", buffering=0, opener=lambda name, _: os.open(name, flags, 0o600))  # noqa: SIM115
            file.write(time.strftime("\n--- %Y-%m-%dT%H:%M:%S%z\n").encode())
        except OSError as exc:
            text = f"the session log {str(path)!r} cannot be written: {exc.strerror or exc}"
            raise LocalFault(text, reason="session-log", phase=Phase.CHANNEL) from exc
        return cls(file, secrets)

    def received(self, data: bytes) -> None:
        """Note bytes that the device has sent."""
        if self._file is None:
            return
        done, end, self._line = (self._line + data).rpartition(b"\n")
        self._write(done + end)

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
