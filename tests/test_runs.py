"""Where the inventory comes from, and what a run is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import Host, Status, runs
from runner.errors import InventoryError
from runner.jobs import CommandJob
from runner.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANSIBLE_INVENTORY", raising=False)
    return tmp_path


def test_the_setting_wins_over_the_folder(elsewhere: Path) -> None:
    with pytest.raises(InventoryError, match="no inventory: give one with -i"):
        runs.inventory_sources(Settings())
    (elsewhere / "inventories").mkdir()
    assert runs.inventory_sources(Settings()) == ("inventories",)
    assert runs.inventory_sources(Settings(inventory=("c",))) == ("c",)


def test_runs_have_names_of_their_own_in_the_order_of_time() -> None:
    names = [runs.begin("run", Settings()).id for _ in range(100)]
    assert len(set(names)) == 100
    assert [name[:15] for name in names] == sorted(name[:15] for name in names)


def test_a_dry_run_names_every_host_and_touches_none() -> None:
    settings = Settings(dry_run=True, executor="nonsense")
    hosts = [Host("a"), Host("b")]
    run = runs.begin("run", settings)
    for results in (runs.ping(hosts, settings), runs.carry_out(run, hosts, CommandJob(("x",)), settings)):
        assert [(r.host, r.status, r.reason) for r in results] == [
            ("a", Status.SKIPPED, "dry-run"),
            ("b", Status.SKIPPED, "dry-run"),
        ]


def test_a_dry_run_tells_batches_in_the_order_in_which_they_would_be_done() -> None:
    settings = Settings.resolve({"dry_run": True, "serial": "1,50%", "order": "reverse_sorted"})
    hosts = [Host(name) for name in "abcd"]
    found = list(runs.carry_out(runs.begin("run", settings), hosts, CommandJob(("x", "y")), settings))
    assert [(result.host, result.error) for result in found] == [
        ("d", "batch 1 of 3; would be sent: x ; y"),
        ("c", "batch 2 of 3; would be sent: x ; y"),
        ("b", "batch 2 of 3; would be sent: x ; y"),
        ("a", "batch 3 of 3; would be sent: x ; y"),
    ]


def test_a_run_has_an_end() -> None:
    begun = runs.begin("run", Settings(), commands=("x",), pattern="all", inventory=("i",))
    ended = runs.end(begun)
    assert begun.finished is None
    assert ended.finished is not None
    assert ended.finished >= begun.started
