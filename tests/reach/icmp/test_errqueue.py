"""Reading the kernel's account of a refused packet."""

from __future__ import annotations

import errno
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.reach import Reason
from runner.reach.icmp import errqueue
from runner.reach.icmp.packet import parse_echo

LOCAL, ICMP = 1, 2


def extended_error(number: int, origin: int, kind: int, code: int, offender: bytes = b"") -> bytes:
    return struct.pack("=IBBBBII", number, origin, kind, code, 0, 0, 0) + offender


def test_the_offender_of_an_icmp_error_is_named() -> None:
    content = extended_error(
        errno.EHOSTUNREACH, ICMP, 3, 13, struct.pack("=HH4s8x", socket.AF_INET, 0, b"\x0a\0\0\1")
    )
    assert errqueue._read(socket.AF_INET, content) == (Reason.PROHIBITED, "10.0.0.1")


def test_an_error_of_this_machine_has_no_offender() -> None:
    content = extended_error(errno.ENETUNREACH, LOCAL, 0, 0)
    assert errqueue._read(socket.AF_INET, content) == (Reason.NO_ROUTE, None)


def test_a_packet_that_was_too_big_says_nothing_against_the_host() -> None:
    assert errqueue._read(socket.AF_INET, extended_error(errno.EMSGSIZE, LOCAL, 0, 0)) is None
    assert errqueue._read(socket.AF_INET, extended_error(errno.EMSGSIZE, ICMP, 3, 4)) is None


@given(st.binary(min_size=16, max_size=64), st.sampled_from([socket.AF_INET, socket.AF_INET6]))
def test_whatever_the_kernel_writes_can_be_read(content: bytes, family: int) -> None:
    read = errqueue._read(family, content)
    assert read is None or isinstance(read[0], Reason)


@given(st.binary(max_size=100))
def test_whatever_arrives_can_be_read(datagram: bytes) -> None:
    echo = parse_echo(datagram)
    assert echo is None or len(echo) == 4


def test_a_refused_udp_packet_comes_back_from_a_real_error_queue() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        errqueue.keep_errors(sock, keep=True)
        sock.sendto(b"anyone?", ("127.0.0.1", port))
        (refused,) = errqueue.refusals(sock)
    assert (refused.reason, refused.offender, refused.destination, refused.quoted) == (
        Reason.PROHIBITED,
        "127.0.0.1",
        "127.0.0.1",
        b"anyone?",
    )


@pytest.mark.parametrize("keep", [True, False])
def test_keeping_errors_can_be_switched(keep: bool) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        errqueue.keep_errors(sock, keep=keep)
        assert bool(sock.getsockopt(socket.IPPROTO_IPV6, 25)) is keep
