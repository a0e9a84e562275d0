"""What one stream of a command has given: up to a limit in memory, and the rest as was chosen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runner.connection.options import Overflow
from runner.errors import OutputLimitExceeded
from runner.models import Phase
from runner.text.spill import Collected, Kept

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions

__all__ = ["Output"]


class Output:
    """Bytes as they came.

    Args:
        options: How many are kept, and what becomes of the rest.
        name: What the stream is called.

    Attributes:
        truncated: Whether more than that came.
        file: Path of the file that holds all of them, where there is one.
    """

    def __init__(self, options: ConnectionOptions, name: str) -> None:
        self.truncated = False
        self.file: str | None = None
        self._options = options
        self._name = name
        self._collected = Collected()
        self._spilled: BinaryIO | None = None
        self._written = 0
        self._failure: str | None = None

    def add(self, chunk: bytes) -> None:
        """Take in what came next."""
        kept = chunk[: self._options.max_output - self.size]
        if kept:
            self._collected.add(kept)
        if len(kept) < len(chunk):
            self.truncated = True
            if self._options.overflow is Overflow.SPILL and not self.full:
                self._spill(chunk[len(kept) :])

    @property
    def full(self) -> bool:
        """Whether no more can be taken in, so that the command has to be ended."""
        if self._options.overflow is Overflow.DROP:
            return False
        if self._options.overflow is Overflow.END:
            return self.truncated
        return self._failure is not None or self._written > self._options.max_spill

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._collected.size

    def kept(self) -> bytes | Kept:
        """Return what was kept."""
        return self._collected.kept()

    def close(self) -> None:
        """End the file, if there is one."""
        if self._spilled is not None:
            self._spilled.close()
            self._spilled = None

    def overrun(self, command: str) -> OutputLimitExceeded:
        """Return the error of a command that was ended because this is full."""
        options = self._options
        if self._failure is not None:
            text = f"{command!r} was ended: its {self._name} could not be written to {self._failure}"
            return OutputLimitExceeded(text, reason="spill-failed", phase=Phase.COMMAND)
        most, flag = options.max_output, "--max-output"
        if options.overflow is Overflow.SPILL:
            most, flag = options.max_spill, "--max-spill"
        return OutputLimitExceeded(
            f"{command!r} printed more than {most} bytes and was ended; see {flag}",
            reason="output-limit",
            phase=Phase.COMMAND,
        )

    def _spill(self, rest: bytes) -> None:
        """Write to a file, which begins with what is in memory."""
        try:
            if self._spilled is None:
                self._spilled = self._opened()
                kept = self.kept()
                rest = (kept if isinstance(kept, bytes) else kept.read()) + rest
            left = memoryview(rest)
            while left:  # a file takes less than it is given when the disk is about to be full
                taken = self._spilled.write(left)
                self._written += taken
                left = left[taken:]
        except OSError as exc:
            self._failure = f"{self.file or self._options.spill_folder}: {exc.strerror or exc}"

    def _opened(self) -> BinaryIO:
        """Make the file, readable by its owner alone."""
        folder = Path(self._options.spill_folder or tempfile.gettempdir()).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, self.file = tempfile.mkstemp(prefix=f"{self._name}-", dir=folder)
        return os.fdopen(descriptor, "wb", buffering=0)
