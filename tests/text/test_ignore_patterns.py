"""--ignore removes text before answers are compared, and ends even for a slow pattern."""

from __future__ import annotations

import re
import threading
import time

import pytest

from runner.text.ignore_patterns import MASK, found, ignore_patterns, mask


def test_every_match_is_left_out_line_by_line() -> None:
    patterns = ignore_patterns([r"up .* minutes$", r"^\d\d:\d\d"])
    assert mask("10:15 r1 up 3 days, 4 minutes\nr2 10:15\n", patterns) == f"{MASK} r1 {MASK}\nr2 10:15\n"


def test_one_expression_needs_no_list_and_a_compiled_one_stays() -> None:
    (one,) = ignore_patterns("a+")
    assert ignore_patterns((one,)) == (one,)
    assert mask("caat", (one,)) == f"c{MASK}t"
    assert mask("caat", ()) == "caat"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(", "expected a regular expression: missing ), unterminated subpattern"),
        ("x*", "expected a regular expression that matches no empty text"),
        ("", "expected a regular expression that matches no empty text"),
        ("(?:a+)*", "expected a regular expression that matches no empty text"),
        (5, "expected a regular expression, or a list of them"),
    ],
)
def test_what_cannot_be_used_says_what_was_expected(text: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        ignore_patterns(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "line"),
    [
        (r"\d+.*\d+.*\d+.*\d+.*ms$", "1" * 4000 + "ms."),
        (r"(a|aa)+$", "a" * 200 + "b"),
        (r"(?=(.*a.*a.*a.*a.*x))", "a" * 2000),
    ],
)
def test_an_expression_without_an_end_is_left_off_with_a_warning(
    expression: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    (pattern,) = ignore_patterns([expression])
    assert mask(f"up\n{line}", (pattern,), "r1") == f"up\n{line}"
    assert f"r1: --ignore {expression!r} took longer than 1 s" in caplog.text


def test_other_threads_run_while_an_expression_takes_its_time() -> None:
    (pattern,) = ignore_patterns([r"(a|aa)+$"])
    beats: list[float] = []
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.01):
            beats.append(time.monotonic())

    thread = threading.Thread(target=beat)
    thread.start()
    assert not found("a" * 200 + "b", pattern)
    ended.set()
    thread.join()
    assert len(beats) > 5


@pytest.mark.slow
def test_many_hosts_cost_a_slow_expression_little_more_than_one(caplog: pytest.LogCaptureFixture) -> None:
    (pattern,) = ignore_patterns([r"(a|aa)+$"])
    began = time.process_time()
    for number in range(20):
        mask("a" * 200 + "b", (pattern,), f"r{number}")
    assert time.process_time() - began < 15
    assert mask("aaa", (pattern,)) == MASK
    assert len(caplog.records) == 20


def test_a_line_without_an_end_is_compared_as_it_is() -> None:
    assert mask("a" * 5000 + "\naa", ignore_patterns("a+")) == "a" * 5000 + f"\n{MASK}"


def test_a_text_has_a_match_in_any_of_its_lines_but_not_across_them() -> None:
    (pattern,) = ignore_patterns("^up$")
    assert found("router1\r\nup\r\n", pattern)
    assert not found("up and away\ndown", pattern)
    assert not found("u\np", pattern)


def test_a_line_that_is_too_long_to_be_masked_has_no_match_either() -> None:
    (pattern,) = ignore_patterns("x+y")
    assert not found("x" * 5000 + "y", pattern)
