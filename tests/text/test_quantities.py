"""Parse quantities as people write them; a wrong one is a one-line error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.text import quantities
from runner.text.quantities import Share

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = (
    quantities.count,
    quantities.seconds,
    quantities.size,
    quantities.rate,
    quantities.share,
    quantities.shares,
)


@pytest.mark.parametrize(
    ("read", "given_", "meant"),
    [
        (quantities.count, "0", 0),
        (quantities.count, 12, 12),
        (quantities.seconds, "30", 30.0),
        (quantities.seconds, 1.5, 1.5),
        (quantities.seconds, ".5s", 0.5),
        (quantities.seconds, "250ms", 0.25),
        (quantities.seconds, "2m", 120.0),
        (quantities.seconds, "168h", 604_800.0),
        (quantities.size, "64k", 65_536),
        (quantities.size, "1.5MiB", 1_572_864),
        (quantities.size, "16 MB", 16_777_216),
        (quantities.size, "100b", 100),
        (quantities.size, 7, 7),
        (quantities.rate, "0", 0.0),
        (quantities.rate, "0.5", 0.5),
        (quantities.share, "5", Share(5)),
        (quantities.share, "12.5%", Share(12.5, percent=True)),
        (quantities.share, "0", Share(0)),
        (quantities.shares, "1,10%,100%", (Share(1), Share(10, percent=True), Share(100, percent=True))),
        (quantities.shares, [1, "50%"], (Share(1), Share(50, percent=True))),
    ],
)
def test_what_people_write_is_read_as_they_mean_it(
    read: Callable[[Any], Any], given_: Any, meant: Any
) -> None:
    assert read(given_) == meant


@pytest.mark.parametrize(
    ("read", "given_"),
    [
        (quantities.count, "-1"),
        (quantities.count, "1.5"),
        (quantities.count, True),
        (quantities.count, "9" * 5000),
        (quantities.seconds, "0"),
        (quantities.seconds, "-3"),
        (quantities.seconds, "nan"),
        (quantities.seconds, "169h"),
        (quantities.seconds, "9" * 400),
        (quantities.size, "0"),
        (quantities.size, "16X"),
        (quantities.size, "5bb"),
        (quantities.size, "9" * 400),
        (quantities.rate, "inf"),
        (quantities.rate, "nan"),
        (quantities.rate, "-1"),
        (quantities.rate, "1e-300"),
        (quantities.share, "101%"),
        (quantities.share, "1.5"),
        (quantities.share, "9" * 400),
        (quantities.shares, ""),
        (quantities.shares, "1,,2"),
        (quantities.shares, "0"),
        (quantities.shares, "10%,0%"),
    ],
)
def test_what_is_no_number_is_refused_with_what_was_expected(read: Callable[[Any], Any], given_: Any) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        read(given_)


def refusal(read: Callable[[Any], Any], value: Any) -> str:
    try:
        read(value)
    except ValueError as exc:
        return str(exc)
    return "expected nothing else"


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.text()))
def test_anything_else_is_a_value_error_and_nothing_worse(given_: Any) -> None:
    for read in READERS:
        assert refusal(read, given_).startswith("expected ")


@pytest.mark.parametrize(
    ("share", "total", "hosts"),
    [("3", 10, 3), ("30%", 10, 3), ("33.3%", 1000, 333), ("29%", 100, 29), ("10%", 5, 0), ("100%", 7, 7)],
)
def test_a_share_of_hosts_is_rounded_down_and_never_by_binary_fractions(
    share: str, total: int, hosts: int
) -> None:
    assert quantities.share(share).of(total) == hosts
