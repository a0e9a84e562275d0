"""Folded names are short, and unfold to exactly the original names."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.text.hostlist import fold, natural
from runner.text.hostlist import unfold as given_back

NAMES = st.text(alphabet='ar-.019٣[],"\n', min_size=1, max_size=8)


def unfold(text: str) -> set[str]:
    """Unfold a text by the rules of the notation, independently of the code under test."""
    names: set[str] = set()
    while text:
        quoted = re.match(r'"(?:[^"\\]|\\.)*"', text)
        if quoted:
            names.add(json.loads(quoted[0]))
            text = text[quoted.end() :].removeprefix(",")
            continue
        item = re.match(r'([^,\[\]"]*)(?:\[([0-9,-]+)\]([^,\[\]"]*))?', text)
        assert item is not None
        names |= set(expand(item[1], item[2], item[3]))
        text = text[item.end() :].removeprefix(",")
    return names


def expand(prefix: str, ranges: str | None, suffix: str | None) -> list[str]:
    if ranges is None:
        return [prefix]
    found = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        numbers = range(int(first), int(last or first) + 1)
        found += [f"{prefix}{number:0{len(first)}d}{suffix}" for number in numbers]
    return found


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([], ""),
        (["r1"], "r1"),
        (["r1", "r2", "r3"], "r[1-3]"),
        (["r1", "r3"], "r[1,3]"),
        (["leaf01", "leaf02", "leaf40"], "leaf[01-02,40]"),
        (["r8", "r9", "r10", "r11"], "r[8-11]"),
        (["r08", "r09", "r10"], "r[08-10]"),
        (["r1", "r01"], "r01,r1"),
        (["a1.example", "a2.example", "b"], "a[1-2].example,b"),
        (["rack1-leaf1", "rack1-leaf2", "rack2-leaf1"], "rack1-leaf[1-2],rack2-leaf1"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.[1-2]"),
        (["r2", "r1", "r2"], "r[1-2]"),
        (["r[1-3]", "r1"], 'r1,"r[1-3]"'),
    ],
)
def test_names_fold_by_their_last_number(names: list[str], folded: str) -> None:
    assert sorted(unfold(fold(names))) == sorted(set(names))
    assert fold(names) == folded


@given(st.lists(NAMES, max_size=12))
def test_a_folded_text_expands_to_exactly_the_names_that_went_in(names: list[str]) -> None:
    assert unfold(fold(names)) == set(names)


@given(st.lists(st.integers(0, 200), min_size=1), st.integers(1, 4))
def test_numbered_names_expand_back_whatever_their_width(numbers: list[int], width: int) -> None:
    names = {f"leaf{number:0{width}d}" for number in numbers}
    assert unfold(fold(names)) == names


@given(st.permutations(["r1", "r2", "r03", "x", "r10", "a-1-b"]))
def test_the_order_of_the_names_does_not_matter(names: list[str]) -> None:
    assert fold(names) == fold(sorted(names))


def test_a_number_that_nobody_could_have_meant_is_part_of_the_name() -> None:
    endless = "r" + "9" * 5000
    assert fold([endless, "r1"]) == f"r1,{endless}"


def test_names_sort_as_people_count() -> None:
    names = ["r10", "r2", "r1", "a10", "R1", "r01", "r1a"]
    assert sorted(names, key=natural) == ["R1", "a10", "r01", "r1", "r1a", "r2", "r10"]


def test_ten_thousand_names_fold_at_once() -> None:
    begin = time.process_time()
    assert fold(f"leaf{number:05}" for number in range(10_000)) == "leaf[00000-09999]"
    assert time.process_time() - begin < 5


@given(st.sets(st.integers(0, 3000), min_size=1), st.integers(1, 4))
def test_each_word_of_a_folded_text_gives_its_names_back(numbers: set[int], width: int) -> None:
    names = {f"r{number:0{width}}.lab" for number in numbers}
    assert {name for word in folded_words(names) for name in (given_back(word) or [word])} == names


def folded_words(names: set[str]) -> list[str]:
    """Split a folded text at the commas outside brackets."""
    return re.findall(r"(?:[^,\[]|\[[^\]]*\])+", fold(names))


@pytest.mark.parametrize(
    "word", ["", "r1", "r[", "r[1-3", "r[a-c]", "r[3-1]", "r[1-3][1-3]", "r[1-99999999]", f"r[1-{'9' * 30}]"]
)
def test_what_is_no_folded_word_stands_for_no_names(word: str) -> None:
    assert given_back(word) == []
