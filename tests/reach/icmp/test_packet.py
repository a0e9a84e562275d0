"""Echo messages as bytes."""

from __future__ import annotations

import socket

import pytest

from runner.reach.icmp.packet import ECHO, REQUEST_TYPE, TOKEN_BYTES, checksummed, fresh_tokens, parse_echo

TOKEN = bytes(range(TOKEN_BYTES))


def request(family: int, identifier: int, sequence: int, token: bytes) -> bytes:
    return ECHO.pack(REQUEST_TYPE[family], 0, identifier, sequence, token)


def internet_checksum(data: bytes) -> int:
    """RFC 1071, written independently: the sum of a correct message, checksum included, is 0xFFFF."""
    total = sum(int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("token", [TOKEN, b"\0" * TOKEN_BYTES, b"\xff" * TOKEN_BYTES])
def test_an_ipv4_request_carries_a_correct_checksum(token: bytes) -> None:
    packet = checksummed(request(socket.AF_INET, 0xBEEF, 7, token))
    assert packet[:2] == b"\x08\x00"
    assert internet_checksum(packet) == 0xFFFF


def test_a_checksum_can_be_left_to_the_kernel() -> None:
    assert request(socket.AF_INET6, 1, 2, TOKEN) == b"\x80\x00\x00\x00\x00\x01\x00\x02" + TOKEN


def test_every_request_has_a_token_of_its_own() -> None:
    tokens = fresh_tokens(1000)
    assert len(set(tokens)) == 1000
    assert {len(token) for token in tokens} == {TOKEN_BYTES}


def test_a_message_is_read_back_as_it_was_written() -> None:
    assert parse_echo(checksummed(request(socket.AF_INET, 258, 3, TOKEN))) == (8, 258, 3, TOKEN)


def test_an_ipv4_header_with_options_before_the_message_is_skipped() -> None:
    header = b"\x46" + b"\0" * 23
    reply = b"\0\0\0\0\x01\x02\x00\x03" + TOKEN
    assert parse_echo(header + reply) == (0, 258, 3, TOKEN)
    assert parse_echo(reply) == (0, 258, 3, TOKEN)


def test_a_token_that_was_cut_off_is_given_as_far_as_it_goes() -> None:
    assert parse_echo(b"\x08\0\0\0\0\x01\0\x02" + TOKEN[:3]) == (8, 1, 2, TOKEN[:3])


@pytest.mark.parametrize("junk", [b"", b"\0", b"\x45", b"\x4f" + b"\0" * 30, b"\0" * 7])
def test_bytes_that_are_too_short_for_a_message_are_none(junk: bytes) -> None:
    assert parse_echo(junk) is None
