"""Bytes as text: what is not UTF-8 is shown as marks, and what a host prints is never taken for one."""

from __future__ import annotations

import os
import random
import time

import pytest

from runner.text.translation import decoded, decoded_pieces


def one_by_one(data: bytes) -> str:
    """Mark each byte that is not UTF-8, character by character."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(each) - 0xDC00:02x}" if "\udc80" <= each <= "\udcff" else each for each in text)


PARTS = (b"a", b"\\", b"u", b"d", b"c80", b"f00", b"x", b"\n", b"\0", b"\xff", b"\x80", b"\xed\xb2\x80",
         "é€🐀".encode(), rb"\udc80", rb"\udf00", "\ufffd".encode())  # fmt: skip


@pytest.mark.parametrize("seed", range(50))
def test_marks_are_those_of_a_look_at_each_character(seed: int) -> None:
    chosen = random.Random(seed)
    data = b"".join(chosen.choices(PARTS, k=chosen.randrange(1, 200)))
    assert decoded(data) == one_by_one(data)


def test_pieces_together_are_the_whole() -> None:
    data = "é".encode() * 200_000 + b"\xff" + "🐀".encode() * 200_000
    assert "".join(decoded_pieces(data)) == decoded(data) == one_by_one(data)


def test_much_binary_output_costs_little() -> None:
    data = os.urandom(15_000_000)
    began = time.process_time()
    text = decoded(data)
    assert time.process_time() - began < 3, "a look at each character takes 20 s"
    assert len(text) > len(data)
