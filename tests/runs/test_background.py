"""A generator that runs in a separate thread: its items, its exception, and its end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from runner.runs.background import in_background

if TYPE_CHECKING:
    from collections.abc import Generator

WAIT_S = 20.0


def test_every_item_arrives_once_and_in_order() -> None:
    source = (number for number in range(1000))
    assert [item for items in in_background(source) for item in items] == list(range(1000))


def test_a_generator_without_items_yields_no_list() -> None:
    assert list(in_background(number for number in range(0))) == []


def test_items_that_arrive_while_the_consumer_is_busy_come_in_one_list() -> None:
    consumer_is_busy, all_yielded, may_end = (threading.Event() for _ in range(3))

    def source() -> Generator[int, None, None]:
        yield 1
        assert consumer_is_busy.wait(WAIT_S)
        yield 2
        yield 3
        all_yielded.set()
        assert may_end.wait(WAIT_S)

    lists = in_background(source())
    assert next(lists) == [1]
    consumer_is_busy.set()
    assert all_yielded.wait(WAIT_S)
    assert next(lists) == [2, 3]
    may_end.set()
    assert list(lists) == []


def test_the_generator_runs_in_another_thread() -> None:
    def source() -> Generator[threading.Thread, None, None]:
        yield threading.current_thread()

    ((thread,),) = in_background(source())
    assert thread is not threading.current_thread()
    assert thread.daemon, "a generator that hangs must not keep the program from ending"


@pytest.mark.parametrize("raised", [ValueError("no route"), KeyboardInterrupt()])
def test_its_exception_is_raised_after_the_items_before_it(raised: BaseException) -> None:
    def source() -> Generator[int, None, None]:
        yield 1
        yield 2
        raise raised

    found: list[int] = []

    def consume() -> None:
        for items in in_background(source()):
            found.extend(items)

    with pytest.raises(type(raised)) as caught:
        consume()
    assert caught.value is raised
    assert found == [1, 2]


def test_when_the_consumer_closes_it_the_generator_ends_at_its_next_item() -> None:
    closed_by_consumer, ended = threading.Event(), threading.Event()
    yielded: list[int] = []

    def source() -> Generator[int, None, None]:
        try:
            for number in range(1000):
                yielded.append(number)
                yield number
                assert closed_by_consumer.wait(WAIT_S)
        finally:
            ended.set()

    lists = in_background(source())
    assert next(lists) == [0]
    lists.close()
    closed_by_consumer.set()
    assert ended.wait(WAIT_S)
    assert yielded == [0, 1]
