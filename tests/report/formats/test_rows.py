"""Rows of parsed outputs in each format: all hosts in one table, and the three outcomes told apart."""

from __future__ import annotations

import csv
import io
import json
import logging
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from runner import report
from runner.errors import UsageError
from runner.models import CommandResult, HostResult, Status
from runner.report import ReportOptions
from runner.results.query import Query
from tests.report.reporting import RUN, shown

pytest.importorskip("jmespath")


def answered(host: str, command: CommandResult, status: Status = Status.OK, **fields: Any) -> HostResult:
    return HostResult(host, status, commands=(command,), **fields)


def rows(*found: dict[str, Any]) -> CommandResult:
    return CommandResult("show ports", 0, b"text\n", parse="rows", rows_bytes=json.dumps(found).encode())


RESULTS = [
    answered("r1", rows({"port": "Gi1", "status": "up"}, {"port": "Gi2", "status": "down"})),
    answered("r2", rows({"port": "Gi1", "status": "down", "vlans": ["1", "2"]})),
    answered("r3", CommandResult("show ports", 0, b"text\n", parse="no-template")),
    answered("r4", CommandResult("show ports", 0, b"a\n<b>\n", parse="no-match", parse_error="<b>")),
    answered("r5", rows()),
    answered("r6", CommandResult("show ports", 1, b"text\n"), Status.FAILED, error="refused"),
]
NO_TEMPLATE = "no template for 'show ports'"
MISFIT = "the template for 'show ports' does not fit: <b>"


def test_a_table_has_the_rows_of_all_hosts_and_says_why_a_host_has_none() -> None:
    assert shown("table", RESULTS).splitlines() == [
        "host  port  status  vlans  host_status  why",
        "r1    Gi1   up",
        "r1    Gi2   down",
        "r2    Gi1   down    1, 2",
        f"r3                         ok           {NO_TEMPLATE}",
        f"r4                         ok           {MISFIT}",
        "r6                         failed       refused",
        "6 hosts: 5 ok, 1 failed in 1.2 s",
    ]


def test_a_query_chooses_rows_and_columns_and_hides_no_host_that_has_no_rows() -> None:
    query = Query(select=("port",), where="status == 'down'")
    assert shown("table", RESULTS, query=query).splitlines()[:-1] == [
        "host  port  status  why",
        "r1    Gi2",
        "r2    Gi1",
        f"r3          ok      {NO_TEMPLATE}",
        f"r4          ok      {MISFIT}",
        "r6          failed  refused",
    ]


def test_counts_have_folded_hosts() -> None:
    assert shown("table", RESULTS[:3], query=Query(group_by="status")).splitlines()[:-1] == [
        "status  count  hosts   host_status  why",
        "down    2      r[1-2]",
        "up      1      r1",
        f"               r3      ok           {NO_TEMPLATE}",
    ]
    assert shown("table", RESULTS[2:3], query=Query(group_by="status")).splitlines()[:-1] == [
        "host  status  why",
        f"r3    ok      {NO_TEMPLATE}",
    ]


def test_csv_has_a_line_for_each_row_and_for_each_host_without_any() -> None:
    read = list(csv.reader(io.StringIO(shown("csv", RESULTS, rows=True))))
    assert read[0] == ["host", "port", "status", "vlans", "host_status", "why"]
    assert [line[:4] for line in read[1:4]] == [
        ["r1", "Gi1", "up", ""],
        ["r1", "Gi2", "down", ""],
        ["r2", "Gi1", "down", '["1", "2"]'],
    ]
    assert [(line[0], *line[4:]) for line in read[4:]] == [
        ("r3", "ok", NO_TEMPLATE),
        ("r4", "ok", MISFIT),
        ("r6", "failed", "refused"),
    ]


def test_csv_of_rows_is_safe_to_open_in_a_spreadsheet() -> None:
    hostile = answered("r1", rows({"=cmd()": "=1+1", "x": "@SUM(A1)"}))
    assert list(csv.reader(io.StringIO(shown("csv", [hostile], rows=True)))) == [
        ["host", "'=cmd()", "x"],
        ["r1", "'=1+1", "'@SUM(A1)"],
    ]


def test_json_has_outcome_rows_and_text_of_each_command() -> None:
    document = json.loads(shown("json", RESULTS))
    told = {name: host["commands"][0] for name, host in document["hosts"].items()}
    assert "rows" not in document
    assert [told["r1"][name] for name in ("parse", "stdout")] == ["rows", "text\n"]
    assert told["r1"]["rows"] == [{"port": "Gi1", "status": "up"}, {"port": "Gi2", "status": "down"}]
    assert (told["r3"]["parse"], told["r3"]["rows"]) == ("no-template", [])
    assert "parse_error" not in told["r3"]
    assert [told["r4"][name] for name in ("parse", "rows", "parse_error")] == ["no-match", [], "<b>"]
    assert (told["r5"]["parse"], told["r5"]["rows"]) == ("rows", [])
    assert "parse" not in told["r6"]


def test_json_has_what_a_query_chose_beside_the_hosts() -> None:
    query = Query(select=("port",), where="status == 'down'")
    document = json.loads(shown("json", RESULTS, query=query))
    assert document["rows"] == [{"host": "r1", "port": "Gi2"}, {"host": "r2", "port": "Gi1"}]
    assert len(document["hosts"]["r1"]["commands"][0]["rows"]) == 2
    assert json.loads(shown("json", RESULTS[2:], query=query))["rows"] == []
    counted = json.loads(shown("json", RESULTS, query=Query(group_by="status")))
    assert counted["groups"] == [
        {"status": "down", "count": 2, "hosts": ["r1", "r2"]},
        {"status": "up", "count": 1, "hosts": ["r1"]},
    ]


def test_json_lines_have_the_rows_of_each_host_or_the_counts_at_the_end() -> None:
    lines = [
        json.loads(line) for line in shown("jsonl", RESULTS, query=Query(where="port == 'Gi1'")).splitlines()
    ]
    assert [line.get("rows") for line in lines[:3]] == [
        [{"host": "r1", "port": "Gi1", "status": "up"}],
        [{"host": "r2", "port": "Gi1", "status": "down", "vlans": ["1", "2"]}],
        [],
    ]
    counted = shown("jsonl", RESULTS, query=Query(group_by="port")).splitlines()
    assert json.loads(counted[-2])["groups"][0] == {"port": "Gi1", "count": 2, "hosts": ["r1", "r2"]}
    assert "rows" not in json.loads(counted[0])


@pytest.mark.parametrize("shape", ["folded", "text"])
def test_formats_of_text_say_why_there_are_no_rows_below_the_text(shape: str) -> None:
    lines = shown(shape, RESULTS).splitlines()
    assert lines[lines.index(f"  [{NO_TEMPLATE}]") - 1] == "  text"
    assert lines[lines.index(f"  [{MISFIT}]") - 1] == "  <b>"
    assert sum(line.startswith("  [") for line in lines) == 2


def test_junit_has_the_outcome_as_a_property() -> None:
    (suite,) = ET.fromstring(shown("junit", RESULTS, run=RUN))
    found = {case.get("name"): [item.attrib for item in case.iter("property")] for case in suite}
    assert found["r1"] == [{"name": "show ports", "value": "rows"}]
    assert found["r3"] == [{"name": "show ports", "value": "no-template"}]
    assert found["r4"] == [{"name": "show ports", "value": "no-match: <b>"}]
    assert found["r6"] == []


def test_the_values_of_host_tasks_are_rows_for_a_query() -> None:
    results = [
        HostResult("s1", Status.OK, value={"kernel": "6.1", "site": "a"}),
        HostResult("s2", Status.OK, value=[{"kernel": "6.1"}, {"kernel": "5.4"}]),
    ]
    assert shown("table", results, query=Query(where="kernel == '6.1'", select=("kernel",))).splitlines()[
        :-1
    ] == [
        "host  kernel",
        "s1    6.1",
        "s2    6.1",
    ]


def test_nothing_that_a_device_says_moves_the_terminal() -> None:
    hostile = [
        answered("r1", rows({"po\x1b[2Jrt": "\x1b]0;x\x07", "status": ["\x9b1m"]})),
        answered("r2", CommandResult("show\x1b[2J", 0, b"x", parse="no-match", parse_error="\x1b[2J\n\x07")),
    ]
    for shape in ("table", "csv", "text", "folded", "json", "junit"):
        said = shown(shape, hostile, rows=True, run=RUN)
        assert not set("\x1b\x07\x9b") & set(said), shape


def test_fields_that_no_row_has_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    for shape in ("table", "csv", "json", "jsonl"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            shown(shape, RESULTS, query=Query(select=("prot",)))
        assert [record.getMessage() for record in caplog.records] == [
            "no row has the field prot; the fields are: host, port, status, vlans"
        ]


@pytest.mark.parametrize("flag", ["select", "where", "group_by"])
def test_formats_that_have_no_rows_refuse_a_query(flag: str) -> None:
    dashed = flag.replace("_", "-")
    with pytest.raises(
        UsageError, match=f"^--{dashed} does not fit --format folded; it fits csv, json, jsonl, table$"
    ):
        report.create("folded", io.StringIO(), ReportOptions(), [flag])
