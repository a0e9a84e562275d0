"""Rows of devices, from the command line and from scripts."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

import runner

if TYPE_CHECKING:
    from tests.projects import Project

pytest.importorskip("ntc_templates")
pytest.importorskip("jmespath")


@pytest.fixture
def demo(demo: Project) -> Project:
    """A project whose inventory names the platform of its routers."""
    demo.write("inventories/group_vars/routers.yml", "ansible_network_os: cisco.ios.ios\n")
    return demo


BRIEF = ("run", "show ip interface brief", "-g", "good", "--quiet")
TEMPLATE = "Value VERSION (\\S+)\n\nStart\n  ^.*, Version ${VERSION}, -> Record\n"


def test_which_interfaces_are_down_anywhere_is_one_command(demo: Project) -> None:
    ended = demo.type(*BRIEF, "--where", "starts_with(status, 'admin')", "--select", "interface,status")
    assert (ended.code, ended.stderr) == (0, "")
    assert [line.rstrip() for line in ended.stdout.splitlines()[:-1]] == [
        "host  interface         status",
        "r1    GigabitEthernet4  administratively down",
        "r2    GigabitEthernet4  administratively down",
        "r3    GigabitEthernet4  administratively down",
    ]


def test_which_versions_run_where_is_one_command_over_a_mixed_fleet(demo: Project) -> None:
    ended = demo.type("run", "show version", "-g", "good:r-down:web1", "--group-by", "version", "-q")
    lines = ended.stdout.splitlines()
    assert lines[0].split() == ["version", "count", "hosts", "status", "why"]
    assert lines[1].split() == ["17.9.4a", "3", "r[1-3]"]
    assert {line.split()[0] for line in lines[2:4]} == {"r-down", "web1"}


def test_parse_shows_a_table_unless_a_format_is_named(demo: Project) -> None:
    assert demo.type(*BRIEF, "--parse", "auto").stdout.splitlines()[0].split()[:3] == [
        "host",
        "interface",
        "ip_address",
    ]
    read = list(csv.DictReader(io.StringIO(demo.type(*BRIEF, "--parse", "auto", "--format", "csv").stdout)))
    assert {row["host"] for row in read} == {"r1", "r2", "r3"}
    assert read[0]["interface"] == "GigabitEthernet1"
    (command,) = demo.type(*BRIEF, "--parse", "auto", "--format", "json").document["hosts"]["r1"]["commands"]
    assert (command["parse"], command["rows"][0]["interface"]) == ("rows", "GigabitEthernet1")
    assert command["stdout"].startswith("Interface ")
    plain = demo.type(*BRIEF, "--format", "json").document["hosts"]["r1"]["commands"][0]
    assert "parse" not in plain


def test_the_three_outcomes_are_told_apart(demo: Project) -> None:
    demo.write(
        "own/cisco_ios_show_clock.textfsm", "Value TIME (\\d+)\n\nStart\n  ^noon ${TIME}\n  ^. -> Error\n"
    )
    commands = ("-c", "show version", "-c", "show clock", "-c", "terminal length 0")
    words = (*commands, "-g", "r1", "--format", "json")
    ended = demo.type("run", *words, "--templates", "own")
    found = ended.document["hosts"]["r1"]["commands"]
    assert [item["parse"] for item in found] == ["rows", "no-match", "no-template"]
    assert found[1]["parse_error"] == found[1]["stdout"].splitlines()[0]


def test_a_template_of_ones_own_gives_the_rows(demo: Project) -> None:
    demo.write("own/cisco_ios_show_version.textfsm", TEMPLATE)
    ended = demo.type("run", "show version", "-g", "good", "--templates", "own", "-q")
    assert ended.stdout.splitlines()[:2] == ["host  version", "r1    17.9.4a"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--where", "status =="), "run: --where 'status ==': expected a JMESPath expression"),
        (("--where", "nope(status)"), "nope() is not a function of JMESPath"),
        (("--select", ","), "run: --select ',': expected names of fields"),
        (("--parse", "xml"), "run: --parse 'xml': expected one of auto, textfsm, ttp, json, none"),
        (("--parse", "ttp"), "run: --parse ttp needs TTP templates of your own"),
        (("--templates", "nowhere"), "run: --templates 'nowhere': there is no such folder"),
        (("--select", "a", "--group-by", "b"), "run: --select does not go with --group-by"),
        (("--select", "a", "--format", "text"), "run: --select does not fit --format text"),
    ],
)
def test_what_cannot_be_done_is_one_line_before_the_run(
    demo: Project, words: tuple[str, ...], said: str
) -> None:
    ended = demo.type("run", "show version", "-g", "r1", *words)
    assert (ended.code, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_field_that_no_row_has_is_a_warning_with_the_fields(demo: Project) -> None:
    ended = demo.type("run", "show ip interface brief", "-g", "r1", "--select", "vlan")
    assert ended.code == 0
    assert "warning: no row has the field vlan; the fields are: host, interface, ip_address" in ended.stderr


def test_a_run_of_the_history_can_be_asked_again(demo: Project) -> None:
    assert demo.type("run", "show ip interface brief", "-g", "good", "-q").code == 0
    ended = demo.type("history.show", "last", "--where", "proto == 'down'", "--select", "interface", "-q")
    assert ended.stdout.splitlines()[:-1] == [
        "host  interface",
        *(f"{name}    GigabitEthernet4" for name in ("r1", "r2", "r3")),
    ]
    assert demo.type("history.show", "last", "-q").stdout.startswith("r")


def test_a_server_in_a_table_is_shown_as_before(demo: Project) -> None:
    ended = demo.type("run", "echo hi", "-g", "web1", "--format", "table", "-q")
    assert ended.stdout.splitlines()[:2] == ["host  status  why", "web1  ok      hi"]


def test_scripts_have_rows_by_command_by_host_and_of_all(
    demo: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo.folder)
    hosts = runner.load("inventories").select("good")
    results = runner.run(hosts, ["show version", "show clock"], parse="auto", known_hosts="known_hosts")
    result = results["r1"]
    version, clock = result.commands
    assert (version.parse, version.parse_error, version.rows[0]["version"]) == ("rows", None, "17.9.4a")
    assert result.rows == version.rows + clock.rows
    assert [row["host"] for row in results.rows] == ["r1", "r1", "r2", "r2", "r3", "r3"]
    assert next(iter(results.rows[0])) == "host"
    assert results.to_dict()["hosts"]["r1"]["commands"][0]["rows"] == version.rows
    assert json.loads(json.dumps(results.rows)) == results.rows
    plain = runner.run(hosts, "show version", known_hosts="known_hosts")["r1"].commands[0]
    assert (plain.parse, plain.rows) == (None, [])


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_other_executors_give_the_same_rows(demo: Project, executor: str) -> None:
    usual = demo.type(*BRIEF, "--group-by", "status").stdout.splitlines()
    found = demo.type(*BRIEF, "--executor", executor, "--group-by", "status").stdout.splitlines()
    assert len(usual) > 2
    assert found[:-1] == usual[:-1]


def test_the_platform_that_the_connection_finds_out_is_used(demo: Project) -> None:
    (demo.folder / "inventories/group_vars/routers.yml").unlink()
    ended = demo.type(*BRIEF[:2], "-g", "r1", "--connection", "cli", "--parse", "auto", "-q")
    assert ended.stdout.splitlines()[1].split()[:2] == ["r1", "GigabitEthernet1"]
