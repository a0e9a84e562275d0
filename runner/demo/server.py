"""The SSH server of one device: its port, host key, login and delays."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import asyncssh

from runner.demo import keys
from runner.demo.clock import utc_now
from runner.demo.sessions import Restarted, channels_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner.demo.device import Device
    from runner.demo.sessions import Channels, Process

__all__ = ["DeviceServer"]

_SFTP_VERSION = 3


class _Login(asyncssh.SSHServer):
    """One connection to a device: checks the login, and cancels its channels when the connection is lost."""

    def __init__(
        self, device: Device, channels: Channels, connections: set[asyncssh.SSHServerConnection]
    ) -> None:
        self._device = device
        self._serve_channel = channels
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None
        self._channels: set[asyncio.Task[None]] = set()

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)
        if self._device.latency_s:
            # asyncssh has no option for latency. The transport looks this method up for each packet, so it
            # can be replaced by a slower one.
            conn.data_received = _Later(self._device.latency_s, conn)  # type: ignore[method-assign]

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)
        for channel in self._channels:
            channel.cancel()

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._decide(username, password == self._device.password)

    def public_key_auth_supported(self) -> bool:
        return bool(self._device.authorized_keys)

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = any(asyncssh.import_public_key(line) == key for line in self._device.authorized_keys)
        return await self._decide(username, known)

    def session_requested(self) -> asyncssh.SSHServerProcess[bytes]:
        kind = asyncssh.SSHServerProcess if self._device.answers_exec else _ShellOnly
        return kind(self._serve, self._serve_channel.sftp, _SFTP_VERSION, allow_scp=False)

    async def _serve(self, process: Process) -> None:
        """Serve a channel until it or the connection ends; ignore a client that hangs up."""
        task = asyncio.ensure_future(self._serve_channel(process))
        self._channels.add(task)
        with suppress(asyncssh.Error, ConnectionError, asyncio.CancelledError):
            try:
                await task
            except Restarted:
                for connection in tuple(self._connections):
                    connection.abort()
        self._channels.discard(task)

    async def _decide(self, username: str, proven: bool) -> bool:
        await asyncio.sleep(self._device.login_delay_s)
        return self._device.accepts_login and username == self._device.user and proven


class _ShellOnly(asyncssh.SSHServerProcess[bytes]):
    """A channel that can become a shell or a subsystem, but refuses to run a command."""

    def exec_requested(self, _command: str) -> bool:
        return False


class _Later:
    """Delivers each packet in order, a fixed time after its arrival."""

    def __init__(self, delay_s: float, connection: asyncssh.SSHServerConnection) -> None:
        self._delay_s = delay_s
        self._connection = connection
        self._deliver = connection.data_received
        self._waiting: deque[tuple[bytes, int | None]] = deque()

    def __call__(self, data: bytes, datatype: int | None = None) -> None:
        self._waiting.append((data, datatype))
        asyncio.get_running_loop().call_later(self._delay_s, self._next)

    def _next(self) -> None:
        packet = self._waiting.popleft()
        if not self._connection.is_closed():
            self._deliver(*packet)


class DeviceServer:
    """The server of one device. For a device that is down, it only reserves the port.

    Args:
        device: The device.
        now: The clock of the device.
    """

    def __init__(self, device: Device, now: Callable[[], datetime] = utc_now) -> None:
        self.device = device
        self._now = now
        self.port = device.port
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._held: socket.socket | None = None

    async def open(self) -> None:
        """Open the port.

        Raises:
            OSError: The port is in use, or opening it is not permitted.
        """
        device = self.device
        if not device.listening:
            self._held = socket.socket()
            self._held.bind((device.address, device.port))
            self.port = self._held.getsockname()[1]
            return
        channels = channels_of(device, self._now)
        self._acceptor = await asyncssh.listen(
            device.address,
            device.port,
            server_factory=partial(_Login, device, channels, self._connections),
            server_host_keys=[asyncssh.import_private_key(keys.private_key(device.name))],
            server_version="invoke_runner_demo",
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,
        )
        self.port = self._acceptor.get_port()

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._held is not None:
            self._held.close()
        if self._acceptor is not None:
            self._acceptor.close()
            for connection in tuple(self._connections):
                connection.abort()
            await self._acceptor.wait_closed()
