"""Diffie-Hellman over finite fields uses exponents no longer than needed, with a real server."""

from __future__ import annotations

import secrets

import pytest

from runner.jobs import CommandJob, perform
from tests.connection.sshd import temporary_sshd

EXCHANGES = (
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all secret exponents in a test, in bits."""
    lengths: list[int] = []
    draw = secrets.randbits

    def recorded(bits: int) -> int:
        lengths.append(bits)
        return draw(bits)

    monkeypatch.setattr(secrets, "randbits", recorded)
    return lengths


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_exponent_is_twice_as_long_as_the_longest_key(exchange: str, drawn: list[int]) -> None:
    with temporary_sshd(f"KexAlgorithms {exchange}\n") as server:
        result = perform(server.host(), CommandJob(("true",)), server.options())

    assert result.ok, result.error
    assert drawn == [512]


def test_longer_keys_take_a_longer_one(drawn: list[int]) -> None:
    settings = f"KexAlgorithms {EXCHANGES[0]}\nCiphers aes128-ctr\nMACs hmac-sha2-512\n"
    with temporary_sshd(settings) as server:
        result = perform(server.host(), CommandJob(("true",)), server.options())

    assert result.ok, result.error
    assert drawn == [1024]
