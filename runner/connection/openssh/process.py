"""A process in a session of a shared `ssh`, from the request for it to the end of its channel."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import time
import tty
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from runner.connection.command.pipes import PipeProcess
from runner.connection.command.process import GOODBYE_S
from runner.connection.command.reaper import REAPER, may_survive
from runner.connection.openssh.mux import Asked, Mux
from runner.connection.transport.faults import own_fault
from runner.errors import HostError, RequestRefused, Unreachable
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from runner.connection.command.options import Terminal
    from runner.connection.openssh.master import Master

__all__ = ["SessionProcess", "closed"]

_ANY_SIGNAL = "unknown"

# What `ssh` writes to standard error if the server refuses a request after it opened the channel.
_REFUSED = (b"exec request failed\r\n", b"subsystem request failed\r\n")
_HEAD = 64


class SessionProcess(PipeProcess):
    """A process over a shared connection; see `Process`.

    Args:
        master: The connection.

    Attributes:
        survives: Whether the process may go on after `terminate`; None if it was not told to end.
    """

    def __init__(self, master: Master) -> None:
        super().__init__(master.pump)
        self.survives: bool | None = None
        self._master = master
        self._mux: Mux | None = None
        self._cancelled = False
        self._head = b""

    def start(self, line: str | None, terminal: Terminal | None = None, kind: str = "") -> None:
        """Ask for a process.

        Args:
            line: Its command line; empty means the interactive shell, None the SFTP server.
            terminal: The terminal that it runs on; None means no terminal.
            kind: The terminal type (`vt220`).

        Raises:
            Unreachable: The connection has ended.
            HostError: This machine has no pseudo-terminal left, from which `ssh` reads the terminal's size.
        """
        asked = Asked(
            "sftp" if line is None else line, None if terminal is None else kind, subsystem=line is None
        )
        theirs = self._pipes(terminal)
        self._master.journal.sending = self._master.journal.signalled = False
        try:
            self._mux = Mux(self._master.socket)
            self._mux.ask(asked, theirs)
        except OSError as exc:
            raise own_fault(exc) or closed() from exc
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self._pump.read(self._mux.fileno(), self._hear)

    def _hear(self, data: bytes) -> None:
        """Read messages of the master; end it if the server refuses a terminal, which may be known late.

        Raises:
            RequestRefused: The server refused a terminal. The command has been sent, and runs without one.
        """
        self._session.take(data)
        if self._session.said.no_terminal:
            self._master.kill()
            raise RequestRefused("the server refused a terminal", reason="pty-refused", phase=Phase.CHANNEL)

    def _pipes(self, terminal: Terminal | None) -> tuple[int, int, int]:
        """Make the pipes of the process; keep our ends, return the others."""
        if terminal is None:
            theirs, ours = os.pipe()
        else:
            ours, theirs = _terminal(terminal)
        (out, stdout), (err, stderr) = os.pipe(), os.pipe()
        self.attach(ours, out, err, terminal=terminal is not None)
        return theirs, stdout, stderr

    def cancel(self) -> None:
        """Make `open` return; called from another thread."""
        self._cancelled = True
        self.wake()

    def open(self, seconds: float) -> bool:
        """Wait until the server has opened a channel, on which the request has been sent.

        Returns:
            Whether the server opened it within so many seconds.

        Raises:
            RequestRefused: The server refuses a channel or a terminal.
            Unreachable: The connection has ended.
        """
        end = time.monotonic() + seconds
        said = self._session.said
        while not said.opened:
            if said.refused is not None:
                raise self._channel_refused(said.refused)
            if self._over:
                raise closed()
            if self._cancelled or time.monotonic() >= end:
                return False
            self._pump.wait(end - time.monotonic())
        if self._on_terminal:  # from now on only the remote terminal echoes and edits lines
            tty.setraw(self._input)
        return True

    def _channel_refused(self, words: str) -> RequestRefused:
        """Return the error of a channel that was not opened, with the server's text from the log."""
        self._pump.wait(0)
        text = excerpt(self._master.journal.last("open failed: ") or words)
        return RequestRefused(
            f"the server refused a channel: {text}", reason="channel-refused", phase=Phase.CHANNEL
        )

    @property
    def _session(self) -> Mux:
        assert self._mux is not None  # noqa: S101 - `start` comes first
        return self._mux

    @property
    def _over(self) -> bool:
        """Whether the session has ended: the master sends no more messages about it."""
        return not self._pump.reads(self._session.fileno())

    @property
    def exit_status(self) -> int | None:
        """See `Process`."""
        return self._session.said.exit_status

    @property
    def exit_signal(self) -> str | None:
        """See `Process`."""
        signalled = self.exit_status is None and self._master.journal.signalled
        return _ANY_SIGNAL if signalled else None

    @property
    def finished(self) -> bool:
        """See `Process`."""
        return self._over or self.exit_status is not None

    @property
    def refused(self) -> bool:
        """See `Process`."""
        return self._head.startswith(_REFUSED)

    def read(self) -> tuple[bytes, bytes]:
        """See `Process`."""
        out, err = super().read()
        if len(self._head) < _HEAD:
            self._head = (self._head + err)[:_HEAD]
        return out, err

    def silent(self) -> bool:
        """See `Process`: `ssh` itself ends and logs a timeout, by ServerAliveInterval (ssh_config(5))."""
        if self.output_open or self.errors_open or self._master.alive():
            return False
        return self._master.journal.last("Timeout, server ") is not None

    def lost(self) -> str | None:
        """See `Process`: wait a moment, as the log and the end of the connection may come late."""
        end = time.monotonic() + GOODBYE_S
        while (
            self.exit_status is None
            and self.exit_signal is None
            and self._master.alive()
            and time.monotonic() < end
        ):
            self._pump.wait(end - time.monotonic())
        return None if self._master.alive() else ""

    def terminate(self) -> None:
        """Try for a moment to end the processes that the commands of this connection have started.

        `ssh` has no way to ask for a signal, and a server may refuse a second session.
        """
        if not self._master.alive():
            return
        self.survives = True
        with suppress(OSError, HostError), closing(SessionProcess(self._master)) as reaper:
            reaper.start(REAPER)
            self.survives = may_survive(reaper)

    def close(self) -> None:
        """Leave the session: its channel is closed."""
        if self._mux is not None:
            self._pump.forget(self._mux.fileno())
            self._mux.close()
        super().close()


def _terminal(terminal: Terminal) -> tuple[int, int]:
    """Make a pseudo-terminal of a size on this machine; return its two ends."""
    try:
        ours, theirs = os.openpty()
    except OSError as exc:
        text = f"this machine has no pseudo-terminal to give to ssh: {exc.strerror}"
        raise HostError(text, reason="local-limit", phase=Phase.CHANNEL) from exc
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", terminal.rows, terminal.columns, 0, 0))
    return ours, theirs


def closed() -> Unreachable:
    """Return the error of a connection that had ended before a command was requested."""
    text, reason = "the connection ended", "closed-after-login"
    return Unreachable(text, reason=reason, phase=Phase.CHANNEL, transient=True)
