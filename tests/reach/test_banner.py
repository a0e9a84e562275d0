"""The line with which an SSH server introduces itself."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from runner.reach import Reason
from runner.reach.banner import peek_banner

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize(
    ("said", "banner"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"),
        (b"SSH-1.99-Cisco-1.25\n", "SSH-1.99-Cisco-1.25"),
        (b"*** keep out ***\r\n\r\nSSH-2.0-x\r\nkey exchange", "SSH-2.0-x"),
        (b"SSH-2.0-\xff\x07\x1b]0;x\r\n", "SSH-2.0-???]0;x"),
        (b"SSH-2.0-" + b"x" * 500 + b"\r\n", "SSH-2.0-" + "x" * 247),
    ],
)
def test_a_banner_is_read_and_left_where_it_is(pair: Pair, said: bytes, banner: str) -> None:
    ours, theirs = pair
    theirs.sendall(said)
    assert peek_banner(ours) == banner
    assert ours.recv(10_000) == said


@pytest.mark.parametrize(
    ("said", "in_the_end"),
    [(b"", Reason.NO_BANNER), (b"SSH-2.0-half", Reason.NO_BANNER), (b"220 smtp\r\n", Reason.NOT_SSH)],
)
def test_what_may_yet_become_a_banner_is_judged_in_the_end(
    pair: Pair, said: bytes, in_the_end: Reason
) -> None:
    ours, theirs = pair
    theirs.sendall(said)
    assert peek_banner(ours) is None
    assert peek_banner(ours, final=True) is in_the_end


def test_a_connection_that_ends_without_a_word_is_closed(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert peek_banner(ours) is Reason.CLOSED_EARLY


def test_too_much_of_something_else_is_not_ssh(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"<html>\n" * 1000)
    assert peek_banner(ours) is Reason.NOT_SSH
