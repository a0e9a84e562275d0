"""Servers on loopback that behave as SSH ports do, and as they should not."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def listening(behave: Callable[[socket.socket], None], address: str = "127.0.0.1") -> Iterator[int]:
    """Serve connections one after the other, each kept open until the server ends; yield the port."""
    accepted: list[socket.socket] = []
    with socket.create_server((address, 0), backlog=512) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    accepted.append(connection)
                    with contextlib.suppress(OSError):
                        behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in accepted:
                connection.close()


def greets(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


def says_nothing(connection: socket.socket) -> None:
    connection.setblocking(False)


def hangs_up(connection: socket.socket) -> None:
    connection.close()


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    """Send parts with pauses between them, so that they arrive one by one."""

    def behave(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            threading.Event().wait(0.1)

    return behave


def closed_port() -> int:
    """Find a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
