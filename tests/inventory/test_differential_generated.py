"""Inventories that nobody thought of: generated ones, read by us and by Ansible."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import InventoryError, PatternError
from runner.inventory import Options, load
from runner.inventory.output.listing import list_text

if TYPE_CHECKING:
    from .conftest import Ansible

pytestmark = [pytest.mark.differential, pytest.mark.slow]

COMMON = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

group_names = st.sampled_from(["web", "db", "a", "B", "_c", "x-y", "prod", "all", "ungrouped", "h1"])
host_names = st.sampled_from(
    [
        "h1",
        "h2",
        "h3.example.com",
        "n[1:3]",
        "l[a:c]x",
        "10.0.0.1",
        "::1",
        "[::1]:22",
        "p:2222",
        "z[01:03:2]",
        "web",
    ]
)
variable_names = st.sampled_from(["a", "b", "ansible_host", "ansible_port", "x-y", "groups", "v"])
words = st.text(st.sampled_from("abc019.,:/-_=[]{}()'\"\\#; \t%+!&*~é"), max_size=8)
literals = st.sampled_from(
    [
        "5",
        "-1",
        "1.5",
        "True",
        "true",
        "None",
        "yes",
        "007",
        "0x1F",
        "1e3",
        "[1, 2]",
        "{'a': 1}",
        "'q'",
        '"q"',
        "1,2",
        "{{ x }}",
    ]
)


@st.composite
def ini_texts(draw: Any) -> str:
    """Sections in any order, some undefined, some lines wrong."""
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["", "", "", ":children", ":vars"]))
        lines.append(f"[{draw(group_names)}{kind}]")
        for _ in range(draw(st.integers(0, 4))):
            if kind == ":children":
                lines.append(draw(group_names))
            elif kind == ":vars":
                lines.append(f"{draw(variable_names)}={draw(literals | words)}")
            else:
                assignments = [
                    f"{draw(variable_names)}={draw(literals | words)}" for _ in range(draw(st.integers(0, 2)))
                ]
                lines.append(" ".join([draw(host_names), *assignments]))
    return "\n".join(lines) + "\n"


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), max_size=12),
    st.sampled_from(
        ["yes", "0o17", "017", "1:30", "2001-01-01", "=", "<<", "~", "null", "1e3", ".5", "- a", "a: b"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
)
variables = st.dictionaries(variable_names, values, max_size=3)


def group_bodies(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "hosts": st.dictionaries(host_names, st.none() | variables, max_size=3),
            "vars": variables,
            "children": st.dictionaries(group_names, st.none() | children, max_size=3),
        },
    )


yaml_documents = st.dictionaries(group_names, st.recursive(st.none(), group_bodies, max_leaves=6), max_size=4)


def compare(ansible: Ansible, files: dict[str, str], *sources: str) -> None:
    """Read the same files with both."""
    folder = Path(tempfile.mkdtemp())
    try:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="")
        theirs = ansible.listing(folder, *sources)
        absolute = [str(folder / source) for source in sources]
        try:
            ours = json.loads("".join(list_text(load(*absolute, options=Options(playbook_dir=str(folder))))))
        except InventoryError:
            ours = None
        assert ours == (theirs.document if theirs.read_everything else None), theirs.stderr
    finally:
        shutil.rmtree(folder)


@COMMON
@given(text=ini_texts())
def test_generated_ini(ansible: Ansible, text: str) -> None:
    compare(ansible, {"hosts.ini": text}, "hosts.ini")


@COMMON
@given(document=yaml_documents, flow=st.booleans())
def test_generated_yaml(ansible: Ansible, document: Any, flow: bool) -> None:
    text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    compare(ansible, {"hosts.yml": text}, "hosts.yml")


@COMMON
@given(document=yaml_documents)
def test_generated_json(ansible: Ansible, document: Any) -> None:
    compare(ansible, {"hosts.json": json.dumps(document)}, "hosts.json")


@COMMON
@given(
    first=ini_texts(),
    second=yaml_documents,
    files=st.dictionaries(
        st.sampled_from(
            [
                *(
                    "group_vars/all.yml",
                    "group_vars/web.yml",
                    "group_vars/db",
                    "group_vars/a/1.yml",
                    "host_vars/h1.yml",
                ),
                *(
                    "host_vars/h2.json",
                    "inv/group_vars/all.yml",
                    "inv/group_vars/web.yml",
                    "inv/host_vars/h1.yml",
                ),
            ]
        ),
        variables,
        max_size=5,
    ),
)
def test_generated_trees(ansible: Ansible, first: str, second: Any, files: dict[str, Any]) -> None:
    texts = {name: yaml.safe_dump(content, allow_unicode=True) for name, content in files.items()}
    second_text = yaml.safe_dump(second, allow_unicode=True, sort_keys=False)
    compare(ansible, {**texts, "inv/a.ini": first, "inv/b.yml": second_text}, "inv/a.ini", "inv/b.yml")


parts = st.sampled_from(
    [
        "web",
        "db",
        "a",
        "all",
        "*",
        "h*",
        "~h[12]",
        "web[0]",
        "all[1:2]",
        "h1",
        "n1",
        "prod",
        "p",
        "n?",
        "10.0.0.1",
        "l*x",
    ]
)
patterns = st.lists(st.tuples(st.sampled_from(["", "", "&", "!"]), parts), min_size=1, max_size=4)

PLAIN = """\
h1
[web]
h2
n[1:3]
[db]
h3
n2
[a]
l[a:c]x
p:2222
[prod:children]
a
db
"""


@COMMON
@given(pattern=patterns, comma=st.booleans())
def test_generated_patterns(ansible: Ansible, pattern: list[tuple[str, str]], comma: bool) -> None:
    text = ("," if comma else ":").join(sign + part for sign, part in pattern)
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "hosts").write_text(PLAIN)
        theirs = ansible(folder, "ansible", "-i", "hosts", "--list-hosts", "--", text)
        try:
            ours = list(load(folder / "hosts").names(text))
        except PatternError:
            assert "Could not match" in theirs.stderr or "No hosts matched" in theirs.stderr
        else:
            assert ours == theirs.hosts
    finally:
        shutil.rmtree(folder)
