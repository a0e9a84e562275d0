"""A cluster on this machine imports nothing from a folder of others, and serves no page."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from runner.executors import dask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.executors.distributed.executor import DaskExecutor


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files in which another user has made Dask's folder first."""
    tmp_path.chmod(0o1777)
    planted = tmp_path / "dask-scratch-space"
    planted.mkdir(mode=0o777)
    planted.chmod(0o777)
    for name in ("paramiko", "yaml", "runner"):
        (planted / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit\n")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def started() -> Iterator[DaskExecutor]:
    found = dask(2)
    yield found  # type: ignore[misc]
    found.shutdown()


@pytest.fixture
def executor(shared: Path) -> Iterator[DaskExecutor]:
    assert shared
    yield from started()


def imported_from() -> list[str]:
    import paramiko

    assert paramiko.__file__
    return [place for place in sys.path if "dask" in place]


def test_workers_import_nothing_from_dasks_usual_folder(executor: DaskExecutor, shared: Path) -> None:
    places = [*executor.submit(imported_from).result(60), *imported_from()]

    assert places, "Dask puts its folder among those that Python imports from"
    for place in places:
        above = Path(place)
        while above.parent != shared:
            above = above.parent
        assert above.name.startswith("runner-dask-")
        assert above.stat().st_mode & 0o777 == 0o700
    assert not (shared / "ran").exists()


def test_nothing_is_left_of_its_files(shared: Path) -> None:
    for executor in started():
        assert executor.submit(os.getpid).result(60) != os.getpid()
    assert {path.name for path in shared.iterdir()} == {"dask-scratch-space"}


def test_no_dashboard_is_served_where_bokeh_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    package, module = ModuleType("distributed.dashboard"), ModuleType("distributed.dashboard.scheduler")
    module.connect = lambda *arguments, **_: served.append(arguments)  # type: ignore[attr-defined]
    package.scheduler = module  # type: ignore[attr-defined]
    import distributed

    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(distributed, "dashboard", package, raising=False)
    for executor in started():
        assert executor.submit(os.getpid).result(60)
    assert served == []
