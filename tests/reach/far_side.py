"""Runs in the far namespace: TCP ports that behave in different ways, on every address it answers for."""

from __future__ import annotations

import selectors
import socket

BANNER = b"SSH-2.0-Far_1.0\r\n"
MUTE_PORT = 2200


def main() -> None:
    selector = selectors.DefaultSelector()
    kept: list[socket.socket] = []
    for port, greeting in ((22, BANNER), (MUTE_PORT, b"")):
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
        selector.register(server, selectors.EVENT_READ, greeting)
    print("listening", flush=True)  # noqa: T201
    while True:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            connection, _ = key.fileobj.accept()
            if key.data:
                connection.sendall(key.data)
                connection.close()
            else:
                kept.append(connection)


if __name__ == "__main__":
    main()
