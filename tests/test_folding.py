"""Equal answers are folded as they arrive, without keeping all of them."""

from __future__ import annotations

import tracemalloc

from runner.models import CommandResult, HostResult, Status
from runner.results.folding import Folding
from runner.text.ignore_patterns import masks


def said(host: str, text: str, status: Status = Status.OK) -> HostResult:
    return HostResult(host, status, commands=(CommandResult("x", 0, text.encode()),))


def folded(folding: Folding, order: dict[str, int] | None = None) -> list[tuple[str, ...]]:
    return [tuple(answer.hosts) for answer in folding.answers(order)]


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
    exact, masked = Folding(), Folding(masks("up .* days"))
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
