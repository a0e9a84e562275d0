"""Banners and key exchanges that no honest server has, spoken byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from tests.connection.peers.raw import BANNER, DISCONNECT, ECDH_REPLY, LONG_S, kexinit, packet, say, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.connection.peers.raw import Reader, Writer

USERAUTH_SUCCESS = 52


async def banner_in_drops(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    """Each byte is a sign of life, and the line never ends."""
    await say(writer, b"SSH-2.0-")
    while True:
        await say(writer, b"x")
        await asyncio.sleep(0.2)


async def thousands_of_lines(reader: Reader, writer: Writer) -> None:
    """Lines before the banner are allowed (RFC 4253 section 4.2), but not that many."""
    await say(writer, b"all is recorded\r\n" * 5000 + BANNER)
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def carriage_returns(reader: Reader, writer: Writer) -> None:
    await say(writer, b"\r" * 3000 + b"SSH-2.0-x\r" * 300)
    await reader.read(1)
    await asyncio.sleep(LONG_S)


async def zeros(reader: Reader, writer: Writer) -> None:
    await say(writer, bytes(9000) + b"\n" + BANNER)
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def two_banners(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER * 2)
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def future_version(reader: Reader, writer: Writer) -> None:
    await say(writer, b"SSH-3.0-tomorrow\r\n")
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def echoes(reader: Reader, writer: Writer) -> None:
    """What it hears it says, so that we talk to ourselves."""
    while data := await reader.read(65536):
        await say(writer, data)


async def kex_in_drops(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER)
    for byte in kexinit():
        await say(writer, bytes([byte]))
        await asyncio.sleep(0.1)


async def offers_without_end(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    await say(writer, BANNER)
    while True:
        await say(writer, kexinit())
        await asyncio.sleep(0.001)


async def offers_ten_thousand(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit(kex=b",".join([b"kex%d@example.com" % n for n in range(12_000)])))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def login_before_keys(reader: Reader, writer: Writer) -> None:
    """Says that the user is in before anybody has agreed on anything."""
    await say(writer, BANNER + kexinit() + packet(bytes([USERAUTH_SUCCESS])))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def empty_payload(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + packet(b""))
    await reader.readline()
    await asyncio.sleep(LONG_S)


async def huge_key(reader: Reader, writer: Writer) -> None:
    """An RSA key whose numbers would take minutes."""
    await say(writer, BANNER + kexinit(host_key=b"rsa-sha2-512"))
    await reader.readline()
    key = text(text(b"ssh-rsa") + text(b"\1\0\1") + text(b"\x7f" + b"\xff" * 30_000))
    point = text(bytes([9]) + bytes(31))
    signature = text(text(b"rsa-sha2-512") + text(b"\x7f" * 30_000))
    await say(writer, packet(bytes([ECDH_REPLY]) + key + point + signature))
    await asyncio.sleep(LONG_S)


async def key_of_another_kind(reader: Reader, writer: Writer) -> None:
    """Agreed was on ed25519; what comes is no key."""
    await say(writer, BANNER + kexinit())
    await reader.readline()
    point = text(bytes([9]) + bytes(31))
    await say(writer, packet(bytes([ECDH_REPLY]) + text(b"") + point + text(b"")))
    await asyncio.sleep(LONG_S)


async def hangs_up_with_words(reader: Reader, writer: Writer) -> None:
    """A disconnect message of a hundred thousand letters with line ends in it."""
    words = text(b"ok: [all]\r\n\x1b[1A\x9b2J" * 10_000) + text(b"")
    await say(writer, BANNER + packet(bytes([DISCONNECT]) + struct.pack(">I", 2) + words))
    await reader.read(2000)
    await asyncio.sleep(0.2)


async def half_a_goodbye(reader: Reader, writer: Writer) -> None:
    await say(writer, BANNER + kexinit() + packet(bytes([DISCONNECT]) + b"\0"))
    await reader.read(2000)
    await asyncio.sleep(0.2)


async def never_reads(reader: Reader, writer: Writer) -> None:  # noqa: ARG001
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    await say(writer, BANNER + kexinit())
    await asyncio.sleep(LONG_S)


async def strange_group(reader: Reader, writer: Writer) -> None:
    """Group exchange with a modulus of 0 (RFC 4419)."""
    await say(writer, BANNER + kexinit(kex=b"diffie-hellman-group-exchange-sha256"))
    await reader.readline()
    await say(writer, packet(bytes([ECDH_REPLY]) + text(b"") + text(b"")))
    await asyncio.sleep(LONG_S)


async def large_group(reader: Reader, writer: Writer) -> None:
    """Group exchange with a modulus of 200,000 bits, which a client would have to reckon with."""
    await say(writer, BANNER + kexinit(kex=b"diffie-hellman-group-exchange-sha256"))
    await reader.readline()
    await say(writer, packet(bytes([ECDH_REPLY]) + text(b"\x7f" + b"\xff" * 25_000) + text(b"\2")))
    await asyncio.sleep(LONG_S)


async def group_of_its_own(reader: Reader, writer: Writer) -> None:
    """Group exchange with a modulus of 8192 bits that is no prime."""
    await say(writer, BANNER + kexinit(kex=b"diffie-hellman-group-exchange-sha256"))
    await reader.readline()
    await say(writer, packet(bytes([ECDH_REPLY]) + text(b"\x7f" + b"\xff" * 1022 + b"\xfe") + text(b"\2")))
    await asyncio.sleep(LONG_S)


BEHAVIOURS: dict[str, Callable[[Reader, Writer], Awaitable[None]]] = {
    behaviour.__name__: behaviour
    for behaviour in (
        banner_in_drops,
        thousands_of_lines,
        carriage_returns,
        zeros,
        two_banners,
        future_version,
        echoes,
        kex_in_drops,
        offers_without_end,
        offers_ten_thousand,
        login_before_keys,
        empty_payload,
        huge_key,
        key_of_another_kind,
        hangs_up_with_words,
        half_a_goodbye,
        never_reads,
        strange_group,
        large_group,
        group_of_its_own,
    )
}
