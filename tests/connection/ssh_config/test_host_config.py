"""The user's own ssh_config: what is taken from it, below what the inventory and the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.connection.options import ConnectionOptions
from runner.connection.ssh_config import host_config as lookup
from runner.connection.ssh_config.options import SshOptions
from runner.connection.target.access import LoginTarget, access
from runner.connection.target.jump import Jump
from runner.errors import InvalidVariable
from runner.jobs import CommandJob, perform
from runner.models import Endpoint, Host
from runner.text.origin import Kind, Origin
from tests.connection.sshd import Sshd, required_program

CONFIG = """
Include {folder}/more
Host web*
  User deploy
  Port 2222
  IdentityFile ~/.ssh/deploy
  IdentityFile ~/.ssh/other
  UserKnownHostsFile ~/.ssh/web_hosts
Host web1
  HostName 10.0.0.1
  ProxyJump me@gate:2022,second
Host gate
  HostName gate.example.com
  User jumper
  Port 2023
Host old
  ProxyCommand ssh -q -W %h:%p gate
Host direct
  ProxyJump none
Host odd
  ProxyCommand nc %h %p
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    required_program("ssh")
    (tmp_path / "more").write_text("Host included\n  User from-include\n")
    file = tmp_path / "config"
    file.write_text(CONFIG.format(folder=tmp_path))
    return str(file)


def host_config(config: str | None, name: str, **given: str) -> SshOptions:
    return lookup.host_config(config, name, {option: (value,) for option, value in given.items()})[0]


def of(config: str, name: str, variables: dict[str, Any] | None = None, **options: Any) -> LoginTarget:
    return access(Host(name, variables or {}), ConnectionOptions(ssh_config=config, **options))


def test_all_of_a_hosts_lines_are_read(config: str) -> None:
    assert host_config(config, "web1") == SshOptions(
        address="10.0.0.1",
        user="deploy",
        port=2222,
        identities=(str(Path("~/.ssh/deploy").expanduser()), str(Path("~/.ssh/other").expanduser())),
        known_hosts=host_config(config, "web2").known_hosts,
        jumps=(Jump("gate", 2022, "me"), Jump("second")),
    )
    assert host_config(config, "web1").known_hosts[0].endswith("/.ssh/web_hosts")


@pytest.mark.parametrize("name", ["unknown", "10.0.0.9", "fe80::1", "UPPER"])
def test_a_host_without_lines_of_its_own_has_nothing(config: str, name: str) -> None:
    assert host_config(config, name) == SshOptions()


def test_that_there_is_no_jump_host_is_given_too(config: str) -> None:
    assert host_config(config, "direct") == SshOptions(jumps=())


def test_an_include_is_followed(config: str) -> None:
    assert host_config(config, "included").user == "from-include"


def test_a_proxy_command_may_be_a_jump_host(config: str) -> None:
    assert host_config(config, "old").jumps == (Jump("gate"),)


def test_a_proxy_command_may_be_any_program(config: str) -> None:
    assert host_config(config, "odd", port="2022").proxy_command == "nc odd 2022"


def test_a_proxy_command_may_be_a_jump_host_with_tokens(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host web\n  User deploy\n  ProxyCommand ssh -W [%h]:%p %r@gate-%n\n")

    assert host_config(str(file), "web").jumps == (Jump("gate-web", None, "deploy"),)


def test_a_file_that_ssh_does_not_take_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host a\n  Nonsense yes\n")
    with pytest.raises(InvalidVariable) as raised:
        host_config(str(file), "a")

    assert raised.value.reason == "bad-ssh-config"
    assert str(file) in str(raised.value)


def test_a_file_without_an_end_is_named_and_not_read(tmp_path: Path) -> None:
    endless = tmp_path / "config"
    with endless.open("wb") as file:
        file.truncate(2**34)
    with pytest.raises(InvalidVariable, match="config: larger than the limit of 16,777,216 bytes") as raised:
        host_config(str(endless), "web1")

    assert raised.value.reason == "bad-ssh-config"


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert host_config(None, "web1") == SshOptions()
    assert host_config(str(tmp_path / "missing"), "web1") == SshOptions()


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    import os

    file = tmp_path / "config"
    file.write_text("User one\n")
    assert host_config(str(file), "h").user == "one"
    file.write_text("User two\n")
    os.utime(file, (1, 1))
    assert host_config(str(file), "h").user == "two"


def test_it_fills_in_what_nobody_else_says(config: str) -> None:
    found = of(config, "web1")

    assert found.endpoint == Endpoint("10.0.0.1", 2222)
    assert found.login.user == "deploy"
    assert [Path(file).name for file in found.login.identities] == ["deploy", "other"]
    assert found.options.known_hosts[0].endswith("/.ssh/web_hosts")
    assert [str(jump) for jump in found.jumps] == ["gate:2022", "second"]


def test_the_inventory_and_the_settings_win_over_it(config: str) -> None:
    variables = {"ansible_user": "theirs", "ansible_port": 22, "ansible_ssh_common_args": "-J none"}
    given = {"known_hosts": Origin(Kind.FILE, "known_hosts", "invoke.yaml")}
    found = of(config, "web1", variables, known_hosts=("/mine",), origins=given)

    assert (found.login.user, found.endpoint.port, found.jumps) == ("theirs", 22, ())
    assert found.options.known_hosts == ("/mine",)
    assert of(config, "web2", user="setting").login.user == "setting"


def test_it_is_asked_about_the_address_that_the_inventory_gives(config: str) -> None:
    assert of(config, "any-name", {"ansible_host": "web1"}).endpoint == Endpoint("10.0.0.1", 2222)
    assert of(config, "web1", {"ansible_host": "192.0.2.1"}).login.user != "deploy"


def test_a_jump_host_has_lines_of_its_own(config: str) -> None:
    options = ConnectionOptions(ssh_config=config)
    by_config = LoginTarget.of_jump((Jump("gate"),), options)
    by_name = LoginTarget.of_jump((Jump("gate", 22, "me"),), options)

    assert (by_config.endpoint, by_config.login.user) == (Endpoint("gate.example.com", 2023), "jumper")
    assert (by_name.endpoint, by_name.login.user) == (Endpoint("gate.example.com", 22), "me")


def test_a_jump_host_that_leads_to_itself_is_an_error_as_with_ssh(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  ProxyJump gate\n")

    assert [str(jump) for jump in of(str(file), "web").jumps] == ["gate"]
    with pytest.raises(InvalidVariable, match="loop"):
        LoginTarget.of_jump((Jump("gate"),), ConnectionOptions(ssh_config=str(file)))


def test_a_real_login_by_nothing_but_the_file(sshd: Sshd, tmp_path: Path) -> None:
    required_program("ssh")
    file = tmp_path / "config"
    file.write_text(
        f"Host alias\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n"
        f"  IdentityFile {sshd.key}\n  UserKnownHostsFile {sshd.known_hosts}\n"
    )
    result = perform(Host("alias"), CommandJob(("whoami",)), ConnectionOptions(ssh_config=str(file)))

    assert result.ok, result
    assert result.stdout == f"{sshd.user}\n"
    assert (result.address, result.port) == ("127.0.0.1", sshd.port)


def test_a_file_of_revoked_keys_is_taken_from_ssh_config_and_from_arguments(config: str) -> None:
    with Path(config).open("a") as file:
        file.write("Host strict\n  RevokedHostKeys ~/revoked\n")

    assert of(config, "web1").options.revoked_host_keys is None
    assert of(config, "strict").options.revoked_host_keys == str(Path("~/revoked").expanduser())
    argument = {"ansible_ssh_common_args": "-o RevokedHostKeys=/etc/revoked"}
    assert of(config, "strict", argument).options.revoked_host_keys == "/etc/revoked"


def test_what_only_ssh_honours_is_told_of_once(
    sshd: Sshd, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    required_program("ssh")
    config = tmp_path / "config"
    config.write_text("Ciphers aes256-ctr\nMACs hmac-sha2-512\nBindAddress 127.0.0.9\nSendEnv LANG\n")
    for _ in range(2):
        assert perform(sshd.host(), CommandJob(("true",)), sshd.options(ssh_config=str(config))).ok

    told = [message for message in caplog.messages if "not honoured" in message]
    (line,) = told
    assert line.startswith("ssh_config options not honoured: BindAddress, Ciphers, MACs; ")
