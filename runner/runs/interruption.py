"""Handle Ctrl-C, SIGTERM and SIGHUP during a run."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.text.hostlist import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from runner.fanout import Control

__all__ = ["GRACE_S", "Interruption"]

GRACE_S = 30.0
"""Seconds that running hosts have to finish after the first Ctrl-C."""


class Interruption:
    """Signal handling for a run.

    After the first Ctrl-C no more hosts are started. A second Ctrl-C, SIGTERM or SIGHUP (the terminal was
    closed) ends the running hosts. The next signal ends the wait for them.

    Args:
        control: Handle to stop the run; without it, the first signal ends the wait at once.
        grace_s: Seconds after which the first Ctrl-C acts like the second.
        say: Shows the operator the effect of a signal.

    Attributes:
        exit_code: The exit code for the shell after a signal: 130, 143 or 129; None before.
    """

    def __init__(
        self,
        control: Control | None = None,
        grace_s: float = GRACE_S,
        say: Callable[[str], object] = lambda _text: None,
    ) -> None:
        self.exit_code: int | None = None
        self._control = control
        self._grace_s = grace_s
        self._say = say
        self._ending = False
        self._timer: threading.Timer | None = None

    @property
    def controls(self) -> bool:
        """Whether hosts are handed to workers, so that the run can end them."""
        return self._control is not None

    @property
    def running(self) -> Sequence[str]:
        """The names of the running hosts."""
        return () if self._control is None else self._control.running

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals while the context lasts, except signals that are ignored from the start."""
        before = {
            number: signal.getsignal(number)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) is not signal.SIG_IGN
            and threading.current_thread() is threading.main_thread()
        }
        for number in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._timer is not None:
                self._timer.cancel()

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - required by the signal module
        again = self.exit_code is not None
        self.exit_code = 128 + number
        if self._control is None or self._ending:
            raise KeyboardInterrupt
        if number != signal.SIGINT or again:
            self._end(self._control)
        else:
            self._stop(self._control)

    def _stop(self, control: Control) -> None:
        control.stop()
        self._timer = threading.Timer(self._grace_s, control.abort)
        self._timer.daemon = True
        self._timer.start()
        if self.running:
            names = fold(self.running)
            self._say(f"stopping: {names} may finish within {self._grace_s:g} s; Ctrl-C again ends them")
        else:
            self._say("stopping: no more hosts are started")

    def _end(self, control: Control) -> None:
        self._ending = True
        control.abort()
