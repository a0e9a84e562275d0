"""Progress on a terminal: a few lines that are redrawn in place and removed at the end."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.models import Status
from runner.report.progress.periodic import PeriodicProgress, names, pace, span
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from rich.live import Live
    from rich.text import Text

    from runner.report.progress.state import RunState, View

__all__ = ["LiveProgress"]

_FIRST_S = 0.4
_EVERY_S = 0.3
_BAR = 24
_LEAST_BAR = 6

_COLOURS: Mapping[Status, str] = {
    Status.OK: "green",
    Status.UNREACHABLE: "yellow",
    Status.SKIPPED: "yellow",
    Status.CANCELLED: "yellow",
}

# Environment variables of terminals that rewrap lines when the window gets narrower. On other terminals,
# erasing the rewrapped rows would erase rows that are not ours.
_WRAP_ANEW = ("TMUX", "VTE_VERSION", "KITTY_WINDOW_ID", "WT_SESSION", "WEZTERM_PANE", "KONSOLE_VERSION")


class LiveProgress(PeriodicProgress):
    """Lines that are redrawn three times a second, by rich.

    The display is removed before other code writes to the terminal, and returns with the next drawing. So the
    terminal is cleared at most three times a second, no matter how many results are printed.

    Args:
        stream: A terminal.
        standing: The state of the run.
        first_s: Seconds until the first drawing.
    """

    def __init__(self, stream: TextIO, state: RunState, first_s: float = _FIRST_S) -> None:
        self._stream = stream
        self._display: _Display | None = None
        super().__init__(state, first_s)

    def _prepare(self) -> None:
        if self._display is None:
            self._display = _Display(self._stream)

    def _show(self, view: View) -> None:
        if self._display is not None:
            self._display.draw(view)

    def _pause(self, view: View) -> float:  # noqa: ARG002 - a constant pause
        return _EVERY_S

    def _clear(self) -> None:
        # A signal handler may have interrupted a write to the same stream, which raises RuntimeError.
        with suppress(OSError, ValueError, RuntimeError):
            if self._display is not None:
                self._display.clear()


class _Display:
    """The lines that are on the terminal now."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and needed only in long runs

        self._stream = stream
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._cells: list[int] = []
        """How many columns each line on the terminal takes."""

    def draw(self, view: View) -> None:
        """Redraw, with the present width of the terminal."""
        from rich.console import Group  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        columns, rows = self._size()
        if self._wrapped(columns):
            self.clear()
        # Keep the last column free: some terminals wrap the line when it is written.
        self._console.width = columns - 1
        lines = _lines(view, columns - 1)[: max(1, rows - 2)]
        # An empty last line for the cursor: the terminal echoes keys such as Ctrl-C (^C) there.
        lines.append(Text())
        self._cells = [min(text.cell_len, columns - 1) for text in lines]
        if self._live is None:
            self._live = self._begun()
        with self._unwrapped():
            self._live.update(Group(*lines), refresh=True)

    def clear(self) -> None:
        """Remove the lines from the terminal."""
        live, self._live = self._live, None
        if live is None:
            return
        columns, _ = self._size()
        wrapped, self._cells = self._wrapped(columns), []
        self._console.width = columns - 1
        with self._unwrapped():
            live.stop()
        if wrapped:
            from rich.control import Control  # noqa: PLC0415
            from rich.segment import ControlType  # noqa: PLC0415

            up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
            self._console.control(Control(*(code for _ in range(wrapped) for code in up)))

    def _begun(self) -> Live:
        """Return a new, empty display; a stopped one cannot be used again."""
        from rich.live import Live  # noqa: PLC0415

        live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        live.start()
        return live

    @contextmanager
    def _unwrapped(self) -> Iterator[None]:
        """Turn line wrapping off: if the terminal has just become narrower, wrapped rows would remain."""
        self._stream.write("\x1b[?7l")
        try:
            yield
        finally:
            self._stream.write("\x1b[?7h")
            self._stream.flush()

    def _wrapped(self, columns: int) -> int:
        """Return how many extra rows our lines take on a terminal that has rewrapped them."""
        if not any(name in os.environ for name in _WRAP_ANEW):
            return 0
        return sum(max(0, -(-cells // columns) - 1) for cells in self._cells)

    def _size(self) -> tuple[int, int]:
        with suppress(OSError, ValueError):
            size = os.get_terminal_size(self._stream.fileno())
            return size.columns or 80, size.lines or 24
        return 80, 24


def _lines(view: View, width: int) -> list[Text]:
    """Return the lines to show, the most important first."""
    from rich.text import Text  # noqa: PLC0415

    lines = [_head(view, width)]
    if view.counts:
        counted = (
            (f"{count} {status}", _COLOURS.get(status, "red")) for status, count in view.counts.items()
        )
        lines.append(Text("  ").join(Text(*item) for item in counted))
    if view.running:
        lines.append(Text(f"{view.doing} {len(view.running)}: {names(view)}"))
    if view.slowest:
        slow = ", ".join(f"{name} {span(seconds)}" for name, seconds in view.slowest)
        lines.append(Text(f"slowest: {visible_line(slow)}", "dim"))
    lines += [Text(failure, "red") for failure in view.failures]
    for text in lines:
        text.no_wrap, text.overflow = True, "ellipsis"
    return lines


def _head(view: View, width: int) -> Text:
    """Return the bar and the numbers next to it."""
    from rich.text import Text  # noqa: PLC0415

    words = [f"{view.done}/{view.total}"]
    if view.rate is not None:
        words.append(pace(view.rate))
    words.append(span(view.elapsed_s) if view.left_s is None else f"{span(view.left_s)} left")
    numbers = "  ".join(words)
    room = min(_BAR, width - len(numbers) - 2)
    if room < _LEAST_BAR:
        return Text(numbers)
    full = room * view.done // max(1, view.total)
    return Text.assemble(("━" * full, "green"), ("━" * (room - full), "bright_black"), "  ", numbers)
