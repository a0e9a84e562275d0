"""What changed from one run to another: which hosts ended otherwise, and what they say differently."""

from __future__ import annotations

from runner.history import Record
from runner.models import CommandResult, HostResult, Status
from runner.report.changes import compare, shown
from runner.report.terminal import Style
from runner.text.expressions import Expression
from tests.history.runs import make_run


def record(number: int, **said: str | Status) -> Record:
    """A run of which a host said something, or ended with a status."""
    results = {}
    for host, what in said.items():
        commands = () if isinstance(what, Status) else (CommandResult("show", 0, what.encode()),)
        status = what if isinstance(what, Status) else Status.OK
        results[host] = HostResult(host, status, commands=commands, duration_s=number)
    return Record(make_run(number), results, frozenset(results), tuple(results))


def lines(before: Record, after: Record, *masks: str) -> list[str]:
    found = compare(before, after, [Expression(each, "--ignore") for each in masks])
    return list(shown(found, Style(colour=False)))


def test_what_is_the_same_is_not_shown() -> None:
    assert lines(record(1, r1="a\n", r2="b\n"), record(2, r1="a\n", r2="b\n")) == [
        "2 hosts: 0 changed, 2 the same"
    ]


def test_hosts_with_the_same_change_are_shown_once() -> None:
    before = record(1, r1="one\ntwo\n", r2="one\ntwo\n", r3="one\n", r4="one\ntwo\n")
    after = record(2, r1="one\n2\n", r2="one\n2\n", r3="one\n", r4="three\ntwo\n")
    assert lines(before, after) == [
        "r[1-2] (2): ok, says something else",
        "  @@",
        "   one",
        "  -two",
        "  +2",
        "r4: ok, says something else",
        "  @@",
        "  -one",
        "  +three",
        "   two",
        "4 hosts: 3 changed, 1 the same",
    ]


def test_the_same_lines_changed_is_the_same_change_whatever_else_a_host_says() -> None:
    far = "\n" * 5
    before = record(1, r1=f"serial 1{far}old\n", r2=f"serial 2{far}old\n")
    after = record(2, r1=f"serial 1{far}new\n", r2=f"serial 2{far}new\n")
    assert lines(before, after)[0] == "r[1-2] (2): ok, says something else"


def test_a_host_that_ends_otherwise_is_shown_with_both() -> None:
    assert lines(record(1, r1="a\n"), record(2, r1=Status.TIMEOUT)) == [
        "r1: ok -> timeout",
        "  @@",
        "  -a",
        "1 host: 1 changed, 0 the same",
    ]


def test_a_host_of_one_run_only_is_a_change() -> None:
    found = lines(record(1, old="a\n"), record(2, new="a\n"))
    assert found[:2] == ["old: ok -> not in this run", "new: not in this run -> ok"]


def test_what_is_masked_does_not_count() -> None:
    before, after = record(1, r1="up 3 days\n"), record(2, r1="up 4 days\n")
    assert len(compare(before, after).changed) == 1
    assert lines(before, after, r"up \d+") == ["1 host: 0 changed, 1 the same"]


def test_a_host_without_result_is_compared_by_what_is_known_of_it() -> None:
    killed = Record(make_run(1), {}, frozenset({"r1"}), ("r1", "r2"))
    found = compare(killed, record(2, r1="a\n", r2="a\n"))
    assert [change.before_text for change in found.changed] == ["lost (in-doubt)", "cancelled (not-reached)"]


def test_what_a_host_prints_does_not_drive_the_terminal() -> None:
    found = "\n".join(lines(record(1, r1="a\n"), record(2, r1="\x1b]0;gotcha\x07\n")))
    assert "\x1b" not in found
    assert r"\x1b]0;gotcha" in found


def test_texts_without_a_common_line_are_not_compared_for_ever() -> None:
    before = record(1, r1="".join(f"a{number}\n" for number in range(9000)))
    after = record(2, r1="".join(f"b{number}\n" for number in range(9000)))
    assert lines(before, after)[1] == "  9000 lines, now 9000: too many of them differ to be compared"
