"""The outputs of all hosts share a limited amount of memory, and are the same in memory and on disk."""

from __future__ import annotations

import gc
import os
import pickle
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from runner.models import CommandResult
from runner.text import spill
from runner.text.spill import Collected, Kept, Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store of all outputs of this test; it keeps nothing in memory."""
    store = Store(0)
    monkeypatch.setattr(spill, "_STORE", store)
    return store


def read(kept: bytes | Kept) -> bytes:
    return kept if isinstance(kept, bytes) else kept.read()


@pytest.mark.parametrize("memory", [0, 100_000, 10**9])
@pytest.mark.parametrize("chunk", [1, 700, 70_000])
def test_what_was_collected_comes_back_as_it_was(memory: int, chunk: int) -> None:
    data = os.urandom(200) * (1000 if chunk > 1 else 20)
    store = Store(memory)
    outputs = [Collected(store) for _ in range(3)]
    for begin in range(0, len(data), chunk):
        for output in outputs:
            output.add(data[begin : begin + chunk])
    kept = [output.kept() for output in outputs]
    assert [read(each) for each in kept] == [data] * 3
    assert [read(output.kept()) for output in outputs] == [data] * 3
    outputs[0].add(b"more")
    assert read(outputs[0].kept()) == data + b"more"
    assert outputs[0].size == len(data) + 4
    assert read(kept[0]) == data


def test_memory_is_bounded_however_many_results_are_held() -> None:
    tracemalloc.start()
    results = [CommandResult("show", 0, str(number).encode() * 200_000) for number in range(1000)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < spill.MEMORY + 16 * 2**20
    assert results[999].stdout_bytes == b"999" * 200_000
    assert results[999].size == 600_000


@pytest.mark.usefixtures("store")
def test_a_result_is_what_it_was_wherever_its_outputs_are() -> None:
    result = CommandResult("show", 0, b"a" * 5000, b"b" * 5000, 0.5)
    assert result == CommandResult("show", 0, b"a" * 5000, b"b" * 5000, 0.5)
    assert result != CommandResult("show", 0, b"a" * 5000, b"c" * 5000, 0.5)
    assert (result.stdout, result.stderr) == ("a" * 5000, "b" * 5000)
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(pickle.loads(pickle.dumps(result))) == hash(result)
    assert result.with_outputs(*result.outputs) == result
    assert CommandResult("x").stdout_bytes == b""


def test_small_outputs_stay_as_they_are(store: Store) -> None:
    CommandResult("show", 0, b"a" * 1000)
    assert store._file is None


def test_what_is_gone_takes_no_memory_and_no_place(store: Store) -> None:
    results = [CommandResult("show", 0, os.urandom(5000)) for _ in range(10)]
    file = store._file
    assert file is not None
    assert os.fstat(file._file.fileno()).st_size > 49_000
    results.clear()
    gc.collect()
    assert os.fstat(file._file.fileno()).st_size == 0
    assert store._used == 0
    again = CommandResult("show", 0, b"x" * 5000)
    assert again.stdout_bytes == b"x" * 5000


def test_where_nothing_can_be_written_it_stays_in_memory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    result = CommandResult("show", 0, b"x" * 5000)
    assert result.stdout_bytes == b"x" * 5000
    assert store._file is None


def test_a_disk_that_is_full_costs_nothing_that_is_on_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = CommandResult("show", 0, b"x" * 5000)

    def full(*_args: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    second = CommandResult("show", 0, b"y" * 5000)
    assert (first.stdout_bytes, second.stdout_bytes) == (b"x" * 5000, b"y" * 5000)
    assert store._used == 5000


@pytest.mark.usefixtures("store")
def test_nobody_else_reads_the_file_and_nothing_is_left_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = CommandResult("show", 0, b"x" * 5000)
    assert list(tmp_path.iterdir()) == []
    assert result.stdout_bytes == b"x" * 5000


@pytest.mark.usefixtures("store")
def test_a_forked_process_leaves_the_file_of_its_parent_alone() -> None:
    before = CommandResult("show", 0, b"x" * 50_000)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            mine = CommandResult("show", 0, b"y" * 50_000)
            code = 0 if (before.stdout_bytes, mine.stdout_bytes) == (b"x" * 50_000, b"y" * 50_000) else 1
            del before, mine
            gc.collect()
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    after = CommandResult("show", 0, b"z" * 50_000)
    assert (before.stdout_bytes, after.stdout_bytes) == (b"x" * 50_000, b"z" * 50_000)
