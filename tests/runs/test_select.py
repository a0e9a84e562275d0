"""Loading the inventory of a task or script, with the passwords of its vaults, and selecting hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidVariable, InventoryError, PatternError, UsageError
from runner.models import Secret
from runner.runs.questions import nobody
from runner.runs.select import load_inventory, select
from runner.settings import Settings
from tests.inventory.test_vault import VALUE_OF_ONE

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "h\u00e9slo {{ x }}"
"""The decrypted value of `VALUE_OF_ONE`."""


class Operator:
    """Answers every question with one text, and keeps the questions."""

    def __init__(self, answer: str = "one") -> None:
        self.asked: list[str] = []
        self._answer = Secret(answer)

    def __call__(self, what: str) -> Secret:
        self.asked.append(what)
        return self._answer


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_text("db1\n[web]\nweb1\nweb2\n")
    return path


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    """An inventory whose host h1 has a variable that is encrypted with the password `one`."""
    path = tmp_path / "hosts.yml"
    lines = "".join(f"            {line}\n" for line in VALUE_OF_ONE.splitlines())
    path.write_text(f"all:\n  hosts:\n    h1:\n      secret: !vault |\n{lines}    h2:\n      secret: open\n")
    return path


def of(path: Path, **given: object) -> Settings:
    return Settings.resolve({"inventory": [str(path)], **given})


def test_the_hosts_that_the_flags_name_are_selected(hosts: Path) -> None:
    inventory, found = select(of(hosts, group="web", limit="!web2"), nobody)
    assert [host.name for host in found] == ["web1"]
    assert inventory.sources == (str(hosts),)


def test_without_a_flag_all_hosts_are_selected(hosts: Path) -> None:
    _, found = select(of(hosts), nobody)
    assert [host.name for host in found] == ["db1", "web1", "web2"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"group": "web:!web"}, "'web:!web' in"),
        ({"group": "web", "limit": "db1"}, "'web' limited to 'db1' in"),
    ],
)
def test_a_pattern_without_a_host_is_an_error(hosts: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(PatternError, match=r"^no host matches ") as caught:
        select(of(hosts, **given), nobody)
    assert str(caught.value) == f"no host matches {said} {hosts}"


def test_a_source_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("all: [")
    with pytest.raises(InventoryError, match=r"bad\.yml"):
        load_inventory(of(tmp_path / "bad.yml"))


def test_warnings_are_logged_or_given_to_the_caller_or_discarded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A group and a host with one name are a doubtful inventory."""
    path = tmp_path / "hosts"
    path.write_text("[web]\nweb\n")
    told: list[str] = []
    load_inventory(of(path), told=told.append)
    load_inventory(of(path), told=None)
    assert len(told) == 1
    assert caplog.records == []
    load_inventory(of(path))
    assert [record.getMessage() for record in caplog.records] == told


def test_a_traced_inventory_remembers_where_everything_was_set(hosts: Path) -> None:
    assert load_inventory(of(hosts), traced=True).options.traced
    assert not load_inventory(of(hosts)).options.traced


def test_a_vault_is_opened_with_the_password_of_a_file(encrypted: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("one\n")
    inventory = load_inventory(of(encrypted, vault_password_file=[str(tmp_path / "password")]))
    assert inventory.host("h1").variables["secret"] == VALUE


@pytest.mark.parametrize(
    ("given", "label"), [({"ask_vault_pass": True}, "default"), ({"vault_id": ["dev@prompt"]}, "dev")]
)
def test_the_password_of_a_vault_is_asked_for_once_before_it_is_needed(
    encrypted: Path, given: dict[str, object], label: str
) -> None:
    operator = Operator()
    inventory = load_inventory(of(encrypted, **given), operator)
    assert operator.asked == [f"Vault password ({label})"]
    assert inventory.host("h1").variables["secret"] == VALUE
    assert operator.asked == [f"Vault password ({label})"]


def test_without_a_vault_nothing_is_asked(hosts: Path) -> None:
    operator = Operator()
    load_inventory(of(hosts), operator)
    assert operator.asked == []


def test_a_script_that_needs_a_password_to_be_asked_for_gets_an_error(encrypted: Path) -> None:
    """The inventory can be used as long as no encrypted variable is read."""
    inventory = load_inventory(of(encrypted, ask_vault_pass=True))
    assert inventory.host("h2").variables["secret"] == "open"
    with pytest.raises(UsageError, match="'default' cannot be asked for here; name a file"):
        _ = inventory.host("h1").variables["secret"]


def test_a_password_program_that_others_can_write_is_run_only_if_a_flag_names_it(
    encrypted: Path, tmp_path: Path
) -> None:
    program = tmp_path / "password"
    program.write_text("#!/bin/sh\necho one\n")
    program.chmod(0o777)
    named = {"vault_password_file": [str(program)]}
    by_flag = load_inventory(of(encrypted, **named))
    by_file = load_inventory(Settings.resolve({"inventory": [str(encrypted)]}, named))
    assert by_flag.host("h1").variables["secret"] == VALUE
    with pytest.raises(InvalidVariable, match="this program is not run"):
        _ = by_file.host("h1").variables["secret"]
