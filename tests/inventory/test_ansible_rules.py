"""How Ansible's configuration has inventories read, compared with `ansible-inventory` itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UsageError
from runner.inventory.ansible_cfg import inventory_rules

BIN = Path(sys.executable).parent

FILES = {
    "inv/hosts.yml": """\
all:
  vars: {d: {a: 1, b: {x: 1}}, level: all}
  children:
    core-sw:
      vars: {d: {b: {y: 2}}, level: inline, l: [1]}
      hosts: {r1: {d: {own: 1, b: {x: 9}}}, r2: }
    1st.site:
      children: {core-sw: }
      vars: {d: {site: 1}, l: [2, 3]}
""",
    "inv/more.ini": "[core-sw]\nr3 d=\"{'c': 3}\"\n[core-sw:vars]\nd={'c': {'deep': 1}}\nlevel=ini\n",
    "inv/group_vars/all.yml": "d: {files: all}\nlevel: file of all\n",
    "inv/group_vars/core-sw.yml": "d: {files: core-sw}\nlevel: file of core-sw\n",
    "inv/group_vars/core_sw/a.yml": "d: {first: 1, both: {a: 1}}\n",
    "inv/group_vars/core_sw/b.yml": "d: {second: 1, both: {b: 1}}\n",
    "inv/host_vars/r1.yml": "d: {host: 1}\n",
    "inv/skipme.ini": "[odd]\nskipped\n",
    "inv/list.gen": "[gen]\ngenerated\n",
    "inv/empty/README.md": "# nothing\n",
    "inv/notes/README": "This folder holds the notes of the team: nothing to read.\n",
    "playbooks/group_vars/all.yml": "level: next to the playbook\nd: {playbook: 1}\n",
    "playbooks/host_vars/r2.yml": "d: {playbook_host: 1}\n",
    "inv/made.config": "plugin: constructed\ncompose: {made: d}\nkeyed_groups: [{key: level}]\n",
    "inv/plugin.yml": "plugin: ansible.builtin.constructed\ncompose: {composed: l}\n",
}

CASES = {
    "defaults": "",
    "merge": "[defaults]\nhash_behaviour = merge\n",
    "replace": "[defaults]\nhash_behaviour = replace\n",
    "group names always": "[defaults]\nforce_valid_group_names = always\n",
    "group names silently": "[defaults]\nforce_valid_group_names = silently\n",
    "group names ignore": "[defaults]\nforce_valid_group_names = ignore\n",
    "merge and names": "[defaults]\nhash_behaviour = merge\nforce_valid_group_names = always\n",
    "ignore extensions": "[defaults]\ninventory_ignore_extensions = ~, .ini, .md, .gen\n",
    "ignore extensions, newer": "[inventory]\nignore_extensions = .yml, .md\n",
    "both names": "[defaults]\ninventory_ignore_extensions = .ini\n[inventory]\nignore_extensions = .yml\n",
    "ignore patterns": "[inventory]\nignore_patterns = ^skip, gen$, notes\n",
    "ignore patterns, older": "[defaults]\ninventory_ignore_patterns = hosts, 'e.p'\n",
    "files before inline": (
        "[defaults]\nprecedence = all_plugins_inventory, groups_plugins_inventory, all_inventory, "
        "groups_inventory, all_plugins_play, groups_plugins_play\n"
    ),
    "no files": "[defaults]\nprecedence = all_inventory, groups_inventory\n",
    "no inline, merged": (
        "[defaults]\nhash_behaviour = merge\nprecedence = groups_plugins_inventory, all_plugins_inventory\n"
    ),
    "yaml alone": "[inventory]\nenable_plugins = yaml\n",
    "ini alone": "[inventory]\nenable_plugins = ini\n",
    "ini, then auto": "[inventory]\nenable_plugins = ansible.builtin.ini, auto, yaml\n",
    "constructed by name": "[inventory]\nenable_plugins = yaml, ansible.builtin.constructed\n",
    "playbook folder": "[defaults]\nplaybook_dir = playbooks\n",
    "playbook folder, merged": "[defaults]\nplaybook_dir = playbooks\nhash_behaviour = merge\n",
}
BROKEN_IN = {"ini alone", "yaml alone", "constructed by name"}
"""Cases in which files are left that no enabled plugin reads: Ansible warns, and we stop."""
OPTIONAL = ("inv/made.config", "inv/plugin.yml")


def project(folder: Path, configuration: str, left_out: tuple[str, ...] = OPTIONAL) -> Path:
    for name, text in FILES.items():
        if name not in left_out:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    (folder / "ansible.cfg").write_text(configuration)
    folder.chmod(0o755)
    return folder


def listed(program: str, folder: Path, *arguments: str, **environment: str) -> Any:
    """Return the document that a program prints, or its exit code and what it says."""
    command = [str(BIN / program), *(["inventory"] if program == "runner" else []), "--list", *arguments]
    ended = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_DEPRECATION_WARNINGS": "0", "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
    )
    return json.loads(ended.stdout) if ended.returncode == 0 else (ended.returncode, ended.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_folder_is_read_as_ansible_reads_it(case: str, tmp_path: Path) -> None:
    left_out = OPTIONAL if "constructed" not in case and "auto" not in case else ("inv/made.config",)
    folder = project(tmp_path, CASES[case], left_out)
    ours = listed("runner", folder, "-i", "inv")
    theirs = listed("ansible-inventory", folder, "-i", "inv")
    if case in BROKEN_IN:
        # What neither reads is left out, and the rest compared.
        assert isinstance(ours, tuple)
        for name in ("inv/more.ini", "inv/list.gen", "inv/skipme.ini", "inv/hosts.yml", "inv/notes/README"):
            wanted = (".yml",) if "yaml" in CASES[case] else (".ini", ".gen")
            if not name.endswith(wanted):
                (folder / name).unlink()
        ours = listed("runner", folder, "-i", "inv")
        theirs = listed("ansible-inventory", folder, "-i", "inv")
    assert ours == theirs
    assert theirs["_meta"]["hostvars"], "Ansible found hosts"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    folder = project(tmp_path, "[defaults]\nhash_behaviour = merge\n")
    merged = listed("runner", folder, "-i", "inv")["_meta"]["hostvars"]["r2"]["d"]
    assert {"a", "files", "b", "site"} <= merged.keys()
    replaced = listed("runner", folder, "-i", "inv", ANSIBLE_HASH_BEHAVIOUR="replace")
    assert replaced["_meta"]["hostvars"]["r2"]["d"] == {"files": "core-sw"}


def test_what_is_excluded_is_not_even_run(tmp_path: Path) -> None:
    folder = project(tmp_path, "[inventory]\nignore_patterns = ^artifacts$\n")
    script = folder / "inv" / "artifacts" / "kubectl.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ntouch {folder}/ran\necho '{{}}'\n")
    script.chmod(0o755)
    assert "r1" in listed("runner", folder, "-i", "inv")["_meta"]["hostvars"]
    assert not (folder / "ran").exists()


def test_scripts_are_read_by_the_same_rules(tmp_path: Path) -> None:
    folder = project(tmp_path, "[defaults]\nhash_behaviour = merge\n")
    code = "import runner; print(sorted(runner.load('inv').host('r1').variables['d']))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "['a', 'b', 'c', 'files', 'host', 'own', 'site']"


def test_the_playbook_folder_can_be_a_flag(tmp_path: Path) -> None:
    folder = project(tmp_path, "")
    flagged = listed("runner", folder, "-i", "inv", "--playbook-dir", "playbooks")
    assert flagged["_meta"]["hostvars"]["r2"]["d"] == {"playbook_host": 1}
    code, told = listed("runner", folder, "-i", "inv", "--playbook-dir", "nowhere")
    assert (code, told.strip()) == (1, "inventory: playbook_dir: nowhere is not a folder")


def test_ranges_in_a_list_need_the_advanced_plugin(tmp_path: Path) -> None:
    folder = project(tmp_path, "[inventory]\nenable_plugins = advanced_host_list, yaml\n")
    assert listed("runner", folder, "-i", "web[1:3],db")["ungrouped"]["hosts"] == [
        "web1",
        "web2",
        "web3",
        "db",
    ]
    folder = project(tmp_path, "")
    assert "web[1:3]" in listed("runner", folder, "-i", "web[1:3],db")["ungrouped"]["hosts"]


def test_a_renamed_group_is_told_once(tmp_path: Path) -> None:
    folder = project(tmp_path, "[defaults]\nforce_valid_group_names = always\n")
    ended = subprocess.run(
        [str(BIN / "runner"), "ping", "--dry-run", "-i", "inv", "-g", "core_sw"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr.count("group 'core-sw' is read as 'core_sw'") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[defaults]\nhash_behaviour = mix\n", "hash_behaviour must be one of replace, merge, found 'mix'"),
        ("[defaults]\nforce_valid_group_names = yes\n", "force_valid_group_names must be one of"),
        ("[defaults]\nprecedence = all_inventory, mine\n", "precedence: unknown entry 'mine'"),
        ("[inventory]\nignore_patterns = (\n", "ignore_patterns: '(' is not a regular expression"),
        (
            "[defaults]\nvars_plugins_enabled = host_group_vars, sops\n",
            "vars_plugins_enabled = host_group_vars",
        ),
        ("[defaults]\nrun_vars_plugins = start\n", "set ANSIBLE_RUN_VARS_PLUGINS=demand to go on without it"),
        ("[defaults]\nyaml_valid_extensions = .yaml, .inc\n", "yaml_valid_extensions = .yaml, .inc is not"),
    ],
)
def test_what_cannot_be_honoured_is_told(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text(text)
    tmp_path.chmod(0o755)
    with pytest.raises(UsageError) as caught:
        inventory_rules({}, str(tmp_path))
    assert message in str(caught.value)
    assert str(tmp_path / "ansible.cfg") in str(caught.value)
