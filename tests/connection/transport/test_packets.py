"""Packets and the socket below them: which packets Paramiko does not get, and which it still must get."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.common import MSG_DEBUG, MSG_IGNORE

from runner.connection.transport.dial import SshSocket
from runner.connection.transport.packets import Packets
from runner.connection.transport.paramiko_fixes import Transport
from tests.connection.peers.raw import packet, text
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[SshSocket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
        ours = SshSocket(near)
        yield ours, far
        ours.close()
        near.close()
        far.close()


def test_a_transport_reads_through_these_packets(pair: tuple[SshSocket, socket.socket]) -> None:
    assert type(Transport(pair[0]).packetizer) is Packets


def test_what_is_for_debugging_comes_as_what_is_to_be_ignored(pair: tuple[SshSocket, socket.socket]) -> None:
    ours, far = pair
    packets = Packets(ours)
    far.sendall(packet(bytes([MSG_DEBUG]) + b"\1" + text(b"words")) + packet(bytes([99]) + b"rest"))

    assert packets.read_message()[0] == MSG_IGNORE
    kind, message = packets.read_message()
    assert (kind, message.get_remainder()) == (99, b"rest")


def test_no_more_is_read_than_a_packet_has(pair: tuple[SshSocket, socket.socket]) -> None:
    ours, far = pair
    far.sendall(struct.pack(">IB", 2**30 + 4, 4) + bytes(100))

    with pytest.raises(paramiko.SSHException, match="announced a packet"):
        Packets(ours).read_message()


def test_a_packet_is_ready_when_all_of_it_has_come(pair: tuple[SshSocket, socket.socket]) -> None:
    ours, far = pair
    packets = Packets(ours)
    assert not packets.tells_ready
    packets.set_inbound_cipher(None, 16, None, 16, None, aead=True)
    assert packets.tells_ready

    assert not packets.ready(0.01)
    far.sendall((32).to_bytes(4, "big") + bytes(20))
    assert not packets.ready(5)
    far.sendall(bytes(32 + 16 - 20))
    assert packets.ready(5)
    assert packets.ready(0)
    assert packets.read_all(4 + 32 + 16) == (32).to_bytes(4, "big") + bytes(48)
    assert not packets.ready(0)
    far.close()
    assert packets.ready(5)


def test_a_handshake_has_no_thread_for_its_timer(pair: tuple[SshSocket, socket.socket]) -> None:
    before = threading.active_count()
    packets = Packets(pair[0])
    packets.start_handshake(60)

    assert threading.active_count() == before
    assert not packets.handshake_timed_out()
    packets.complete_handshake()


def test_what_came_at_once_is_read_in_any_portions(pair: tuple[SshSocket, socket.socket]) -> None:
    ours, far = pair
    ours.settle()
    sent = bytes(range(256)) * 100
    far.sendall(sent)
    far.shutdown(socket.SHUT_WR)
    portions = [ours.recv(1), ours.recv(16), ours.recv(9000)]
    while portions[-1]:
        portions.append(ours.recv(7))

    assert b"".join(portions) == sent
    assert ours.received == len(sent)


def _send_on_and_on(ours: SshSocket) -> None:
    while True:
        ours.send(bytes(2**20))


@pytest.mark.parametrize("seconds", [0.05, 0.3])
def test_a_read_and_a_write_end_in_time(pair: tuple[SshSocket, socket.socket], seconds: float) -> None:
    ours, _ = pair
    ours.settimeout(seconds)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        ours.recv(1)
    assert seconds * 0.9 <= time.monotonic() - begin
    with pytest.raises(TimeoutError):
        _send_on_and_on(ours)


def test_a_close_wakes_who_reads(pair: tuple[SshSocket, socket.socket]) -> None:
    ours, _ = pair
    ours.settimeout(None)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(ours.recv(1)))
    reader.start()
    assert comes_true(lambda: ours._reader is not None)
    ours.close()
    reader.join(60)

    assert heard == [b""]
