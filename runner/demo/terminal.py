"""The terminal between a session and its channel: echo, line editing, line ends, paging.

It works like the line discipline of a real device: typed characters are echoed, a newline is sent as carriage
return and line feed, and output longer than a page stops at a pager's prompt such as `--More--`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Ending", "Line", "Pager", "Terminal", "Wire"]

_LONGEST_LINE = 4096


class Wire(Protocol):
    """The source of a terminal's characters."""

    async def read(self, n: int) -> str:
        """Return up to `n` characters as soon as some have arrived; empty at the end."""


class Ending(Enum):
    """How a typed line ended."""

    ENTER = "enter"
    HELP = "help"
    INTERRUPT = "interrupt"
    LEAVE = "leave"
    END_OF_INPUT = "end of input"


@dataclass(frozen=True, slots=True)
class Line:
    """A typed line, and how it ended."""

    text: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Pager:
    """The prompt at the end of a page, and the characters that remove it from the screen."""

    prompt: str = " --More-- "
    erase: str = "\b" * 10 + " " * 10 + "\b" * 10


_KEYS = {
    "\r": Ending.ENTER,
    "\n": Ending.ENTER,
    "\x03": Ending.INTERRUPT,
    "\x1a": Ending.LEAVE,
}


class Terminal:
    """A terminal on a channel.

    Args:
        wire: The source of the client's characters.
        write: Sends characters to the client.
        help_key: Whether `?` shows help at once, as on network gear.
    """

    def __init__(self, wire: Wire, write: Callable[[str], None], *, help_key: bool) -> None:
        self._wire = wire
        self._write = write
        self._help_key = help_key
        self._pending = ""
        self._after_return = False

    def show(self, text: str) -> None:
        """Send text, with newlines as carriage return and line feed."""
        self._write(text.replace("\r\n", "\n").replace("\n", "\r\n"))

    async def read_line(self, *, echo: bool = True, typed: str = "") -> Line:
        """Return the next line.

        Args:
            echo: Whether typed characters are echoed.
            typed: Text that is already typed after the prompt.
        """
        while True:
            key = await self._key()
            ending = self._ending(key, typed)
            if ending is not None:
                if ending is not Ending.END_OF_INPUT:
                    self.show("?\n" if ending is Ending.HELP else "\n")
                return Line(typed, ending)
            edited = _edit(typed, key)
            if echo:
                self._write(_redraw(typed, edited))
            typed = edited

    async def read_key(self) -> Line:
        """Return the next key as a line, without waiting for Enter, as the reply to `[confirm]`."""
        key = await self._key()
        ending = Ending.END_OF_INPUT if not key else _KEYS.get(key)
        if ending is not Ending.END_OF_INPUT:
            self.show("\n")
        return Line(key if ending is None else "", ending or Ending.ENTER)

    async def page(self, text: str, length: int, pager: Pager) -> None:
        """Show text, stopping at the pager's prompt each time a page is full.

        Args:
            text: The text to show.
            length: Lines of a page, including the pager's prompt; 0 never stops.
            pager: The pager.
        """
        lines = text.splitlines(keepends=True)
        room = length - 1
        while length and len(lines) > room:
            self.show("".join(lines[:room]))
            lines = lines[room:]
            self._write(pager.prompt)
            key = await self._key()
            self._write(pager.erase)
            if key not in {" ", "\r", "\n"}:
                return
            room = length - 1 if key == " " else 1
        self.show("".join(lines))

    def _ending(self, key: str, typed: str) -> Ending | None:
        if not key or (key == "\x04" and not typed):
            return Ending.END_OF_INPUT
        if key == "?" and self._help_key:
            return Ending.HELP
        return _KEYS.get(key)

    async def _key(self) -> str:
        """Return the next character; the line feed of a CR LF pair is left out."""
        while True:
            if not self._pending:
                self._pending = await self._wire.read(1024)
                if not self._pending:
                    return ""
            key, self._pending = self._pending[0], self._pending[1:]
            skip = key == "\n" and self._after_return
            self._after_return = key == "\r"
            if not skip:
                return key


def _edit(typed: str, key: str) -> str:
    if key in {"\b", "\x7f"}:
        return typed[:-1]
    if key == "\x15":
        return ""
    return typed + key if key.isprintable() and len(typed) < _LONGEST_LINE else typed


def _redraw(before: str, after: str) -> str:
    """Return the characters that change one line on the screen into the other."""
    if after.startswith(before):
        return after[len(before) :]
    return "\b \b" * (len(before) - len(after))
