"""Where we differ from Ansible on purpose: rows of the table in `docs/inventory.md`, mostly on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InventoryError, PatternError
from runner.inventory import Inventory, load
from runner.inventory.output.listing import graph_lines, list_document

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Ansible

pytestmark = pytest.mark.differential


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ours(folder: Path, text: str | bytes, name: str = "hosts.ini") -> Inventory:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(folder / name)


def theirs(ansible: Ansible, folder: Path, name: str = "hosts.ini") -> list[str]:
    """Return the names that Ansible gives."""
    verdict = ansible(folder, "ansible", "-i", name, "--list-hosts", "all")
    assert verdict.exit_code == 0
    return verdict.hosts


def test_a_source_that_cannot_be_read_stops_us_and_not_ansible(folder: Path, ansible: Ansible) -> None:
    with pytest.raises(InventoryError):
        ours(folder, "h1\nh2 novalue\nh3\n")
    assert theirs(ansible, folder) == ["h1"], "what came before the error stays"


def test_a_byte_order_mark_is_no_part_of_the_first_line(folder: Path, ansible: Ansible) -> None:
    assert ours(folder, b"\xef\xbb\xbfh1\n").names() == ("h1",)
    assert theirs(ansible, folder) == ["\ufeffh1"]


@pytest.mark.parametrize("name", ["a\\nb", "a\\tb", "a\\u202eb", "a\\eb"])
def test_a_name_that_moves_a_terminal_is_refused(folder: Path, ansible: Ansible, name: str) -> None:
    with pytest.raises(InventoryError, match="control character"):
        ours(folder, f'all: {{hosts: {{"{name}": }}}}\n', "hosts.yml")
    assert ansible.listing(folder, "hosts.yml").read_everything


def test_a_graph_moves_no_terminal(folder: Path, ansible: Ansible) -> None:
    inventory = ours(folder, 'all: {hosts: {h1: {a: "x\\e[2Jy\\nz"}}}\n', "hosts.yml")
    lines = list(graph_lines(inventory, variables=True))
    assert lines[-1] == "  |  |  |--{a = x\\x1b[2Jy\\nz}"
    theirs = ansible(folder, "ansible-inventory", "-i", "hosts.yml", "--graph", "--vars").stdout
    assert "{a = x\x1b[2Jy\nz}" in theirs


def test_text_that_is_no_utf8_is_refused_in_yaml(folder: Path) -> None:
    with pytest.raises(InventoryError, match="not UTF-8"):
        ours(folder, b"all: {hosts: {h1: {a: \xe9}}}\n", "hosts.yml")


def test_what_ansibles_listing_crashes_on_is_shown_as_text(folder: Path, ansible: Ansible) -> None:
    text = "all: {hosts: {h1: {a: {2001-01-01: x}, b: !!binary aGVsbG8=}}}\n"
    assert list_document(ours(folder, text, "hosts.yml"))["_meta"]["hostvars"]["h1"] == {
        "a": {"2001-01-01": "x"},
        "b": "hello",
    }
    assert ansible.listing(folder, "hosts.yml").exit_code == 250


def test_hosts_below_two_parents_of_one_level_have_one_order(folder: Path) -> None:
    text = "[x1]\na\n[x2]\nb\n[y1:children]\nx1\n[y2:children]\nx2\n[top:children]\ny2\ny1\n"
    orders = {ours(folder, text).names("top") for _ in range(20)}
    assert orders == {("b", "a")}


def test_a_script_that_fails_is_read_as_nothing_else(folder: Path, ansible: Ansible) -> None:
    (folder / "inv").write_text("#!/bin/false\nh1\n")
    (folder / "inv").chmod(0o755)
    with pytest.raises(InventoryError, match="ended with status 1"):
        load(folder / "inv")
    assert theirs(ansible, folder, "inv") == ["h1"]


def test_a_script_that_everybody_may_change_is_run_by_ansible_alone(folder: Path, ansible: Ansible) -> None:
    (folder / "inv").write_text('#!/bin/sh\necho \'{"web": {"hosts": ["h1"]}, "_meta": {"hostvars": {}}}\'\n')
    (folder / "inv").chmod(0o777)
    with pytest.raises(InventoryError, match="every user can change this program"):
        load(folder / "inv")
    assert theirs(ansible, folder, "inv") == ["h1"]


def test_a_group_file_outside_of_its_folder_is_read_by_ansible_alone(folder: Path, ansible: Ansible) -> None:
    (folder / "group_vars").mkdir()
    (folder / "outside.yml").write_text("a: 1\n")
    assert ours(folder, "[../outside]\nh1\n").variables("h1") == {}
    assert ansible.listing(folder, "hosts.ini").document["_meta"]["hostvars"] == {"h1": {"a": 1}}


def test_the_first_of_several_merged_mappings_counts_whatever_library_is_beneath(folder: Path) -> None:
    text = "all: {hosts: {h1: {<<: [{long: first}, {long: second, more: 1}]}}}\n"
    assert ours(folder, text, "hosts.yml").variables("h1") == {"long": "first", "more": 1}


def test_an_anchor_may_not_refer_to_itself(folder: Path) -> None:
    with pytest.raises(InventoryError, match="is inside the value that it refers to"):
        ours(folder, "all: {hosts: {h1: {a: &a [*a]}}}\n", "hosts.yml")


@pytest.mark.parametrize("pattern", ["nosuch", "web:nosuch", "web[20:30]", "!nosuch"])
def test_a_pattern_that_names_nothing_is_an_error_of_ours(
    folder: Path, ansible: Ansible, pattern: str
) -> None:
    inventory = ours(folder, "[web]\nh1\nh2\n")
    with pytest.raises(PatternError):
        inventory.names(pattern)
    assert ansible(folder, "ansible", "-i", "hosts.ini", "--list-hosts", pattern).exit_code == 0


def test_a_constructed_expression_that_is_not_allowed_here_is_seen(folder: Path, ansible: Ansible) -> None:
    (folder / "b.yml").write_text('plugin: constructed\ncompose: {x: "network | expandvars"}\n')
    ours(folder, "h1\n")
    with pytest.raises(InventoryError, match="'expandvars' is not supported here"):
        load("hosts.ini", "b.yml")
    assert ansible.listing(folder, "hosts.ini", "b.yml").read_everything


def test_a_table_is_a_table(folder: Path) -> None:
    inventory = ours(folder, "name,rack\nh1,5\n", "hosts.csv")
    assert inventory.variables("h1") == {"rack": "5"}
    assert load(f"ini:{folder}/hosts.csv").names() == ("name,rack", "h1,5")
