"""Errors say where, what stands there, and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InventoryError
from runner.inventory import load
from runner.inventory.output.listing import list_document

if TYPE_CHECKING:
    from pathlib import Path


def error_of(path: Path, text: str | bytes) -> InventoryError:
    """Load one file that is wrong, and return the error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InventoryError) as caught:
        list_document(load(path))
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "fault", "message"),
    [
        ("[web]\nh1\n[db\n", 3, 1, "[db", "a section is [group]"),
        ("[a b]\n", 1, 1, "[a b]", "without blanks"),
        ("[web:hosst]\n", 1, 1, "[web:hosst]", "unknown kind of section 'hosst': hosts, children or vars"),
        (
            "[p:children]\nnosuch\n",
            2,
            1,
            "nosuch",
            "'nosuch', child of [p:children], is not defined; add [nosuch]",
        ),
        ("[x:vars]\na=1\n", 1, 1, "x", "'x', of [x:vars], is not defined"),
        ("h1\n  h2 novalue\n", 2, 6, "novalue", "expected name=value after the host"),
        ("h1 a='x\n", 1, 1, "h1 a='x", "a quotation mark is not closed"),
        ("[g]\nh1\n[g:vars]\nnovalue\n", 4, 1, "novalue", "expected name=value"),
        ("ok\nh[001:99]\n", 2, 1, "h[001:99]", "'001' and '99' differ in width"),
        ("h[1:]\n", 1, 1, "h[1:]", "a host range needs an end"),
        ("h[]\n", 1, 1, "h[]", "a host range is [begin:end]"),
        ("h[a:3]\n", 1, 1, "h[a:3]", "from number to number or from letter to letter"),
        ("h[1:5:0]\n", 1, 1, "h[1:5:0]", "cannot be 0"),
        ("h[0:9999][0:9999]\n", 1, 1, "h[0:9999][0:9999]", "more than 100,000 hosts"),
        ("[a:children]\nb\n[b:children]\na\n", 4, 1, "a", "groups form a cycle: a > b > a"),
        ("[a:children]\na\n", 2, 1, "a", "cannot be a child of itself"),
        ("[a:children]\nall\n", 2, 1, "all", "'all' holds every group"),
        ("h1:\n", 1, 1, "h1:", "is this YAML?"),
        ("h\x1b[31m\n", 1, 1, "h\x1b[31m", "range is not closed"),
        ("h\x07x\n", 1, 1, "h\x07x", "control character U+0007"),
        ("h\u202etxt\n", 1, 1, "h\u202etxt", "control character U+202E"),
        ("[g]\nh1\n[g:vars]\nansible_group_priority=high\n", 4, None, "high", "must be a whole number"),
        ("[g]\nh1 a={{1}}\n", 2, 6, "{{1}}", "a value that Python cannot build; quote it"),
    ],
)
def test_an_ini_error_names_its_place(
    tmp_path: Path, text: str, line: int, column: int | None, fault: str, message: str
) -> None:
    error = error_of(tmp_path / "hosts.ini", text)
    assert message in error.message
    assert (error.path, error.line, error.text) == (str(tmp_path / "hosts.ini"), line, fault)
    assert column is None or error.column == column
    assert "\x1b" not in str(error), "what is shown can do nothing to a terminal"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("all:\n\thosts: {h1: }\n", 2, 1, "cannot start any token"),
        ("all:\n  hosts: [h1, h2]\n", 2, 3, "all.hosts must be a mapping ('name:'), found a list ('- …')"),
        ("all:\n  children: [web]\n", 2, 3, "all.children must be a mapping"),
        ("web:\n  hosts:\n    h1: 22\n", 3, 5, "h1: variables must be a mapping, found 22"),
        ("web:\n  hosts:\n    no:\n", 3, 5, "a host name must be a text; quote it"),
        ("web:\n  hosts:\n    1.10:\n", 3, 5, "a host name must be a text; quote it"),
        ("web:\n  hosts:\n    '': {}\n", 3, 5, "a host name cannot be empty"),
        ("5:\n  hosts: {h1: }\n", 1, 1, "a group name must be a text; quote it"),
        ('web:\n  hosts:\n    "a\\nb": {}\n', 3, 5, "control character U+000A"),
        ("a:\n  children:\n    b:\n      children:\n        a:\n", 3, 5, "groups form a cycle: b > a > b"),
        ("all: {hosts: {h1: }}\n---\nx: 1\n", 2, 1, "a second YAML document begins here"),
        ("all:\n  hosts:\n    h1: {a: !foo 1}\n", 3, 13, "tag !foo is unknown here; known: !vault, !unsafe"),
        ("all:\n  hosts:\n    h1: {a: 2024-99-99}\n", 3, 13, "not a timestamp: quote it if it is a text"),
        ("all:\n  hosts:\n    h1: {a: =}\n", 3, 13, "'=' alone has a special meaning"),
        ("all:\n  hosts:\n    h1: {<<: 5}\n", 3, 14, "'<<' merges a mapping"),
        ("all:\n  hosts:\n    h1: {a: *x}\n", 3, 13, "alias *x has no anchor before it"),
        ("all:\n  hosts:\n    'h[1:': {}\n", 3, 5, "a host range is not closed"),
        ("all:\n  vars: [a]\n", 2, 3, "all.vars must be a mapping"),
        ("- h1\n", None, None, "the top level must be a mapping of groups, found a list"),
        ("just text\n", None, None, "the top level must be a mapping of groups, found a single value"),
        ("a: [1\n", 2, 1, "did not find expected"),
        ("plugin: [a]\n", None, None, "plugin must be the name of an inventory plugin"),
        ("plugin: constructed\ncompose: [a]\n", None, None, "compose must be a mapping, found ['a']"),
        ("plugin: constructed\ngroups: a\n", None, None, "groups must be a mapping, found 'a'"),
        (
            "plugin: constructed\nkeyed_groups: {a: b}\n",
            None,
            None,
            "must be a list of mappings",
        ),
        (
            "plugin: constructed\nkeyed_groups: [{key: a, default_value: x, trailing_separator: false}]\n",
            *(None, None, "default_value and trailing_separator exclude each other"),
        ),
    ],
)
def test_a_yaml_error_names_its_place(
    tmp_path: Path, text: str, line: int | None, column: int | None, message: str
) -> None:
    error = error_of(tmp_path / "hosts.yml", text)
    assert message in error.message
    assert (error.path, error.line, error.column) == (str(tmp_path / "hosts.yml"), line, column)


def test_a_file_without_suffix_gets_the_complaint_of_the_format_it_is_written_in(tmp_path: Path) -> None:
    assert "expected name=value" in str(error_of(tmp_path / "hosts", "[web]\nh1 novalue\n"))
    assert "must be a mapping" in str(error_of(tmp_path / "hosts2", "web:\n  hosts: [h1]\n"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="nosuch: no such file or folder"):
        load(tmp_path / "nosuch")


def test_a_byte_that_is_not_utf8_is_named_outside_comments(tmp_path: Path) -> None:
    assert str(error_of(tmp_path / "a.ini", b"h1\nh2 a=\xe9\n")).endswith("a.ini:2:6: not UTF-8: byte 0xe9")
    assert "not UTF-8: byte 0xe9" in str(error_of(tmp_path / "a.yml", b"all: {hosts: {h1: {a: \xe9}}}\n"))
    (tmp_path / "b.ini").write_bytes(b"# caf\xe9\nh1\n")
    assert load(tmp_path / "b.ini").names() == ("h1",)


def test_a_byte_order_mark_and_windows_line_ends_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_bytes(b"\xef\xbb\xbf[web]\r\nh1 a=1\r\n")
    (tmp_path / "b.yml").write_bytes(b"\xef\xbb\xbfweb:\r\n  hosts:\r\n    h2:\r\n")
    assert load(tmp_path / "a.ini", tmp_path / "b.yml").names("web") == ("h1", "h2")


def test_one_bad_file_of_a_folder_stops_the_load(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("h1\n")
    (tmp_path / "b.yml").write_text("all: [\n")
    with pytest.raises(InventoryError, match=r"b\.yml:2:1"):
        load(tmp_path)


def test_on_request_a_bad_file_is_left_out_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("h1\n")
    (tmp_path / "b.yml").write_text("all: [\n")
    inventory = load(tmp_path, partial=True)
    assert inventory.names() == ("h1",)
    assert "b.yml:2:1" in inventory.warnings[0]
    assert inventory.warnings[0].endswith("; left out")


def test_a_variables_file_that_is_no_mapping_is_named(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[web]\nh1\n")
    (tmp_path / "group_vars").mkdir()
    assert load(tmp_path / "hosts").names() == ("h1",), "who needs no variables reads none"
    (tmp_path / "group_vars" / "web.yml").write_text("- a\n")
    with pytest.raises(
        InventoryError, match=r"group_vars/web.yml: a variables file must be a mapping .*, found a list"
    ):
        list_document(load(tmp_path / "hosts"))


def test_a_broken_variables_file_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("h1\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "h1.yml").write_text("a: 1\nb: [\n")
    with pytest.raises(InventoryError, match=r"host_vars/h1\.yml:3:1"):
        list_document(load(tmp_path / "hosts"))


def test_doubtful_things_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(
        "web:\n  hosts: {h1: {a: 1, a: 2}, web: }\n  nosuch: {}\nother: text\n"
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("v: 1\n")
    (tmp_path / "group_vars" / "web.yaml").write_text("v: 2\n")
    inventory = load(tmp_path / "hosts.yml")
    list_document(inventory)
    said = "\n".join(inventory.warnings)
    assert "hosts.yml:2:22: key 'a' is given twice; the last wins" in said
    assert "'nosuch' in group 'web' is not vars, children or hosts; skipped" in said
    assert "'other' is not a group: a group is a mapping; skipped" in said
    assert "'web' is a group and a host" in said
    assert "web.yaml: not read, because web.yml is there" in said


def test_nothing_of_a_file_that_is_left_out_stays(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("[web]\nh1\n")
    (tmp_path / "b.ini").write_text("[web]\nh2\n[db]\nh3\nh4 novalue\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.yml").write_text("web: {hosts: {h5: , h6: [1]}}\n")
    (tmp_path / "sub" / "d.yml").write_text("web: {hosts: {h7: }}\n")
    inventory = load(tmp_path, partial=True)
    assert inventory.names() == ("h1", "h7")
    assert inventory.groups == ("all", "ungrouped", "web")
    assert len(inventory.warnings) == 2


def test_a_file_whose_reading_fails_is_named_with_the_systems_reason() -> None:
    with pytest.raises(InventoryError, match="/proc/self/mem: cannot be read: Input/output error"):
        load("/proc/self/mem")


def test_what_is_wrong_with_a_whole_inventory_names_what_it_was_read_from(tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text("name\nall\n")
    with pytest.raises(InventoryError, match="cannot be a child") as caught:
        load(tmp_path / "hosts.csv")
    assert caught.value.path == str(tmp_path / "hosts.csv")
