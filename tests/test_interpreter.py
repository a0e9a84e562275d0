"""The interpreter is tuned for many hosts while an inventory is loaded or a run works, and restored later."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from runner.interpreter import at_rest, for_many_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_it_rests_within_and_is_as_it_was_behind(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    with at_rest():
        assert not gc.isenabled()
    assert gc.isenabled() is enabled


def test_it_is_as_it_was_after_an_error_too() -> None:
    with pytest.raises(KeyError), at_rest():
        raise KeyError
    assert gc.isenabled()


def test_what_is_kept_is_looked_at_no_more() -> None:
    with at_rest(keep=True):
        kept = [[number] for number in range(1000)]
    assert gc.get_freeze_count() > len(kept)


def test_it_looks_less_often_until_the_last_fan_out_has_ended() -> None:
    usual, turn_s = gc.get_threshold(), sys.getswitchinterval()
    first, second = for_many_threads(), for_many_threads()
    with first:
        second.__enter__()
        assert gc.get_threshold()[0] > usual[0]
        assert gc.get_threshold()[1:] == usual[1:]
        assert sys.getswitchinterval() > turn_s
    assert gc.get_threshold()[0] > usual[0]
    assert sys.getswitchinterval() > turn_s
    second.__exit__(None, None, None)

    assert (gc.get_threshold(), sys.getswitchinterval()) == (usual, turn_s)


@pytest.mark.parametrize("threshold", [0, 10**6])
def test_who_has_it_look_never_or_less_often_keeps_that(threshold: int) -> None:
    usual = gc.get_threshold()
    gc.set_threshold(threshold, *usual[1:])
    try:
        with for_many_threads():
            assert gc.get_threshold()[0] == threshold
    finally:
        gc.set_threshold(*usual)


def test_who_changes_it_meanwhile_keeps_that_too() -> None:
    usual = gc.get_threshold()
    try:
        with for_many_threads():
            gc.set_threshold(12_345, 5, 5)
        assert gc.get_threshold() == (12_345, 5, 5)
    finally:
        gc.set_threshold(*usual)


def test_who_has_threads_take_longer_turns_keeps_that() -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1.0)
    try:
        with for_many_threads():
            assert sys.getswitchinterval() == 1.0
    finally:
        sys.setswitchinterval(usual)
