"""Executors by name: which there are, how one is created, what it is given, and how it is shut down."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from runner import executors
from runner.errors import MissingExtra, UsageError
from runner.executors import SerialExecutor, create, end
from tests.executors.jobs import echo, fail, where

if TYPE_CHECKING:
    from pathlib import Path

THEIRS = """\
from concurrent.futures import ThreadPoolExecutor

def coloured(workers, colour="red"):
    executor = ThreadPoolExecutor(workers)
    executor.given = (workers, colour)
    return executor

def no_executor(workers):
    return workers
"""


@pytest.fixture
def _theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with two executors."""
    (tmp_path / "factories.py").write_text(THEIRS)
    info = tmp_path / "factories-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: factories\nVersion: 1\n")
    points = "coloured = factories:coloured\nno-executor = factories:no_executor\n"
    (info / "entry_points.txt").write_text(f"[runner.executors]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "factories", raising=False)


@pytest.mark.usefixtures("_theirs")
def test_the_names_are_those_of_all_installed_packages() -> None:
    names = executors.names()
    assert {"serial", "thread", "process", "dask", "coloured", "no-executor"} <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["serial", "thread", "process"])
def test_an_executor_is_created_by_its_name(name: str) -> None:
    executor = create(name, 2, {"scheduler": "tcp://192.0.2.1:8786", "start_method": "spawn"})
    try:
        assert isinstance(executor, Executor)
        assert executor.submit(echo, 7).result(timeout=100) == 7
    finally:
        end(executor, wait=True)


@pytest.mark.usefixtures("_theirs")
def test_a_factory_is_given_the_settings_that_it_has_parameters_for() -> None:
    executor: Any = create("coloured", 3, {"colour": "blue", "scheduler": "tcp://192.0.2.1:8786"})
    assert executor.given == (3, "blue")
    executor = create("coloured", 3)
    assert executor.given == (3, "red")


@pytest.mark.usefixtures("_theirs")
def test_a_factory_that_returns_no_executor_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"no-executor is not a concurrent\.futures\.Executor: 4$"):
        create("no-executor", 4)


def test_an_unknown_name_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"^--executor: 'threads' is not known; known: .*serial, thread"):
        create("threads", 1)


def test_without_dask_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"--executor dask"):
        create("dask", 1)


def test_serial_runs_each_call_at_once_in_the_thread_that_submits_it() -> None:
    executor = create("serial", 8)
    assert isinstance(executor, SerialExecutor)
    assert (executor.max_workers, executor.in_process) == (1, True)
    future = executor.submit(where)
    assert future.done()
    assert future.result() == where()


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_serial_keeps_an_exception_of_a_call_in_its_future(kind: type[BaseException]) -> None:
    assert isinstance(SerialExecutor().submit(fail, kind).exception(), kind)


def test_serial_lets_ctrl_c_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        SerialExecutor().submit(fail, KeyboardInterrupt)


def test_end_cancels_the_calls_that_have_not_begun() -> None:
    executor, begun, release = ThreadPoolExecutor(1), threading.Event(), threading.Event()
    running = executor.submit(lambda: (begun.set(), release.wait(60)))
    waiting = executor.submit(echo, 1)
    assert begun.wait(60)
    end(executor, wait=False)
    assert waiting.cancelled()
    release.set()
    assert running.result(timeout=60) == (None, True)


def test_end_shuts_down_an_executor_that_cannot_cancel() -> None:
    class Plain(Executor):
        def __init__(self) -> None:
            self.waited: list[bool] = []

        def submit(self, *_arguments: Any) -> Future[Any]:  # type: ignore[override]
            raise NotImplementedError

        def shutdown(self, wait: bool = True) -> None:  # type: ignore[override]
            self.waited.append(wait)

    executor = Plain()
    end(executor, wait=False)
    assert executor.waited == [False]
