"""Addresses and ports of hosts for probes: the same as for a login, but without the cost of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.options import ConnectionOptions
from runner.connection.ssh_config.host_config import ROUTE_KEYWORDS, mentions
from runner.connection.target.access import access
from runner.connection.target.destination import Destination, Destinations
from runner.errors import HostError
from runner.models import Endpoint, Host

if TYPE_CHECKING:
    from pathlib import Path


def of(host: Host, ssh_config: Path | None = None) -> Destination:
    return Destinations(ConnectionOptions(ssh_config=None if ssh_config is None else str(ssh_config))).of(
        host
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(
        "Host r1\n  HostName 192.0.2.1\n  Port 2201\nHost r2\n  ProxyJump bastion\nHost *\n  User ops\n"
    )
    return path


def test_by_itself_a_host_is_at_its_name_and_port_22() -> None:
    assert of(Host("r1")) == Destination(Endpoint("r1", 22), direct=True)


@pytest.mark.parametrize("connection", ["local", "ansible.builtin.local"])
def test_this_machine_itself_is_nowhere(connection: str) -> None:
    assert of(Host("me", {"ansible_connection": connection})).endpoint is None


@pytest.mark.parametrize("connection", ["ssh", "network_cli", "smart", None, ""])
def test_other_connections_lead_to_a_port(connection: str | None) -> None:
    assert of(Host("r1", {"ansible_connection": connection})).endpoint == Endpoint("r1", 22)


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_ssh_common_args": "-o ProxyJump=bastion"},
        {"ansible_ssh_common_args": "-J bastion"},
        {"ansible_ssh_extra_args": "-C -Jbastion:2222"},
        {"ansible_ssh_common_args": "-o ProxyCommand='ssh -W %h:%p bastion'"},
        {"ansible_ssh_args": '-o "proxycommand ssh -W %h:%p bastion"'},
        {"ansible_paramiko_proxy_command": "ssh -W %h:%p bastion"},
        {"ansible_ssh_proxy_command": "ssh -W %h:%p bastion"},
    ],
)
def test_a_host_behind_a_jump_host_is_not_reached_from_here(variables: dict[str, str]) -> None:
    assert of(Host("r1", variables)) == Destination(Endpoint("r1", 22), direct=False)


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_ssh_common_args": ""},
        {"ansible_ssh_common_args": None},
        {"ansible_ssh_common_args": "-o ProxyJump=none"},
        {"ansible_ssh_common_args": "-o ProxyCommand=none -J none"},
        {"ansible_ssh_common_args": "-o ControlMaster=auto -i /home/ops/ProxyJump"},
    ],
)
def test_other_arguments_leave_it_reached_from_here(variables: dict[str, str | None]) -> None:
    assert of(Host("r1", variables)).direct


def test_a_port_among_the_arguments_is_where_it_listens() -> None:
    assert of(Host("r1", {"ansible_ssh_common_args": "-p 2022"})).endpoint == Endpoint("r1", 2022)


def test_ssh_config_says_where_a_host_is_and_through_what(config: Path) -> None:
    assert of(Host("r1"), config) == Destination(Endpoint("192.0.2.1", 2201))
    assert of(Host("r2"), config) == Destination(Endpoint("r2", 22), direct=False)
    assert of(Host("r3"), config) == Destination(Endpoint("r3", 22))


def test_the_inventory_wins_over_ssh_config(config: Path) -> None:
    direct = {"ansible_port": 22, "ansible_ssh_common_args": "-J none"}
    assert of(Host("r1", direct), config) == Destination(Endpoint("192.0.2.1", 22))
    assert of(Host("r2", direct), config).direct


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", False),
        ("Host *\n  User ops\n  ServerAliveInterval 5\n", False),
        ("# Port 2222\n", False),
        ("Host r1\n  Port=2222\n", True),
        ("Match host r1\n  proxyjump bastion\n", True),
        ("Include {folder}/more\n", True),
        ("Match exec true\n  User ops\n", False),
        ("Nonsense 1\n", None),
    ],
)
def test_whether_a_file_could_say_anything_of_ways_is_known_at_a_look(
    tmp_path: Path, text: str, told: bool | None
) -> None:
    (tmp_path / "more").write_text("Host r9\n  HostName 192.0.2.9\n")
    path = tmp_path / "config"
    path.write_text(text.format(folder=tmp_path))
    assert mentions(str(path), ROUTE_KEYWORDS) is told


@pytest.mark.parametrize(
    ("line", "port"), [("Match exec true", 2222), ("Match exec false", 22), ("Match final all", 2222)]
)
def test_ssh_is_asked_before_the_probe_if_only_it_can_judge(tmp_path: Path, line: str, port: int) -> None:
    path = tmp_path / "config"
    path.write_text(f"Host r1\n  HostName 127.0.0.1\n{line}\n  Port 2222\n")
    assert of(Host("r1"), path) == Destination(Endpoint("127.0.0.1", port))


@pytest.mark.parametrize(
    "line",
    [
        *(
            "ControlMaster auto",
            "AddKeysToAgent yes",
            "ServerAliveCountMax 3",
            "LogLevel ERROR",
            "Protocol 2",
        ),
        *("IgnoreUnknown UseKeychain\nUseKeychain yes", "Match final all", "CanonicalizeHostname no"),
        *("Cipher blowfish", "UseRoaming no", "DSAAuthentication yes", "CompressionLevel 9"),
        *("Port 22\nMatch host z exec true\nHost *", "ChannelTimeout session=5m", "WarnWeakCrypto no"),
    ],
)
def test_no_line_makes_the_name_of_an_alias_the_place_of_its_probe(tmp_path: Path, line: str) -> None:
    path = tmp_path / "config"
    path.write_text(f"Host web1\n  HostName 127.0.0.1\n  Port 2222\nHost *\n  {line}\n")
    assert of(Host("web1"), path) == Destination(Endpoint("127.0.0.1", 2222))


def test_a_file_that_is_wrong_is_the_error_with_its_line_and_not_a_name(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("Host web1\n  HostName 127.0.0.1\n  Nonsense yes\n")
    with pytest.raises(HostError, match=r"config: line 3: Bad configuration option: nonsense") as raised:
        of(Host("web1"), path)
    assert raised.value.reason == "bad-ssh-config"


def test_ssh_is_asked_about_many_hosts_side_by_side(tmp_path: Path) -> None:
    path, begun = tmp_path / "config", tmp_path / "begun"
    begun.mkdir()
    meet = f"touch {begun}/%n; until [ $(ls {begun} | wc -l) -ge 4 ]; do sleep 0.02; done"
    path.write_text(f'Match exec "{meet}"\n  HostName 127.0.0.1\n')
    hosts = [Host(f"r{number}") for number in range(16)]
    destinations = Destinations(ConnectionOptions(ssh_config=str(path)), hosts)
    found = [destinations.of(host).endpoint for host in hosts]
    assert found == [Endpoint("127.0.0.1", 22)] * 16


def test_a_program_that_does_not_end_is_ended_and_is_the_error_of_its_hosts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.connection.ssh_config.host_config._SSH_S", 0.5)
    path = tmp_path / "config"
    path.write_text('Match host stuck exec "sleep 30"\n  User x\nHost *\n  HostName 127.0.0.1\n')
    hosts = [Host("stuck"), Host("fine")]
    destinations = Destinations(ConnectionOptions(ssh_config=str(path)), hosts)
    with pytest.raises(HostError, match="did not answer within"):
        destinations.of(hosts[0])
    assert destinations.of(hosts[1]).endpoint == Endpoint("127.0.0.1", 22)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ansible_host": "192.0.2.7", "ansible_port": "2200"},
        {"ansible_ssh_common_args": "-p 2022 -J bastion"},
        {"ansible_ssh_common_args": "-o ProxyJump=none"},
        {"ansible_user": "ops"},
    ],
)
@pytest.mark.parametrize("name", ["r1", "r2", "r3"])
def test_a_probe_goes_where_the_login_will(name: str, variables: dict[str, Any], config: Path) -> None:
    host, options = Host(name, variables), ConnectionOptions(ssh_config=str(config))
    there = access(host, options)
    straight = not there.jumps and there.proxy_command is None
    assert Destinations(options).of(host) == Destination(there.endpoint, straight)


@pytest.mark.parametrize(
    "variables", [{"ansible_port": 70000}, {"ansible_ssh_common_args": "--no-such-option"}]
)
def test_a_probe_fails_on_what_the_login_would_fail_on(variables: dict[str, Any], config: Path) -> None:
    host, options = Host("r1", variables), ConnectionOptions(ssh_config=str(config))
    with pytest.raises(HostError) as of_login:
        access(host, options)
    with pytest.raises(HostError) as of_probe:
        Destinations(options).of(host)
    assert str(of_probe.value) == str(of_login.value)
