"""One line at the bottom of a terminal that is written over, and leaves no trace."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from runner.models import HostResult

__all__ = ["StatusLine"]

_CLEAR = "\r\x1b[K"
_USUAL_COLUMNS = 80


class StatusLine:
    """A line on a terminal; on anything else, nothing.

    It is a `Progress`, so that whoever else writes to the terminal can have it taken away for that.

    Args:
        stream: Where to; None where the program was started with it closed.
        wanted: False for `--quiet`.
    """

    def __init__(self, stream: TextIO | None, *, wanted: bool = True) -> None:
        drawable = stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._stream = stream if wanted and drawable else None
        self._shown = False

    @property
    def visible(self) -> bool:
        """Whether there is anything to be seen of it."""
        return self._stream is not None

    def show(self, text: str) -> None:
        """Write it over; what does not fit in the terminal's width is left out."""
        if self._stream is not None:
            self._write(f"{_CLEAR}{visible_line(text)[: self._columns() - 1]}")
            self._shown = True

    def result(self, result: HostResult) -> None:
        """Show nothing of a single host."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take it away for somebody else; the next text brings it back."""
        self.close()
        yield

    def close(self) -> None:
        """Leave no trace."""
        if self._shown:
            self._shown = False
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        # A signal handler may have interrupted a write to the same stream, which raises RuntimeError.
        with suppress(OSError, ValueError, RuntimeError):
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()

    def _columns(self) -> int:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                return os.get_terminal_size(self._stream.fileno()).columns or _USUAL_COLUMNS
        return _USUAL_COLUMNS
