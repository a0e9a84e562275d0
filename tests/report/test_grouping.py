"""Folded names: back to the names of whole groups, as `--group` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.inventory import load
from runner.report.grouping import named

if TYPE_CHECKING:
    from pathlib import Path

ROUTERS, SWITCHES = ["r1", "r2", "r3"], ["sw1", "sw2"]
GROUPS = {
    "all": [*ROUTERS, *SWITCHES, "web1"],
    "ungrouped": [],
    "network": [*ROUTERS, *SWITCHES],
    "routers": ROUTERS,
    "switches": SWITCHES,
    "east": ["r1", "sw1"],
    "web": ["web1"],
}


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["r1", "r2", "r3"], "routers"),
        (["r1", "r3"], "r[1,3]"),
        (["r3", "web1", "r1", "r2"], "routers,web1"),
        ([*ROUTERS, *SWITCHES], "network"),
        ([*ROUTERS, *SWITCHES, "web1"], "all"),
        (["sw1", "sw2", "r1"], "switches,r1"),
        (["web1"], "web1"),
        ([], ""),
    ],
)
def test_a_whole_group_is_told_by_its_name(hosts: list[str], name: str) -> None:
    assert named([hosts], GROUPS) == [name]


def test_a_group_that_is_parted_is_none() -> None:
    assert named([["r1", "r2"], ["r3", *SWITCHES]], GROUPS) == ["r[1-2]", "switches,r3"]


def test_a_group_of_which_the_run_left_out_a_host_is_none() -> None:
    assert named([ROUTERS], {"routers": [*ROUTERS, "r4"]}) == ["r[1-3]"]


@pytest.mark.parametrize("odd", ["r1", "a:b", "a,b", "!a", "a b", "~a", "@a", "a*", "a[1]", ""])
def test_a_name_that_a_pattern_would_read_differently_stands_for_nothing(odd: str) -> None:
    assert named([ROUTERS], {"all": ["x", *ROUTERS], odd: ROUTERS}) == ["r[1-3]"]


def test_of_two_names_for_the_same_hosts_the_first_is_taken_and_all_last() -> None:
    assert named([ROUTERS], {"all": ROUTERS, "lab": ROUTERS, "routers": ROUTERS}) == ["lab"]


def test_the_groups_that_the_inventory_begins_with_come_first_and_the_widest_of_them() -> None:
    hosts = [*ROUTERS, *SWITCHES, "web1"]
    east = ["r1", "r2", "sw1", "web1"]
    groups = {"all": [*hosts, "x"], "routers": ROUTERS, "switches": SWITCHES, "east": east}
    assert named([hosts], groups) == ["routers,switches,web1"]
    assert named([hosts], groups | {"network": [*ROUTERS, *SWITCHES]}) == ["east,r3,sw2"]
    groups = {"all": [*hosts, "x"], "routers": ROUTERS, "network": [*ROUTERS, *SWITCHES], "east": east}
    assert named([hosts], groups) == ["network,web1"]


def test_what_is_shown_can_be_given_back_as_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(
        "web1\n[routers]\nr[1:12]\n[switches]\nsw01\nsw02\nsw10\n[odd]\nr3\nsw01\n"
    )
    inventory = load(tmp_path / "hosts")
    groups = {name: inventory.names(name) for name in inventory.groups if inventory.names(name)}
    every = inventory.names()
    for hosts in (every, every[1:], every[:5], every[2:9], inventory.names("routers:web1")):
        (text,) = named([hosts], groups)
        assert set(inventory.names(text)) == set(hosts), text
