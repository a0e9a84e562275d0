"""Whatever a file or pattern holds, reading it ends in an inventory or in one of our own errors.

`RUNNER_FUZZ_SECONDS=600` makes each of these go on for ten minutes of processor time.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import InvalidVariable, InventoryError, RunnerError
from runner.inventory import Inventory, Options, load
from runner.inventory.addresses import expand, split_port
from runner.inventory.endpoint import endpoint, user
from runner.inventory.loading import Loading
from runner.inventory.output.export import yaml_text
from runner.inventory.output.listing import graph_lines, list_text
from runner.inventory.parsing.documents import DocumentReader
from runner.inventory.sources.script import read_listing
from runner.inventory.vault import Vault
from runner.models import Host, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("RUNNER_FUZZ_SECONDS", "0"))
SOME = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

WORDS = {
    "ini": [
        "[web]\n",
        "[web:vars]\n",
        "[p:children]\n",
        "h1",
        "h[1:3]",
        "h[a:c]",
        "[",
        "]",
        ":",
        ":22",
        "=",
        "'",
        '"',
    ],
    "yaml": [
        "all:\n",
        "  hosts:\n",
        "    h1:\n",
        "children: ",
        "vars: ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: ",
        "!vault ",
    ],
    "toml": [
        "[web.hosts]\n",
        "h1 = {}\n",
        "a = ",
        "[[x]]\n",
        '"',
        "'''",
        "1979-05-27",
        "{",
        "}",
        "children = [",
        "]",
    ],
    "csv": ["name,", "groups,", "h1", '"', ";", "\n", "\t", "h[1:3]", ":22"],
    "ssh": [
        "Host ",
        "Match ",
        "Include ",
        "Port ",
        "=",
        "*",
        "!",
        '"',
        "\n",
        "  ",
        "HostName ",
        "%h",
        "/dev/zero",
    ],
    "any": [
        "\n",
        " ",
        "\t",
        "#",
        ";",
        "\\",
        "{{ ",
        " }}",
        "a",
        "1",
        "-",
        "é",
        "\x00",
        "\x1b",
        "\u2028",
        "\ufeff",
        "- ",
        "? ",
    ],
}


def texts(kind: str) -> st.SearchStrategy[str]:
    """Texts of the words that a format has a meaning for, and of anything else."""
    word = st.sampled_from([*WORDS[kind], *WORDS["any"]]) | st.text(max_size=3)
    return st.lists(word, max_size=30).map("".join)


def hammer(strategy: st.SearchStrategy[object], check: Callable[[object], None]) -> None:
    """Try some examples, or for as long as the environment says."""
    attempt = SOME(given(strategy)(check))
    attempt()
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        attempt()


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def folder() -> Path:
    """One folder for all examples, which goes with the process."""
    return Path(_temporary().name)


def shown(error: RunnerError) -> None:
    """An error is one line that does nothing to a terminal, whatever it is about."""
    assert str(error).isprintable()


def placed(error: InventoryError) -> None:
    """An error of a load names the file, be it one that is included."""
    assert error.path


def use(inventory: Inventory) -> None:
    """Ask for everything that an inventory can say."""
    "".join(list_text(inventory))
    yaml_text(inventory)
    for host in inventory.select():
        for name in host.variables:
            try:
                _ = host.variables[name]
                endpoint(host)
                user(host)
            except InvalidVariable as exc:
                shown(exc)


@pytest.mark.timeout(20 * SECONDS + 120)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ini", "hosts.ini"),
        ("yaml", "hosts.yml"),
        ("toml", "hosts.toml"),
        ("csv", "hosts.csv"),
        ("ssh", "ssh_config"),
    ],
)
def test_any_file_gives_an_inventory_or_our_error(kind: str, name: str) -> None:
    path = folder() / name
    options = Options(playbook_dir=str(folder()))

    def check(text: object) -> None:
        path.write_bytes(str(text).encode("utf-8", "surrogatepass"))
        try:
            inventory = load(path, options=options)
            use(inventory)
            list(graph_lines(inventory))
        except InventoryError as exc:
            shown(exc)
            placed(exc)

    hammer(texts(kind), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_bytes_give_an_inventory_or_our_error() -> None:
    options = Options(playbook_dir=str(folder()))

    def check(content: object) -> None:
        for name in ("b.ini", "b.yml", "b", "b.json", "b.toml", "b.csv"):
            assert isinstance(content, bytes)
            (folder() / name).write_bytes(content)
            try:
                use(load(folder() / name, options=options))
            except InventoryError as exc:
                shown(exc)

    hammer(st.binary(max_size=200) | st.just(b"$ANSIBLE_VAULT;1.1;AES256\n6162"), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_text_is_a_document_or_our_error() -> None:
    def check(text: object) -> None:
        for located in (False, True):
            try:
                DocumentReader().read(str(text), "f.yml", located=located)
            except InventoryError:
                continue

    hammer(texts("yaml"), check)


KEYS = [
    *(
        "all",
        "web",
        "hosts",
        "vars",
        "children",
        "h1",
        "h[1:2]",
        "plugin",
        "_meta",
        "hostvars",
        "ansible_host",
    ),
    *(
        "compose",
        "groups",
        "keyed_groups",
        "key",
        "prefix",
        "separator",
        "parent_group",
        "default_value",
        "strict",
    ),
    *("trailing_separator", "leading_separator", "use_vars_plugins", "data", "hostname", "platform", "port"),
    *("ansible_group_priority", "__ansible_unsafe", "__ansible_vault", "a", ""),
]
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*KEYS, "{{ a }}", "a ~ 1", "~"])
)
structures = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(st.sampled_from(KEYS), structures, max_size=5)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_structure_is_an_inventory_or_our_error() -> None:
    options = Options(playbook_dir=str(folder()))

    def check(document: object) -> None:
        for name in ("s.json", "s.yml"):
            (folder() / name).write_text(json.dumps(document))
            try:
                use(load(folder() / name, options=options))
            except InventoryError as exc:
                shown(exc)

    hammer(objects, check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_constructed_configuration_is_followed_or_refused() -> None:
    options = Options(playbook_dir=str(folder()))
    (folder() / "c.ini").write_text("h1 a=1\n[web]\nh2 b='{{ a }}' compose=x\n[web:vars]\na={'k': 'v'}\n")

    def check(document: object) -> None:
        assert isinstance(document, dict)
        (folder() / "c.yml").write_text(json.dumps({**document, "plugin": "constructed"}))
        try:
            use(load(folder() / "c.ini", folder() / "c.yml", options=options))
        except InventoryError as exc:
            shown(exc)

    entries = st.lists(objects, max_size=3)
    hammer(
        objects | st.fixed_dictionaries({"keyed_groups": entries, "compose": objects, "groups": objects}),
        check,
    )


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_listing_of_a_script_is_an_inventory_or_our_error() -> None:
    def check(listing: object) -> None:
        assert isinstance(listing, dict)
        loading = Loading(Options(playbook_dir=str(folder())))
        try:
            read_listing("inv.sh", listing, loading)
            loading.graph.reconcile()
        except InventoryError as exc:
            shown(exc)

    hammer(objects, check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_nornir_files_are_an_inventory_or_our_error() -> None:
    options = Options(playbook_dir=str(folder()))
    entry = st.fixed_dictionaries(
        {},
        optional={
            "groups": st.lists(st.sampled_from(["g1", "g2"]), max_size=2) | structures,
            "data": structures,
            "hostname": structures,
        },
    )
    names = st.sampled_from(["g1", "g2", "h1", ""])

    def check(files: object) -> None:
        assert isinstance(files, tuple)
        (folder() / "nornir").mkdir(exist_ok=True)
        for name, content in zip(("hosts", "groups", "defaults"), files, strict=True):
            (folder() / "nornir" / f"{name}.yaml").write_text(json.dumps(content))
        try:
            use(load(folder() / "nornir", options=options))
        except InventoryError as exc:
            shown(exc)

    mapping = st.dictionaries(names, entry | structures, max_size=3)
    hammer(st.tuples(mapping, mapping, entry | structures), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_pattern_is_answered_or_refused() -> None:
    (folder() / "p.ini").write_text("a\n[web]\nh[1:9]\n[db]\nd1\n[p:children]\nweb\ndb\n")
    inventory = load(folder() / "p.ini")
    words = [
        "web",
        "db",
        "p",
        "h1",
        "all",
        "*",
        "?",
        "[",
        "]",
        ":",
        ",",
        "!",
        "&",
        "~",
        "[0]",
        "[1:2]",
        "[-1]",
        "h",
        "[1-3]",
        "[1-3,5]",
        "@",
        "-",
    ]

    def check(pattern: object) -> None:
        try:
            inventory.names(str(pattern), limit=str(pattern)[::-1] or None)
        except InventoryError:
            return

    hammer(st.lists(st.sampled_from(words) | st.text(max_size=2), max_size=10).map("".join), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_host_name_is_expanded_or_refused() -> None:
    words = [
        "[",
        "]",
        ":",
        "1",
        "09",
        "010",
        "a",
        "Z",
        "-",
        "|",
        "[1:3]",
        "[a:c]",
        ":22",
        "::1",
        ".",
        "999999999",
    ]

    def check(text: object) -> None:
        name, _ = split_port(str(text))
        try:
            expand(name)
        except InventoryError:
            return

    hammer(st.lists(st.sampled_from(words) | st.text(max_size=2), max_size=10).map("".join), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_template_is_filled_in_or_refused() -> None:
    words = [
        "{{",
        "}}",
        "{%",
        "%}",
        " a ",
        " b ",
        "|",
        "upper",
        "join",
        "(",
        ")",
        "[",
        "]",
        ".",
        "~",
        "+",
        "*",
        "if",
        "'x'",
    ]
    words += [
        "else",
        "endif",
        "for",
        "in",
        "lookup",
        "__class__",
        "1",
        " ",
        "default",
        "split",
        "map",
        "is",
        "not",
        ",",
    ]
    path = folder() / "t.json"

    def check(text: object) -> None:
        variables = {
            "ansible_host": f"{{{{ {text} }}}}",
            "ansible_user": text,
            "a": ["x", 1],
            "b": {"k": "{{ a }}"},
        }
        path.write_text(json.dumps({"all": {"hosts": {"h1": variables}}}))
        use(load(path))

    hammer(st.lists(st.sampled_from(words) | st.text(max_size=2), max_size=12).map("".join), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_envelope_is_opened_or_refused() -> None:
    vault = Vault({"default": lambda: Secret("x")})

    def check(text: object) -> None:
        try:
            vault.decrypt(f"$ANSIBLE_VAULT;1.1;AES256\n{text}", "f")
        except InventoryError:
            return

    hammer(st.text("0123456789abcdef\n", max_size=300) | st.text(max_size=50), check)


@pytest.mark.timeout(20 * SECONDS + 120)
def test_any_value_is_an_endpoint_or_that_hosts_error() -> None:
    values = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=20)
        | st.lists(st.integers())
    )

    def check(pair: object) -> None:
        assert isinstance(pair, tuple)
        address, port = pair
        try:
            found = endpoint(
                Host("h1", {"ansible_host": address, "ansible_port": port, "ansible_user": address})
            )
        except RunnerError:
            return
        assert found.address.isprintable()
        assert not found.address.startswith("-")
        assert not set(found.address) & set(" /@;'\"`$&|<>()\\")
        assert 1 <= found.port <= 65535

    hammer(st.tuples(values, values), check)
