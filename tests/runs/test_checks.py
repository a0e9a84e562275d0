"""Checks before a run starts: missing files, spilling, an `ansible.cfg` that is not read, and namesakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner import Host
from runner.connection.command import CommandOptions, question_answers
from runner.errors import UsageError
from runner.jobs import CommandJob
from runner.runs.checks import check, entered_alone, hosts, passed_over, unbound, without_cli
from runner.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def warnings(caplog: pytest.LogCaptureFixture, settings: Settings) -> list[str]:
    check(settings)
    return [record.getMessage() for record in caplog.records]


def flags(**given: object) -> Settings:
    return Settings.resolve(given)


@pytest.mark.parametrize(
    ("name", "flag"), [("private_key", "--private-key"), ("known_hosts", "--known-hosts")]
)
def test_a_missing_file_that_a_flag_names_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, flag: str
) -> None:
    (tmp_path / "there").touch()
    paths = [str(tmp_path / "there"), str(tmp_path / "missing")]
    assert warnings(caplog, flags(**{name: paths})) == [f"{flag} {paths[1]!r}: there is no such file"]


def test_a_folder_in_place_of_a_key_counts_as_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(warnings(caplog, flags(private_key=[str(tmp_path)]))) == 1


def test_a_missing_file_that_the_configuration_names_is_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A project may name files that not every operator has."""
    configured = {"private_key": ["missing"], "known_hosts": ["missing"]}
    assert warnings(caplog, Settings.resolve({}, configured)) == []


def test_a_file_that_will_record_new_keys_need_not_exist(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings(caplog, flags(known_hosts=["missing"], host_key_policy="accept-new")) == []


@pytest.mark.parametrize("place", ["flag", "configuration"])
def test_a_missing_ssh_config_is_an_error(place: str) -> None:
    """Without the file, hosts may be reached by other routes."""
    named = {"ssh_config": "missing"}
    settings = flags(**named) if place == "flag" else Settings.resolve({}, named)
    with pytest.raises(UsageError, match=r"^--ssh-config 'missing': there is no such file$"):
        check(settings)


@pytest.mark.parametrize("value", [None, "none"])
def test_no_ssh_config_is_no_error(caplog: pytest.LogCaptureFixture, value: str | None) -> None:
    assert warnings(caplog, Settings(ssh_config=value)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"spill_dir": "x"}, "--spill-dir goes with --overflow spill"),
        ({"max_spill": "1G", "overflow": "drop"}, "--max-spill goes with --overflow spill"),
    ],
)
def test_a_flag_for_spilling_needs_spilling(given: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(said)}$"):
        check(flags(**given))


def test_the_folder_to_spill_into_is_created_before_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "spilled"
    check(flags(overflow="spill", spill_dir=str(folder)))
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_spilled_into_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^--spill-dir .*: File exists$"):
        check(flags(overflow="spill", spill_dir=str(tmp_path / "file")))


@pytest.mark.parametrize("given", [{"dry_run": True}, {"executor": "dask"}])
def test_the_folder_to_spill_into_is_not_needed(tmp_path: Path, given: dict[str, object]) -> None:
    """A dry run prints nothing, and the workers of Dask have their own folders."""
    check(flags(overflow="spill", spill_dir=str(tmp_path / "spilled"), **given))
    assert list(tmp_path.iterdir()) == []


def test_a_ping_spills_nothing_so_its_folder_is_not_checked(tmp_path: Path) -> None:
    check(flags(overflow="spill", spill_dir=str(tmp_path / "spilled")), commands=False)
    assert list(tmp_path.iterdir()) == []


def test_an_ansible_cfg_that_others_can_write_is_not_read_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(passed_over()) == []
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 7\n")
    (tmp_path / "ansible.cfg").chmod(0o666)
    (line,) = passed_over()
    assert "ansible.cfg is not read: " in line
    assert line.endswith(", or name it in ANSIBLE_CONFIG")
    assert warnings(caplog, Settings()) == [line]


def test_hosts_of_a_script_may_be_one_host_or_any_iterable() -> None:
    a, b = Host("a"), Host("b")
    assert hosts(a) == (a,)  # type: ignore[arg-type]
    assert hosts(iter([a, b])) == (a, b)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("web1", "expected hosts, such as inventory.select() gives, found 'web1'"),
        ([Host("a"), "b"], "expected hosts, such as inventory.select() gives, found 'b'"),
        ([Host("")], "a host has an empty name"),
    ],
)
def test_other_values_are_no_hosts(given: list[Host], said: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(said)}$"):
        hosts(given)


def test_two_different_hosts_with_one_name_are_refused() -> None:
    here, there = Host("a", {"ansible_host": "192.0.2.1"}), Host("a", {"ansible_port": 2222})
    said = "two different hosts have the name 'a': ansible_host=192.0.2.1, and ansible_port=2222; "
    with pytest.raises(UsageError, match=f"^{re.escape(said)}"):
        hosts([here, Host("b"), there])


def test_two_equal_hosts_with_one_name_are_accepted() -> None:
    twins = (Host("a", {"x": 1}), Host("a", {"x": 1}))
    assert hosts(twins) == twins


def test_a_variable_of_spread_that_no_host_has_is_named() -> None:
    settings = flags(spread="site:2")
    without, with_it = Host("a"), Host("b", {"site": "east"})
    assert list(unbound(settings, [without])) == [
        "--spread site: none of these hosts has that variable; nothing is kept apart"
    ]
    assert list(unbound(settings, [without, with_it])) == []
    assert list(unbound(Settings(), [without])) == []


def test_a_folder_for_session_logs_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--session-log"):
        check(flags(session_log=str(tmp_path / "file" / "logs")))


@pytest.mark.parametrize(("connection", "warned"), [(None, True), ("cli", False)])
def test_a_command_that_only_enters_a_mode_by_exec_is_warned_of(connection: str | None, warned: bool) -> None:
    router = Host("r1", {"ansible_network_os": "ios"})
    lines = list(entered_alone(flags(connection=connection), [router], ["configure terminal"]))
    assert bool(lines) is warned
    assert list(entered_alone(flags(), [Host("s1")], ["configure terminal"])) == []
    assert list(entered_alone(flags(), [router], ["show version"])) == []


def test_options_for_a_cli_that_no_host_uses_are_warned_of() -> None:
    job = CommandJob(("reload",), CommandOptions(answers=question_answers([("Proceed", "y")], "--answer")))
    assert "--answer" in "".join(without_cli(flags(), [Host("s1")], job))
    assert list(without_cli(flags(connection="cli"), [Host("s1")], job)) == []
    assert list(without_cli(flags(), [Host("s1")], CommandJob(("reload",)))) == []
