"""Which inventory is used, if nothing, a folder or a setting names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InventoryError
from runner.settings import Settings
from runner.settings.configuration import inventory_sources

if TYPE_CHECKING:
    from pathlib import Path


def test_the_setting_wins_over_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InventoryError, match="no inventory: give one with -i"):
        inventory_sources(Settings())
    (tmp_path / "inventories").mkdir()
    assert inventory_sources(Settings()) == ("inventories",)
    assert inventory_sources(Settings(inventory=("c",))) == ("c",)
