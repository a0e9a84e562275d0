"""An exported inventory is read back, by Ansible and by us, as what it was exported from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import InventoryError
from runner.inventory import load
from runner.inventory.output.export import yaml_text
from runner.inventory.output.listing import list_document
from tests.inventory.case_files import Case, read_cases

if TYPE_CHECKING:
    from tests.inventory.conftest import Ansible

NOT_IN_YAML = {
    # A name that holds a port or a range as it stands would be read as such.
    "sources script names with ranges and ports",
    "sources host list without ranges",
    # A host's variables go to the group of its name, where there is one.
    "ini group named after a host",
    # A host that is taken out of `ungrouped` leaves no trace of having been there.
    "yaml host leaves ungrouped also where its group is in it",
    "yaml host leaves a group above ungrouped that lists it",
}
CASES = [
    case
    for path in sorted((Path(__file__).parents[1] / "cases").glob("*.txt"))
    for case in read_cases(path)
    if case.title not in NOT_IN_YAML
]


@pytest.mark.differential
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title.replace(" ", "-"))
def test_an_export_is_read_back_the_same(
    case: Case, ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    sources = case.write(tmp_path / "from")
    monkeypatch.chdir(tmp_path / "from")
    try:
        inventory = load(*sources)
        document = list_document(inventory)
        text = yaml_text(inventory)
    except InventoryError:
        return
    monkeypatch.chdir(tmp_path / "to")
    (tmp_path / "to" / "hosts.yml").write_text(text, encoding="utf-8")
    if not inventory.names():
        return
    assert hostvars(list_document(load("hosts.yml"))) == hostvars(document)
    theirs = ansible.listing(tmp_path / "to", "hosts.yml")
    assert theirs.read_everything, theirs.stderr
    assert json.dumps(theirs.document, sort_keys=True) == json.dumps(document, sort_keys=True)


def hostvars(document: dict[str, object]) -> object:
    return document["_meta"]


def test_variable_files_are_written_into_it_and_keep_their_strength(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "hosts").write_text("[web]\nh1\nh2 v=own\n[web:vars]\nv=inline\n")
    (tmp_path / "group_vars" / "all.yml").write_text("v: file of all\n")
    text = yaml_text(load(tmp_path / "hosts", playbook_dir=tmp_path / "none"))
    (tmp_path / "export.yml").write_text(text)
    (tmp_path / "group_vars" / "all.yml").unlink()
    again = load(tmp_path / "export.yml", playbook_dir=tmp_path / "none")
    assert again.variables("h1") == {"v": "file of all"}
    assert again.variables("h2") == {"v": "own"}


def test_secrets_stay_encrypted_and_unsafe_texts_unsafe(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(
        "all:\n  hosts:\n    h1:\n      a: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n"
        "      b: !unsafe '{{ x }}'\n"
    )
    text = yaml_text(load(tmp_path / "hosts.yml"))
    assert "a: !vault |\n" in text
    assert "b: !unsafe '{{ x }}'\n" in text
