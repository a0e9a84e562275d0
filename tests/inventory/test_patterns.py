"""Host patterns: every form means what `ansible PATTERN --list-hosts` takes it for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import PatternError
from runner.inventory import Inventory, load
from runner.inventory.patterns import split
from runner.text.hostlist import fold

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Ansible

INVENTORY = """\
alone
web10 a=1
10.0.0.1
2001:db8::1
[web]
web[0:9]
[db]
db1
db2.example.com
[web-canary]
web3
web4
[core]
r[1:3]
[edge]
r3
e1
[routers:children]
edge
core
[lab:children]
routers
db
[empty]
[mixed]
web1
db1
mixed
[Upper]
WEB1
"""

SAME = [
    *(
        "all",
        "*",
        "ungrouped",
        "web",
        "db1",
        "alone",
        "lab",
        "routers",
        "empty",
        "core",
        "mixed",
        "Upper",
        "UPPER*",
    ),
    *(
        "web:db",
        "web,db",
        "web db",
        "web , db",
        "db:web",
        "web:&web-canary",
        "web:!web-canary",
        "!web",
        "&web",
        "all:!web",
    ),
    *(
        "web:!web3:&mixed",
        "&mixed:web:!web3",
        "!web3:web",
        "web:&mixed,db",
        "web,&mixed,db",
        "!web,!db",
        "&web,&mixed",
    ),
    *(
        "web*",
        "w*",
        "*1",
        "web[0]",
        "web[1]",
        "web[-1]",
        "web[0:2]",
        "web[2:]",
        "web[1-3]",
        "web[3:0]",
        "web[0:0]",
    ),
    *(
        "web[-3]",
        "web[8:20]",
        "web*[0]",
        "web*[-1]",
        "web*[0:3]",
        "all[0]",
        "all[-1]",
        "all[0:3]",
        "*[1]",
        "lab[0]",
    ),
    *(
        "web?",
        "web??",
        "[wd]b1",
        "d[ab]1",
        "d[!a]1",
        "[rw]*",
        "web[1:2]:db",
        "web[0]:&web",
        "web:!web[0]",
        "web:&web[0:4]",
    ),
    *(
        "~web[13]",
        "~(web|db)1",
        "~.*\\.example\\.com",
        "~r",
        "~^e",
        "~web\\d+$",
        "~WEB",
        "~.*",
        "!~web",
        "all:!~web.*:!db",
    ),
    *(
        "db2.example.com",
        "*.example.com",
        "*.com",
        "10.0.0.1",
        "10.0.0.*",
        "2001:db8::1",
        "web10",
        "web10[0]",
        "w?b10",
    ),
    *(
        "localhost",
        "127.0.0.1",
        "::1",
        "localhost,web",
        "web1,web1,web1",
        "web1:web",
        "mixed[1]",
        "mixed:!mixed",
        "mixed",
    ),
    *(
        "routers[0]",
        "routers[1]",
        "routers[-1]",
        "lab:!routers:!db1",
        "all:&routers:!edge",
        "core:edge",
        "edge:core",
    ),
    *(
        "web-canary",
        "web-canary[1]",
        "web-*",
        "*-canary",
        "web:",
        ":web",
        "web::db",
        "web,,db",
        ",web",
        "web,",
        " web ",
    ),
    *(
        "empty[0]",
        "empty:web1",
        "r1:r2:r3",
        "r[12]",
        "r[1:2]",
        "r?",
        "[a-e]*",
        "all:!all",
        "alone:web10",
        "*o*",
        "a*",
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hosts.ini").write_text(INVENTORY)
    (tmp_path / "chosen").write_text("web1\n\n  db1  \nweb2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    return load(folder / "hosts.ini")


@pytest.mark.differential
@pytest.mark.parametrize("pattern", SAME)
def test_a_pattern_means_what_it_means_to_ansible(
    pattern: str, ansible: Ansible, folder: Path, inventory: Inventory
) -> None:
    theirs = ansible(folder, "ansible", "-i", "hosts.ini", "--list-hosts", "--", pattern)
    assert theirs.exit_code == 0
    if "Could not match supplied host pattern" in theirs.stderr or "No hosts matched" in theirs.stderr:
        try:
            assert inventory.names(pattern) == ()
        except PatternError:
            return
    assert list(inventory.names(pattern)) == theirs.hosts


@pytest.mark.differential
@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        *(
            ("web", "db1,web3"),
            ("all", "web:!web1"),
            ("web", "web4,web3"),
            ("all", "@chosen"),
            ("web", "@chosen,db"),
        ),
        *(
            ("all", "~web[12]"),
            ("db:web", "all[0:5]"),
            ("all", "!web"),
            ("all", "&web"),
            ("web", "@chosen:!web1"),
        ),
        *(("web2,web1", "web1:web2"), ("all", "web[0]"), ("localhost", "localhost"), ("web:&mixed", "web*")),
    ],
)
def test_a_limit_means_what_it_means_to_ansible(
    pattern: str, limit: str, ansible: Ansible, folder: Path, inventory: Inventory
) -> None:
    theirs = ansible(folder, "ansible", "-i", "hosts.ini", "--list-hosts", "--limit", limit, "--", pattern)
    assert theirs.exit_code == 0, theirs.stderr
    assert list(inventory.names(pattern, limit)) == theirs.hosts


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("wbe", "did you mean web"),
        ("web:!databse", "no group or host 'databse'"),
        ("web:&nosuch", "no group or host 'nosuch'"),
        ("nosuch*", "no group or host 'nosuch*'"),
        ("~nosuch", "no group or host"),
        ("web[99]", "outside of the 10 hosts of web"),
        ("web[-99]", "outside of the 10 hosts of web"),
        ("web[20:30]", "outside of the 10 hosts"),
        ("~(", "not a regular expression"),
        ("web,~[", "at column"),
        ("@missing.txt", "host list @missing.txt"),
        ("", "empty host pattern"),
        (" , ", "empty host pattern"),
        ("web:!", "ends after"),
    ],
)
def test_a_part_that_means_nothing_is_an_error_that_helps(
    inventory: Inventory, pattern: str, hint: str
) -> None:
    with pytest.raises(PatternError) as caught:
        inventory.names(pattern)
    assert hint in str(caught.value)


def test_a_wrong_limit_is_an_error_too(inventory: Inventory) -> None:
    with pytest.raises(PatternError, match="did you mean web3"):
        inventory.names("web", "web33")


def test_a_list_of_hosts_in_a_file_counts_in_a_pattern_too(inventory: Inventory) -> None:
    assert inventory.names("@chosen") == ("web1", "db1", "web2")


def test_several_patterns_count_together(inventory: Inventory) -> None:
    assert inventory.names(["core", "!r2"]) == ("r1", "r3")


def test_localhost_is_this_machine_and_never_in_all(inventory: Inventory) -> None:
    (host,) = inventory.select("localhost")
    assert host.variables["ansible_connection"] == "local"
    assert "localhost" not in inventory.names("all")


def test_names_of_this_machine_mean_the_one_that_the_inventory_has(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 a=1\n")
    assert load(tmp_path / "hosts").names("localhost") == ("127.0.0.1",)


def test_an_empty_group_is_no_mistake(inventory: Inventory) -> None:
    assert inventory.select("empty") == ()


def test_a_pattern_of_many_hosts_is_answered_in_the_inventorys_order(inventory: Inventory) -> None:
    names = inventory.names("all")
    assert names == inventory.names("all")
    assert len(set(names)) == len(names) == len(inventory)


def test_unknown_hosts_are_named_with_those_that_are_near(inventory: Inventory) -> None:
    with pytest.raises(PatternError, match="no host 'web11'; did you mean web1"):
        inventory.host("web11")


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a,b[1], c[2:3] , d", ["a", "b[1]", "c[2:3]", "d"]),
        ("a:b:c", ["a", "b", "c"]),
        ("h[1:3]", ["h[1:3]"]),
        ("::1", ["::1"]),
        ("2001:db8::[1:3]", ["2001:db8::[1:3]"]),
        ("a:!b[1:2]:&c", ["a", "!b[1:2]", "&c"]),
        ("a b", ["a", "b"]),
        ("leaf[01-03,40]", ["leaf[01-03,40]"]),
        ("leaf[01-03,40]:web", ["leaf[01-03,40]", "web"]),
        ("leaf[01-03,40],web", ["leaf[01-03,40]", "web"]),
        ("web[,db", ["web[", "db"]),
        ("", []),
    ],
)
def test_patterns_are_split_at_commas_or_else_at_colons(pattern: str, parts: list[str]) -> None:
    assert split(pattern) == parts


@pytest.fixture
def racks(tmp_path: Path) -> Inventory:
    (tmp_path / "hosts").write_text("[leaf]\nleaf[01:12].lab\n[sw]\nsw[1:4]\n[other]\nr[1:12]-a\n")
    return load(tmp_path / "hosts")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("leaf[01-03].lab", ["leaf01.lab", "leaf02.lab", "leaf03.lab"]),
        ("leaf[01-02,12].lab", ["leaf01.lab", "leaf02.lab", "leaf12.lab"]),
        ("leaf[01,12].lab,sw4", ["leaf01.lab", "leaf12.lab", "sw4"]),
        ("leaf:!leaf[01-11].lab", ["leaf12.lab"]),
        ("leaf:&leaf[11-12].lab", ["leaf11.lab", "leaf12.lab"]),
        ("sw[1,3]", ["sw1", "sw3"]),
        ("r[9,10-11]-a", ["r9-a", "r10-a", "r11-a"]),
    ],
)
def test_names_that_a_report_folded_may_be_given_back(
    racks: Inventory, pattern: str, names: list[str]
) -> None:
    assert list(racks.names(pattern)) == names
    assert racks.warnings == ()


def test_whatever_a_report_folds_means_the_same_hosts_again(racks: Inventory) -> None:
    for chosen in (
        racks.names("leaf"),
        racks.names("leaf")[3:9],
        racks.names("sw")[::2],
        racks.names("r9-a"),
    ):
        assert set(racks.names(fold(chosen))) == set(chosen)


def test_a_folded_name_that_is_not_there_is_an_error(racks: Inventory) -> None:
    with pytest.raises(PatternError, match=r"no group or host 'leaf13\.lab'"):
        racks.names("leaf[11-13].lab")


@pytest.mark.parametrize(("pattern", "names"), [("sw[1-2]", ["sw2", "sw3"]), ("r[1-12]-a", ["r1-a", "r2-a"])])
def test_what_ansible_reads_otherwise_is_read_so_with_a_warning(
    racks: Inventory, pattern: str, names: list[str]
) -> None:
    assert list(racks.names(pattern)) == names
    (warning,) = racks.warnings
    assert warning.startswith(f"{pattern!r} is a subscript or shell pattern here, as in Ansible")
