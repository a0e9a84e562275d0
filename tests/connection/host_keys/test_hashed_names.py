"""Hashed names of `known_hosts` lines: the short way computes what HMAC-SHA1 is."""

from __future__ import annotations

import hmac
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from runner.connection.host_keys.hashed_names import HashedNames
from runner.connection.host_keys.lines import Entry, Names


def line(name: str, salt: bytes, number: int = 0) -> tuple[Names, Entry]:
    digest = hmac.digest(salt, name.encode(), "sha1")
    return Names(salt=salt, digest=digest), Entry("ssh-ed25519", "AAAA", f"file:{number}")


def places(lines: HashedNames, name: str) -> list[str]:
    return [entry.place for entry in lines.entries(name)]


@pytest.mark.parametrize("length", [0, 1, 20, 63, 64, 65, 200])
def test_a_salt_of_any_length_is_the_key_of_its_hmac(length: int) -> None:
    lines = HashedNames()
    lines.add(*line("[host.example.com]:2222", os.urandom(length), 3))

    assert places(lines, "[host.example.com]:2222") == ["file:3"]
    assert places(lines, "host.example.com") == []


def test_every_line_of_a_name_is_found_and_no_other() -> None:
    lines = HashedNames()
    for number in range(100):
        lines.add(*line(f"host{number % 10}", os.urandom(20), number))

    assert places(lines, "host3") == [f"file:{number}" for number in range(3, 100, 10)]
    assert places(HashedNames(), "host3") == []


def test_a_line_that_comes_later_is_found_by_who_asked_before() -> None:
    lines = HashedNames()
    lines.add(*line("old", b"salt"))
    assert places(lines, "new") == []
    lines.add(*line("new", b"pepper", 2))

    assert places(lines, "new") == ["file:2"]
    assert lines.types == {"ssh-ed25519"}


def test_whose_key_it_is_is_found_wherever_the_last_one_was() -> None:
    lines, salts = HashedNames(), [os.urandom(20) for _ in range(3000)]
    for number, salt in enumerate(salts):
        lines.add(*line(f"host{number % 2500}", salt, number))
    for number in (0, 2400, 2499, 1, 700):
        assert lines.holds(f"host{number}", "AAAA")
        assert not lines.holds(f"host{number}", "BBBB")
        assert not lines.holds(f"stranger{number}", "AAAA")

    assert places(lines, "host3") == ["file:3", "file:2503"]
    assert places(lines, "host2400") == ["file:2400"]


def test_many_threads_ask_at_once() -> None:
    lines = HashedNames()
    for number in range(500):
        lines.add(*line(f"host{number}", os.urandom(20), number))
    names = [f"host{number}" for number in range(0, 500, 5)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: places(lines, name), names))

    assert found == [[f"file:{number}"] for number in range(0, 500, 5)]
