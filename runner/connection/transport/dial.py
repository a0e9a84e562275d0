"""From a name and a port to a connected TCP socket, within a deadline.

Addresses are tried as in RFC 8305 ("happy eyeballs"): address families in turn, a new attempt every 250 ms
while the earlier ones go on; the first that connects wins.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import queue
import re
import select
import selectors
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

from runner.connection.transport.faults import own_fault
from runner.connection.transport.preconnected import taken
from runner.errors import Unreachable, run_stopped
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.models import Endpoint

__all__ = ["PeerSocket", "SshSocket", "dial", "resolve"]

_ATTEMPT_DELAY_S = 0.25  # RFC 8305 section 5, Connection Attempt Delay
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_MORE = getattr(socket, "MSG_MORE", 0)  # for 0.2 s at most, tcp(7)
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)
_PREAMBLE = 2**14
_BANNER = re.compile(rb"^SSH-[^\n]*\n", re.MULTILINE)
_AHEAD = 2**13

_Address = tuple[socket.AddressFamily, Any]


class PeerSocket:
    """Base class of all sockets that Paramiko talks through: it keeps the first bytes from the peer.

    Attributes:
        preamble: The first bytes that the peer sent, for error messages, until `settle`.
        received: How many bytes the peer has sent.
        waits: Whether `fill` exists, which waits for data without reading it.
        ahead: Bytes that were received and not read yet, if this class keeps them.
        more: Whether the next `send` may wait for the one after it, which follows at once.
        at_end: Whether the stream has ended, as far as is known.
    """

    waits = False
    ahead = b""
    more = False
    at_end = False

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.preamble = b""
        self.received = 0
        self._settled = False

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes; empty at the end of the stream.

        A peer that sends much without a line that begins with `SSH-` counts as ended.
        """
        return self._heard(self._raw.recv(size))

    def _heard(self, received: bytes) -> bytes:
        self.received += len(received)
        if not self._settled:
            self.preamble += received[: _PREAMBLE - len(self.preamble)]
            if len(self.preamble) >= _PREAMBLE and not _BANNER.search(self.preamble):
                return b""
        return received

    def settle(self) -> None:
        """Drop the preamble: keys are agreed and it is not needed any more."""
        self._settled = True
        self.preamble = b""

    def settimeout(self, seconds: float | None) -> None:
        """Set how long `send` and `recv` wait."""
        self._raw.settimeout(seconds)

    def close(self) -> None:
        """Close the socket without blocking; a thread that waits on it wakes at once."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


class SshSocket(PeerSocket):
    """A TCP socket without the delays and system calls of Paramiko's own use of sockets.

    Nagle's algorithm and delayed acknowledgements cost about 40 ms each in login and in the first channel.
    A `close` while another thread waits takes effect up to 100 ms late; `shutdown` first wakes that thread at
    once. Paramiko reads each packet in two parts, and Python polls a socket before each read or write; here
    one call reads all that has come, and the kernel keeps the timeouts.
    """

    waits = True

    def __init__(self, raw: socket.socket) -> None:
        super().__init__(raw)
        self._reader: int | None = None
        self._limit: float | None = None
        self._arrivals = select.poll()
        self._arrivals.register(raw, select.POLLIN)
        raw.settimeout(None)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if _USER_TIMEOUT is not None:
            raw.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, 60_000)

    def settimeout(self, seconds: float | None) -> None:
        """Set how long `send` and `recv` wait."""
        if seconds == self._limit:
            return
        self._limit = seconds
        whole, part = divmod(seconds or 0.0, 1.0)
        limit = struct.pack("@ll", int(whole), int(part * 1e6))  # struct timeval, socket(7)
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, data: bytes) -> int:
        """Send as much as fits; return how many bytes that was.

        Raises:
            TimeoutError: Nothing could be sent in time.
        """
        more, self.more = self.more, False
        try:
            sent: int = self._raw.send(data, _MORE if more else 0)
        except BlockingIOError as exc:
            raise TimeoutError from exc
        if more:
            return sent
        if _QUICKACK is not None:
            try:  # noqa: SIM105 - it runs for each packet
                self._raw.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            except OSError:
                pass
        return sent

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes; empty at the end of the stream.

        Raises:
            TimeoutError: Nothing came in time.
        """
        if not self.ahead:
            self._take_in(max(size, _AHEAD))
        data, self.ahead = self.ahead[:size], self.ahead[size:]
        return data

    def fill(self, size: int, seconds: float) -> None:
        """Read what comes within so many seconds, or note the end; the caller lacks `size` bytes."""
        if self._arrivals.poll(seconds * 1000):
            self._take_in(max(size, _AHEAD))

    def _take_in(self, size: int) -> None:
        self._reader = threading.get_ident()
        try:
            received = self._heard(self._raw.recv(size))
        except BlockingIOError as exc:
            raise TimeoutError from exc
        self.ahead += received
        self.at_end = not received

    def close(self) -> None:
        """Close the connection without blocking; a thread that waits on it wakes at once.

        The reading thread closes the file descriptor itself: if it were closed here, its number could belong
        to another host's connection before the reader looks.
        """
        if self._raw.fileno() < 0:
            return
        with contextlib.suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)
        if self._reader in (None, threading.get_ident()):
            self._raw.close()


def dial(
    endpoint: Endpoint, timeout_s: float | None, stopped: Callable[[], bool] = lambda: False
) -> SshSocket:
    """Connect to an endpoint, or take over the connection that the ping opened.

    Args:
        endpoint: The address and port.
        timeout_s: Seconds for name lookup and connecting together; None means no limit.
        stopped: Called a few times a second; returns whether to give up.

    Raises:
        Unreachable: The name is not known, or none of its addresses accepted the connection in time.
        Cancelled: `stopped` returned True.
    """
    race = _Race(timeout_s, stopped)
    try:
        return SshSocket(taken(endpoint) or race.run(resolve(endpoint, timeout_s, stopped)))
    except OSError as exc:
        fault = own_fault(exc)
        if fault is not None:
            raise fault from exc
        raise _unreachable(exc.errno or errno.EIO, timeout_s) from exc


def resolve(
    endpoint: Endpoint, timeout_s: float | None, stopped: Callable[[], bool] = lambda: False
) -> list[_Address]:
    """Return every address of an endpoint, families in turn, the resolver's first choice first.

    Raises:
        Unreachable: The name is not known, or the resolver did not answer within `timeout_s` seconds.
        Cancelled: `stopped` returned True.
    """
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET, endpoint.address)
        return [(socket.AF_INET, (endpoint.address, endpoint.port))]
    try:
        ipaddress.IPv6Address(endpoint.address.partition("%")[0])
    except ValueError:
        return _interleave(_ask_resolver(endpoint, timeout_s, stopped))
    try:
        infos = socket.getaddrinfo(endpoint.address, endpoint.port, socket.AF_INET6, socket.SOCK_STREAM)
    except socket.gaierror as exc:
        raise _not_found(exc) from exc
    return [(info[0], info[4]) for info in infos]


def _ask_resolver(endpoint: Endpoint, timeout_s: float | None, stopped: Callable[[], bool]) -> list[_Address]:
    """Ask the system's resolver in a separate thread: `getaddrinfo` has no timeout."""
    answer: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(endpoint.address, endpoint.port, type=socket.SOCK_STREAM))
        except OSError as exc:
            answer.put(exc)
        except UnicodeError as exc:
            answer.put(OSError(str(exc)))

    threading.Thread(target=ask, name=f"resolve {endpoint.address}", daemon=True).start()
    infos = _wait_for(answer, timeout_s, stopped)
    if isinstance(infos, OSError):
        raise _not_found(infos) from infos
    return [(info[0], info[4]) for info in infos]


def _wait_for(
    answer: queue.SimpleQueue[list[Any] | OSError], timeout_s: float | None, stopped: Callable[[], bool]
) -> list[Any] | OSError:
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = _ATTEMPT_DELAY_S if end is None else max(0.0, end - time.monotonic())
        with contextlib.suppress(queue.Empty):
            return answer.get(timeout=min(_ATTEMPT_DELAY_S, left))
        if stopped():
            raise run_stopped(Phase.RESOLVE)
        if end is not None and time.monotonic() >= end:
            raise Unreachable(
                f"the resolver did not answer within {timeout_s:g} s",
                reason="resolve-timeout",
                phase=Phase.RESOLVE,
                transient=True,
            )


def _not_found(exc: OSError) -> Unreachable:
    return Unreachable(
        f"name not found: {exc.strerror or exc}",
        reason="name-not-found",
        phase=Phase.RESOLVE,
        transient=isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN,
    )


def _interleave(addresses: list[_Address]) -> list[_Address]:
    """Alternate address families, so that a broken family does not delay the other (RFC 8305 section 4)."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    second = [address for address in addresses if address[0] != addresses[0][0]]
    ordered: list[_Address] = []
    while first or second:
        ordered.extend(family.pop(0) for family in (first, second) if family)
    return ordered


class _Race:
    """Connection attempts to the addresses of one endpoint; the first that connects wins."""

    def __init__(self, timeout_s: float | None, stopped: Callable[[], bool]) -> None:
        self._timeout_s = timeout_s
        self._end = None if timeout_s is None else time.monotonic() + timeout_s
        self._stopped = stopped
        self._failures: list[int] = []

    def run(self, addresses: list[_Address]) -> socket.socket:
        """Return the first socket that connects; close all the others."""
        pending = list(addresses)
        with selectors.PollSelector() as selector:  # one system call where epoll takes four
            try:
                while pending or selector.get_map():
                    winner = self._begin(pending.pop(0), selector) if pending else None
                    winner = winner or self._wait(selector)
                    if winner is not None:
                        return winner
                    self._check_time()
            finally:
                for key in list(selector.get_map().values()):
                    key.fileobj.close()  # type: ignore[union-attr]
        raise _unreachable(min(self._failures, key=_rank), self._timeout_s)

    def _begin(self, address: _Address, selector: selectors.BaseSelector) -> socket.socket | None:
        """Start one connection attempt; return the socket if it connected at once."""
        raw = socket.socket(address[0], socket.SOCK_STREAM)
        raw.setblocking(False)
        code = raw.connect_ex(address[1])
        if code == 0:
            return raw
        if code == errno.EINPROGRESS:
            selector.register(raw, selectors.EVENT_WRITE)
        else:
            self._failures.append(code)
            raw.close()
        return None

    def _wait(self, selector: selectors.BaseSelector) -> socket.socket | None:
        """Wait for the open attempts; return one that connected, note those that failed."""
        if not selector.get_map():
            return None
        left = _ATTEMPT_DELAY_S if self._end is None else max(0.0, self._end - time.monotonic())
        for key, _ in selector.select(min(_ATTEMPT_DELAY_S, left)):
            raw = key.fileobj
            assert isinstance(raw, socket.socket)  # noqa: S101 - only sockets are registered
            selector.unregister(raw)
            code = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return raw
            self._failures.append(code)
            raw.close()
        return None

    def _check_time(self) -> None:
        if self._stopped():
            raise run_stopped(Phase.CONNECT)
        if self._end is not None and time.monotonic() >= self._end:
            raise _unreachable(errno.ETIMEDOUT, self._timeout_s)


def _rank(code: int) -> int:
    """Order failures: an answer from the host says more than a missing route here."""
    answers = [errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH]
    return answers.index(code) if code in answers else len(answers)


def _unreachable(code: int, timeout_s: float | None) -> Unreachable:
    from runner.reach.reasons import of_connect  # noqa: PLC0415 - only if a connection fails

    reason, text, passing = of_connect(code)
    within = f" within {timeout_s:g} s" if reason == "no-reply" and timeout_s is not None else ""
    return Unreachable(f"{text}{within}", reason=reason, phase=Phase.CONNECT, transient=passing)
