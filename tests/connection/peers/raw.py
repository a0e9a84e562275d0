"""Peers that break off, stall or lie before SSH stands, spoken byte by byte."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter

LONG_S = 600
BANNER = b"SSH-2.0-OpenSSH_9.9\r\n"
DISCONNECT, _IGNORE, _UNIMPLEMENTED, _DEBUG, _KEXINIT, _NEWKEYS, ECDH_REPLY = 1, 2, 3, 4, 20, 21, 31
_USUAL = {
    "kex": b"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group14-sha256",
    "host_key": b"ssh-ed25519,rsa-sha2-512",
    "cipher": b"aes128-ctr,aes256-ctr",
    "mac": b"hmac-sha2-256",
}


def packet(payload: bytes) -> bytes:
    """Frame a payload as RFC 4253 section 6 has it before keys are agreed."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def kexinit(**changes: bytes) -> bytes:
    """Make the packet that offers algorithms (RFC 4253 section 7.1)."""
    offer = {**_USUAL, **changes}
    lists = [offer["kex"], offer["host_key"], *[offer["cipher"]] * 2, *[offer["mac"]] * 2, b"none", b"none"]
    names = b"".join(text(item) for item in [*lists, b"", b""])
    return packet(bytes([_KEXINIT]) + os.urandom(16) + names + b"\0" + bytes(4))


async def lead_to(port: int, reader: Reader, writer: Writer, most: float = math.inf) -> None:
    """Carry bytes both ways between a visitor and another port, until the visitor has sent so many."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)

    async def carry(source: Reader, sink: Writer, left: float = math.inf) -> None:
        with suppress(ConnectionError):
            while left > 0 and (data := await source.read(int(min(left, 65536)))):
                left -= len(data)
                sink.write(data)
                await sink.drain()
        sink.close()

    await asyncio.gather(carry(reader, inner_writer, most), carry(inner_reader, writer))


async def say(writer: Writer, data: bytes) -> None:
    if writer.is_closing():
        raise ConnectionResetError
    writer.write(data)
    await writer.drain()


async def resets_on_accept(reader: Reader, writer: Writer) -> None:  # noqa: ARG001 - one shape for all peers
    await asyncio.sleep(0.05)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def closes_at_once(reader: Reader, writer: Writer) -> None:
    pass


async def never_speaks(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await asyncio.sleep(LONG_S)


async def garbage_banner(reader: Reader, writer: Writer) -> None:
    await say(writer, b"\x00\xff\x1b]0;owned\x07" * 4 + b"\r\n" + bytes(range(256)))
    await reader.read(1)


async def http_banner(reader: Reader, writer: Writer) -> None:
    await reader.readline()
    await say(writer, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n")


async def slow_banner(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    for byte in BANNER * 10:
        await say(writer, bytes([byte]))
        await asyncio.sleep(0.4)


async def endless_prebanner(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    while True:
        await say(writer, b"welcome to nothing\r\n" * 100)


async def endless_line(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    while True:
        await say(writer, b"x" * 65536)


async def ssh1_banner(reader: Reader, writer: Writer) -> None:
    await say(writer, b"SSH-1.5-Cisco-1.25\r\n")
    await reader.read(LONG_S)


async def too_many_starts(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, b"Exceeded MaxStartups\r\n")


async def penalty(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, b"Not allowed at this time\r\n")


async def closes_after_banner(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER)
    await reader.readline()


async def silent_after_banner(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER)
    await asyncio.sleep(LONG_S)


async def closes_in_kex(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit())
    await reader.readline()
    await reader.read(2000)


async def hangs_in_kex(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER + kexinit())
    await asyncio.sleep(LONG_S)


async def ignore_flood_in_kex(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER + kexinit())
    while True:
        await say(writer, packet(bytes([_IGNORE]) + text(b"x" * 100)) * 50)
        await asyncio.sleep(0.01)


async def oversized_packet(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + b"\x7f\xff\xff\xf0" + bytes(64))
    await reader.read(LONG_S)
    await asyncio.sleep(LONG_S)


async def unsupported_algorithms(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit(kex=b"tomorrow@example.com,next-week@example.com"))
    await reader.readline()
    await asyncio.sleep(0.5)


async def legacy_algorithms(reader: Reader, writer: Writer) -> None:
    await say(
        writer, BANNER + kexinit(kex=b"diffie-hellman-group1-sha1", host_key=b"ssh-dss", cipher=b"arcfour")
    )
    await reader.readline()
    await asyncio.sleep(0.5)


async def disconnect_escapes(reader: Reader, writer: Writer) -> None:
    reason = text(b"\x1b[2J\x1b]0;owned\x07 go away") + text(b"")
    await say(writer, BANNER + packet(bytes([DISCONNECT]) + struct.pack(">I", 2) + reason))
    await reader.read(2000)
    await asyncio.sleep(0.2)


async def lines_without_end(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    while True:
        await say(writer, b"please hold the line\r\n")
        await asyncio.sleep(0.05)


async def banner_without_end(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, b"SSH-2.0-")
    while True:
        await say(writer, b"x" * 65536)


async def banner_of_controls(reader: Reader, writer: Writer) -> None:
    await say(writer, b"SSH-2.0-\x00\x1b[2J\x1b]0;owned\x07\xff\r\n")
    await reader.readline()


async def banner_without_version(reader: Reader, writer: Writer) -> None:
    await say(writer, b"SSH-\r\n")
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def offers_nothing(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit(kex=b"", host_key=b"", cipher=b"", mac=b""))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def offers_escapes(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit(kex=b"\x1b[2J,\xff\xfe," + b"z" * 5000))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def half_an_offer(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + packet(bytes([_KEXINIT]) + bytes(16) + struct.pack(">I", 2**31) + b"cur"))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def empty_packet(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + bytes(64))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def only_padding(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + struct.pack(">IB", 12, 255) + bytes(11))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def endless_packet(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER + struct.pack(">IB", 2**30 + 4, 4))
    while True:
        await say(writer, bytes(2**18))


async def new_keys_first(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + packet(bytes([_NEWKEYS])))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def no_strict_order(reader: Reader, writer: Writer) -> None:
    """An ignored packet before strict key exchange begins is how Terrapin (CVE-2023-48795) starts."""
    strict = _USUAL["kex"] + b",kex-strict-s-v00@openssh.com"
    await say(writer, BANNER + packet(bytes([_IGNORE]) + text(b"")) + kexinit(kex=strict))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def debug_in_strict_exchange(reader: Reader, writer: Writer) -> None:
    strict = _USUAL["kex"] + b",kex-strict-s-v00@openssh.com"
    debug = packet(bytes([_DEBUG]) + b"\x01" + text(b"\x1b[2J") + text(b""))
    await say(writer, BANNER + kexinit(kex=strict) + debug)
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def point_at_nothing(reader: Reader, writer: Writer) -> None:
    """A public value of zeros makes a secret of zeros (RFC 8731 section 3)."""
    await say(writer, BANNER + kexinit())
    await reader.readline()
    key = text(text(b"ssh-ed25519") + text(bytes(32)))
    signature = text(text(b"ssh-ed25519") + text(bytes(64)))
    await say(writer, packet(bytes([ECDH_REPLY]) + key + text(bytes(32)) + signature))
    await asyncio.sleep(LONG_S)


async def signed_by_nobody(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit())
    await reader.readline()
    key = text(text(b"ssh-ed25519") + text(bytes(range(32))))
    signature = text(text(b"ssh-ed25519") + text(bytes(64)))
    point = text(bytes([9]) + bytes(31))
    await say(writer, packet(bytes([ECDH_REPLY]) + key + point + signature))
    await asyncio.sleep(LONG_S)


async def unimplemented_flood(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER + kexinit())
    while True:
        await say(writer, packet(bytes([_UNIMPLEMENTED]) + bytes(4)) * 50)
        await asyncio.sleep(0.01)


BEHAVIOURS: dict[str, Callable[[Reader, Writer], Awaitable[None]]] = {
    behaviour.__name__: behaviour
    for behaviour in (
        resets_on_accept,
        closes_at_once,
        never_speaks,
        garbage_banner,
        http_banner,
        slow_banner,
        endless_prebanner,
        endless_line,
        ssh1_banner,
        too_many_starts,
        penalty,
        closes_after_banner,
        silent_after_banner,
        closes_in_kex,
        hangs_in_kex,
        ignore_flood_in_kex,
        oversized_packet,
        unsupported_algorithms,
        legacy_algorithms,
        disconnect_escapes,
        lines_without_end,
        banner_without_end,
        banner_of_controls,
        banner_without_version,
        offers_nothing,
        offers_escapes,
        half_an_offer,
        empty_packet,
        only_padding,
        endless_packet,
        new_keys_first,
        no_strict_order,
        debug_in_strict_exchange,
        point_at_nothing,
        signed_by_nobody,
        unimplemented_flood,
    )
}
