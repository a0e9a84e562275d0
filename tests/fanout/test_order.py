"""In which order hosts are started."""

from __future__ import annotations

import pytest

from runner import Host
from runner.fanout.order import ORDERS, arranged
from runner.settings import Settings

HOSTS = [Host(name) for name in ("b", "c", "a")]


def names(order: str, seed: int | None = None) -> str:
    return "".join(host.name for host in arranged(HOSTS, order, seed))


@pytest.mark.parametrize(
    ("order", "expected"),
    [("inventory", "bca"), ("reverse_inventory", "acb"), ("sorted", "abc"), ("reverse_sorted", "cba")],
)
def test_the_orders_are_those_of_ansible(order: str, expected: str) -> None:
    assert names(order) == expected


def test_a_shuffle_is_another_each_time_and_the_same_by_its_seed() -> None:
    many = [Host(f"h{number}") for number in range(50)]
    assert arranged(many, "shuffle") != arranged(many, "shuffle")
    assert arranged(many, "shuffle", 7) == arranged(many, "shuffle", 7) != many
    assert sorted(names("shuffle")) == ["a", "b", "c"]


def test_every_order_can_be_chosen() -> None:
    for order in ORDERS:
        assert Settings.resolve({"order": order}).fanout().order == order
    assert Settings.resolve({"shuffle": True}).fanout().order == "shuffle"
