"""Turn the bytes of an interactive terminal into lines of text, as a screen would show them.

A device edits what it has printed: it erases a pager with backspaces or spaces, repeats its prompt, and
colours text. Only the movements within one line are followed; a CLI that draws whole screens is not read.
"""

from __future__ import annotations

import re

__all__ = ["Screen"]

# ECMA-48: CSI and OSC sequences, and escapes of two or three bytes.
_ESCAPE = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-Z\\^-~])"
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
_LONGEST_ESCAPE = 256
_TOKEN = re.compile(rb"[\r\n\b]|" + _ESCAPE + rb"|\x1b|[^\r\n\b\x1b]+")
_SILENT = bytes((*range(8), 0x0B, 0x0C, *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F))
"""Control characters that print nothing."""
_LEFT, _RIGHT, _ERASE, _COLUMN = b"D", b"C", b"K", b"G"
_FIRST_LINES, _LONGEST_ECHO = 50, 2**16
_TAIL = 4096
_LONGEST_LINE = 16 * 2**20
"""Bytes after which a line is ended, so that a device cannot fill the memory with one."""
_WIDEST = 1000
"""Columns that a movement may go to the right: a hostile device must not make a line of any length."""


class Screen:
    """The lines that a terminal shows.

    Attributes:
        lines: The finished lines, without line ends.
        typed: The characters of the first lines in the order in which they came, overwritten ones too.
    """

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.typed: list[bytes] = []
        self._typed = b""
        self._line = bytearray()
        self._column = 0
        self._rest = b""
        self._paged = False
        self._erased = False
        self._dropped = b""

    @property
    def tail(self) -> bytes:
        """The end of the unfinished last line: all of it, unless it is too long to be a prompt."""
        end = bytes(self._line[-_TAIL:])
        return end.rstrip(b" ") if self._paged else end

    @property
    def line(self) -> bytes:
        """The unfinished last line."""
        return bytes(self._line).rstrip(b" ") if self._paged else bytes(self._line)

    def feed(self, data: bytes) -> None:
        """Show more bytes."""
        data = self._rest + data
        cut = _UNFINISHED.search(data, max(0, len(data) - _LONGEST_ESCAPE))
        self._rest = data[cut.start() :] if cut is not None else b""
        if cut is not None:
            data = data[: cut.start()]
        for token in _TOKEN.findall(data.translate(None, _SILENT)):
            self._show(token)

    def drop_pager(self, *, may_be_data: bool = False) -> None:
        """Remove the unfinished line, a pager, and the traces of its later erasing.

        Args:
            may_be_data: Whether to put the line back if the device goes on with it and erases nothing.
        """
        self._dropped = bytes(self._line) if may_be_data else b""
        self._line.clear()
        self._column = 0
        self._paged, self._erased = True, False

    def _show(self, token: bytes) -> None:
        if token == b"\n":
            self._end_line()
        elif token == b"\r":
            self._column = 0
        elif token == b"\b":
            self._erased = True
            self._column = max(0, self._column - 1)
        elif token.startswith(b"\x1b"):
            self._erased = True
            self._move(token)
        else:
            if self._dropped and not self._erased and not token.isspace():
                self._write(self._dropped)  # it was no pager: the line goes on
                self._paged = False
            self._erased = self._erased or token.isspace()
            self._write(token)
        self._dropped = b""

    def _end_line(self) -> None:
        """Finish a line; a device that does not erase a pager sends a line end after it."""
        line = self.line
        if line or not self._paged or self._erased:
            self.lines.append(line)
            if len(self.typed) < _FIRST_LINES:
                self.typed.append(self._typed)
                self._typed = b""
        self._line.clear()
        self._column = 0
        self._paged = False

    def _write(self, text: bytes) -> None:
        if len(self.typed) < _FIRST_LINES and len(self._typed) < _LONGEST_ECHO:
            self._typed += text
        line, column = self._line, self._column
        if column > len(line):
            line += b" " * (column - len(line))
        line[column : column + len(text)] = text
        self._column = column + len(text)
        if len(line) > _LONGEST_LINE:
            self._end_line()

    def _move(self, sequence: bytes) -> None:
        """Follow a CSI sequence that moves within the line or erases; drop any other sequence."""
        if not sequence.startswith(b"\x1b["):
            return
        action, digits = sequence[-1:], sequence[2:-1]
        count = int(digits) if digits.isdigit() and len(digits) < 6 else 0  # noqa: PLR2004 - a screen is small
        if action == _LEFT:
            self._column = max(0, self._column - max(1, count))
        elif action == _RIGHT:
            self._column = min(_WIDEST, self._column + max(1, count))
        elif action == _COLUMN:
            self._column = min(_WIDEST, max(0, count - 1))
        elif action == _ERASE:
            self._erase(count)

    def _erase(self, how: int) -> None:
        """Erase to the end of the line (0), to its beginning (1), or all of it (2)."""
        if how == 0:
            del self._line[self._column :]
        else:
            end = len(self._line) if how == 2 else min(len(self._line), self._column + 1)  # noqa: PLR2004
            self._line[:end] = b" " * end
            if how == 2:  # noqa: PLR2004
                self._line.clear()
