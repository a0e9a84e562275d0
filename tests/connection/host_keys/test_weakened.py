"""Hosts whose keys are checked less strictly than by default, and the lines or variables that decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.host_keys.weakened import Weakened, weakened
from runner.connection.options import ConnectionOptions, HostKeyPolicy
from runner.models import Host
from runner.settings import Settings
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = tuple(Host(name, {"ansible_host": name}) for name in ("web1", "web2", "db1"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


def found(config: Path, *hosts: Host, **given: Any) -> list[Weakened]:
    settings = Settings.resolve({"ssh_config": str(config), **given})
    return list(weakened(hosts or HOSTS, settings.connection_options()))


def names(only: Weakened) -> tuple[str, ...]:
    return tuple(host.name for host in only.hosts)


def line(config: Path, number: int) -> Origin:
    return Origin(Kind.SSH_CONFIG, "StrictHostKeyChecking", str(config), number)


def test_by_default_none_is(config: Path) -> None:
    config.write_text("StrictHostKeyChecking ask\nUserKnownHostsFile /dev/null\n")
    assert found(config) == []


def test_each_line_is_told_with_its_hosts(config: Path) -> None:
    config.write_text("Host web*\nStrictHostKeyChecking no\nHost *\nStrictHostKeyChecking accept-new\n")
    off, accepted = found(config)
    assert (off.policy, off.origins, names(off)) == (HostKeyPolicy.OFF, (line(config, 2),), ("web1", "web2"))
    assert (accepted.policy, accepted.origins, names(accepted)) == (
        HostKeyPolicy.ACCEPT_NEW,
        (line(config, 4),),
        ("db1",),
    )


def test_a_block_for_none_of_the_hosts_weakens_nothing(config: Path) -> None:
    config.write_text("Host lab*\n StrictHostKeyChecking no\n")
    assert found(config) == []


def test_keys_that_are_accepted_and_recorded_nowhere_are_not_checked(config: Path) -> None:
    config.write_text(
        "StrictHostKeyChecking accept-new\nUserKnownHostsFile /dev/null\nGlobalKnownHostsFile none\n"
    )
    (only,) = found(config)
    assert only.policy is HostKeyPolicy.OFF
    assert [origin.line for origin in only.origins] == [1, 2]


def test_a_jump_host_on_the_way_counts(config: Path) -> None:
    config.write_text("Host gate\n StrictHostKeyChecking no\nHost db1\n ProxyJump first,gate\n")
    (only,) = found(config)
    assert (only.origins, names(only)) == ((line(config, 2),), ("db1",))


def test_a_jump_host_that_an_inventory_names_counts_too(config: Path) -> None:
    config.write_text("Host gate\n StrictHostKeyChecking no\n")
    (only,) = found(config, Host("h", {"ansible_ssh_common_args": "-J gate"}))
    assert only.origins == (line(config, 2),)


def test_jump_hosts_that_lead_to_one_another_are_no_loop_here(config: Path) -> None:
    config.write_text("Host a\n ProxyJump b\nHost b\n ProxyJump a\nHost *\n StrictHostKeyChecking no\n")
    (only,) = found(config, Host("a", {"ansible_host": "a"}))
    assert names(only) == ("a",)


def test_a_policy_of_this_run_leaves_nothing_to_weaken_it(config: Path) -> None:
    config.write_text("StrictHostKeyChecking no\n")
    host = Host("h", {"ansible_host_key_checking": False})
    assert found(config, host, host_key_policy="strict") == []
    (only,) = found(config, host, host_key_policy="off")
    assert only.origins == (Origin(Kind.FLAG, "--host-key-policy"),)


def test_a_host_that_cannot_be_reached_at_all_is_passed_over(config: Path) -> None:
    config.write_text("StrictHostKeyChecking no\n")
    (only,) = found(config, Host("bad", {"ansible_host_key_checking": "perhaps"}), HOSTS[0])
    assert names(only) == ("web1",)


def test_a_connection_without_ssh_has_no_host_keys(config: Path) -> None:
    config.write_text("StrictHostKeyChecking no\n")
    local = Host("here", {"ansible_connection": "local", "ansible_host_key_checking": False})
    (only,) = found(config, local, HOSTS[0])
    assert names(only) == ("web1",)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Match exec true\n StrictHostKeyChecking no\nStrictHostKeyChecking ask\n", 2),
        ("RekeyLimit 5X\nStrictHostKeyChecking no\n", None),
        ("Match exec true\n StrictHostKeyChecking off\nStrictHostKeyChecking no\n", None),
        ("Match exec false\n StrictHostKeyChecking no\n", 0),
    ],
)
def test_ssh_is_asked_about_hosts_that_only_it_can_judge(config: Path, text: str, number: int | None) -> None:
    """`ssh -G` does not name a line; if several lines weaken the check, only the file is named."""
    config.write_text(text)
    origin = Origin(Kind.SSH_CONFIG, "StrictHostKeyChecking", str(config), number)
    if number == 0 or text.startswith("RekeyLimit"):  # if `ssh` refuses a line, the hosts end with an error
        assert found(config) == []
    else:
        (only,) = found(config)
        assert (only.policy, only.origins, only.hosts) == (HostKeyPolicy.OFF, (origin,), HOSTS)


def test_a_file_of_the_inventory_holds_for_the_jump_hosts_of_its_hosts(config: Path, tmp_path: Path) -> None:
    config.write_text("")
    own = tmp_path / "own"
    own.write_text("Host gate\n StrictHostKeyChecking no\nHost inner\n ProxyJump gate\n")
    (only,) = found_by_default(Host("inner", {"ansible_ssh_common_args": f"-F {own}"}))
    assert only.origins == (line(own, 2),)


def found_by_default(*hosts: Host) -> list[Weakened]:
    return list(weakened(hosts, Settings.resolve({}).connection_options()))


def test_options_of_a_program_need_not_say_where_they_come_from() -> None:
    options = ConnectionOptions(host_key_policy=HostKeyPolicy.OFF, ssh_config=None)
    (only,) = weakened(HOSTS, options)
    assert (only.origins, only.hosts) == ((), HOSTS)
