"""Many datagrams in one call: what came, when, and nothing of what was there before."""

from __future__ import annotations

import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest

from runner.reach.icmp import linux

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.reach.icmp.mmsg import Inbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="recvmmsg(2) is Linux's")

AT_ONCE = 4


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two ends: what is sent to the first arrives at the second, with time stamps."""
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with near, far:
        far.bind(("127.0.0.1", 0))
        far.setblocking(False)
        far.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
        near.connect(far.getsockname())
        _wait_for_time_stamps(near, far)
        yield near, far


def _wait_for_time_stamps(near: socket.socket, far: socket.socket) -> None:
    """Wait until messages are stamped on arrival: a kernel thread switches that on (net_enable_timestamp)."""
    for _ in range(500):
        near.send(b"h:0000")
        sent = time.time_ns()
        time.sleep(0.01)
        ((_, arrived),) = inbox(far).receive()
        if arrived <= sent:
            return
    pytest.fail("messages are not stamped on arrival")


def inbox(sock: socket.socket) -> Inbox:
    from runner.reach.icmp.mmsg import Inbox

    return Inbox(sock, AT_ONCE, skipped=2, kept=4)


def test_messages_come_in_order_as_many_as_go_in_one_call(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    sent = [b"h:%04d" % number for number in range(AT_ONCE + 2)]
    for message in sent:
        near.send(message)
    receiving = inbox(far)
    first, second = ([message for message, _ in receiving.receive()] for _ in range(2))
    assert first == [message[2:] for message in sent[:AT_ONCE]]
    assert second == [message[2:] for message in sent[AT_ONCE:]]
    with pytest.raises(BlockingIOError):
        list(receiving.receive())


def test_times_are_those_of_arrival_and_not_of_the_call(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    before = time.time_ns()
    near.send(b"h:0001")
    near.send(b"h:0002")
    between = time.time_ns()
    time.sleep(0.01)
    (_, first), (_, second) = inbox(far).receive()
    assert before <= first <= second <= between


def test_a_short_message_ends_in_zeros_and_a_long_one_is_cut(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    receiving = inbox(far)
    for message, received in ((b"h:12345678", b"1234"), (b"h:9", b"9\0\0\0"), (b"h", b"\0\0\0\0")):
        near.send(message)
        assert [each for each, _ in receiving.receive()] == [received]


def test_what_the_kernel_reports_in_the_place_of_a_message_is_raised(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    gone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    gone.bind(("127.0.0.1", 0))
    far.connect(gone.getsockname())
    gone.close()
    far.send(b"nobody listens")
    with pytest.raises(ConnectionRefusedError):
        list(inbox(far).receive())
    near.close()
