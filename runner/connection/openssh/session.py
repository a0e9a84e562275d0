"""A session over a shared `ssh`: from the request for it to the end of its channel."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from runner.connection.openssh.mux import Mux
from runner.errors import RequestRefused, Unreachable
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.connection.openssh.master import Master
    from runner.connection.openssh.mux import Asked, Said

__all__ = ["Session", "closed"]

_GOODBYE_S = 0.4


class Session:
    """A session that is asked for.

    Args:
        master: The connection.
        asked: What is asked for.
        pipes: What the program there is to read, and to write output and errors to; they are closed here.

    Raises:
        Unreachable: The connection has ended.
    """

    def __init__(self, master: Master, asked: Asked, pipes: Sequence[int]) -> None:
        self._master = master
        master.journal.sending = master.journal.signalled = False
        try:
            self._mux = Mux(master.socket)
            try:
                self._mux.ask(asked, pipes)
            except BaseException:
                self._mux.close()
                raise
        except OSError as exc:
            raise closed() from exc
        finally:
            for descriptor in pipes:
                os.close(descriptor)
        master.pump.read(self._mux.fileno(), self._mux.take)

    @property
    def said(self) -> Said:
        """What the connection has said of the session so far."""
        return self._mux.said

    @property
    def over(self) -> bool:
        """Whether nothing more will be said of it."""
        return not self._master.pump.reads(self._mux.fileno())

    def opened(self, seconds: float, stopped: Callable[[], bool]) -> bool:
        """Wait until the server has opened a channel, on which the request has been sent.

        Args:
            seconds: How long.
            stopped: Says whether nobody waits for it any more.

        Returns:
            Whether it has.

        Raises:
            RequestRefused: The server opens none.
            Unreachable: The connection has ended.
        """
        end = time.monotonic() + seconds
        while not self.said.opened:
            if self.said.refused is not None:
                raise self._refused(self.said.refused)
            if self.over:
                raise closed()
            if stopped() or time.monotonic() >= end:
                return False
            self._master.pump.wait(end - time.monotonic())
        return True

    def settle(self) -> None:
        """Take in what is logged about the end, or the connection's own end, which may be a moment behind."""
        end = time.monotonic() + _GOODBYE_S
        pump, journal = self._master.pump, self._master.journal
        known = self.said.exit_status is not None
        while not known and not journal.signalled and self._master.alive() and time.monotonic() < end:
            pump.wait(end - time.monotonic())

    def close(self) -> None:
        """Leave the session: its channel is closed."""
        self._master.pump.forget(self._mux.fileno())
        self._mux.close()

    def _refused(self, words: str) -> RequestRefused:
        """Return the error of a channel that was not opened; what the server said is in the log."""
        self._master.pump.wait(0)
        said = self._master.journal.last("open failed: ") or words
        return RequestRefused(
            f"the server refused a channel: {excerpt(said)}", reason="channel-refused", phase=Phase.CHANNEL
        )


def closed() -> Unreachable:
    """Return the error of a connection that has ended before anything was asked for."""
    text, reason = "the connection ended", "closed-after-login"
    return Unreachable(text, reason=reason, phase=Phase.CHANNEL, transient=True)
