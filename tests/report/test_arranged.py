"""--only, --sort, and the flags that fit some formats only."""

from __future__ import annotations

import io
import json
import re

import pytest

from runner import report
from runner.errors import UsageError
from runner.models import Host, HostResult, Status
from runner.report import ReportOptions

from .reporting import ok, shown

RESULTS = [
    ok("r10", duration_s=0.1),
    HostResult("r9", Status.AUTH, duration_s=0.5),
    ok("r2", duration_s=0.9),
    HostResult("r1", Status.UNREACHABLE),
]
EVERY = ("folded", "text", "table", "json", "jsonl", "csv", "junit", "fping")


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", ["r1", "r2", "r9", "r10"]),
        ("status", ["r2", "r10", "r1", "r9"]),
        ("duration", ["r2", "r9", "r10", "r1"]),
    ],
)
@pytest.mark.parametrize("name", ["text", "table", "json", "jsonl", "csv", "junit", "fping"])
def test_hosts_come_in_the_order_that_was_asked_for(name: str, order: str, names: list[str]) -> None:
    text = shown(name, RESULTS, sort=order)
    assert re.findall(r"\br\d+\b", re.sub(r"login of r\d+", "", text)) == names


def test_documents_are_in_the_order_of_the_inventory_whoever_ended_first() -> None:
    hosts = [Host("r1"), Host("r2"), Host("r9"), Host("r10")]
    assert list(json.loads(shown("json", RESULTS, hosts=hosts))["hosts"]) == ["r1", "r2", "r9", "r10"]
    assert [line.partition(" ")[0] for line in shown("table", RESULTS, hosts=hosts).splitlines()[1:5]] == [
        "r1",
        "r2",
        "r9",
        "r10",
    ]


@pytest.mark.parametrize("name", EVERY)
def test_only_what_was_asked_for_is_shown_and_all_is_counted(name: str) -> None:
    text = shown(name, RESULTS, only=(Status.AUTH, Status.UNREACHABLE))
    assert "r9" in text
    assert "r10" not in text
    if name in ("folded", "text", "table"):
        assert text.endswith("4 hosts: 2 ok, 1 unreachable, 1 auth in 1.2 s\n")


@pytest.mark.parametrize(
    ("name", "flag", "fitting"),
    [
        ("json", "diff", "folded"),
        ("text", "ignore", "folded"),
        ("folded", "prefix", "text"),
        ("folded", "sort", "csv, fping, json, jsonl, junit, table, text"),
    ],
)
def test_a_flag_that_does_not_fit_names_the_formats_that_it_fits(name: str, flag: str, fitting: str) -> None:
    with pytest.raises(UsageError, match=f"^--{flag} does not fit --format {name}; it fits {fitting}$"):
        report.create(name, io.StringIO(), ReportOptions(), [flag])
    report.create(fitting.split(", ", maxsplit=1)[0], io.StringIO(), ReportOptions(), [flag])
