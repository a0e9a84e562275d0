"""Where a variable comes from: each place, weakest first, with file and line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.errors import PatternError
from runner.inventory import Options, load
from runner.inventory.output.explain import explain, explanation_lines
from runner.inventory.output.listing import host_document
from runner.inventory.vault import Vault
from runner.models import Secret

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "inv/a.ini": (
        "[web]\nh1 v=host other=1\nh2:2222\n[p:children]\nweb\n[web:vars]\nv=web\n[all:vars]\nv=all\n"
    ),
    "inv/b.yml": "p:\n  vars:\n    v: p\nweb:\n  hosts:\n    h1:\n      v: host again\n",
    "inv/group_vars/all.yml": "# c\nv: all file\n",
    "inv/group_vars/web/one.yml": "v: web file\n",
    "inv/host_vars/h1.yml": "a: 1\nb: 2\nv: host file\n",
    "book/group_vars/web.yml": "v: web of the playbook\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_place_is_told_weakest_first_and_the_last_wins(folder: Path) -> None:
    inventory = load(folder / "inv", playbook_dir=folder / "book")
    settings = explain(inventory, "h1", "v")
    assert [(each.value, each.level, each.place.removeprefix(f"{folder}/")) for each in settings] == [
        ("all", "group all", "inv/a.ini:9"),
        ("p", "group p", "inv/b.yml:3"),
        ("web", "group web", "inv/a.ini:7"),
        ("all file", "group_vars of all", "inv/group_vars/all.yml:2"),
        ("web file", "group_vars of web", "inv/group_vars/web/one.yml:1"),
        ("web of the playbook", "group_vars of web", "book/group_vars/web.yml:1"),
        ("host", "host h1", "inv/a.ini:2"),
        ("host again", "host h1", "inv/b.yml:7"),
        ("host file", "host_vars of h1", "inv/host_vars/h1.yml:3"),
    ]
    assert [each.wins for each in settings] == [False] * 8 + [True]
    assert inventory.variables("h1")["v"] == "host file"


def test_a_port_beside_a_name_is_a_setting_too(folder: Path) -> None:
    (setting,) = explain(load(folder / "inv" / "a.ini"), "h2", "ansible_port")
    assert (setting.value, setting.level) == (2222, "host h2, in NAME:PORT")


def test_nothing_that_sets_a_variable_is_an_error_with_what_is_near(folder: Path) -> None:
    with pytest.raises(PatternError, match="nothing sets 'othr' for h1; did you mean other"):
        explain(load(folder / "inv"), "h1", "othr")
    with pytest.raises(PatternError, match="no host 'h9'"):
        explain(load(folder / "inv"), "h9", "v")


def test_a_constructed_variable_names_the_file_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("h1 n=1\n")
    (tmp_path / "b.yml").write_text("plugin: constructed\ncompose: {m: n + 1}\n")
    (setting,) = explain(load(tmp_path / "a.ini", tmp_path / "b.yml"), "h1", "m")
    assert (setting.value, setting.place) == (2, str(tmp_path / "b.yml"))


def test_the_lines_for_people_mark_the_winner(folder: Path) -> None:
    options = Options(playbook_dir=str(folder / "book"))
    lines = list(explanation_lines(load(folder / "inv" / "b.yml", options=options), "h1", "v"))
    assert lines[0] == "v of h1, weakest first:"
    assert lines[-1] == f"=> host_vars of h1: 'host file'  {folder}/inv/host_vars/h1.yml:3"
    assert sum(line.startswith("=>") for line in lines) == 1


def test_a_variable_that_is_like_no_other_is_looked_for_with_host(folder: Path) -> None:
    with pytest.raises(PatternError, match="`inventory --host h1` shows what there is"):
        explain(load(folder / "inv"), "h1", "zzzzzz")


def test_an_inventory_that_was_loaded_for_it_is_not_read_again(tmp_path: Path) -> None:
    script, runs = tmp_path / "hosts.sh", tmp_path / "runs"
    listing = json.dumps({"web": {"hosts": ["h9"], "vars": {"v": 9}}})
    script.write_text(f"#!/bin/sh\necho run >> '{runs}'\necho '{listing}'\n")
    script.chmod(0o755)
    inventory = load(script, options=Options(traced=True))
    before = runs.read_text()
    (setting,) = explain(inventory, "h9", "v")
    assert (setting.value, setting.level) == (9, "group web")
    assert runs.read_text() == before


TEMPLATED = """\
all:
  hosts:
    h1:
      domain: x.org
      name: "{{ inventory_hostname }}.{{ domain }}"
      bad: "{{ nope }}"
      unsafe: !unsafe "{{ domain }}"
      closed: !vault |
        $ANSIBLE_VAULT;1.1;AES256
        6162
      with_closed: "{{ closed }}x"
      by_way_of_another: "{{ hostvars['h1'].closed }}"
"""


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("domain", []),
        ("name", ["   filled in: 'h1.x.org'"]),
        ("bad", ["   cannot be filled in: h1: bad 'nope' is undefined, in '{{ nope }}'"]),
        ("unsafe", []),
        ("closed", []),
        ("with_closed", ["   cannot be filled in: h1: closed is encrypted, and is not shown"]),
        ("by_way_of_another", ["   cannot be filled in: h1: closed is encrypted, and is not shown"]),
    ],
)
def test_what_a_template_gives_is_told_and_nothing_that_is_encrypted(
    tmp_path: Path, variable: str, said: list[str]
) -> None:
    (tmp_path / "hosts.yml").write_text(TEMPLATED)
    options = Options(vault=Vault({"default": lambda: Secret("secret")}))
    _, first, *more = explanation_lines(load(tmp_path / "hosts.yml", options=options), "h1", variable)
    assert more == said
    assert "__ansible_unsafe" not in first


def test_one_hosts_document_has_its_templates_filled_in_as_far_as_they_can_be(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(TEMPLATED)
    inventory = load(tmp_path / "hosts.yml")
    written, shown = host_document(inventory, "h1"), host_document(inventory, "h1", filled_in=True)
    assert shown == {**written, "name": "h1.x.org"}
    assert (shown["bad"], shown["unsafe"]) == ("{{ nope }}", "{{ domain }}")
    assert list(shown["closed"]) == ["__ansible_vault"]
