"""The words of a host without the secrets in them, however it writes them."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest

from runner.connection.auth.masking import masked, masked_text, masking
from runner.errors import LoginRefused
from runner.models import Phase, Secret

SECRET = "p\u00e4ss \\ 'word' \"2c7e\""
BYTES = SECRET.encode()


@pytest.mark.parametrize(
    "said",
    [
        BYTES,
        b"\r\n".join(BYTES[at : at + 5] for at in range(0, len(BYTES), 5)),
        b" ".join(BYTES[at : at + 1] for at in range(len(BYTES))),
        b"\x1b[1;31m".join((BYTES[:2], BYTES[2:])),  # in the middle of a letter
        repr(SECRET).encode()[1:-1],
        json.dumps(SECRET).encode()[1:-1],
        BYTES.hex().encode(),
        BYTES.hex().upper().encode(),
        quote(SECRET, safe="").encode(),
        base64.b64encode(BYTES),
        base64.urlsafe_b64encode(b"x" + BYTES + b"yz"),
        base64.b64encode(b"xx" + BYTES + b"y"),
    ],
)
def test_a_secret_is_found_as_hosts_write_it(said: bytes) -> None:
    found = masked(b"before " + said + b" after", [Secret(SECRET)])
    assert b"********" in found
    assert found.startswith(b"before ")
    assert found.endswith(b" after")
    assert len(found) < 35


@pytest.mark.parametrize("length", range(4, len(SECRET)))
def test_words_that_begin_or_end_in_a_secret(length: int) -> None:
    said = f"{SECRET[-length:]} and {SECRET[:length]}"
    assert masked_text(said, [Secret(SECRET)]) == "******** and ********"
    assert masked(said.encode(), [Secret(SECRET)], whole=True) == b"******** and ********"
    assert masked(said.encode(), [Secret(SECRET)]) == said.encode(), "more may come"


@pytest.mark.parametrize("length", range(4, len(SECRET)))
def test_a_message_that_was_cut_in_a_secret(length: int) -> None:
    with pytest.raises(LoginRefused, match=r"^it says '\*{8}…', and 'x…'$"), masking([Secret(SECRET)]):
        raise LoginRefused(f"it says '{SECRET[:length]}…', and 'x…'", reason="x", phase=Phase.LOGIN)


def test_our_own_words_are_left_alone() -> None:
    text = "login as operator refused; tried: password"
    with pytest.raises(LoginRefused, match=f"^{text}$"), masking([Secret("password1"), Secret("refuse!")]):
        raise LoginRefused(text, reason="x", phase=Phase.LOGIN)
    assert masked(b"sudo: a\n", [Secret("a"), Secret("")]) == b"sudo: a\n", "it is too short to be found"


@pytest.mark.parametrize("unit", ["p", "p ", " ", "p\x1b[", "p\x1b[0;", "\\x1b", SECRET[:-1]])
def test_a_long_text_takes_linear_time(unit: str) -> None:
    said = (unit * (10**6 // len(unit))).encode()
    began = time.process_time()
    masked(said, [Secret(SECRET), Secret("p" * 40)])
    assert time.process_time() - began < 8
