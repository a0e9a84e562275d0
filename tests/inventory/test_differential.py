"""What we read is what Ansible reads: every case of `cases/` gives the text of `ansible-inventory --list`.

Where Ansible gives up a source with a warning and exit code 0, we stop with an error; that is the one rule of
difference here, and every other is a case of `test_differences.py` and a line of the documentation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import InventoryError
from runner.inventory import load
from runner.inventory.output.listing import graph_lines, list_text

from .case_files import Case, read_cases

if TYPE_CHECKING:
    from .conftest import Ansible

pytestmark = pytest.mark.differential

CASES = [
    case for path in sorted((Path(__file__).parent / "cases").glob("*.txt")) for case in read_cases(path)
]


def test_there_are_enough_cases_and_no_two_of_one_title() -> None:
    assert len({case.title for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title.replace(" ", "-"))
def test_the_listing_is_ansibles(
    case: Case, ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    theirs = ansible.listing(tmp_path, *sources)
    if not theirs.read_everything:
        with pytest.raises(InventoryError):
            "".join(list_text(load(*sources)))
        return
    text = "".join(list_text(load(*sources)))
    assert json.loads(text) == theirs.document
    assert text.rstrip("\n") == theirs.stdout.rstrip("\n"), "equal, and not the same text"


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.title.replace(" ", "-"))
def test_the_graph_is_ansibles(
    case: Case, ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    flags = [flag for source in sources for flag in ("-i", source)]
    theirs = ansible(tmp_path, "ansible-inventory", *flags, "--graph")
    if theirs.read_everything:
        assert "\n".join(graph_lines(load(*sources))) == theirs.stdout.rstrip("\n")
    else:
        with pytest.raises(InventoryError):
            load(*sources)
