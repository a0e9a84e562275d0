"""Runs in the near namespace: a name server (RFC 1035), as helpful as the name asked for says.

`a.b.c.d.e.f.g.h.have.test` has the IPv4 addresses a.b.c.d and e.f.g.h, in any number; `silent.test` gets no
answer, `broken.test` a failure, and everything else does not exist.
"""

from __future__ import annotations

import socket
import struct

NOT_THERE, FAILED, ADDRESS = 3, 2, 1


def answer(query: bytes) -> bytes | None:
    labels, position = [], 12
    while query[position]:
        labels.append(query[position + 1 : position + 1 + query[position]].decode())
        position += 1 + query[position]
    question = query[12 : position + 5]
    (kind,) = struct.unpack_from("!H", query, position + 1)
    name = ".".join(labels)
    if name.endswith("silent.test"):
        return None
    if name.endswith(".have.test"):
        numbers = labels[:-2]
        addresses = [".".join(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]
        return reply(query, question, 0, addresses if kind == ADDRESS else [])
    return reply(query, question, FAILED if name.endswith("broken.test") else NOT_THERE, [])


def reply(query: bytes, question: bytes, code: int, addresses: list[str]) -> bytes:
    header = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
    records = [
        struct.pack("!HHHIH", 0xC00C, ADDRESS, 1, 60, 4) + socket.inet_aton(each) for each in addresses
    ]
    return header + question + b"".join(records)


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.53", 53))
        print("listening", flush=True)  # noqa: T201
        while True:
            query, client = server.recvfrom(512)
            answered = answer(query)
            if answered:
                server.sendto(answered, client)


if __name__ == "__main__":
    main()
