"""Jump hosts: connections to them that all hosts of a run share, and the tunnels through these.

`ssh -J` logs in to the gateway once for each host; this module logs in once. A tunnel is one channel
(`direct-tcpip`, RFC 4254 section 7.2) of a connection that stays open. If the connection is lost, the next
host opens another. If it cannot be opened, the hosts behind it do not each wait for the same failure.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import paramiko
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from runner.connection.transport.dial import PeerSocket
from runner.connection.transport.paramiko_fixes import close_channel, sending_on
from runner.errors import Cancelled, HostError, HostKeyRejected, LoginRefused, Unreachable, run_stopped
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.connection.target.jump import Jump
    from runner.models import Endpoint

__all__ = ["Gateways", "JumpRoute", "TunnelSocket", "Via"]

# Tunnels in one connection; sshd needs a file descriptor for each, and may have 1024.
_TUNNELS = 100
# How long a connection stays open without a tunnel, and how long a failure counts for the next hosts.
_LINGER_S = 5.0
_FAILURE_S = 5.0
_LOOK_S = 0.25

_REFUSALS = {
    "refused": ("port-closed", False),
    "no route": ("no-route", False),
    "unreachable": ("no-route", False),
    "timed out": ("no-reply", True),
    "not known": ("name-not-found", False),
    "resolv": ("name-not-found", False),
}


@dataclass(frozen=True, slots=True)
class JumpRoute:
    """The way to the last jump host, and the settings that decide how to log in to it.

    Attributes:
        jumps: The jump hosts, the first one first.
        options: The run's options, before any host's variables changed them.
        run: Id of the run.
    """

    jumps: tuple[Jump, ...]
    options: ConnectionOptions
    run: str


class Via(Protocol):
    """A login on a jump host."""

    def forward(self, target: Endpoint, seconds: float) -> paramiko.Channel:
        """Open a channel that the jump host connects to a target; let Paramiko's exceptions pass."""

    def alive(self) -> bool:
        """Return whether the connection is open."""

    def close(self) -> None:
        """End the connection."""


class TunnelSocket(PeerSocket):
    """A channel with the methods of a socket, as Paramiko needs them."""

    def __init__(self, channel: paramiko.Channel, leave: Callable[[], None]) -> None:
        super().__init__(channel)
        self._channel = channel
        self._leave = leave
        self._closing = threading.Lock()

    def send(self, data: bytes) -> int:
        """Send as much as fits; return how many bytes that was."""
        with sending_on(self._channel):
            return self._channel.send(data)

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes; empty at the end of the stream."""
        with sending_on(self._channel):
            return super().recv(size)

    def close(self) -> None:
        """Close the tunnel in a background thread: the message to the jump host may block."""
        if self._closing.acquire(blocking=False):
            threading.Thread(target=self._close, name="runner-tunnel-close", daemon=True).start()

    def _close(self) -> None:
        close_channel(self._channel)
        self._leave()


@dataclass(slots=True, eq=False)
class _Gateway:
    """One connection to a jump host, and how many tunnels it carries."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    via: Via | None = None
    tunnels: int = 0
    failure: HostError | None = None
    failed_at: float = 0.0

    def recent_failure(self) -> HostError | None:
        """Return why the connection failed, while that still counts; a refused login always counts."""
        if isinstance(self.failure, (LoginRefused, HostKeyRejected)):
            return self.failure
        return self.failure if time.monotonic() - self.failed_at < _FAILURE_S else None


class Gateways:
    """The connections of this process to jump hosts.

    Args:
        connect: Logs in to the last jump host of a route.
    """

    def __init__(self, connect: Callable[[JumpRoute, Deadline], Via]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._open: dict[JumpRoute, list[_Gateway]] = {}

    def tunnel(self, route: JumpRoute, target: Endpoint, seconds: float, deadline: Deadline) -> TunnelSocket:
        """Open a tunnel to a target.

        Args:
            route: The way to the jump host that connects to the target.
            target: The target, as the jump host knows it.
            seconds: How long it may take.
            deadline: The host's deadline; a stopped run ends the wait.

        Raises:
            HostError: The login on the jump host failed, or the jump host cannot connect to the target.
        """
        end = time.monotonic() + seconds
        gateway = self._take(route)
        try:
            via = self._opened(gateway, route, end, deadline)
            channel = _forward(via, target, end)
        except BaseException:
            self._leave(route, gateway)
            raise
        return TunnelSocket(channel, lambda: self._leave(route, gateway))

    def _take(self, route: JumpRoute) -> _Gateway:
        """Return a connection with room for one more tunnel, and count that tunnel."""
        with self._lock:
            gateways = self._open.setdefault(route, [])
            found = next((gateway for gateway in gateways if gateway.tunnels < _TUNNELS), None)
            if found is None:
                found = _Gateway()
                gateways.append(found)
            found.tunnels += 1
            return found

    def _leave(self, route: JumpRoute, gateway: _Gateway) -> None:
        with self._lock:
            gateway.tunnels -= 1
            idle = gateway.tunnels == 0
        if idle:
            later = threading.Timer(_LINGER_S, self._close_idle, (route, gateway))
            later.daemon = True
            later.start()

    def _close_idle(self, route: JumpRoute, gateway: _Gateway) -> None:
        with self._lock:
            gateways = self._open.get(route, [])
            if gateway.tunnels or gateway not in gateways:
                return
            gateways.remove(gateway)
            if not gateways:
                del self._open[route]
        if gateway.via is not None:
            gateway.via.close()

    def _opened(self, gateway: _Gateway, route: JumpRoute, end: float, deadline: Deadline) -> Via:
        """Return the connection; the first host that needs it opens it, the others wait."""
        name = route.jumps[-1]
        while not gateway.lock.acquire(timeout=max(0.0, min(_LOOK_S, end - time.monotonic()))):
            if deadline.stopped():
                raise run_stopped(Phase.CONNECT)
            if time.monotonic() >= end:
                raise _unreachable(f"jump host {name}: the login there took too long", "jump-stalled", True)
        try:
            if gateway.via is not None and gateway.via.alive():
                return gateway.via
            failure = gateway.recent_failure()
            if failure is None:
                failure = self._reopen(gateway, route, deadline)
        finally:
            gateway.lock.release()
        if failure is not None:
            raise _at_jump(name, failure) from failure
        assert gateway.via is not None  # noqa: S101 - no failure means that it was opened
        return gateway.via

    def _reopen(self, gateway: _Gateway, route: JumpRoute, deadline: Deadline) -> HostError | None:
        if gateway.via is not None:
            gateway.via.close()
        try:
            gateway.via = self._connect(route, deadline)
        except HostError as exc:
            gateway.via, gateway.failed_at = None, time.monotonic()
            gateway.failure = None if isinstance(exc, Cancelled) else exc
            return exc
        gateway.failure = None
        return None


def _forward(via: Via, target: Endpoint, end: float) -> paramiko.Channel:
    seconds = max(0.1, end - time.monotonic())
    try:
        return via.forward(target, seconds)
    except paramiko.ChannelException as exc:
        raise _refused(exc) from exc
    except (paramiko.SSHException, EOFError, OSError) as exc:
        if not via.alive():
            text = f"the connection to the jump host ended: {excerpt(str(exc)) or type(exc).__name__}"
            raise _unreachable(text, "jump-lost", True) from exc
        raise _unreachable(
            f"no reply through the jump host within {seconds:.3g} s", "no-reply", True
        ) from exc


def _refused(exc: paramiko.ChannelException) -> Unreachable:
    """Translate the jump host's refusal into the reasons of a direct connection."""
    said = str(exc.text)
    for words, (reason, passing) in _REFUSALS.items():
        if words in said.lower():
            return _unreachable(f"through the jump host: {excerpt(said)}", reason, passing)
    if exc.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
        text = f"the jump host does not forward connections: {excerpt(said)}"
        return _unreachable(text, "jump-prohibited", False)
    return _unreachable(f"the jump host could not connect: {excerpt(said)}", "jump-failed", False)


def _unreachable(text: str, reason: str, passing: bool) -> Unreachable:
    return Unreachable(text, reason=reason, phase=Phase.CONNECT, transient=passing)


def _at_jump(name: Jump, failure: HostError) -> HostError:
    """Return a jump host's failure as the failure of a host behind it."""
    if isinstance(failure, Cancelled) or failure.reason.startswith("jump-"):
        return failure
    kind: Any = type(failure)
    error: HostError = kind(
        f"jump host {name}: {failure}",
        reason=f"jump-{failure.reason}",
        phase=failure.phase,
        transient=failure.transient,
    )
    return error
