"""Listings beside `--list`: export, one host, graph with variables, as Ansible's own commands print them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from runner.errors import InventoryError
from runner.inventory import Inventory, load
from runner.inventory.output.listing import graph_lines, host_document, list_text
from tests.inventory.conftest import Verdict
from tests.inventory.test_differential import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.inventory.case_files import Case
    from tests.inventory.conftest import Ansible

pytestmark = pytest.mark.differential

SOME = [case for case in CASES if case.title.startswith(("vars", "constructed", "sources"))][::2]


Listed = Callable[[str, Callable[[Inventory], object], Callable[[Verdict], object]], None]


@pytest.fixture(params=SOME, ids=lambda case: case.title.replace(" ", "-"))
def listed(
    request: pytest.FixtureRequest, ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Listed:
    """Compares what both say of one case; where Ansible gives up, we have to refuse."""
    case: Case = request.param
    sources = case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    flags = [flag for source in sources for flag in ("-i", source)]

    def compare(
        arguments: str, ours: Callable[[Inventory], object], theirs: Callable[[Verdict], object]
    ) -> None:
        verdict = ansible(tmp_path, "ansible-inventory", *flags, *arguments.split())
        if verdict.read_everything:
            assert ours(load(*sources)) == theirs(verdict)
        else:
            with pytest.raises(InventoryError):
                ours(load(*sources))

    return compare


def test_an_exported_listing_is_ansibles(listed: Listed) -> None:
    listed(
        "--list --export",
        lambda inventory: json.loads("".join(list_text(inventory, export=True))),
        lambda verdict: verdict.document,
    )


def test_a_graph_with_variables_is_ansibles(listed: Listed) -> None:
    listed(
        "--graph --vars",
        lambda inventory: "\n".join(graph_lines(inventory, variables=True)),
        lambda verdict: verdict.stdout.rstrip("\n"),
    )


def test_one_hosts_document_is_ansibles(listed: Listed) -> None:
    listed("--host=h1", lambda inventory: host_document(inventory, "h1"), lambda verdict: verdict.document)
