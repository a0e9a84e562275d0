"""Ansible reads our sources through a plugin of ours, and gets what we get."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import runner.inventory
from runner.inventory import load
from runner.inventory.output.listing import list_document

pytestmark = pytest.mark.differential

PLUGINS = Path(runner.inventory.__file__).parent / "ansible_plugins"


def ansible_listing(folder: Path, source: str) -> Any:
    environment = {
        **os.environ,
        "ANSIBLE_INVENTORY_PLUGINS": str(PLUGINS),
        "ANSIBLE_CONFIG": str(Path(__file__).parents[1] / "ansible.cfg"),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "PYTHONPATH": str(PLUGINS.parents[2]),
    }
    code = "import sys; from ansible.cli.inventory import main; main(['ansible-inventory', *sys.argv[1:]])"
    done = subprocess.run(
        [sys.executable, "-c", code, "-i", source, "--list"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.fixture
def folder(tmp_path: Path, ansible: object) -> Path:
    assert ansible
    files = {
        "t.csv": "name,groups,site,greeting\nr1,routers;core,ams,{{ site }}\nr2,routers,ber,\n",
        "nornir/hosts.yaml": "n1: {hostname: 10.0.0.1, groups: [core]}\n",
        "nornir/groups.yaml": "core: {username: eve, data: {level: 5}}\n",
        "more.yml": "lab:\n  hosts:\n    l1: {p: !vault abc, q: !unsafe '{{ x }}', r: [1, '{{ y }}']}\n",
        "inv.yml": "plugin: runner\nsources: ['csv:t.csv', nornir, more.yml]\n",
        "broken.yml": "plugin: runner\nsources: [nosuch.csv]\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_ansible_gets_what_we_get(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    ours = list_document(load("t.csv", "nornir", "more.yml"))
    theirs = ansible_listing(folder, "inv.yml")
    assert theirs["_meta"] == ours["_meta"]
    assert theirs == ours


def test_what_cannot_be_read_is_ansibles_error(folder: Path) -> None:
    assert "nosuch.csv: no such file or folder" in ansible_listing(folder, "broken.yml")
