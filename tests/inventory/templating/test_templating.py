"""Templates: how a host is reached may be worked out from its other variables, lazily and in a sandbox."""

from __future__ import annotations

import json
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import InvalidVariable
from runner.inventory import Inventory, Options, load
from runner.inventory.endpoint import endpoint
from runner.inventory.templating import TemplateError, evaluate
from runner.models import Endpoint, Phase

if TYPE_CHECKING:
    from pathlib import Path


def inventory_of(folder: Path, hosts: dict[str, dict[str, Any]], **variables: Any) -> Inventory:
    document = {"all": {"hosts": hosts, "vars": variables}, "web": {"hosts": dict.fromkeys(hosts)}}
    (folder / "hosts.json").write_text(json.dumps(document))
    return load(folder / "hosts.json", playbook_dir=folder)


def value_of(folder: Path, template: Any, **variables: Any) -> Any:
    """Work out one connection variable of a host."""
    return (
        inventory_of(folder, {"r1.lab": {"ansible_x": template, **variables}})
        .host("r1.lab")
        .variables["ansible_x"]
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("{{ a }}", "x"),
        ("{{ n }}", 7),
        ("{{ n }}{{ n }}", "77"),
        ("p-{{ n + 1 }}", "p-8"),
        ("{{ items }}", [1, "x"]),
        ("{{ nested }}", "x7"),
        ("{{ table.key }}", "v"),
        ("{{ table['key'] }}", "v"),
        ("{{ items[1] }}", "x"),
        ("{{ items[-1] | upper }}", "X"),
        ("{{ nosuch | default('d') }}", "d"),
        ("{{ nosuch is defined }}", False),
        ("{{ 'y' if n > 5 else 'z' }}", "y"),
        ("{% if n > 5 %}big{% else %}small{% endif %}", "big"),
        ("{{ inventory_hostname }}", "r1.lab"),
        ("{{ inventory_hostname_short }}", "r1"),
        ("{{ inventory_hostname.split('.')[0] }}", "r1"),
        ("{{ group_names }}", ["web"]),
        ("{{ groups['web'] | length }}", 1),
        ("{{ hostvars['r1.lab'].n }}", 7),
        ("{{ hostvars[inventory_hostname]['nested'] }}", "x7"),
        ("{{ inventory_hostname | regex_replace('^r([0-9])', 'router-\\1') }}", "router-1.lab"),
        ("{{ (n == 7) | ternary('seven', 'other') }}", "seven"),
        ("{{ 'yes' | bool }}", True),
        ("{{ '5' | int + 1 }}", 6),
        ("{{ items | join('-') }}", "1-x"),
        ("{{ a ~ '/' ~ n }}", "x/7"),
        ("{{ 'a,b' | split(',') }}", ["a", "b"]),
        ("{{ '/a/b.c' | basename }}", "b.c"),
        ("{{ 'eA==' | b64decode }}", "x"),
        ("{{ [3, 1, 2] | sort | first }}", 1),
        ("{{ a is match('x') }}", True),
        ("{# nothing #}", None),
        ("{{ n }}{# a comment #}", 7),
        ("{{- n -}}", 7),
        ("{{ a, n }}", ["x", 7]),
        ("{{ n }}\n", 7),
        ("{{ '{{ a }}' }}", "{{ a }}"),
        (["{{ a }}", {"k": "{{ n }}"}], ["x", {"k": 7}]),
        ("{{ 7 * 6 }}", 42),
        ("{{ n % 4 }}", 3),
    ],
)
def test_a_template_gives_its_value_with_its_type(tmp_path: Path, template: Any, expected: Any) -> None:
    variables = {"a": "x", "n": 7, "items": [1, "x"], "nested": "{{ a }}{{ n }}", "table": {"key": "v"}}
    found = value_of(tmp_path, template, **variables)
    assert (found, type(found)) == (expected, type(expected))


def test_an_expression_is_one_expression() -> None:
    values = {"a": 1}
    assert evaluate("a + 1", values.__getitem__) == 2
    for text in ("a }}{{ a", "a }} x {{ a", "", "a b"):
        with pytest.raises(TemplateError):
            evaluate(text, values.__getitem__)


def test_templates_of_ten_thousand_hosts_take_seconds(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(
        "[web]\nh[0:9999]\n[web:vars]\nansible_host={{ inventory_hostname }}.lab\n"
    )
    hosts = load(tmp_path / "hosts.ini").select()
    begin = time.monotonic()
    assert [host.variables["ansible_host"] for host in hosts][-1] == "h9999.lab"
    assert time.monotonic() - begin < 30


def test_an_environment_variable_may_be_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "sesame")
    assert value_of(tmp_path, "{{ lookup('env', 'LAB_PASSWORD') }}") == "sesame"


def test_a_command_is_looked_up_only_where_that_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(InvalidVariable, match="--allow-inventory-commands"):
        value_of(tmp_path, "{{ lookup('pipe', 'pwd') }}")
    (tmp_path / "book").mkdir()
    options = Options(allow_commands=True, playbook_dir=str(tmp_path / "book"))
    inventory = load(tmp_path / "hosts.json", options=options)
    assert inventory.host("r1.lab").variables["ansible_x"] == str(tmp_path / "book")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 3", "status 3"),
        ("sleep 60", "took too long"),
        ("echo no >&2; false", "no"),
        ("yes", "more than"),
    ],
)
def test_a_command_that_fails_is_that_hosts_error(tmp_path: Path, command: str, said: str) -> None:
    hosts = {"r1.lab": {"ansible_x": f"{{{{ lookup('pipe', '{command}') }}}}"}}
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"all": {"hosts": hosts}}))
    options = Options(allow_commands=True, script_timeout_s=3, max_script_bytes=1000)
    with pytest.raises(InvalidVariable) as caught:
        _ = load(path, options=options).host("r1.lab").variables["ansible_x"]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_undefined_name_is_that_hosts_error_with_host_variable_and_template(tmp_path: Path) -> None:
    with pytest.raises(InvalidVariable) as caught:
        value_of(tmp_path, "{{ nosuch }}.example.com")
    assert str(caught.value) == "r1.lab: ansible_x 'nosuch' is undefined, in '{{ nosuch }}.example.com'"
    assert (caught.value.reason, caught.value.phase) == ("bad-variable", Phase.RESOLVE)


def test_a_template_that_refers_to_itself_is_that_hosts_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidVariable, match="refers to itself"):
        value_of(tmp_path, "{{ b }}", b="{{ c }}", c="{{ b }}")
    hosts = {"h1": {"ansible_x": "{{ hostvars.h2.y }}"}, "h2": {"y": "{{ hostvars.h1.ansible_x }}"}}
    with pytest.raises(InvalidVariable, match="refers to itself"):
        _ = inventory_of(tmp_path, hosts).host("h1").variables["ansible_x"]


def test_only_connection_variables_are_filled_in_unless_all_are_wanted(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, {"h1": {"motd": "{{ n }}", "n": 5}})
    assert inventory.host("h1").variables["motd"] == "{{ n }}"
    assert inventory.host("h1", template_all=True).variables["motd"] == 5
    assert inventory.select(template_all=True)[0].variables["motd"] == 5


def test_an_endpoint_may_be_made_of_templates(tmp_path: Path) -> None:
    hosts = {"h1": {"octet": 5}, "h2": {"octet": 6, "ansible_port": 22}}
    inventory = inventory_of(
        tmp_path,
        hosts,
        ansible_host="{{ net }}.{{ octet }}",
        net="10.0.0",
        ansible_port="{{ base + octet }}",
        base=2200,
    )
    assert [endpoint(host) for host in inventory.select()] == [
        Endpoint("10.0.0.5", 2205),
        Endpoint("10.0.0.6", 22),
    ]


def test_one_hosts_bad_template_is_not_the_others(tmp_path: Path) -> None:
    inventory = inventory_of(
        tmp_path, {"h1": {"ansible_host": "{{ nosuch }}"}, "h2": {"ansible_host": "10.0.0.2"}}
    )
    bad, good = inventory.select()
    assert endpoint(good).address == "10.0.0.2"
    with pytest.raises(InvalidVariable):
        endpoint(bad)


def test_a_pickled_host_has_its_values_worked_out_and_its_errors_kept(tmp_path: Path) -> None:
    inventory = inventory_of(
        tmp_path, {"h1": {"ansible_host": "{{ a }}", "ansible_user": "{{ nosuch }}", "a": "x"}}
    )
    copy = pickle.loads(pickle.dumps(inventory.host("h1")))
    copy = pickle.loads(pickle.dumps(copy))
    assert copy == inventory.host("h1")
    assert copy.variables["ansible_host"] == "x"
    assert set(copy.variables) == {"ansible_host", "ansible_user", "a"}
    assert len(copy.variables) == 3
    with pytest.raises(InvalidVariable, match="'nosuch' is undefined"):
        _ = copy.variables["ansible_user"]
    with pytest.raises(KeyError):
        _ = copy.variables["other"]


def test_magic_names_are_seen_by_templates_alone(tmp_path: Path) -> None:
    host = inventory_of(tmp_path, {"h1": {"ansible_host": "{{ inventory_dir }}"}}).host("h1")
    assert host.variables["ansible_host"] == str(tmp_path)
    assert "inventory_dir" not in host.variables


def test_many_threads_may_work_out_one_variable(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, {"h1": {"ansible_host": "{{ a }}", "a": "{{ b }}", "b": "x"}})
    for _ in range(20):
        host = inventory.host("h1")
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _, host=host: host.variables["ansible_host"], range(32))) == {"x"}


def test_unsafe_texts_are_no_templates(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {h1: {ansible_password: !unsafe '{{ x }}'}}}\n")
    password = load(tmp_path / "hosts.yml").host("h1").variables["ansible_password"]
    assert (password, type(password)) == ("{{ x }}", str)


def test_jinja_and_libyaml_are_loaded_only_by_who_needs_them(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "hosts.ini").write_text("h1 ansible_host=10.0.0.1\n")
    code = (
        "import sys; from runner.inventory import load; from runner.inventory.endpoint import endpoint;"
        " print(endpoint(load('hosts.ini').host('h1')), 'jinja2' in sys.modules, 'yaml' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "10.0.0.1:22 False False\n"
