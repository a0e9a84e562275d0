"""One event loop in a thread, on which any number of peers listen."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import asyncssh

from runner.connection.options import ConnectionOptions
from runner.models import Secret
from tests.connection.peers import exchanges, raw, ssh

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path


BEHAVIOURS = raw.BEHAVIOURS | exchanges.BEHAVIOURS


class Stage:
    """Where peers are played, until it is closed, or its context left.

    Attributes:
        host_key: The key that every SSH peer shows.
    """

    def __init__(self) -> None:
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._sockets: list[socket.socket] = []
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def options(self, folder: Path, **changes: Any) -> ConnectionOptions:
        """Return how to log in to any peer, whose key is on record in a file in this folder."""
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:* {self.public_key}\n")
        login = {"user": ssh.USER, "password": Secret(ssh.PASSWORD), "known_hosts": (str(known),)}
        return ConnectionOptions(**{**login, "retries": 0, **changes})

    @property
    def public_key(self) -> str:
        """The key that every SSH peer shows, as `known_hosts` has it."""
        return str(self.host_key.export_public_key().decode().strip())

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        for held in self._sockets:
            held.close()

    def raw(self, name: str) -> int:
        """Play a peer of `BEHAVIOURS`; return its port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.CancelledError, TimeoutError):
                await BEHAVIOURS[name](reader, writer)
            writer.transport.abort()

        server = self._call(asyncio.start_server(serve, "127.0.0.1", 0))
        return int(server.sockets[0].getsockname()[1])

    def ssh(self, script: ssh.Script) -> int:
        """Play an SSH server by a script; return its port."""
        return int(self._call(ssh.listen(script, self.host_key)).get_port())

    def early_drop(self, port: int, drops: int, after: int = 0) -> int:
        """Play a peer that hangs up on its first visitors and leads the later ones to a port.

        Args:
            port: The port.
            drops: The number of visitors that it hangs up on.
            after: Bytes of such a visitor that it carries to the port before it hangs up.
        """
        visits = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal visits
            visits += 1
            most = after if visits <= drops else math.inf
            if most > 0:
                with suppress(ConnectionError, asyncio.CancelledError):
                    await raw.lead_to(port, reader, writer, most)
            writer.transport.abort()

        server = self._call(asyncio.start_server(serve, "127.0.0.1", 0))
        return int(server.sockets[0].getsockname()[1])

    def refusing(self) -> int:
        """Return a port that nothing listens on, and nothing else is given."""
        return int(self._bound().getsockname()[1])

    def silent(self) -> int:
        """Return a port whose queue of connections is full, so that the system drops what else comes."""
        listener = self._bound()
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            visitor = socket.socket()
            visitor.setblocking(False)
            visitor.connect_ex(address)
            self._sockets.append(visitor)
        return int(address[1])

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        self._sockets.append(bound)
        return bound

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
