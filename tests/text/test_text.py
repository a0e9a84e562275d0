"""What others wrote as part of messages of ours."""

from __future__ import annotations

import warnings

from hypothesis import given
from hypothesis import strategies as st

from runner.text import because, excerpt, printable, quoted
from runner.text.expressions import Expression


@given(st.text())
def test_nothing_that_moves_a_terminal_is_left(text: str) -> None:
    assert printable(text).isprintable()
    assert excerpt(text).isprintable()


@given(st.binary())
def test_bytes_of_any_kind_are_shown(data: bytes) -> None:
    assert excerpt(data).isprintable()


def test_what_is_printable_stays_as_it_is() -> None:
    assert printable("grüße, 東京 ✓") == "grüße, 東京 ✓"


def test_what_is_not_is_written_out() -> None:
    assert printable("\x1b[31m\n\u202e") == r"\x1b[31m\n\u202e"


def test_only_the_beginning_of_much_is_shown() -> None:
    assert excerpt("x" * 1000, 10) == "x" * 10 + "…"


def test_what_was_given_is_quoted_one_by_one() -> None:
    assert quoted("a b") == "'a b'"
    assert quoted(("show clock", "show\x1bversion")) == "'show clock', 'show\\x1bversion'"
    assert quoted([]) == "[]"


def test_what_was_said_follows_a_colon_where_anything_was() -> None:
    assert because(b"no\x1bway") == ": no\\x1bway"
    assert because(" \n") == ""


def test_python_says_nothing_of_an_expression_that_it_may_read_otherwise_one_day() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Expression("[[a]", "--ignore").over().match("[")
