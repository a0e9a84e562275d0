"""The number of cores that this process may use, which is not always the number that the machine has."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from runner.executors.cores import cores


def test_all_cores_that_this_process_may_use_are_counted() -> None:
    assert cores() == len(os.sched_getaffinity(0))


def test_a_core_that_this_process_may_not_use_is_not_counted() -> None:
    def in_a_thread_of_one_core() -> int:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # applies to the calling thread only
        return cores()

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(in_a_thread_of_one_core).result(30) == 1


@pytest.mark.parametrize(("of_the_machine", "counted"), [(6, 6), (None, 1)])
def test_where_a_system_does_not_tell_which_cores_may_be_used_those_of_the_machine_are_counted(
    monkeypatch: pytest.MonkeyPatch, of_the_machine: int | None, counted: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: of_the_machine)

    assert cores() == counted
