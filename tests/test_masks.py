"""--ignore: what does not count where answers are compared, and never runs away."""

from __future__ import annotations

import re

import pytest

from runner.masks import MASK, found, mask, masks


def test_every_match_is_left_out_line_by_line() -> None:
    patterns = masks([r"up .* minutes$", r"^\d\d:\d\d"])
    assert mask("10:15 r1 up 3 days, 4 minutes\nr2 10:15\n", patterns) == f"{MASK} r1 {MASK}\nr2 10:15\n"


def test_one_expression_needs_no_list_and_a_compiled_one_stays() -> None:
    (one,) = masks("a+")
    assert masks((one,)) == (one,)
    assert mask("caat", (one,)) == f"c{MASK}t"
    assert mask("caat", ()) == "caat"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(", "expected a regular expression: missing ), unterminated subpattern"),
        ("x*", "expected a regular expression that matches no empty text"),
        ("", "expected a regular expression that matches no empty text"),
        ("(a+)+b", "expected no repeat of a group that holds one"),
        ("(?:a|b)*c", "expected no repeat of a group that holds one"),
        ("((a+)b){2,}", "expected no repeat of a group that holds one"),
        ("(a{1,9}x)*y", "expected no repeat of a group that holds one"),
        (5, "expected a regular expression, or a list of them"),
    ],
)
def test_what_cannot_be_used_says_what_was_expected(text: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        masks(text)


@pytest.mark.parametrize(
    "text", [r"[0-9:]+", r"(up|down) for .*", r"\(a+\)+", r"[(a+)]+x", r"(abc)+", r"(a|b){2}x", r"(\+)+"]
)
def test_what_has_an_end_may_be_used(text: str) -> None:
    assert masks(text)


def test_a_line_without_an_end_is_compared_as_it_is() -> None:
    assert mask("a" * 5000 + "\naa", masks("a+")) == "a" * 5000 + f"\n{MASK}"


def test_a_text_has_a_match_in_any_of_its_lines_but_not_across_them() -> None:
    (pattern,) = masks("^up$")
    assert found("router1\r\nup\r\n", pattern)
    assert not found("up and away\ndown", pattern)
    assert not found("u\np", pattern)


def test_a_line_that_is_too_long_to_be_masked_has_no_match_either() -> None:
    (pattern,) = masks("x+y")
    assert not found("x" * 5000 + "y", pattern)
