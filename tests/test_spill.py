"""Results kept until the end: the same ones, in bounded memory."""

from __future__ import annotations

import errno
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from runner.models import CommandResult, HostResult, Status
from runner.spill import ResultStore

if TYPE_CHECKING:
    from pathlib import Path


def said(number: int, size: int = 10_000) -> HostResult:
    out, err = str(number).encode() * size, b"\xff" * number
    commands = (CommandResult("a", 0, out, err, 0.5), CommandResult("b", 1, b"", out[:7], signal="KILL"))
    return HostResult(f"r{number}", Status.FAILED, value={"n": number}, commands=commands)


@pytest.mark.parametrize("memory", [0, 25_000, 10**9])
def test_what_was_kept_comes_back_as_it_was(memory: int) -> None:
    store = ResultStore(memory)
    results = [said(number) for number in range(9)]
    assert [store.add(result) for result in results] == list(range(9))
    assert [store[number] for number in (5, 0, 8, 1, 5)] == [results[n] for n in (5, 0, 8, 1, 5)]
    assert len(store) == 9
    store.close()
    assert len(store) == 0


def test_memory_is_bounded_however_much_is_kept() -> None:
    tracemalloc.start()
    store = ResultStore(2**20)
    for number in range(1000):
        store.add(said(number, 30_000))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 8 * 2**20
    assert store[999] == said(999, 30_000)
    store.close()


def test_where_nothing_can_be_written_it_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    store = ResultStore(0)
    store.add(said(1))
    assert store[0] == said(1)


def test_a_disk_that_is_full_costs_nothing_that_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ResultStore(0)
    store.add(said(1))

    def full(_data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_write", full)
    store.add(said(2))
    assert [store[0], store[1]] == [said(1), said(2)]
    store.close()


def test_nobody_else_reads_the_file_and_nothing_is_left_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = ResultStore(0)
    store.add(said(1))
    assert list(tmp_path.iterdir()) == []
    store.close()
