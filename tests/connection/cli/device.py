"""A network device for tests: an SSH server on 127.0.0.1 with an interactive CLI, whose answers are scripted.

A test writes a device like this (`Script` is in `script`, the steps of answers in `steps`, traps in `traps`):

    script = Script("r1#", {"show clock": "12:00\\n", "show arp": ("one\\n", Pause(2), "two\\n")})
    with Device(script) as device:
        connection = connect(device.host("r1"), device.options(tmp_path), Deadline())
        …                                       # or any client at 127.0.0.1 and `device.port`
    assert device.commands == ["terminal length 0", "show clock"]

The input of the device is recorded in `device.commands`, `.received`, `.questions`, `.execs`, `.chunks`; the
numbers of connections, logins and shells in `.connections`, `.logins`, `.shells` and `.open_shells`.
`device.wait(lambda: …)` waits until something of this has happened.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

import asyncssh

from runner.models import Host, Secret
from tests.connection.cli.session import Question, Received, Session
from tests.connection.peers.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.connection.options import ConnectionOptions
    from tests.connection.cli.script import Script


class Device:
    """A device that listens until its context is left.

    Args:
        script: Its prompt, its answers and its habits.
        stage: The event loop that it uses, for many devices in one thread; None: a new one.

    Attributes:
        port: Its port on 127.0.0.1.
        received: Everything that was typed, in order.
        questions: Every question that was asked.
        execs: Every command that came by exec, also if it was refused.
        chunks: Every piece of data as it came: time, number of the connection, bytes.
        terminals: Type, columns and rows of every terminal that was asked for.
        connections: The number of TCP connections so far.
        logins: The number of logins so far.
        shells: The number of shells so far.
        open_connections: The number of open connections.
        open_shells: The number of open shells.
        prompts: The prompt at which each shell that has ended was at its end.
    """

    def __init__(self, script: Script, stage: Stage | None = None) -> None:
        self.script = script
        self.received: list[Received] = []
        self.questions: list[Question] = []
        self.execs: list[str] = []
        self.chunks: list[tuple[float, int, bytes]] = []
        self.terminals: list[tuple[str, int, int]] = []
        self.prompts: list[str] = []
        self.connections = self.logins = self.shells = self.open_connections = self.open_shells = 0
        self._changed = threading.Condition()
        self._open: set[asyncssh.SSHServerConnection] = set()
        self._own_stage = None if stage else Stage()
        self._stage: Stage = stage or self._own_stage  # type: ignore[assignment]
        self._listener = self._stage._call(self._listen())
        self.port = int(self._listener.get_port())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and abort all connections."""
        self._stage._call(self._close())
        if self._own_stage is not None:
            self._own_stage.close()

    @property
    def commands(self) -> list[str]:
        """Every command that was typed at a prompt, without empty lines."""
        return [line.text for line in self.received if line.kind == "command" and line.text]

    @property
    def known_host(self) -> str:
        """The line of `known_hosts` for this device."""
        return f"[127.0.0.1]:{self.port} {self._stage.public_key}\n"

    def host(self, name: str = "device", **variables: object) -> Host:
        """Return the device as a host of an inventory."""
        return Host(name, {"ansible_host": "127.0.0.1", "ansible_port": self.port, **variables})

    def options(self, folder: Path, **changes: Any) -> ConnectionOptions:
        """Return how to log in; the host key is on record in a file in this folder."""
        password = None if self.script.password is None else Secret(self.script.password)
        login = {"user": self.script.user, "password": password, "ssh_config": None}
        return self._stage.options(folder, **login | changes)

    def wait(self, is_true: Callable[[], bool], timeout_s: float = 60) -> None:
        """Wait until something is true of the record; fail after a long time."""
        with self._changed:
            assert self._changed.wait_for(is_true, timeout_s), (self.received, self.questions)

    def note(self, change: Callable[[], Any]) -> None:
        """Change the record, and wake the tests that wait for a change."""
        with self._changed:
            change()
            self._changed.notify_all()

    def count(self, name: str, step: int = 1) -> None:
        """Add to one of the numbers."""
        self.note(lambda: setattr(self, name, getattr(self, name) + step))

    async def _listen(self) -> asyncssh.SSHAcceptor:
        given: dict[str, Any] = {
            "server_host_keys": [self._stage.host_key],
            "server_factory": lambda: _Server(self),
            "encoding": None,
            "line_editor": False,
            "login_timeout": 120,
        }
        return await asyncssh.listen("127.0.0.1", 0, **given | dict(self.script.listening))

    async def _close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.abort()


class _Server(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._channels = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._device._open.add(conn)
        self._device.count("connections")
        self._device.count("open_connections")
        self._number = self._device.connections

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._device._open.discard(self._connection)
        self._device.count("open_connections", -1)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's shape
        if self._device.script.auth_banner:
            self._connection.send_auth_banner(self._device.script.auth_banner)
        return self._device.script.password is not None

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        script = self._device.script
        await asyncio.sleep(script.auth_pause_s)
        return (username, password) == (script.user, script.password)

    def auth_completed(self) -> None:
        self._device.count("logins")

    def session_requested(self) -> Session:
        self._channels += 1
        if self._channels > self._device.script.channels:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no more sessions")
        return Session(self._device, self._number)
