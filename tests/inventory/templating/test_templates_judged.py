"""Templates give what ansible-core gives: hand-written expressions, and texts of public inventories.

`templates/expressions.txt` has one template a line, over the variables of `templates/variables.yml`.
`templates/public.json` has texts from the inventories of public projects, each with variables of ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from runner.errors import HostError
from runner.inventory import load

if TYPE_CHECKING:
    import pytest

HERE = Path(__file__).parents[1]
HOST = "core1.example.com"

OURS_ALONE = {
    "{{ interfaces | json_query('[].name') }}",  # of a collection that may not be there
    "{{ lookup('file', '/etc/passwd') is defined }}",  # files elsewhere stay out here
}


def expressions() -> list[str]:
    lines = (HERE / "templates" / "expressions.txt").read_text().splitlines()
    texts = [line for line in lines if line.strip() and not line.startswith("#")]
    return [text.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\") for text in texts]


def inventory(folder: Path, variables: dict[str, Any], hosts: dict[str, dict[str, Any]]) -> str:
    core = {"hosts": {name: values for name, values in hosts.items() if not name.startswith("edge")}}
    edge = {"hosts": {name: values for name, values in hosts.items() if name.startswith("edge")}}
    children = {"core": core, "routers": {"hosts": dict.fromkeys(core["hosts"])}, "edge": edge}
    path = folder / "hosts.json"
    path.write_text(json.dumps({"all": {"vars": variables, "children": children}}))
    return str(path)


def by_ansible(source: str, hosts: list[str]) -> dict[str, Any]:
    """Return what Ansible makes of each variable that begins with `e_`: a list of its value, or its error."""
    asked = json.dumps([source, hosts, "e_"])
    command = [sys.executable, str(HERE / "ansible_templates.py")]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def by_us(source: str, hosts: list[str]) -> dict[str, Any]:
    """Return the same by our code."""
    loaded = load(source, playbook_dir=Path(source).parent)
    found: dict[str, Any] = {}
    for host in hosts:
        variables = loaded.host(host, template_all=True).variables
        for name in variables:
            if name.startswith("e_"):
                try:
                    found[name] = [json.loads(json.dumps(variables[name], default=str))]
                except HostError as exc:
                    found[name] = str(exc)
    return found


def differences(texts: dict[str, str], ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Return a line for each template of which one gives another value, or only one gives a value."""
    return [
        f"{text!r}: Ansible {theirs[name]!r}, ours {ours[name]!r}"
        for name, text in texts.items()
        if not (ours[name] == theirs[name] or (isinstance(ours[name], str) and isinstance(theirs[name], str)))
    ]


def test_the_expressions_are_many_and_distinct() -> None:
    assert len(expressions()) == len(set(expressions())) > 450
    assert len(json.loads((HERE / "templates" / "public.json").read_text())) >= 200


def test_expressions_give_what_they_give_in_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_TEST_VARIABLE", "from the environment")
    monkeypatch.setenv("TZ", "UTC")
    (tmp_path / "note.txt").write_text("  two lines\nof text \n\n")
    texts = {f"e_{number:04}": text for number, text in enumerate(expressions()) if text not in OURS_ALONE}
    variables = yaml.safe_load((HERE / "templates" / "variables.yml").read_text())
    source = inventory(tmp_path, {**variables, **texts}, {HOST: {"site": "ams"}, "edge1": {"site": "fra"}})
    theirs = by_ansible(source, [HOST])
    assert sum(isinstance(answer, list) for answer in theirs.values()) > 400, "Ansible fills them in"
    assert differences(texts, by_us(source, [HOST]), theirs) == []


def test_texts_of_public_inventories_give_what_they_give_in_ansible(tmp_path: Path) -> None:
    entries = json.loads((HERE / "templates" / "public.json").read_text())
    # Each text has variables of its own, and so a host of its own.
    hosts = {
        f"h{number:03}.example.com": {**entry["variables"], f"e_{number:03}": entry["text"]}
        for number, entry in enumerate(entries)
    }
    texts = {f"e_{number:03}": entry["text"] for number, entry in enumerate(entries)}
    source = inventory(tmp_path, {}, hosts)
    theirs = by_ansible(source, list(hosts))
    assert all(isinstance(answer, list) for answer in theirs.values()), "Ansible fills them in"
    assert differences(texts, by_us(source, list(hosts)), theirs) == []
