"""Calls and outcomes as bytes: a future gets the value, the exception, or the reason why neither came."""

from __future__ import annotations

import copyreg
import pickle
from concurrent.futures import Future
from typing import Any

import pytest

from runner.executors.answers import Answer, NotBegun, answer, not_begun, outcome, packed, settle
from tests.executors.jobs import Mute, Stubborn, Unpicklable, Unreadable, echo, fail, make, refuse


def settled(came: Answer) -> Future[Any]:
    """Return a future that has been set from an answer."""
    future: Future[Any] = Future()
    settle(future, came)
    return future


def test_a_call_that_was_packed_runs_with_its_arguments() -> None:
    came = answer(packed(sorted, ([2, 3, 1],), {"reverse": True}))

    assert not came.raised
    assert settled(came).result(0) == [3, 2, 1]


def test_a_call_that_does_not_pickle_is_refused_when_it_is_packed() -> None:
    with pytest.raises(TypeError, match="stays here"):
        packed(echo, (Unpicklable(),), {})


def test_an_outcome_holds_the_value_itself_before_it_is_packed() -> None:
    came = outcome(packed(make, (Unpicklable,), {}))

    assert not came.raised
    assert isinstance(came.value, Unpicklable)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_the_exception_of_a_call_becomes_the_exception_of_its_future(kind: type[BaseException]) -> None:
    came = answer(packed(fail, (kind, "why"), {}))

    assert came.raised
    found = settled(came).exception(0)
    assert type(found) is kind
    assert found.args == ("why",)


def test_an_exception_that_is_the_value_of_a_call_is_its_result() -> None:
    found = settled(answer(packed(ValueError, ("why",), {}))).result(0)

    assert isinstance(found, ValueError)


def test_an_exception_that_does_not_unpickle_is_replaced_by_an_error_with_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Dask makes every exception picklable that exists when it is imported, as by another test.
    monkeypatch.delitem(copyreg.dispatch_table, Stubborn, raising=False)
    found = settled(answer(packed(fail, (Stubborn, "one", "two"), {}))).exception(0)

    assert type(found) is RuntimeError
    assert str(found) == "Stubborn: one"


def test_an_exception_without_a_text_that_does_not_pickle_is_replaced_by_an_error_with_its_name() -> None:
    found = settled(answer(packed(fail, (Closed,), {}))).exception(0)

    assert type(found) is RuntimeError
    assert str(found) == "Closed"


class Closed(Mute):
    """Neither pickles nor has a text."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("this stays here")


def test_a_value_that_does_not_pickle_is_the_exception_of_its_call() -> None:
    came = answer(packed(make, (Unpicklable,), {}))

    assert came.raised
    with pytest.raises(TypeError, match="stays here"):
        settled(came).result(0)


def test_a_value_that_does_not_unpickle_is_the_exception_of_its_call() -> None:
    came = answer(packed(make, (Unreadable,), {}))

    assert not came.raised, "the worker cannot know"
    with pytest.raises(ValueError, match="cannot be made again"):
        settled(came).result(0)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (pickle.dumps((echo, (Unreadable(),), {})), "ValueError: cannot be made again"),
        (b"crunner_of_yesterday\nrun\n.", "ModuleNotFoundError: No module named 'runner_of_yesterday'"),
        (b"", "EOFError: Ran out of input"),
    ],
    ids=["argument", "module", "nothing"],
)
def test_a_call_that_the_worker_cannot_unpickle_was_not_begun(payload: bytes, why: str) -> None:
    with pytest.raises(NotBegun) as caught:
        settled(answer(payload)).result(0)

    assert str(caught.value) == why


def test_an_error_inside_a_call_does_not_say_that_the_call_was_not_begun() -> None:
    found = settled(answer(packed(refuse, (), {}))).exception(0)

    assert type(found) is ValueError


def test_a_worker_can_say_why_it_does_not_begin_a_call() -> None:
    with pytest.raises(NotBegun, match="no thread can be started"):
        settled(not_begun("no thread can be started").packed()).result(0)
