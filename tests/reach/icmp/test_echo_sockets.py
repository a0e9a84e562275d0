"""What arrives on an ICMP socket and should not count, and what should and is lost: on loopback, as root."""

from __future__ import annotations

import os
import selectors
import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from runner.models import Host
from runner.reach import ReachOptions
from runner.reach.icmp import linux
from runner.reach.icmp.echo import EchoProbes
from runner.reach.icmp.echo_socket import EchoSocket
from runner.reach.icmp.packet import ECHO, REQUEST_TYPE, checksummed
from runner.reach.target import Address, Target
from tests.reach.network import need_root

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

HERE = Address(socket.AF_INET, ("127.0.0.1", 22))


class Verdicts:
    """Keeps what the echo probes tell."""

    def __init__(self) -> None:
        self.up: list[Target] = []
        self.down: list[Target] = []

    def echoed(self, target: Target, _address: Address, _rtt_ms: float) -> None:
        target.decided = True
        self.up.append(target)

    def silent(self, target: Target) -> None:
        target.decided = True
        self.down.append(target)


def a_target(number: int = 0) -> Target:
    return Target(Host(f"r{number}"), "127.0.0.1", 22, addresses=(HERE,), pings_prove=True)


@pytest.fixture
def selector() -> Iterator[selectors.BaseSelector]:
    need_root()
    with selectors.DefaultSelector() as opened:
        yield opened


def turn(probes: EchoProbes, selector: selectors.BaseSelector, wait_s: float = 0) -> None:
    """Do what the loop of a run does."""
    now = time.monotonic()
    for key, events in selector.select(wait_s):
        key.data(events)
    probes.expire(now)
    probes.send(64, time.monotonic())


def icmp_sockets(selector: selectors.BaseSelector) -> list[EchoSocket]:
    return [key.fileobj for key in selector.get_map().values() if isinstance(key.fileobj, EchoSocket)]


def identifier_of(sock: EchoSocket) -> int:
    """Find out by which identifier the kernel brings replies to a socket."""
    if not sock.raw:
        sock._socket.bind(("", 0))
        return int(sock._socket.getsockname()[1])
    return sock._identifier


def test_replies_that_this_machine_threw_away_make_no_host_silent(selector: selectors.BaseSelector) -> None:
    verdicts = Verdicts()
    probes = EchoProbes(ReachOptions(timeout_s=0.3, tries=1), verdicts, selector)
    try:
        for each in icmp_sockets(selector):
            each._socket.setsockopt(socket.SOL_SOCKET, linux.SO_RCVBUFFORCE, 4096)
        for number in range(300):
            probes.add(a_target(number))
        while probes.send(64, time.monotonic()):
            pass
        end = time.monotonic() + 20
        while len(verdicts.up) + len(verdicts.down) < 300:
            assert time.monotonic() < end
            turn(probes, selector, 0.01)
    finally:
        probes.close()
    assert not verdicts.down
    assert max(target.pings for target in verdicts.up) > 1


def test_a_reply_counts_by_its_token_and_not_by_its_source(selector: selectors.BaseSelector) -> None:
    verdicts = Verdicts()
    probes = EchoProbes(ReachOptions(timeout_s=0.2, tries=1), verdicts, selector)
    silent, named_by_token = a_target(0), a_target(1)
    elsewhere = Address(socket.AF_INET, ("192.0.2.1", 22))
    try:
        identifier = identifier_of(icmp_sockets(selector)[0])
        for target, token in ((silent, b"silent!!"), (named_by_token, b"answers!")):
            probes._sent[token] = target, elsewhere, time.time_ns(), time.monotonic_ns()
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as forger:
            for token in (os.urandom(8), b"answers!", b"answers!"):
                packet = checksummed(ECHO.pack(REQUEST_TYPE[socket.AF_INET], 0, identifier, 0, token))
                reply = b"\0" + packet[1:2] + _fixed_checksum(packet) + packet[4:]
                forger.sendto(reply, ("127.0.0.1", 0))
        turn(probes, selector, 1)
    finally:
        probes.close()
    assert verdicts.up == [named_by_token]


def _fixed_checksum(request: bytes) -> bytes:
    """Adapt the checksum to a type that went from 8 to 0 (RFC 1624)."""
    (checksum,) = struct.unpack_from("!H", request, 2)
    total = checksum + 0x0800
    return struct.pack("!H", (total & 0xFFFF) + (total >> 16))


def test_a_socket_gets_no_other_programs_replies(selector: selectors.BaseSelector) -> None:
    ours, theirs = EchoSocket(socket.AF_INET), EchoSocket(socket.AF_INET)
    selector.register(ours, selectors.EVENT_READ)
    try:
        theirs.send(0, b"theirs!!", ("127.0.0.1", 0))
        ours.send(0, b"ours!!!!", ("127.0.0.1", 0))
        selector.select(5)
        assert [token for token, _ in ours.replies()] == [b"ours!!!!"]
    finally:
        ours.close()
        theirs.close()
