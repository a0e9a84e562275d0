"""--format table, csv and junit: rows for people, for spreadsheets and for CI systems."""

from __future__ import annotations

import csv
import io
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.devices.parsing import Parser
from runner.models import CommandResult, Host, HostResult, Run, Status
from runner.report.formats.columns import aligned, cut, width_of
from runner.report.formats.csv import COLUMNS, cell
from runner.report.terminal import Style
from tests.report.reporting import RUN, START, ok, shown

DOWN = HostResult("r9", Status.UNREACHABLE, "10.0.0.9", 22, reason="no-route", error="no route to host")
VERSION = (
    b"Cisco IOS XE Software, Version 17.09.04a\n"
    b"Cisco IOS Software [Cupertino], Virtual XE Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), "
    b"Version 17.9.4a, RELEASE SOFTWARE (fc3)\n"
    b"r1 uptime is 3 weeks, 2 days, 4 hours, 11 minutes\n"
)


def valued(host: str, value: Any) -> HostResult:
    return HostResult(host, Status.OK, value=value)


def test_the_values_of_a_host_task_are_columns() -> None:
    results = [
        valued("r1", {"model": "C9300", "uptime": 7}),
        valued("r10", {"model": "C9200L", "site": "b\n"}),
    ]
    assert shown("table", results) == (
        "host  model   uptime  site\nr1    C9300   7\nr10   C9200L          b\\n\n2 hosts: 2 ok in 1.2 s\n"
    )


def test_several_records_of_a_host_are_several_rows_and_who_has_none_says_why() -> None:
    neighbours = [{"port": "1", "peer": "sw1"}, {"port": "2", "peer": ["sw2", "sw3"]}]
    assert shown("table", [valued("r1", neighbours), DOWN, valued("r2", [])]) == (
        "host  port  peer      value  status       why\n"
        "r1    1     sw1\n"
        "r1    2     sw2, sw3\n"
        "r9                           unreachable  no route to host\n"
        "r2\n"
        "3 hosts: 2 ok, 1 unreachable in 1.2 s\n"
    )


def test_other_values_have_a_column_of_their_own() -> None:
    assert shown("table", [valued("r1", 5), valued("r2", "x")]).startswith("host  value\nr1    5\nr2    x\n")


def test_a_column_of_ours_gives_way_to_a_value_of_that_name() -> None:
    assert shown("table", [valued("r1", {"host": "me", "status": 1}), DOWN]).splitlines()[:3] == [
        "host  host_  status  host_status  why",
        "r1    me     1",
        "r9                   unreachable  no route to host",
    ]


def test_without_records_the_table_is_one_of_statuses() -> None:
    assert shown("table", [ok("r1", "up\nand\n"), DOWN]) == (
        "host  status       why\nr1    ok           up …\nr9    unreachable  no route to host\n"
        "2 hosts: 1 ok, 1 unreachable in 1.2 s\n"
    )


def test_a_host_that_was_pinged_before_a_run_has_no_columns_of_its_own() -> None:
    refused = HostResult("r2", Status.AUTH, "10.0.0.2", 22, rtt_ms=0.5, error="login refused")
    assert shown("table", [ok("r1"), refused]).splitlines()[:3] == [
        "host  status  why",
        "r1    ok      up",
        "r2    auth    login refused",
    ]


def test_a_ping_has_a_table_of_addresses_and_times() -> None:
    up = HostResult("r1", Status.OK, "10.0.0.1", 22, rtt_ms=0.4567)
    assert shown("table", [up, DOWN], "ping") == (
        "host  address   rtt ms  status       why\n"
        "r1    10.0.0.1  0.457   ok\n"
        "r9                      unreachable  no route to host\n"
        "2 hosts: 1 ok, 1 unreachable in 1.2 s\n"
    )


def test_no_cell_makes_every_row_as_wide_as_a_device_likes() -> None:
    results = [ok("r1", "x" * 10**6), ok("r2"), valued("r3", "y" * 10**6), valued("r4", ["z"] * 10**6)]
    assert max(len(line) for line in shown("table", results).splitlines()) < 1300


def test_output_that_the_templates_know_becomes_columns() -> None:
    pytest.importorskip("ntc_templates")
    hosts = [Host("r1", {"ansible_network_os": "cisco.ios.ios"}), Host("r2", {})]
    said = (CommandResult("show version", 0, VERSION.replace(b"\n", b"\r\n")),)
    parser = Parser("auto", hosts, only_devices=True)
    results = [parser.parsed(HostResult(host.name, Status.OK, commands=said)) for host in hosts]
    head, first, second, _ = shown("table", results, hosts=hosts).splitlines()
    assert head.startswith("host  software_image ")
    assert "X86_64_LINUX_IOSD-UNIVERSALK9-M" in first
    assert "3 weeks, 2 days, 4 hours, 11 minutes" in first
    assert second.endswith("Cisco IOS XE Software, Version 17.09.04a …")


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=5), st.integers(1, 30))
def test_no_line_of_a_table_is_wider_than_the_terminal(cells: list[tuple[str, str]], width: int) -> None:
    for line in aligned(("name", "more"), cells, width, Style(colour=False)):
        assert width_of(line) <= width


def test_wide_characters_take_two_columns() -> None:
    assert width_of("日本") == 4
    assert cut("日本語", 4) == "日…"
    assert cut("abc", 3) == "abc"


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff20x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_a_spreadsheet(text: str) -> None:
    result = HostResult(text, Status.FAILED, error=text, commands=(CommandResult(text, 1, text.encode()),))
    heading, row = csv.reader(io.StringIO(shown("csv", [result]), newline=""))
    assert tuple(heading) == COLUMNS
    told = dict(zip(heading, row, strict=True))
    for column in ("host", "error", "command", "stdout"):
        assert not told[column].startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")), column
        assert told[column].startswith(("'", "\\")), column


@given(st.text())
def test_every_cell_is_read_back_as_it_was_written(text: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow([cell(text), "next"])
    ((first, second),) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert (first, second) == (cell(text), "next")


def test_a_number_below_zero_stays_a_number() -> None:
    assert cell(-9) == "-9"
    assert cell(0.25) == "0.25"
    assert cell(None) == ""
    assert cell({"a": 1}) == '{"a": 1}'


def test_each_command_of_a_host_is_a_row_and_a_host_without_one_has_one() -> None:
    both = HostResult("r1", Status.OK, commands=tuple(CommandResult(name, 0, b'a,"b"\n') for name in "xy"))
    read = list(csv.DictReader(io.StringIO(shown("csv", [both, DOWN]))))
    assert [(row["host"], row["command"], row["stdout"]) for row in read] == [
        ("r1", "x", 'a,"b"\n'),
        ("r1", "y", 'a,"b"\n'),
        ("r9", "", ""),
    ]
    assert (read[2]["address"], read[2]["port"], read[2]["error"]) == ("10.0.0.9", "22", "no route to host")


def test_junit_is_a_suite_with_a_case_for_each_host() -> None:
    failed = HostResult("r8", Status.FAILED, error="exit 3", commands=(CommandResult("x", 3, b"a", b"<&>"),))
    skipped = HostResult("r7", Status.SKIPPED, reason="dry-run", error="would be sent: x")
    root = ET.fromstring(shown("junit", [ok("r1", duration_s=0.5), failed, DOWN, skipped], run=RUN))
    (suite,) = root
    assert root.tag == "testsuites"
    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counted == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "1.250"}
    assert (suite.get("name"), suite.get("timestamp")) == ("x", "2026-01-02T00:00:00")
    r1, r8, r9, r7 = suite
    assert (r1.get("classname"), r1.get("name"), r1.get("time")) == ("runner.run", "r1", "0.500")
    assert [child.tag for child in r1] == ["system-out"]
    assert [(child.tag, child.text) for child in r8] == [
        ("failure", None),
        ("system-out", "a"),
        ("system-err", "<&>"),
    ]
    assert r8[0].attrib == {"message": "exit 3", "type": "failed"}
    assert (r9[0].tag, r9[0].attrib) == (
        "error",
        {"message": "no route to host", "type": "unreachable.no-route"},
    )
    assert (r7[0].tag, r7[0].attrib) == ("skipped", {"message": "would be sent: x"})


@given(st.text(), st.binary())
def test_whatever_a_host_says_junit_is_well_formed(text: str, data: bytes) -> None:
    hostile = HostResult(
        text, Status.FAILED, reason=text, error=text, commands=(CommandResult(text, 1, data),)
    )
    run = Run("id", text, START, (text,))
    (suite,) = ET.fromstring(shown("junit", [hostile], run=run))
    assert len(suite) == 1
