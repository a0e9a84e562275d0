"""Equal answers are folded as they arrive, without keeping all of them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from runner.models import CommandResult, HostResult, Status
from runner.results.folding import Fold, Folding
from runner.text.ignore_patterns import ignore_patterns


def said(host: str, text: str, status: Status = Status.OK) -> HostResult:
    return HostResult(host, status, commands=(CommandResult("x", 0, text.encode()),))


def folded(folding: Folding, order: dict[str, int] | None = None) -> list[tuple[str, ...]]:
    return [tuple(answer.hosts) for answer in folding.answers(order)]


def folds(*results: HostResult) -> list[Fold]:
    folding = Folding()
    for result in results:
        folding.add(result)
    return list(folding.folds())


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.TIMEOUT},
        {"reason": "other"},
        {"value": 1},
        {"commands": (CommandResult("y", 0, b"a"),)},
        {"commands": (CommandResult("x", 3, b"a"),)},
        {"commands": (CommandResult("x", 0, b"a", b"warning"),)},
        {"commands": (CommandResult("x", 0, b"a", signal="TERM"),)},
    ],
)
def test_answers_that_a_reader_would_tell_apart_are_not_folded(change: dict[str, Any]) -> None:
    assert len(folds(said("r1", "a"), said("r2", "a")._replace(**change))) == 2


def test_times_and_addresses_do_not_keep_equal_answers_apart() -> None:
    other = said("r2", "a")._replace(address="10.0.0.2", rtt_ms=3.0, duration_s=9.0, attempts=2)
    assert len(folds(said("r1", "a"), other)) == 1


def test_where_the_errors_of_a_fold_differ_it_is_said_whose_is_shown() -> None:
    down = [
        HostResult(f"r{n}", Status.UNREACHABLE, reason="silent", error=f"10.0.0.{n}: silent") for n in (1, 2)
    ]
    (fold,) = folds(*down)
    assert fold.result.error == "for example r1: 10.0.0.1: silent"


def test_values_that_cannot_be_shown_do_not_keep_the_others_from_being_folded() -> None:
    values = [HostResult(f"r{n}", Status.OK, value=Hostile()) for n in (1, 2)]
    assert len(folds(*values)) == 1


def test_the_order_of_arrival_does_not_matter_where_that_of_the_inventory_is_known() -> None:
    results = [said("r3", "b"), said("r1", "b"), said("r4", "c"), said("r2", "a")]
    order = {f"r{number}": number for number in (1, 2, 3, 4)}
    for several in (results, results[::-1]):
        folding = Folding()
        for result in several:
            folding.add(result)
        assert folded(folding, order) == [("r1", "r3"), ("r2",), ("r4",)]


def test_what_is_masked_keeps_no_two_answers_apart() -> None:
    results = [said("r1", "up 3 days\nv1"), said("r2", "up 4 days\nv1"), said("r3", "up 4 days\nv2")]
    exact, masked = Folding(), Folding(ignore_patterns("up .* days"))
    for result in results:
        exact.add(result)
        masked.add(result)
    assert folded(exact) == [("r1",), ("r2",), ("r3",)]
    assert folded(masked) == [("r1", "r2"), ("r3",)]


def test_two_outputs_that_are_one_when_joined_are_two_answers() -> None:
    one = HostResult("r1", Status.OK, commands=(CommandResult("x", 0, b"ab", b"c"),))
    other = HostResult("r2", Status.OK, commands=(CommandResult("x", 0, b"a", b"bc"),))
    folding = Folding()
    folding.add(one)
    folding.add(other)
    assert folded(folding) == [("r1",), ("r2",)]


def test_memory_grows_with_the_answers_not_with_the_hosts() -> None:
    tracemalloc.start()
    folding = Folding()
    for number in range(2000):
        folding.add(said(f"r{number}", f"{number % 200} " * 10_000))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 16 * 2**20
    answers = folding.answers()
    assert len(answers) == 200
    assert answers[0].result() == said("r0", "0 " * 10_000)
