"""An SFTP server whose every answer is scripted: honest by default, and wrong where a test says so."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncssh

from runner.connection.options import ConnectionOptions, HostKeyPolicy
from runner.models import Host, Secret
from runner.transfer.wire import Code, Message, attributes, string
from tests.connection.peers.ssh import drained

if TYPE_CHECKING:
    from tests.connection.peers.stage import Stage

Answer = Callable[["Peer", int, bytes], "bytes | None"]
"""From a request's number and fields to the packets of the answer; None is silence."""

FOLDER, FILE = 0o040755, 0o100644


def packet(kind: int, *fields: bytes) -> bytes:
    body = b"".join(fields)
    return struct.pack(">IB", len(body) + 1, kind) + body


def status(number: int, code: int = Code.OK, text: str = "") -> bytes:
    fields = struct.pack(">II", number, code), string(text.encode()), string(b"")
    return packet(Message.STATUS, *fields)


def attrs(mode: int = FILE, size: int = 0) -> bytes:
    return struct.pack(">IQI", 1 | 4, size, mode)


def named(number: int, *names: tuple[bytes, bytes]) -> bytes:
    listed = b"".join(string(name) + string(b"") + found for name, found in names)
    return packet(Message.NAME, struct.pack(">II", number, len(names)), listed)


@dataclass
class Peer:
    """The server, and what it saw.

    Attributes:
        answers: What is answered otherwise than by default, by type of request.
        extensions: What it says it can do.
        files: Contents by path.
        greeting: What it says first, instead of its version.
        subsystem: What becomes of the request for it: `accept`, `refuse`, or `hang`.
        visits: Logins so far.
    """

    answers: dict[Message, Answer] = field(default_factory=dict)
    extensions: tuple[bytes, ...] = (b"posix-rename@openssh.com",)
    files: dict[bytes, bytearray] = field(default_factory=dict)
    greeting: bytes | None = None
    subsystem: str = "accept"
    visits: int = 0
    requests: list[Message] = field(default_factory=list)
    connection: Any = None
    _handles: dict[bytes, bytes] = field(default_factory=dict)

    def host(self, stage: Stage) -> Host:
        """Start it; return the host that it is."""
        return Host("peer", {"ansible_host": "127.0.0.1", "ansible_port": self._listen(stage)})

    def _listen(self, stage: Stage) -> int:
        return int(stage._call(self._listening(stage.host_key)).get_port())

    async def _listening(self, host_key: Any) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            server_factory=lambda: _Anybody(self),
            encoding=None,
            line_editor=False,
        )

    async def talk(self, requests: asyncio.StreamReader, channel: Any) -> None:
        """Answer until the client goes."""
        greeting = self.greeting
        if greeting is None:
            said = b"".join(string(name) + string(b"1") for name in self.extensions)
            greeting = packet(Message.VERSION, struct.pack(">I", 3), said)
        channel.write(greeting)
        while True:
            (length,) = struct.unpack(">I", await requests.readexactly(4))
            request = await requests.readexactly(length)
            if request[0] == Message.INIT:
                continue
            kind = Message(request[0])
            self.requests.append(kind)
            (number,) = struct.unpack(">I", request[1:5])
            answer = self.answers.get(kind, Peer.honest(kind))(self, number, request[5:])
            if answer is not None:
                channel.write(answer)
                await drained(channel)

    def cut(self) -> None:
        """End the connection as a crash does."""
        self.connection._transport.abort()

    @staticmethod
    def honest(kind: Message) -> Answer:
        return _HONEST.get(kind, lambda _peer, number, _fields: status(number))

    def options(self, **changes: object) -> ConnectionOptions:
        chosen: dict[str, object] = {
            "user": "anybody",
            "password": Secret("anything"),
            "host_key_policy": HostKeyPolicy.OFF,
            "known_hosts": (),
            "ssh_config": None,
            "retries": 0,
            "command_timeout_s": 20.0,
            "methods": ("password",),
            **changes,
        }
        return ConnectionOptions(**chosen)  # type: ignore[arg-type]


class _Session(asyncssh.SSHServerSession[bytes]):
    """The SFTP server of one visit; a command has the exit code of one that is not found."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._requests = asyncio.StreamReader()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: Any) -> None:
        self._channel = chan

    def exec_requested(self, command: str) -> bool:  # noqa: ARG002 - asyncssh's shape
        asyncio.get_running_loop().call_soon(self._channel.exit, 127)
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        if self._peer.subsystem == "hang":
            self._channel._report_response = lambda result: None  # noqa: ARG005 - asyncssh's shape
        elif self._peer.subsystem == "accept":
            self._task = asyncio.ensure_future(self._talk())
        return subsystem == "sftp" and self._peer.subsystem != "refuse"

    async def _talk(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncssh.Error, OSError):
            await self._peer.talk(self._requests, self._channel)

    def data_received(self, data: bytes, datatype: Any) -> None:  # noqa: ARG002
        self._requests.feed_data(data)

    def eof_received(self) -> bool:
        self._requests.feed_eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._task is not None:
            self._task.cancel()


class _Anybody(asyncssh.SSHServer):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        peer.visits += 1

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._peer.connection = conn

    def session_requested(self) -> Any:
        return _Session(self._peer)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's shape
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002
        return True


def strings(fields: bytes) -> Iterator[bytes]:
    at = 0
    while at + 4 <= len(fields):
        (length,) = struct.unpack_from(">I", fields, at)
        yield fields[at + 4 : at + 4 + length]
        at += 4 + length


def first(fields: bytes) -> bytes:
    return next(strings(fields))


def _realpath(_peer: Peer, number: int, fields: bytes) -> bytes:
    path = first(fields)
    return named(number, (b"/home" if path == b"." else path, attributes()))


def _stat(peer: Peer, number: int, fields: bytes) -> bytes:
    path = first(fields)
    if path in peer.files:
        return packet(Message.ATTRS, struct.pack(">I", number), attrs(FILE, len(peer.files[path])))
    if path.endswith(b"folder"):
        return packet(Message.ATTRS, struct.pack(">I", number), attrs(FOLDER))
    return status(number, Code.NO_SUCH_FILE)


def _open(peer: Peer, number: int, fields: bytes) -> bytes:
    path = first(fields)
    (flags,) = struct.unpack_from(">I", fields, 4 + len(path))
    if flags & 8:
        peer.files[path] = bytearray()
    elif path not in peer.files:
        return status(number, Code.NO_SUCH_FILE)
    handle = str(len(peer._handles)).encode()
    peer._handles[handle] = path
    return packet(Message.HANDLE, struct.pack(">I", number), string(handle))


def content_of(peer: Peer, fields: bytes) -> bytearray:
    return peer.files[peer._handles[first(fields)]]


def place(fields: bytes) -> tuple[int, int]:
    offset, length = struct.unpack_from(">QI", fields, 4 + len(first(fields)))
    return offset, length


def data(number: int, content: bytes) -> bytes:
    return packet(Message.DATA, struct.pack(">I", number), string(content))


def _read(peer: Peer, number: int, fields: bytes) -> bytes:
    offset, length = place(fields)
    found = bytes(content_of(peer, fields)[offset : offset + length])
    return data(number, found) if found else status(number, Code.EOF)


def _write(peer: Peer, number: int, fields: bytes) -> bytes:
    offset, _ = place(fields)
    written = fields[4 + len(first(fields)) + 12 :]
    content_of(peer, fields)[offset : offset + len(written)] = written
    return status(number)


def _rename(peer: Peer, number: int, fields: bytes) -> bytes:
    old, new = tuple(strings(fields))[:2]
    if new in peer.files:
        return status(number, Code.FAILURE, "File exists")
    peer.files[new] = peer.files.pop(old)
    return status(number)


def _extended(peer: Peer, number: int, fields: bytes) -> bytes:
    name, *rest = strings(fields)
    if name != b"posix-rename@openssh.com":
        return status(number, Code.UNSUPPORTED)
    peer.files[rest[1]] = peer.files.pop(rest[0])
    return status(number)


def _remove(peer: Peer, number: int, fields: bytes) -> bytes:
    found = peer.files.pop(first(fields), None)
    return status(number, Code.OK if found is not None else Code.NO_SUCH_FILE)


_HONEST: dict[Message, Answer] = {
    Message.REALPATH: _realpath,
    Message.STAT: _stat,
    Message.LSTAT: _stat,
    Message.OPEN: _open,
    Message.OPENDIR: lambda _peer, number, _fields: packet(
        Message.HANDLE, struct.pack(">I", number), string(b"folder")
    ),
    Message.READDIR: lambda _peer, number, _fields: status(number, Code.EOF),
    Message.READ: _read,
    Message.WRITE: _write,
    Message.RENAME: _rename,
    Message.EXTENDED: _extended,
    Message.REMOVE: _remove,
}
