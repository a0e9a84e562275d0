"""The algorithms in a server's first bytes, and text of peers made safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.connection.transport.kexinit import read_offer
from runner.text import excerpt
from tests.connection.peers.raw import kexinit

BANNER = b"SSH-2.0-x\r\n"


@pytest.mark.parametrize("before", [b"", b"welcome\r\nand again\r\n"])
def test_an_offer_is_read_behind_the_banner(before: bytes) -> None:
    offer = read_offer(
        before + BANNER + kexinit(kex=b"one,two", host_key=b"three", cipher=b"four", mac=b"five")
    )

    assert offer is not None
    assert offer.key_exchange == ("one", "two")
    assert offer.host_key == ("three",)
    assert offer.cipher == ("four",)
    assert offer.mac == ("five",)


@given(st.integers(0, 400))
def test_one_that_is_cut_off_is_none(length: int) -> None:
    whole = BANNER + kexinit()
    assert (read_offer(whole[:length]) is None) is (length < len(whole))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(noise: bytes) -> None:
    read_offer(noise)
    read_offer(BANNER + noise)


@given(st.one_of(st.text(), st.binary()))
def test_what_is_shown_is_one_line_that_drives_no_terminal(said: str | bytes) -> None:
    assert excerpt(said).isprintable()


def test_what_is_shown_is_not_endless() -> None:
    assert len(excerpt("x" * 10_000)) < 300
    assert excerpt(b"\x1b[2Jhi\xff\r\n") == r"\x1b[2Jhi\xff"
