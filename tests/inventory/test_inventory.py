"""What callers ask an inventory for."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from runner.errors import PatternError
from runner.inventory import load
from runner.inventory.output.listing import graph_lines, host_document, list_document
from runner.models import Host

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hosts.ini").write_text("[web]\nh2 a=1\nh1\n[p:children]\nweb\n[p:vars]\nb=[1, 2]\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "h1.yml").write_text("c: {d: 3}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_host_has_its_variables_and_all_its_groups(folder: Path) -> None:
    host = load(folder / "hosts.ini").host("h1")
    assert (host.name, host.groups) == ("h1", ("p", "web"))
    assert dict(host.variables) == {"b": [1, 2], "c": {"d": 3}}


def test_select_gives_hosts_in_the_order_of_the_inventory(folder: Path) -> None:
    inventory = load(folder / "hosts.ini")
    assert inventory.select("web") == (Host("h2"), Host("h1"))
    assert [host.name for host in inventory.select("web", limit="h1")] == ["h1"]


def test_names_read_no_variables(folder: Path) -> None:
    (folder / "host_vars" / "h1.yml").write_text("broken: [")
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text("broken: [")
    inventory = load(folder / "hosts.ini")
    assert inventory.names("p") == ("h2", "h1")
    assert len(inventory) == 2
    assert "h1" in inventory
    assert inventory.groups == ("all", "ungrouped", "web", "p")


def test_hosts_travel_to_other_processes(folder: Path) -> None:
    hosts = load(folder / "hosts.ini").select()
    copies = pickle.loads(pickle.dumps(hosts))
    assert copies == hosts
    assert [dict(copy.variables) for copy in copies] == [dict(host.variables) for host in hosts]
    assert [copy.groups for copy in copies] == [host.groups for host in hosts]


def test_sources_are_told_as_absolute_paths(folder: Path) -> None:
    inventory = load("hosts.ini", "h9,")
    assert inventory.sources == (str(folder / "hosts.ini"), "h9,")
    assert inventory.names() == ("h9", "h2", "h1")


def test_a_home_folder_is_understood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("FILE", "hosts.ini")
    assert load("~/hosts.ini").names() == load("$HOME/$FILE").names() == ("h2", "h1")


def test_the_documents_of_ansible_inventory(folder: Path) -> None:
    inventory = load(folder / "hosts.ini")
    assert host_document(inventory, "h1") == {"b": [1, 2], "c": {"d": 3}}
    assert list_document(inventory)["p"] == {"children": ["web"]}
    assert list_document(inventory, export=True)["p"] == {"children": ["web"], "vars": {"b": [1, 2]}}
    assert list_document(inventory, export=True)["_meta"]["hostvars"] == {
        "h1": {"c": {"d": 3}},
        "h2": {"a": 1},
    }
    assert list(graph_lines(inventory, "p")) == ["@p:", "  |--@web:", "  |  |--h2", "  |  |--h1"]
    with pytest.raises(PatternError, match="no group 'wbe'; did you mean web"):
        list(graph_lines(inventory, "wbe"))


def test_no_sources_are_no_hosts() -> None:
    assert load().names() == ()


def test_an_inventory_is_unchanged_by_what_callers_do_to_values(folder: Path) -> None:
    inventory = load(folder / "hosts.ini")
    document = host_document(inventory, "h1")
    document["b"].append(3)
    assert host_document(inventory, "h1")["b"] == [1, 2]
