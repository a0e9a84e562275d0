"""`--format fping`: what a script written for fping can read."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import pytest

from runner.models import HostResult, Status
from runner.report import ReportOptions
from runner.report.formats.fping import FpingReporter


def reported(*results: HostResult) -> list[str]:
    stream = io.StringIO()
    reporter = FpingReporter(stream, ReportOptions())
    for result in results:
        reporter.result(result)
    return stream.getvalue().splitlines()


def test_one_line_says_alive_or_unreachable() -> None:
    assert reported(HostResult("r1", Status.OK), HostResult("r2", Status.UNREACHABLE)) == [
        "r1 is alive",
        "r2 is unreachable",
    ]


def test_with_a_count_the_line_holds_the_statistics() -> None:
    result = HostResult("r1", Status.OK, rtts_ms=(0.03, None, 12.345, 0.5))
    assert reported(result) == ["r1 : xmt/rcv/%loss = 4/3/25%, min/avg/max = 0.030/4.29/12.3"]


def test_a_silent_host_has_no_times() -> None:
    result = HostResult("r1", Status.UNREACHABLE, rtts_ms=(None, None))
    assert reported(result) == ["r1 : xmt/rcv/%loss = 2/0/100%"]


def test_a_name_cannot_begin_a_line_of_its_own() -> None:
    assert reported(HostResult("r1\nr2 is alive", Status.UNREACHABLE)) == ["r1\\nr2 is alive is unreachable"]


@pytest.mark.skipif(shutil.which("fping") is None, reason="fping is not installed")
def test_the_lines_have_the_shape_of_the_real_fpings() -> None:
    real = subprocess.run(
        ["fping", "-c", "2", "-p", "20", "127.0.0.1"], capture_output=True, text=True, timeout=20, check=False
    ).stderr
    lines = [line for line in real.splitlines() if "xmt/rcv" in line]
    if not lines:
        pytest.skip("fping may not ping here")
    shape = re.compile(r"\S+ +: xmt/rcv/%loss = \d+/\d+/\d+%, min/avg/max = [\d.]+/[\d.]+/[\d.]+")
    ours = reported(HostResult("127.0.0.1", Status.OK, rtts_ms=(0.1, 0.2)))
    assert shape.fullmatch(lines[0])
    assert shape.fullmatch(ours[0])
