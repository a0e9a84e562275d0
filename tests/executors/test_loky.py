"""The executor of another package, as `docs/extending.md` shows it: whole, and held to the same truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner
from runner import Host, Status
from tests.executors import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent.parent / "docs" / "extending.md"


@pytest.fixture
def loky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the executor in the page's example, installed as the page says."""
    blocks = dict(re.findall(r"```\w+\n# ([\w/.]+)\n(.*?)```", PAGE.read_text(), re.DOTALL))
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "executors.py").write_text(blocks["my_package/executors.py"])
    entry = re.search(r"loky = \"(.*)\"", blocks["pyproject.toml"])
    assert entry is not None
    info = tmp_path / "my_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[runner.executors]\nloky = {entry[1]}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{PAGE.parent.parent}")
    return "loky"


def test_each_host_gets_its_own_answer_and_its_own_error(loky: str) -> None:
    hosts = [Host(f"h{number}", {"do": "echo", "with": (number,)}) for number in range(30)]
    hosts.append(Host("bad", {"do": "fail", "with": (SystemExit, "why")}))
    results = runner.run(hosts, jobs.host_by_name, executor=loky, workers=50)
    assert [results[f"h{number}"].value for number in range(30)] == [*range(30)]
    assert results["bad"].status is Status.ERROR


def test_a_worker_that_dies_leaves_no_host_without_a_result(loky: str) -> None:
    hosts = [Host(f"h{number}", {"do": "nap", "with": (0.05, number)}) for number in range(20)]
    hosts.insert(5, Host("doomed", {"do": "die"}))
    results = runner.run(hosts, jobs.host_by_name, executor=loky, workers=4)
    assert len(results) == 21
    assert results["doomed"].status is Status.LOST
