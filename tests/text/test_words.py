"""Words of a text: the same as those of `shlex`, in linear time."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.text.words import split_words


@given(st.text("ab \t\n\r'\"\\#=\0é\u00a0", max_size=20), st.booleans())
@example("''", False)
@example("a#b c", True)
@example('"a\\"b\\c\\\\"', False)
@example("a\\", False)
@example("'a", False)
@example('"a\\', False)
def test_words_are_those_of_shlex(text: str, comments: bool) -> None:
    try:
        expected = shlex.split(text, comments=comments)
    except ValueError:
        with pytest.raises(ValueError, match=r"No (closing|escaped)"):
            split_words(text, comments=comments)
    else:
        assert split_words(text, comments=comments) == expected


@pytest.mark.parametrize("unit", ["a", "a ", "'a'", '"\\""', "\\a", "'\"'", "# "])
def test_a_long_text_takes_linear_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    began = time.process_time()
    split_words(text)
    split_words(text, comments=True)
    assert time.process_time() - began < 5
