"""A status line at the bottom of a terminal that is overwritten in place and removed at the end."""

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
    """A status line; it shows nothing if the stream is not a terminal.

    It is a `Progress`, so that other code can have it removed before writing to the terminal.

    Args:
        stream: The stream; None if the program was started with it closed.
        wanted: False for `--quiet`.
    """

    def __init__(self, stream: TextIO | None, *, wanted: bool = True) -> None:
        drawable = stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._stream = stream if wanted and drawable else None
        self._shown = False

    @property
    def visible(self) -> bool:
        """Whether the line is shown at all."""
        return self._stream is not None

    def show(self, text: str) -> None:
        """Replace the line by a new text, cut to the terminal's width."""
        if self._stream is not None:
            self._write(f"{_CLEAR}{visible_line(text)[: self._columns() - 1]}")
            self._shown = True

    def result(self, result: HostResult) -> None:
        """Do nothing: the line does not show single hosts."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Remove the line so that other code can write; the next `show` draws it again."""
        self.close()
        yield

    def close(self) -> None:
        """Remove the line from the terminal."""
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
