"""The formats for people, line by line, and the door for those of others."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from runner import report
from runner.errors import UsageError
from runner.models import CommandResult, HostResult, Phase, Status
from runner.report import ReportOptions
from tests.projects import ROOT
from tests.report.reporting import ok, shown

if TYPE_CHECKING:
    from pathlib import Path

DOWN = HostResult(
    "r9", Status.UNREACHABLE, "10.0.0.9", 22, phase=Phase.PING, reason="silent", error="silence"
)
FAILED = HostResult(
    "r8",
    Status.FAILED,
    reason="exit-code",
    error="'x' ended with exit code 3",
    commands=(CommandResult("x", 3, b"half\n", b"no such thing\n"),),
)


def test_folded_shows_each_answer_once_the_odd_ones_last() -> None:
    assert shown("folded", [DOWN, FAILED, ok("r3", "other\n"), ok("r1"), ok("r2")]) == (
        "r[1-2] (2): ok\n"
        "  up\n"
        "r3: ok\n"
        "  other\n"
        "r9: unreachable\n"
        "  silence\n"
        "r8: failed (exit 3)\n"
        "  half\n"
        "! no such thing\n"
        "  'x' ended with exit code 3\n"
        "5 hosts: 3 ok, 1 failed, 1 unreachable in 1.2 s\n"
    )


def test_names_without_end_are_cut_on_a_terminal_only() -> None:
    names = [f"host-{chr(97 + n // 26)}{chr(97 + n % 26)}x" for n in range(600)]
    results = [ok(name) for name in names]
    whole = f"{','.join(sorted(names))} (600): ok"
    assert shown("folded", results).splitlines()[0] == whole
    assert shown("folded", results, width=80, verbose=True).splitlines()[0] == whole
    head = shown("folded", results, width=80).splitlines()[0]
    assert head == f"{whole[:639]}… (600): ok"


def test_text_shows_each_host_as_it_ends() -> None:
    assert shown("text", [ok("r2"), DOWN, ok("r1")]) == (
        "r2: ok\n"
        "  up\n"
        "r9: unreachable  [10.0.0.9:22, 0.00 s]\n"
        "  silence\n"
        "r1: ok\n"
        "  up\n"
        "3 hosts: 2 ok, 1 unreachable in 1.2 s\n"
    )


def test_a_ping_of_one_host_shows_its_time_and_of_several_the_range() -> None:
    up = [HostResult(f"r{n}", Status.OK, rtt_ms=n / 2, method="icmp") for n in (1, 2, 3)]
    assert shown("folded", up[:1], "ping").startswith("r1: ok  rtt 0.5 ms\n1 host: 1 ok")
    assert shown("folded", up, "ping").startswith("r[1-3] (3): ok  rtt 0.5-1.5 ms\n3 hosts: 3 ok")
    assert shown("folded", [HostResult("r1", Status.OK)], "ping").startswith("r1: ok\n")
    assert shown("folded", [DOWN], "ping").startswith("r9: unreachable\n  silence\n")


def test_verbose_says_where_a_host_is_how_it_was_reached_and_how_long_it_took() -> None:
    one = ok("r1", rtt_ms=0.25, duration_s=0.5, attempts=3)
    for name in ("folded", "text"):
        assert shown(name, [one], verbose=True).splitlines()[0] == (
            "r1: ok  [10.0.0.1:22, rtt 0.25 ms, 0.50 s, 3 attempts]"
        )
        assert shown(name, [one]).splitlines()[0] == "r1: ok"
    pinged = shown("folded", [one, ok("r2")], "ping", verbose=True)
    assert "\n  r1  [10.0.0.1:22, rtt 0.25 ms, 0.50 s, 3 attempts]\n  r2  [10.0.0.1:22, 0.00 s]\n" in pinged


def test_several_commands_are_told_apart() -> None:
    both = HostResult(
        "r1", Status.OK, commands=(CommandResult("a", 0, b"1\n"), CommandResult("b", 0, b"2\n"))
    )
    assert shown("folded", [both]).startswith("r1: ok\n  $ a\n  1\n  $ b\n  2\n")


def test_output_that_was_cut_says_so() -> None:
    cut = HostResult("r1", Status.ERROR, commands=(CommandResult("x", None, b"aa", truncated=True),))
    assert "  aa\n  [… more was printed than is kept: see --max-output]\n" in shown("text", [cut])


def test_the_value_of_a_host_task_is_shown() -> None:
    assert '  {"before": "1.0"}\n' in shown("text", [HostResult("r1", Status.OK, value={"before": "1.0"})])


def test_colours_are_for_those_who_take_them() -> None:
    assert "\x1b[32mok\x1b[0m" in shown("folded", [ok("r1")], colour=True)
    assert "\x1b" not in shown("folded", [ok("r1"), FAILED, DOWN])
    assert "\x1b" not in shown("json", [ok("r1")], colour=True)


def test_json_lines_are_one_host_a_line_and_the_summary() -> None:
    lines = [json.loads(line) for line in shown("jsonl", [ok("r1"), DOWN]).splitlines()]
    assert [line.get("host") for line in lines] == ["r1", "r9", None]
    assert lines[0]["status"] == "ok"
    assert lines[2]["summary"]["hosts"] == 2


def test_json_is_one_document() -> None:
    document = json.loads(shown("json", [ok("r1"), DOWN]))
    assert list(document) == ["schema", "run", "summary", "hosts"]
    assert list(document["hosts"]) == ["r1", "r9"]


def test_the_page_has_a_transcript_of_every_format() -> None:
    page = (ROOT / "docs" / "output.md").read_text("utf-8")
    for name in set(report.names()) - {"folded"}:
        assert f"| `{name}` |" in page
        assert f"--format {name}" in page
    assert "{run}" in page


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="'xml' is not known; known: csv, folded, "):
        report.create("xml", io.StringIO(), ReportOptions())


def test_a_third_partys_format_comes_in_by_the_same_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_reporters.py").write_text(
        "class Names:\n"
        "    def __init__(self, stream, options):\n"
        "        self.stream = stream\n"
        "    def start(self, run):\n"
        "        pass\n"
        "    def result(self, result):\n"
        "        print(result.host, file=self.stream)\n"
        "    def finish(self, results):\n"
        "        pass\n"
        "def broken(stream, options):\n"
        "    raise OSError('no printer')\n"
    )
    info = tmp_path / "their_reporters-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-reporters\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[runner.reporters]\nnames = their_reporters:Names\nbroken = their_reporters:broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert shown("names", [ok("r1"), DOWN]) == "r1\nr9\n"
    with pytest.raises(UsageError, match="--format broken cannot be used: OSError: no printer"):
        report.create("broken", io.StringIO(), ReportOptions())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines", "two\nlines"),
        ({"neighbours": ["a", None], "up": True}, '{"neighbours": ["a", null], "up": true}'),
        (["grüße", 1.5], '["grüße", 1.5]'),
        (False, "false"),
        (0, "0"),
        ({"rate": float("nan")}, '{"rate": "nan"}'),
        ({1, 2}, "[1, 2]"),
    ],
)
def test_what_a_host_task_returned_is_a_text_or_json_in_every_format_for_people(
    value: object, text: str
) -> None:
    result = HostResult("r1", Status.OK, value=value)
    indented = "".join(f"  {line}\n" for line in text.split("\n"))
    assert shown("text", [result]).startswith(f"r1: ok  [address unknown, 0.00 s]\n{indented}")
    assert shown("folded", [result]).startswith(f"r1: ok\n{indented}")
    (row,) = csv.DictReader(io.StringIO(shown("csv", [result])))
    assert row["value"] == text
    case = ET.fromstring(shown("junit", [result]).encode()).find("testsuite/testcase/system-out")
    assert case is not None
    assert case.text == text
