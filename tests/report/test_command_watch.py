"""What is shown of rounds: all at first, then what is not as it was, at the end who is not ok."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner import report
from runner.errors import UsageError
from runner.models import CommandResult, HostResult, Run, Status
from runner.report import ReportOptions
from runner.report.command_watch import FoldedRounds, JsonLinesRounds, Seen, check_format
from runner.report.terminal import Style
from runner.text.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN = datetime(2026, 1, 2, 12, tzinfo=UTC)
RUN = Run("id", "watch", BEGIN, ("show",))
EVERY_S = 10


class Watched:
    """Rounds ten seconds apart, and what is shown of them."""

    def __init__(self, *masks: str, only: Sequence[Status] = (), jsonl: bool = False) -> None:
        self.seen = Seen(RUN, [Expression(mask, "--ignore") for mask in masks])
        stream = io.StringIO()
        reporter = report.create("folded", stream, ReportOptions())
        folded = FoldedRounds(reporter, stream, Style(colour=False), only)
        self.view = JsonLinesRounds(only) if jsonl else folded

    def round(self, **said: str | Status) -> list[str]:
        results = [result(host, what) for host, what in said.items()]
        found = self.seen.take(
            results, BEGIN + timedelta(seconds=EVERY_S * self.seen.rounds), EVERY_S * self.seen.rounds
        )
        show = self.view.first if found.number == 1 else self.view.later
        return "".join(show(self.seen, found)).splitlines()

    def end(self) -> list[str]:
        finished = BEGIN + timedelta(seconds=EVERY_S * self.seen.rounds)
        run = Run("id", "watch", BEGIN, finished=finished)
        return "".join(self.view.ended(self.seen, run)).splitlines()


def cut_off(host: str) -> HostResult:
    """A host whose connection ended in the middle of its answer."""
    command = CommandResult("show", None, b"vers")
    return HostResult(host, Status.LOST, reason="connection-lost", error="it ended", commands=(command,))


def result(host: str, what: str | Status) -> HostResult:
    if what is Status.LOST:
        return cut_off(host)
    if isinstance(what, Status):
        return HostResult(host, what, reason="no-reply", error="nobody answers")
    return HostResult(host, Status.OK, commands=(CommandResult("show", 0, what.encode()),))


def clock(rounds: int) -> str:
    return f"{(BEGIN + timedelta(seconds=EVERY_S * (rounds - 1))).astimezone():%H:%M:%S}"


def test_the_first_round_is_shown_as_a_run_is() -> None:
    assert Watched().round(r1="a", r2="a", r3="b") == [
        "r[1-2] (2): ok",
        "  a",
        "r3: ok",
        "  b",
        "3 hosts: 3 ok in 0.0 s",
    ]


def test_nothing_is_shown_where_nothing_changed() -> None:
    watched = Watched()
    watched.round(r1="a", r2=Status.UNREACHABLE)
    assert watched.round(r1="a", r2=Status.UNREACHABLE) == []


def test_hosts_that_changed_alike_are_shown_once_with_the_difference() -> None:
    watched = Watched()
    watched.round(r1="up\n4 routes", r2="up\n4 routes", r3="down")
    assert watched.round(r1="up\n3 routes", r2="up\n3 routes", r3="down") == [
        "",
        f"{clock(2)}  round 2: 2 of 3 hosts changed",
        "r[1-2] (2): ok, says something else",
        "  @@",
        "   up",
        "  -4 routes",
        "  +3 routes",
    ]


def test_what_is_masked_is_no_change() -> None:
    watched = Watched("[0-9]+ seconds")
    watched.round(r1="up for 10 seconds")
    assert watched.round(r1="up for 20 seconds") == []


def test_a_host_that_was_lost_in_its_answer_is_compared_with_its_last_whole_one() -> None:
    watched = Watched()
    watched.round(r1="version 1")
    assert watched.round(r1=Status.LOST)[2:] == [
        "r1: ok -> lost (connection-lost), after 10s",
        "  it ended",
    ]
    watched.round(r1=Status.UNREACHABLE)
    assert watched.round(r1="version 1")[2:] == ["r1: unreachable (no-reply) -> ok, after 10s"]


def test_a_host_goes_down_and_comes_back_and_is_compared_with_what_it_said_before() -> None:
    watched = Watched()
    watched.round(r1="version 1\nserial 7", r2="a")
    assert watched.round(r1=Status.UNREACHABLE, r2="a")[2:] == [
        "r1: ok -> unreachable (no-reply), after 10s",
        "  nobody answers",
    ]
    assert watched.round(r1=Status.UNREACHABLE, r2="a") == []
    assert watched.round(r1="version 2\nserial 7", r2="a")[2:] == [
        "r1: unreachable (no-reply) -> ok, after 20s",
        "  @@",
        "  -version 1",
        "  +version 2",
        "   serial 7",
    ]


def test_one_that_comes_back_as_it_was_says_nothing_new() -> None:
    watched = Watched()
    watched.round(r1="a")
    watched.round(r1=Status.UNREACHABLE)
    assert watched.round(r1="a")[2:] == ["r1: unreachable (no-reply) -> ok, after 10s"]


def test_hosts_that_were_down_for_different_times_come_back_together() -> None:
    watched = Watched()
    watched.round(r1="a", r2="a")
    watched.round(r1=Status.UNREACHABLE, r2="a")
    watched.round(r1=Status.UNREACHABLE, r2=Status.UNREACHABLE)
    back = watched.round(r1="a", r2="a")
    assert back[2:] == ["r[1-2] (2): unreachable (no-reply) -> ok, after 10s to 20s"]


def test_a_host_without_a_result_in_a_round_stays_as_it_was() -> None:
    watched = Watched()
    watched.round(r1="a", r2="a")
    assert watched.round(r2="b")[2] == "r2: ok, says something else"
    assert watched.round(r1="a", r2="b") == []


def test_the_end_tells_who_is_not_ok_and_since_when() -> None:
    watched = Watched()
    watched.round(r1="a", r2=Status.UNREACHABLE, r3="a", r4="a")
    watched.round(r1="a", r2=Status.UNREACHABLE, r3=Status.UNREACHABLE, r4=Status.UNREACHABLE)
    assert watched.end() == [
        "",
        f"r[3-4] (2): unreachable (no-reply) since {clock(2)}",
        f"r2: unreachable (no-reply) since {clock(1)}",
        "4 hosts: 1 ok, 3 unreachable in 20.0 s, 2 rounds",
    ]


def test_of_a_single_round_everything_has_been_said() -> None:
    watched = Watched()
    watched.round(r1=Status.UNREACHABLE)
    assert watched.end() == []


def test_only_shows_what_came_to_a_status_or_left_it() -> None:
    watched = Watched(only=[Status.UNREACHABLE])
    watched.round(r1="a", r2="a")
    assert watched.round(r1="b", r2="a") == []
    assert watched.round(r1="b", r2=Status.UNREACHABLE)[2].startswith("r2: ok -> unreachable")
    assert watched.round(r1="b", r2="a")[2].startswith("r2: unreachable (no-reply) -> ok")


def test_for_scripts_there_is_a_line_for_each_host_then_one_for_each_change() -> None:
    watched = Watched(jsonl=True)
    first = [json.loads(line) for line in watched.round(r1="a", r2="b")]
    assert [(line["round"], line["host"], line["from"], line["to"]) for line in first] == [
        (1, "r1", None, "ok"),
        (1, "r2", None, "ok"),
    ]
    assert first[0]["commands"][0]["stdout"] == "a"
    (down,) = [json.loads(line) for line in watched.round(r1=Status.UNREACHABLE, r2="b")]
    assert down["time"] == "2026-01-02T12:00:10.000Z"
    assert (down["host"], down["from"], down["to"], down["lasted_s"]) == ("r1", "ok", "unreachable", 10.0)
    assert (down["reason"], down["error"], down["commands"]) == ("no-reply", "nobody answers", [])
    (back,) = [json.loads(line) for line in watched.round(r1="c", r2="b")]
    assert (back["from"], back["to"], back["diff"]) == ("unreachable", "ok", ["@@", "-a", "+c"])
    (end,) = [json.loads(line) for line in watched.end()]
    assert (end["rounds"], end["summary"]["ok"]) == (3, 2)


def test_what_a_device_prints_drives_no_terminal() -> None:
    watched = Watched()
    watched.round(r1="a")
    shown = "\n".join(watched.round(r1="\x1b[2J\x1b]0;owned\x07"))
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown


def test_outputs_that_are_equal_are_in_memory_once() -> None:
    watched = Watched()
    for _ in range(3):
        watched.round(**{f"r{number}": "the same " * 100 for number in range(10)})
    assert len({id(found.commands[0].stdout_bytes) for found in watched.seen.now.values()}) == 1


@pytest.mark.parametrize("name", ["json", "table", "nonsense"])
def test_another_format_is_refused_with_those_that_fit(name: str) -> None:
    with pytest.raises(UsageError, match=f"^--format {name} does not fit watch; what fits: folded, jsonl$"):
        check_format(name, ())


def test_a_flag_of_the_other_format_is_refused() -> None:
    check_format("jsonl", {"ignore", "only"})
    check_format("folded", {"diff", "raw", "sort"})
    with pytest.raises(UsageError, match="--diff does not fit watch --format jsonl"):
        check_format("jsonl", {"diff"})
