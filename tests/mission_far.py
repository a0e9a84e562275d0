"""Server in the far namespace: a port that closes after the ping, and a relay to sshd that loses packets.

In a TCP stream, a lost packet is only visible as the wait for its repetition: at least 200 ms (RTO_MIN of
Linux).
"""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from contextlib import suppress

DYING, RELAY = 2301, 2302
_LOSS, _REPEATED_S = 0.05, 0.2


def main(sshd: int) -> None:
    for port, behave in ((DYING, die), (RELAY, lambda sock: relay(sock, sshd))):
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
        threading.Thread(target=serve, args=(server, behave), daemon=True).start()
    print("listening", flush=True)  # noqa: T201
    threading.Event().wait()


def serve(server: socket.socket, behave: object) -> None:
    assert callable(behave)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=behave, args=(connection,), daemon=True).start()


def die(connection: socket.socket) -> None:
    time.sleep(0.05)
    connection.close()


def relay(connection: socket.socket, sshd: int) -> None:
    with connection, socket.create_connection(("127.0.0.1", sshd)) as beyond:
        back = threading.Thread(target=pass_on, args=(beyond, connection), daemon=True)
        back.start()
        pass_on(connection, beyond)
        back.join()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1400):  # the content of about one packet
            if random.random() < _LOSS:
                time.sleep(_REPEATED_S)
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(int(sys.argv[1]))
