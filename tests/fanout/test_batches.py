"""Hosts in batches."""

from __future__ import annotations

import pytest

from runner import Host
from runner.fanout.batches import cut
from runner.text.quantities import shares


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [("3", [3, 3, 3, 1]), ("1,30%", [1, 3, 3, 3]), ("1,10%,100%", [1, 1, 8]), ("1%", [1] * 10), ("50", [10])],
)
def test_batches_cover_all_hosts_in_order(sizes: str, expected: list[int]) -> None:
    hosts = [Host(f"h{number}") for number in range(10)]
    batches = list(cut(hosts, shares(sizes)))
    assert [len(batch) for batch in batches] == expected
    assert [host for batch in batches for host in batch] == hosts


def test_without_sizes_all_are_in_one() -> None:
    hosts = [Host("a"), Host("b")]
    assert list(cut(hosts, ())) == [hosts]
    assert list(cut([], ())) == []
