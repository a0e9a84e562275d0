"""The output of one stream of a command: up to a limit in memory, the rest as the options say."""

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
    """The bytes of one stream.

    Args:
        options: How many bytes to keep, and what to do with the rest.
        name: The name of the stream.

    Attributes:
        truncated: Whether more bytes came than are kept.
        file: Path of the file that holds all bytes, if there is one.
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
        """Add the next bytes of the stream."""
        kept = chunk[: self._options.max_output - self.size]
        if kept:
            self._collected.add(kept)
        if len(kept) < len(chunk):
            self.truncated = True
            if self._options.overflow is Overflow.SPILL and not self.full:
                self._spill(chunk[len(kept) :])

    @property
    def full(self) -> bool:
        """Whether the limit is reached, so that the command has to be ended."""
        if self._options.overflow is Overflow.DROP:
            return False
        if self._options.overflow is Overflow.END:
            return self.truncated
        return self._failure is not None or self._written > self._options.max_spill

    @property
    def size(self) -> int:
        """Number of bytes that are kept."""
        return self._collected.size

    def kept(self) -> bytes | Kept:
        """Return the kept bytes."""
        return self._collected.kept()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._spilled is not None:
            self._spilled.close()
            self._spilled = None

    def overrun(self, command: str) -> OutputLimitExceeded:
        """Return the error of a command that was ended because this stream is full."""
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
        """Write to the file; when it is new, write what is in memory first."""
        try:
            if self._spilled is None:
                self._spilled = self._opened()
                kept = self.kept()
                rest = (kept if isinstance(kept, bytes) else kept.read()) + rest
            left = memoryview(rest)
            while left:  # a write may be partial when the disk is almost full
                taken = self._spilled.write(left)
                self._written += taken
                left = left[taken:]
        except OSError as exc:
            self._failure = f"{self.file or self._options.spill_folder}: {exc.strerror or exc}"

    def _opened(self) -> BinaryIO:
        """Make the file, readable only by its owner."""
        folder = Path(self._options.spill_folder or tempfile.gettempdir()).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, self.file = tempfile.mkstemp(prefix=f"{self._name}-", dir=folder)
        return os.fdopen(descriptor, "wb", buffering=0)
