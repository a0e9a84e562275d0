"""Which flag, variable, argument or setting decides how to reach and log in to a host."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.options import ConnectionOptions, HostKeyPolicy
from runner.connection.target.access import LoginTarget, access, whereabouts
from runner.errors import InvalidVariable
from runner.models import Endpoint, Host, Secret
from runner.settings import Settings
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from pathlib import Path


def of(variables: dict[str, Any] | None = None, **options: Any) -> LoginTarget:
    return access(Host("h", variables or {}), ConnectionOptions(**options))


def test_with_nothing_said_it_is_the_local_user_on_port_22() -> None:
    found = of()

    assert found.endpoint == Endpoint("h", 22)
    assert found.login.user == getpass.getuser()
    assert found.login.password is None
    assert found.login.private_key is None
    assert found.jumps == ()


@pytest.mark.parametrize("name", ["ansible_user", "ansible_ssh_user"])
def test_a_variable_wins_over_the_settings(name: str) -> None:
    assert of({name: "theirs"}, user="ours").login.user == "theirs"


def test_a_flag_of_this_run_wins_over_a_variable() -> None:
    given = {"origins": {"user": Origin(Kind.FLAG, "--user")}}

    assert of({"ansible_user": "theirs"}, user="ours", **given).login.user == "ours"


def test_a_variable_wins_over_arguments_of_ssh_and_these_over_the_settings() -> None:
    common = {"ansible_ssh_common_args": "-l args -p 2 -i args -o ConnectTimeout=2"}
    both = of({"ansible_user": "variable", "ansible_port": 1, "ansible_timeout": 1, **common})
    only = of(common, user="settings", private_keys=("settings",), connect_timeout_s=9.0)

    assert (both.login.user, both.endpoint.port, both.options.connect_timeout_s) == ("variable", 1, 1.0)
    assert (only.login.user, only.endpoint.port, only.options.connect_timeout_s) == ("args", 2, 2.0)
    assert only.login.private_key == "args"


def test_an_interval_of_0_in_arguments_of_ssh_means_no_keepalives() -> None:
    off = {"ansible_ssh_common_args": "-o ServerAliveInterval=0"}
    assert of(off, keepalive_s=20.0).options.keepalive_s is None


@pytest.mark.parametrize("name", ["ansible_password", "ansible_ssh_password", "ansible_ssh_pass"])
@pytest.mark.parametrize("value", ["secret", Secret("secret")])
def test_a_password_is_kept_secret_whatever_it_came_as(name: str, value: object) -> None:
    found = of({name: value})

    assert found.login.password == Secret("secret")
    assert "secret" not in repr(found)


def test_a_password_may_look_like_a_number() -> None:
    assert of({"ansible_password": 1234}).login.password == Secret("1234")


@pytest.mark.parametrize("value", ["-oProxyCommand=x", "a;b", "a b`c`", "a\nb"])
def test_a_user_that_looks_like_something_else_is_refused(value: str) -> None:
    with pytest.raises(InvalidVariable):
        of({"ansible_user": value})


@pytest.mark.parametrize(
    ("variables", "policy"),
    [
        ({"ansible_host_key_checking": False}, HostKeyPolicy.OFF),
        ({"ansible_ssh_host_key_checking": "no"}, HostKeyPolicy.OFF),
        ({"ansible_host_key_checking": True}, HostKeyPolicy.ACCEPT_NEW),
        ({"ansible_ssh_common_args": "-o StrictHostKeyChecking=yes"}, HostKeyPolicy.STRICT),
        ({}, HostKeyPolicy.ACCEPT_NEW),
    ],
)
def test_a_host_may_have_its_own_way_with_unknown_keys(
    variables: dict[str, Any], policy: HostKeyPolicy
) -> None:
    assert of(variables, host_key_policy=HostKeyPolicy.ACCEPT_NEW).options.host_key_policy is policy


def test_a_policy_given_for_the_run_holds_for_every_host() -> None:
    options = Settings.resolve({"host_key_policy": "strict", "known_hosts": ["/mine"]}).connection_options()
    args = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    variables = {"ansible_host_key_checking": False, "ansible_ssh_common_args": args}
    found = access(Host("h", variables), options).options

    assert found.host_key_policy is HostKeyPolicy.STRICT
    assert found.known_hosts == ("/mine",)


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_timeout": "soon"},
        {"ansible_timeout": 0},
        {"ansible_timeout": float("inf")},
        {"ansible_timeout": [1]},
        {"ansible_host_key_checking": "perhaps"},
        {"ansible_private_key_file": "-x"},
        {"ansible_port": 99999},
        {"ansible_ssh_common_args": "-l '$(touch x)'"},
        {"ansible_ssh_common_args": "-o 'HostKeyAlias=a ssh-rsa AAAA'"},
        {"ansible_ssh_common_args": "-o 'HostKeyAlias=a\n@cert-authority'"},
    ],
)
def test_a_value_that_cannot_be_meant_is_that_hosts_error(variables: dict[str, Any]) -> None:
    with pytest.raises(InvalidVariable) as raised:
        of(variables)

    assert raised.value.reason == "bad-variable"


def test_a_jump_is_read_off_the_arguments() -> None:
    assert [str(jump) for jump in of({"ansible_ssh_common_args": "-J gate"}).jumps] == ["gate"]


@pytest.mark.parametrize("config", ["", "User somebody\n", "Host h\n HostName 192.0.2.7\n Port 2207\n"])
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ansible_host": "192.0.2.1", "ansible_port": 2201},
        {"ansible_ssh_host": "[2001:db8::1]"},
        {"ansible_ssh_args": "-p 2202 -l somebody"},
        {"ansible_ssh_common_args": "-J jump"},
    ],
)
def test_where_a_host_is_can_be_told_without_all_the_rest(
    tmp_path: Path, config: str, variables: dict[str, Any]
) -> None:
    file = tmp_path / "config"
    file.write_text(config)
    options = ConnectionOptions(ssh_config=str(file))
    host = Host("h", variables)

    assert whereabouts(host, options) == access(host, options).endpoint


def test_a_host_whose_address_cannot_be_used_is_nowhere() -> None:
    with pytest.raises(InvalidVariable, match="ansible_port"):
        whereabouts(Host("h", {"ansible_port": 99999}), ConnectionOptions(ssh_config=None))


@pytest.mark.parametrize("text", ["-J -oProxy", "-J gate,-x", "-o UserKnownHostsFile=/a/%z"])
def test_arguments_that_lead_nowhere_are_their_own_error(text: str) -> None:
    with pytest.raises(InvalidVariable, match=r"ansible_ssh|ssh arguments"):
        of({"ansible_ssh_common_args": text})


FILE = "Host h\n  HostName 192.0.2.1\n  {line}\nHost gate\n  HostName 192.0.2.9\n"
MINE = "Host h\n  HostName 192.0.2.2\n"


def by_file(folder: Path, line: str, variables: dict[str, Any] | None = None, **options: Any) -> LoginTarget:
    """Return the target of `h` if the inventory names one ssh_config file and the run another."""
    theirs, mine = folder / "their file", folder / "mine"
    theirs.write_text(FILE.format(line=line))
    mine.write_text(MINE)
    common = {"ansible_ssh_common_args": f"-F '{theirs}'"}
    return of({**common, **(variables or {})}, ssh_config=str(mine), **options)


def test_a_file_that_the_inventory_names_holds_for_its_hosts_and_their_jump_hosts(tmp_path: Path) -> None:
    found = by_file(tmp_path, "ProxyJump gate")

    assert found.endpoint == Endpoint("192.0.2.1", 22)
    assert LoginTarget.of_jump(found.jumps, found.given).endpoint == Endpoint("192.0.2.9", 22)


def test_a_file_that_a_flag_names_wins_over_that_of_the_inventory(tmp_path: Path) -> None:
    assert by_file(
        tmp_path, "", origins={"ssh_config": Origin(Kind.FLAG, "--ssh-config")}
    ).endpoint == Endpoint("192.0.2.2", 22)


def test_a_file_of_the_inventory_keeps_the_origins_of_each_run_apart(tmp_path: Path) -> None:
    """Options with equal values compare equal, even if the values have different origins."""
    flag, file = Origin(Kind.FLAG, "--user"), Origin(Kind.FILE, "user", "invoke.yaml")
    for origin, user in ((file, "theirs"), (flag, "ours"), (file, "theirs")):
        found = by_file(tmp_path, "", {"ansible_user": "theirs"}, user="ours", origins={"user": origin})
        assert (found.login.user, found.given.origins["user"]) == (user, origin)


def test_an_inventory_may_go_without_a_file_but_not_name_one_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(MINE)
    mine = str(tmp_path / "mine")
    assert of({"ansible_ssh_common_args": "-F none"}, ssh_config=mine).endpoint == Endpoint("h", 22)
    with pytest.raises(InvalidVariable, match="there is no such file"):
        of({"ansible_ssh_common_args": f"-F {tmp_path}/missing"})


@pytest.mark.parametrize(
    "line", ["ProxyCommand nc %h %p", 'Match exec "touch RAN"', "Nonsense yes", '"Match" exec "touch RAN"']
)
def test_a_file_that_the_inventory_names_runs_nothing(tmp_path: Path, line: str) -> None:
    line = line.replace("RAN", str(tmp_path / "RAN"))
    with pytest.raises(InvalidVariable) as raised:
        by_file(tmp_path, line)
    assert raised.value.reason == "refused-variable"
    assert not (tmp_path / "RAN").exists()


def test_a_flag_lets_it_run_programs_and_so_it_may_if_the_run_names_it_too(tmp_path: Path) -> None:
    assert by_file(tmp_path, "ProxyCommand nc %h %p", allow_commands=True).proxy_command == "nc 192.0.2.1 22"
    same = str(tmp_path / "their file")
    variables = {"ansible_ssh_common_args": f"-F '{same}'"}
    assert of(variables, ssh_config=same).proxy_command == "nc 192.0.2.1 22"


def test_only_the_paramiko_connection_takes_a_file_that_may_run_nothing(tmp_path: Path) -> None:
    from runner.connection.deadline import Deadline
    from runner.connection.openssh.connection import connect

    by_file(tmp_path, "User me")
    variables = {
        "ansible_connection": "openssh",
        "ansible_ssh_common_args": f"-F '{tmp_path}/their file'",
    }
    with pytest.raises(InvalidVariable) as raised:
        connect(Host("h", variables), ConnectionOptions(), Deadline(5))
    assert raised.value.reason == "refused-variable"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ('HostName "x;touch RAN;"', "ssh -W %h:%p gate"),
        ('HostName "x y -oProxyCommand=touch"', "ssh -W %h:%p gate"),
        ('User "x -oProxyCommand=id y"', "ssh -W %h:%p %r@gate"),
        ('HostKeyAlias "x -oProxyCommand=id"', "ssh -W %h:%p %k"),
    ],
)
def test_no_token_makes_a_program_of_a_jump_host_in_arguments(
    tmp_path: Path, line: str, command: str
) -> None:
    (tmp_path / "theirs").write_text(f"Host h\n  {line}\n")
    with pytest.raises(InvalidVariable) as raised:
        of({"ansible_ssh_common_args": f"-F {tmp_path}/theirs -o 'ProxyCommand={command}'"})
    assert raised.value.reason == "refused-variable"


def test_a_user_of_the_inventory_is_no_option_in_a_program_of_the_operator(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("ProxyCommand ssh -W %h:%p %r@gate\n")
    with pytest.raises(InvalidVariable):
        of({"ansible_user": "x -oProxyCommand=id y"}, ssh_config=str(config))
