"""Warnings that host keys are checked less strictly than by default, with the setting that causes it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from runner import Host
from runner.inventory import Inventory, load
from runner.runs import host_key_warnings
from runner.settings import Settings
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HOSTS = (Host("web1"), Host("web2"), Host("db1"))
UNCHECKED = "host keys are not checked"
ACCEPTED = "unknown host keys are accepted"


@pytest.fixture(autouse=True)
def _no_earlier_warnings() -> Iterator[None]:
    """Forget the warnings of this process, each of which is given only once."""
    host_key_warnings._warn_once.cache_clear()
    yield
    host_key_warnings._warn_once.cache_clear()


def warned(
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
    hosts: Sequence[Host] = HOSTS,
    inventory: Inventory | None = None,
) -> list[tuple[str, str]]:
    """Return the logger and the text of each warning."""
    caplog.clear()
    host_key_warnings.warn(hosts, settings, inventory)
    return [(record.name, record.getMessage()) for record in caplog.records]


def by_flag(policy: str) -> Settings:
    return Settings.resolve({"host_key_policy": policy, "ssh_config": "none"})


def by_file(policy: str, path: str) -> Settings:
    configured = {"host_key_policy": policy, "ssh_config": "none"}
    return Settings.resolve({}, configured, {"host_key_policy": Origin(Kind.FILE, "host_key_policy", path)})


def by_default() -> Settings:
    return Settings.resolve({"ssh_config": "none"})


def test_the_default_and_a_strict_policy_need_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert warned(caplog, by_default()) == []
    assert warned(caplog, by_flag("strict")) == []


def test_a_flag_is_named(caplog: pytest.LogCaptureFixture) -> None:
    expected = [("runner.given", f"{UNCHECKED}: --host-key-policy")]
    assert warned(caplog, by_flag("off")) == expected


def test_accepting_new_keys_by_a_flag_needs_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    """The operator asked for it, and every key is recorded."""
    assert warned(caplog, by_flag("accept-new")) == []


@pytest.mark.parametrize(("policy", "said"), [("off", UNCHECKED), ("accept-new", ACCEPTED)])
def test_a_file_is_named_with_its_line(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "invoke.yaml").write_text(f"runner:\n  workers: 5\n  host_key_policy: {policy!r}\n")
    found = warned(caplog, by_file(policy, str(tmp_path / "invoke.yaml")))
    assert found == [("runner.host_keys", f"{said}: invoke.yaml:3 sets host_key_policy")]


def test_a_warning_is_given_once_in_a_process(caplog: pytest.LogCaptureFixture) -> None:
    assert len(warned(caplog, by_flag("off"))) == 1
    assert warned(caplog, by_flag("off")) == []


def test_only_warnings_about_flags_are_silenced_with_the_logger_of_the_program(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As `--quiet` does it: a file that weakens the check may be the work of another person."""
    logger = logging.getLogger("runner")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        by_a_flag = warned(caplog, by_flag("off"))
        by_a_file = warned(caplog, by_file("off", str(tmp_path / "invoke.yaml")))
    finally:
        logger.setLevel(before)
    assert by_a_flag == []
    assert [name for name, _ in by_a_file] == ["runner.host_keys"]


def unchecked(*names: str) -> tuple[Host, ...]:
    """Return the three hosts; the named ones have a variable that ends the check."""
    off: dict[str, Any] = {"ansible_host_key_checking": False}
    return tuple(Host(host.name, off if host.name in names else {}) for host in HOSTS)


def test_if_only_some_hosts_are_affected_they_are_named(caplog: pytest.LogCaptureFixture) -> None:
    variable = "variable ansible_host_key_checking of the inventory"
    some = warned(caplog, by_default(), unchecked("web1", "web2"))
    every = warned(caplog, by_default(), unchecked("web1", "web2", "db1"))
    assert some == [("runner.host_keys", f"{UNCHECKED} on web[1-2]: {variable}")]
    assert every == [("runner.host_keys", f"{UNCHECKED}: {variable}")]


def test_a_long_list_of_hosts_is_a_number(caplog: pytest.LogCaptureFixture) -> None:
    off = {"ansible_host_key_checking": False}
    hosts = (*(Host(f"{chr(97 + number % 26) * 9}{number}", off) for number in range(52)), Host("strict"))
    ((_, line),) = warned(caplog, by_default(), hosts)
    assert line.startswith(f"{UNCHECKED} on 52 hosts: ")


def test_a_variable_is_named_with_its_line_in_the_inventory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").write_text("web1\nweb2 ansible_host_key_checking=false\n")
    inventory = load("hosts")
    found = warned(caplog, by_default(), inventory.select("all"), inventory)
    assert found == [("runner.host_keys", f"{UNCHECKED} on web2: hosts:2 sets ansible_host_key_checking")]


def test_an_inventory_that_is_a_program_is_not_run_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program, runs = tmp_path / "program", tmp_path / "runs"
    variables = (
        '{"all": {"hosts": ["web1"]}, "_meta": {"hostvars": {"web1": {"ansible_host_key_checking": 0}}}}'
    )
    program.write_text(f"#!/bin/sh\necho run >> {runs}\necho '{variables}'\n")
    program.chmod(0o755)
    inventory = load(program)
    before = runs.read_text()
    ((_, line),) = warned(caplog, by_default(), inventory.select("all"), inventory)
    assert line.endswith(
        "the inventory (inventory --explain web1 ansible_host_key_checking) sets ansible_host_key_checking"
    )
    assert runs.read_text() == before
