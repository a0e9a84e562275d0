"""--diff and --ignore of the folded view: what the odd ones say differently, and what does not count."""

from __future__ import annotations

import re

import pytest

from runner.models import HostResult, Status
from runner.report.differences import unified
from runner.report.terminal import Style
from runner.text.ignore_patterns import ignore_patterns

from .reporting import ok, shown

PLAIN = Style(colour=False)
CONFIG = "".join(f"line {number}\n" for number in range(1, 21))


def test_the_rest_is_shown_against_what_most_say() -> None:
    results = [ok("r1", CONFIG), ok("r2", CONFIG), ok("r3", CONFIG.replace("line 10\n", "line ten\n"))]
    text = shown("folded", results, diff=True)
    assert text.startswith("r[1-2] (2): ok\n  line 1\n")
    assert text.partition("r3: ok\n")[2] == (
        "--- r[1-2]\n+++ r3\n@@ -7,7 +7,7 @@\n"
        "   line 7\n   line 8\n   line 9\n-  line 10\n+  line ten\n   line 11\n   line 12\n   line 13\n"
        "3 hosts: 3 ok in 1.2 s\n"
    )


def test_a_host_that_said_nothing_is_not_compared() -> None:
    down = HostResult("r9", Status.UNREACHABLE, error="no route")
    text = shown("folded", [down, ok("r1"), ok("r2", "down\n")], diff=True)
    assert text == (
        "r1: ok\n  up\nr2: ok\n--- r1\n+++ r2\n@@ -1 +1 @@\n-  up\n+  down\n"
        "r9: unreachable\n  no route\n3 hosts: 2 ok, 1 unreachable in 1.2 s\n"
    )


def test_what_does_not_count_is_neither_compared_nor_told_of_several() -> None:
    results = [ok(f"r{number}", f"up {number} days\nversion 1\n") for number in (1, 2, 3)]
    results.append(ok("r4", "up 4 days\nversion 2\n"))
    ignore = ignore_patterns(r"\d+ days")
    text = shown("folded", results, ignore=ignore)
    assert text.startswith("r[1-3] (3): ok\n  up …\n  version 1\nr4: ok\n  up 4 days\n  version 2\n")
    assert "-  version 1\n+  version 2\n" in shown("folded", results, ignore=ignore, diff=True)
    assert "4 days" not in shown("folded", results, ignore=ignore, diff=True)


def lines(text: str) -> list[str]:
    return text.splitlines()


@pytest.mark.parametrize(
    ("base", "other"),
    [
        (CONFIG, CONFIG + "more\n"),
        (CONFIG, "before\n" + CONFIG),
        (CONFIG, ""),
        ("", CONFIG),
        (CONFIG, CONFIG.replace("line 5\n", "").replace("line 15\n", "line 15\nline 15b\n")),
        ("a\nb\na\nb\n", "a\nb\na\nb\na\nb\n"),
    ],
)
def test_a_diff_leads_from_one_to_the_other(base: str, other: str) -> None:
    diff = unified(lines(base), lines(other), ("a", "b"), PLAIN)
    assert diff is not None
    assert patched(lines(base), diff) == lines(other)


def patched(base: list[str], diff: list[str]) -> list[str]:
    """Apply a unified diff, by the numbers in its heads."""
    found: list[str] = []
    place = 0
    for line in diff[2:]:
        head = re.match(r"@@ -(\d+)(?:,(\d+))?", line)
        if head:
            begin = int(head[1]) - (head[2] != "0")
            found += base[place:begin]
            place = begin
        elif line[0] == "+":
            found.append(line[1:])
        else:
            assert base[place] == line[1:]
            found += [line[1:]] * (line[0] == " ")
            place += 1
    return found + base[place:]


def test_what_differs_too_much_is_shown_whole() -> None:
    base, other = ("".join(f"{word} {n}\n" for n in range(5000)) for word in ("one", "other"))
    assert unified(lines(base), lines(other), ("a", "b"), PLAIN) is None
    text = shown("folded", [ok("r1", base), ok("r2", other)], diff=True)
    assert "  other 0\n" in text
    assert "  [too much differs to be compared: shown whole]\n" in text


def test_long_texts_that_differ_in_a_place_are_compared() -> None:
    base = [f"line {number}" for number in range(200_000)]
    diff = unified(base, [*base[:100_000], "new", *base[100_000:]], ("a", "b"), PLAIN)
    assert diff is not None
    assert diff[2:] == [
        "@@ -99998,6 +99998,7 @@",
        *(f" line {number}" for number in (99997, 99998, 99999)),
        "+new",
        *(f" line {number}" for number in (100000, 100001, 100002)),
    ]


def test_colours_tell_what_came_from_what_went() -> None:
    diff = unified(["a"], ["b"], ("x", "y"), Style(colour=True))
    assert diff is not None
    assert diff[-2:] == ["\x1b[31m-a\x1b[0m", "\x1b[32m+b\x1b[0m"]
