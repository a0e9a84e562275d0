"""Read a connection in the thread that waits for a reply; use a reader thread only for long jobs.

Paramiko reads each connection in a separate thread, which wakes the thread that waits for a reply. This costs
two threads for each host, and two thread switches for each packet, as much time as all the cryptography.
Paramiko has no public way to read one packet, so this module repeats what its `run` does with one packet. A
test compares the names that `run` uses with the names used here, and fails if they differ in a new release.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import (
    DEBUG,
    MSG_DISCONNECT,
    MSG_IGNORE,
    MSG_KEXINIT,
    MSG_NAMES,
    MSG_UNIMPLEMENTED,
    cMSG_UNIMPLEMENTED,
)
from paramiko.packet import NeedRekeyException

from runner.connection.transport.packets import Packets

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.connection.transport.dial import PeerSocket

__all__ = ["NoThread", "OnDemandTransport"]

_KEX_MESSAGES = range(30, 42)


class NoThread(OSError):
    """The system cannot start a thread to read a connection."""

    def __init__(self) -> None:
        super().__init__("no thread is left for a connection: use fewer --workers or raise `ulimit -u`")


class OnDemandTransport(paramiko.Transport):
    """A transport that the waiting thread reads itself, until a reader thread is started."""

    packetizer: Packets
    agreed_on_strict_kex: bool
    auth_handler: Any
    kex_engine: Any
    _expected_packet: tuple[int, ...]
    _channel_handler_table: Any
    _handler_table: dict[int, Any]
    _greeted = False

    def __init__(self, sock: PeerSocket) -> None:
        super().__init__(sock, packetizer_class=Packets)  # type: ignore[arg-type]
        self._reading = threading.Lock()
        self._reader: int | None = None
        self._starting = threading.Lock()

    def _log(self, level: int, msg: str | list[str], *args: object) -> None:
        """Log Paramiko's message about each packet, if its log level is enabled."""
        if self.logger.isEnabledFor(level):
            super()._log(level, msg, *args)  # type: ignore[misc]

    def attend(self) -> None:
        """Start the reader thread, which reads everything that arrives from now on.

        Raises:
            NoThread: The system cannot start another thread.
        """
        with self._starting:
            if self.ident is None and self.active:
                try:
                    self.start()
                except RuntimeError as exc:
                    raise NoThread from exc

    def serve(self, seconds: float) -> bool:
        """Read what arrives within so many seconds; return False if another thread does the reading."""
        if not self.packetizer.tells_ready:
            self.attend()
        if self.ident is not None or not self._reading.acquire(blocking=False):
            return False
        waits = iter((seconds,))
        try:
            # A key exchange may switch to a cipher that hides the packet length.
            self._read(lambda: self.packetizer.tells_ready and self.packetizer.ready(next(waits, 0.0)))
        finally:
            self._reading.release()
        return True

    def close(self) -> None:
        """End the connection at once."""
        super().close()
        if self.ident is None:
            self._end()  # no reader thread will do it

    def run(self) -> None:
        """Read until the connection ends: the body of the reader thread."""
        with self._reading:
            self._read(lambda: True)
            self._end()

    def read_until(self, done: Callable[[], bool]) -> None:
        """Read until `done()` is true, unless another thread reads, which then wakes the waiting threads."""
        if not done() and self.ident is None and self._reading.acquire(blocking=False):
            try:
                self._read(lambda: not done())
            finally:
                self._reading.release()

    @property
    def reads_here(self) -> bool:
        """Whether this thread is the one that reads: it must not wait for a packet."""
        return self._reader == threading.get_ident()

    def _read(self, more: Callable[[], bool]) -> None:
        """Read packets while more are wanted and the connection is open."""
        self._reader = threading.get_ident()
        try:
            if not self._greeted:
                self._greet()
            while self.active and more():
                if not self._take():
                    self._end()
        except Exception as exc:  # noqa: BLE001 - a hostile peer can cause any error; the waiter raises it
            self._log(DEBUG, f"reading ended: {type(exc).__name__}: {exc}")
            self.saved_exception = exc
            self._end()
        finally:
            self._reader = None

    def _greet(self) -> None:
        """Send our version and the first key exchange message, as Paramiko's `run` does."""
        self._greeted = True
        self.packetizer.write_all(f"{self.local_version}\r\n".encode())
        self._check_banner()  # type: ignore[attr-defined]
        self._send_kex_init()  # type: ignore[attr-defined]
        self._expect_packet(MSG_KEXINIT)  # type: ignore[attr-defined]

    def _take(self) -> bool:
        """Read one packet and handle it as Paramiko's `run` does; return whether the connection goes on."""
        if self.packetizer.need_rekey() and not self.in_kex:
            self._send_kex_init()  # type: ignore[attr-defined]
        try:
            kind, message = self.packetizer.read_message()
        except NeedRekeyException:
            return True
        if kind == MSG_IGNORE:
            self._enforce_strict_kex(kind)  # type: ignore[attr-defined]
            return True
        if kind == MSG_DISCONNECT:
            self._parse_disconnect(message)  # type: ignore[attr-defined]
            return False
        if self._expected_packet:
            self._check_expected(kind)
            if kind in _KEX_MESSAGES:
                self.kex_engine.parse_next(kind, message)
                return True
        return self._hand_on(kind, message)

    def _check_expected(self, kind: int) -> None:
        """Refuse a packet that is not allowed now (RFC 4253 section 7.1)."""
        if kind not in self._expected_packet:
            strict = self.agreed_on_strict_kex
            error = paramiko.ssh_exception.MessageOrderError if strict else paramiko.SSHException
            raise error(f"Expecting packet from {self._expected_packet!r}, got {kind}")
        self._expected_packet = ()

    def _hand_on(self, kind: int, message: paramiko.Message) -> bool:
        """Pass a packet to Paramiko's handler for it; return whether the connection goes on."""
        if kind in self._handler_table:
            self._handler_table[kind](message)
        elif kind in self._channel_handler_table:
            number = message.get_int()
            channel = self._channels.get(number)  # type: ignore[attr-defined]
            if channel is None:
                return number in self.channels_seen  # a channel that is already closed
            self._channel_handler_table[kind](channel, message)
        elif self.auth_handler is not None and kind in self.auth_handler._handler_table:  # noqa: SLF001
            self.auth_handler._handler_table[kind](message)  # noqa: SLF001
        elif kind not in MSG_NAMES:
            raise paramiko.SSHException(f"unknown packet type {kind}")
        elif kind != MSG_UNIMPLEMENTED:
            answer = paramiko.Message()
            answer.add_byte(cMSG_UNIMPLEMENTED)
            answer.add_int(message.seqno)
            self._send_message(answer)  # type: ignore[attr-defined]
        return True

    def _end(self) -> None:
        """Close the connection, and wake all threads that wait for a reply."""
        self.active = False
        if self.completion_event is not None:
            self.completion_event.set()
        if self.auth_handler is not None:
            self.auth_handler.abort()
        for event in list(self.channel_events.values()):
            event.set()
        for channel in list(self._channels.values()):  # type: ignore[attr-defined]
            channel._unlink()  # noqa: SLF001
        self._handler_table = {}  # it holds bound methods: without this, only the garbage collector frees us
        self.packetizer.close()
        self.sock.close()
