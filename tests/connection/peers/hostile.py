"""Packets that no honest server sends, in a connection that stands."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from asyncssh.packet import Boolean, NameList, String, UInt32

from tests.connection.peers.ssh import MEGABYTE, Answer, Channel, says_ok, status

Connection = Any
Handler = Callable[[Connection, int, int, Any], None]

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, EXT_INFO, NEWKEYS = 1, 2, 3, 4, 5, 7, 21
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER = 50, 51, 52, 53
INFO_REQUEST = 60
GLOBAL_REQUEST, REQUEST_FAILURE = 80, 82
CHANNEL_OPEN, CHANNEL_OPEN_CONFIRMATION, CHANNEL_OPEN_FAILURE = 90, 91, 92
CHANNEL_WINDOW_ADJUST, CHANNEL_DATA = 93, 94
CHANNEL_EXTENDED_DATA, CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_REQUEST = 95, 96, 97, 98
CHANNEL_SUCCESS, CHANNEL_FAILURE = 99, 100

ESCAPES = b"\x1b[2J\x1b]0;owned\x07\r\n\xff go away"

Packet = tuple[int, bytes]


def to(channel: Channel) -> bytes:
    """The client's number of a channel, which what is for it begins with."""
    return UInt32(channel._send_chan or 0)


def send(channel: Channel, kind: int, payload: bytes = b"") -> None:
    channel.get_connection().send_packet(kind, to(channel), payload)


# Before a login is over: what the server does instead of answering ----------------------------------------


def nothing(connection: Connection, kind: int, number: int, packet: Any) -> None:
    """Leave a packet unanswered."""


def instead(*answers: Packet) -> Handler:
    """Answer with other packets."""

    def handle(connection: Connection, kind: int, number: int, packet: Any) -> None:  # noqa: ARG001
        connection._auth_in_progress = True
        for answer, payload in answers:
            connection.send_packet(answer, payload)

    return handle


def without_end(answer: int, payload: bytes) -> Handler:
    """Answer with the same packet again and again."""

    def handle(connection: Connection, kind: int, number: int, packet: Any) -> None:  # noqa: ARG001
        connection._auth_in_progress = True
        connection.flood = asyncio.ensure_future(_flood(connection, lambda: (answer, payload)))

    return handle


async def _flood(connection: Connection, packet: Callable[[], Packet]) -> None:
    while connection._transport is not None and not connection._transport.is_closing():
        if connection._transport.get_write_buffer_size() < MEGABYTE:
            for _ in range(50):
                connection.send_packet(*packet())
        await asyncio.sleep(0.001)


goodbye: Packet = (DISCONNECT, UInt32(11) + String(ESCAPES) + String(b""))
no_method_left: Packet = (USERAUTH_FAILURE, NameList([]) + Boolean(False))
strange_methods: Packet = (USERAUTH_FAILURE, NameList([b"\x1b[2J", b"password" * 4000]) + Boolean(False))
more_is_wanted: Packet = (USERAUTH_FAILURE, NameList([b"password", b"publickey"]) + Boolean(True))
nothing_to_ask: Packet = (INFO_REQUEST, String(b"") + String(b"") + String(b"") + UInt32(0))
ten_thousand_questions: Packet = (
    INFO_REQUEST,
    String(b"") * 3 + UInt32(10_000) + (String(b"?") + b"\0") * 10_000,
)
half_a_failure: Packet = (USERAUTH_FAILURE, UInt32(1000) + b"pass")
come_in: Packet = (USERAUTH_SUCCESS, b"")
a_banner: Packet = (USERAUTH_BANNER, String(ESCAPES * 1000) + String(b""))


# When a command runs --------------------------------------------------------------------------------------


def then_ok(*packets: tuple[int, bytes]) -> Answer:
    """Send these on the channel, then say that all is well."""

    async def answer(channel: Channel) -> None:
        for kind, payload in packets:
            send(channel, kind, payload)
        await says_ok(channel)

    return answer


def floods(kind: int, payload: bytes) -> Answer:
    """Send a packet that is on no channel without end."""

    async def answer(channel: Channel) -> None:
        await _flood(channel.get_connection(), lambda: (kind, payload))

    return answer


def request(name: bytes, payload: bytes, *, reply: bool = False) -> bytes:
    return String(name) + Boolean(reply) + payload


async def half_a_status(channel: Channel) -> None:
    send(channel, CHANNEL_REQUEST, request(b"exit-status", b"\0"))
    channel.write_eof()
    channel.close()


async def no_status_at_all(channel: Channel) -> None:
    send(channel, CHANNEL_REQUEST, request(b"exit-status", b""))
    channel.write_eof()
    channel.close()


async def dies_of_escapes(channel: Channel) -> None:
    send(
        channel,
        CHANNEL_REQUEST,
        request(b"exit-signal", String(ESCAPES) + b"\0" + String(ESCAPES) + String(b"")),
    )
    channel.close()


async def noise_on_the_wire(channel: Channel) -> None:
    """What somebody between the two could put in; only the packets' MAC tells."""
    channel.write(b"begun\n")
    await asyncio.sleep(0.1)
    channel.get_connection()._transport.write(UInt32(32) + os.urandom(4096))
    await asyncio.sleep(600)


async def goes_with_words(channel: Channel) -> None:
    channel.write(b"begun\n")
    await asyncio.sleep(0.1)
    channel.get_connection().send_packet(*goodbye)
    await asyncio.sleep(600)


async def another_channel(channel: Channel) -> None:
    channel.get_connection().send_packet(CHANNEL_DATA, UInt32(4711), String(b"for nobody"))
    await asyncio.sleep(600)


async def unknown_packet(channel: Channel) -> None:
    channel.get_connection().send_packet(255, b"")
    await asyncio.sleep(600)


async def more_than_there_is(channel: Channel) -> None:
    """Data that say they are longer than their packet."""
    send(channel, CHANNEL_DATA, UInt32(900_000) + b"x")
    await says_ok(channel)


async def past_the_window(channel: Channel) -> None:
    for _ in range(200):
        send(channel, CHANNEL_DATA, String(b"x" * 32_000))
    status(channel, 0)
    send(channel, CHANNEL_EOF)
    send(channel, CHANNEL_CLOSE)
    await asyncio.sleep(600)


async def closes_twice(channel: Channel) -> None:
    status(channel, 0)
    for kind in (CHANNEL_EOF, CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_CLOSE, CHANNEL_EOF):
        send(channel, kind)
    await asyncio.sleep(600)


async def success_again(channel: Channel) -> None:
    for kind in (CHANNEL_SUCCESS, CHANNEL_FAILURE, CHANNEL_OPEN_CONFIRMATION):
        send(channel, kind, UInt32(7) * 3)
    await asyncio.sleep(600)


async def wants_replies_and_reads_none(channel: Channel) -> None:
    channel.get_connection()._transport.pause_reading()  # type: ignore[union-attr]
    await _flood(channel.get_connection(), lambda: (GLOBAL_REQUEST, request(b"x" * 100, b"", reply=True)))


# Before a login is over, and when a command runs, once more -----------------------------------------------


def then_waits(*packets: Packet) -> Answer:
    """Send packets that are on no channel, then nothing more."""

    async def answer(channel: Channel) -> None:
        for packet in packets:
            channel.get_connection().send_packet(*packet)
        await asyncio.sleep(600)

    return answer


def pours(kind: int, payload: bytes) -> Answer:
    """Send a packet on the channel without end."""

    async def answer(channel: Channel) -> None:
        await _flood(channel.get_connection(), lambda: (kind, to(channel) + payload))

    return answer


def ended_by(*packets: Packet) -> Answer:
    """Send these on the channel, of which the last ones end it, and never anything of asyncssh's own."""

    async def answer(channel: Channel) -> None:
        for kind, payload in packets:
            send(channel, kind, payload)
        await asyncio.sleep(600)

    return answer


endless_extensions: Packet = (EXT_INFO, UInt32(2**32 - 1))
endless_questions: Packet = (INFO_REQUEST, String(b"") * 3 + UInt32(2**32 - 1))
other_service: Packet = (6, String(b"ssh-connection"))
is_fine: Packet = (CHANNEL_REQUEST, request(b"exit-status", UInt32(0)))
failed: Packet = (CHANNEL_REQUEST, request(b"exit-status", UInt32(9)))
half_a_signal: Packet = (CHANNEL_REQUEST, request(b"exit-signal", b"\0\0"))
killed: Packet = (
    CHANNEL_REQUEST,
    request(b"exit-signal", String(b"KILL") + b"\0" + String(b"") + String(b"")),
)
says_so: Packet = (CHANNEL_DATA, String(b"ok\n"))
end: Packet = (CHANNEL_EOF, b"")
close: Packet = (CHANNEL_CLOSE, b"")
opens_one: Packet = (CHANNEL_OPEN, String(b"session") + UInt32(1) + UInt32(2**21) + UInt32(2**15))
forwards: Packet = (
    CHANNEL_OPEN,
    String(b"forwarded-tcpip") + UInt32(5) + UInt32(2**21) + UInt32(2**15) + (String(b"h") + UInt32(22)) * 2,
)
lends_its_agent: Packet = (
    CHANNEL_OPEN,
    String(b"auth-agent@openssh.com") + UInt32(6) + UInt32(2**21) + UInt32(2**15),
)
many_keys: Packet = (GLOBAL_REQUEST, request(b"hostkeys-00@openssh.com", String(b"k" * 3000) * 60))


def confirms_another(number: int) -> Handler:
    """Open a channel, but not the one that was asked for."""

    def handle(connection: Connection, kind: int, identifier: int, packet: Any) -> None:  # noqa: ARG001
        packet.get_string()
        theirs = packet.get_uint32()
        answer = UInt32(theirs + number) + UInt32(77) + UInt32(2**21) + UInt32(2**15)
        connection.send_packet(CHANNEL_OPEN_CONFIRMATION, answer)

    return handle


def opens_with(*packets: Packet) -> Handler:
    """Answer the request for a channel with other packets for it."""

    def handle(connection: Connection, kind: int, identifier: int, packet: Any) -> None:  # noqa: ARG001
        packet.get_string()
        theirs = UInt32(packet.get_uint32())
        for answer, payload in packets:
            connection.send_packet(answer, theirs + payload)

    return handle


async def length_of_nothing(channel: Channel) -> None:
    """A packet of no bytes, which is not even as long as what stands before it."""
    channel.write(b"begun\n")
    channel.get_connection()._transport.write(bytes(36))
    await asyncio.sleep(600)


async def half_an_exchange(channel: Channel) -> None:
    channel.write(b"begun\n")
    channel.get_connection().send_packet(20, os.urandom(16) + UInt32(4000) + b"cur")
    await asyncio.sleep(600)


async def drips_when_it_has_ended(channel: Channel) -> None:
    status(channel, 0)
    while True:
        channel.write(b".")
        await asyncio.sleep(0.1)


async def floods_when_it_has_ended(channel: Channel) -> None:
    status(channel, 0)
    while True:
        channel.write(b"x" * MEGABYTE)
        while channel.get_write_buffer_size() > MEGABYTE:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)


class _Asking:
    """What asyncssh hands the responses to: they are followed by the same packet each time."""

    def __init__(self, connection: Connection, answer: Packet) -> None:
        self._connection = connection
        self._answer = answer

    def process_packet(self, *_packet: Any) -> bool:
        self._connection.send_packet(*self._answer)
        return True

    def log_received_packet(self, *_packet: Any) -> None:
        """Log nothing."""

    def cancel(self) -> None:
        """Have nothing to end."""


def by_keyboard(question: Packet, then: Packet | None = None) -> dict[int, Handler]:
    """Take no login but keyboard-interactive: ask this; after a response something else, or this again."""

    def begin(connection: Connection, kind: int, number: int, packet: Any) -> None:  # noqa: ARG001
        connection._auth_in_progress = True
        method = packet.get_string() and packet.get_string() and packet.get_string()
        if method == b"keyboard-interactive":
            connection._auth = _Asking(connection, then or question)
            connection.send_packet(*question)
        else:
            connection.send_packet(USERAUTH_FAILURE, NameList([b"keyboard-interactive"]) + Boolean(False))

    return {USERAUTH_REQUEST: begin}


def asks(prompt: bytes, *, title: bytes = b"") -> Packet:
    return INFO_REQUEST, String(title) + String(b"") * 2 + UInt32(1) + String(prompt) + b"\0"
