"""`--raw`: what devices print drives the terminal only where that is asked for."""

from __future__ import annotations

import io

import pytest

from runner.models import CommandResult, Host, HostResult, Status
from runner.report import ReportOptions, create
from runner.report.words import body

HOSTILE = b"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m\xff \xe2\x80\xae\r\x08ok"


def result(said: bytes = HOSTILE) -> HostResult:
    return HostResult("r1", Status.OK, sent=True, commands=(CommandResult("show", 0, said, said),))


@pytest.mark.parametrize("name", ["folded", "text"])
def test_it_is_marked_unless_it_is_asked_for(name: str) -> None:
    text = {}
    for raw in (False, True):
        stream = io.StringIO()
        reporter = create(name, stream, ReportOptions(raw=raw, hosts=[Host("r1")]), ["raw"] * raw)
        reporter.result(result())
        text[raw] = stream.getvalue() or "\n".join(body(result(), raw=raw))

    assert "\x1b" not in text[False]
    assert "\x07" not in text[False]
    assert "\u202e" not in text[False]
    assert r"\x1b]0;owned\x07" in text[False]
    assert "\x1b]0;owned\x07\x1b[2J" in text[True]


def test_errors_are_ours_and_stay_marked() -> None:
    failed = HostResult("r1", Status.ERROR, error="no: \x1b[2J")

    assert "\x1b" not in "".join(body(failed, raw=True))


def test_where_all_of_it_went_is_said() -> None:
    spilled = CommandResult("show", 0, b"x", truncated=True, stdout_file="/kept/stdout-\x1b1")
    lines = body(HostResult("r1", Status.OK, commands=(spilled,)))

    assert r"  [all of it: /kept/stdout-\x1b1]" in lines
