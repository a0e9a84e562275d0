"""No program that we start has our secrets in its environment, and no template can ask for them."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from runner import environment
from runner.settings import Settings
from tests.connection.sshd import required_program
from tests.projects import Project

if TYPE_CHECKING:
    from pathlib import Path


CANARY = "canary-5b1f"
SECRETS = [f"INVOKE_RUNNER_{name.upper()}" for name in environment.SECRET_SETTINGS[:-1]]
GIVEN = {
    **{name: f"{CANARY}-{name}" for name in SECRETS},
    "ROUTER_PASSWORD": f"{CANARY}-reference",
    "INVOKE_SUDO_PASSWORD": f"{CANARY}-sudo",
    "SSH_ASKPASS": f"/{CANARY}/askpass",
    "SSH_ASKPASS_REQUIRE": CANARY,
    "HARMLESS": "seen",
}


@pytest.fixture
def place(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("tasks.py", "from runner.tasks import namespace\n")
    made.write("invoke.yaml", "runner:\n  credentials: [{password: 'env:ROUTER_PASSWORD'}]\n  no_ping: yes\n")
    made.env = dict(GIVEN)
    return made


def noting(place: Project) -> str:
    """A command that appends its environment to a file."""
    code = f"import os; open({str(place.folder / 'seen')!r}, 'a').write(repr(dict(os.environ)) + '\\n')"
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def seen(place: Project) -> str:
    text = (place.folder / "seen").read_text()
    assert "'HARMLESS': 'seen'" in text
    return text


def test_every_secret_setting_is_known() -> None:
    assert {name for name, flag in Settings.flags().items() if flag.is_secret} == {
        *environment.SECRET_SETTINGS
    }


@pytest.mark.parametrize("executor", ["thread", "process", "dask"])
def test_a_command_on_this_machine_has_none(place: Project, executor: str) -> None:
    place.write("hosts", "here ansible_connection=local\n")
    ended = place.type("run", "-i", "hosts", "--executor", executor, "--cmd", noting(place))

    assert ended.code == 0, ended.stderr
    assert CANARY not in seen(place)


def test_an_inventory_script_has_none(place: Project) -> None:
    path = place.write("hosts", f"#!/bin/sh\n{noting(place)}\necho '{{}}'\n")
    path.chmod(0o700)

    assert place.type("inventory", "--list", "-i", "hosts").code == 0
    assert CANARY not in seen(place)


def test_a_vault_program_has_none(place: Project) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    path = place.write("vault.sh", f"#!/bin/sh\n{noting(place)}\necho pw\n")
    path.chmod(0o700)
    place.write("hosts.yml", VaultLib([("default", VaultSecret(b"pw"))]).encrypt("all: {}").decode())

    ended = place.type("inventory", "--list", "-i", "hosts.yml", "--vault-password-file", "vault.sh")
    assert ended.code == 0, ended.stderr
    assert CANARY not in seen(place)


def test_a_lookup_that_runs_a_program_gives_it_none(place: Project) -> None:
    place.write("note", noting(place))
    place.write("hosts.yml", "all: {hosts: {here: {ansible_host: \"{{ lookup('pipe', 'sh note') }}\"}}}\n")
    place.type("ping", "-i", "hosts.yml", "--allow-inventory-commands")
    assert CANARY not in seen(place)


@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_programs_on_the_way_to_a_host_have_none(place: Project, connection: str) -> None:
    if connection == "openssh":
        required_program("ssh")
    place.write("note", noting(place))
    judged = f'Match exec "sh {place.folder / "note"}"\n' if connection == "ssh" else ""
    way = f"sh {place.folder / 'note'}; exec nc 127.0.0.1 1"
    place.write("config", f"Host *\n ProxyCommand sh -c {shlex.quote(way)}\n{judged}")
    place.write("hosts", f"there ansible_connection={connection}\n")

    ended = place.type("run", "--cmd", "true", "-i", "hosts", "--ssh-config", "config", "--retries", "0")

    assert ended.code == 4, ended.stdout
    assert CANARY not in seen(place)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SECRETS, "ROUTER_PASSWORD", "INVOKE_SUDO_PASSWORD"])
def test_a_template_cannot_look_one_up(place: Project, name: str) -> None:
    place.write(
        "hosts.yml",
        f"all: {{hosts: {{here: {{ansible_host: \"x{{{{ lookup('env', '{name}') }}}}.invalid\"}}}}}}\n",
    )
    ended = place.type("ping", "-i", "hosts.yml", "--format", "json")
    assert CANARY not in ended.stdout + ended.stderr
    assert "x.invalid" in ended.stdout

    place.write(
        "hosts.yml",
        "all: {hosts: {here: {ansible_host: \"{{ lookup('env', 'HARMLESS') }}.invalid\"}}}\n",
    )
    assert "seen.invalid" in place.type("ping", "-i", "hosts.yml", "--format", "json").stdout


@pytest.mark.parametrize("name", ["INVOKE_RUNNER_PASSWORD", "ROUTER_PASSWORD"])
def test_ssh_arguments_of_an_inventory_cannot_name_one(place: Project, name: str) -> None:
    place.write("hosts", f"127.0.0.1 ansible_ssh_common_args='-o IdentityFile=/${{{name}}}'\n")
    ended = place.type("run", "--cmd", "true", "-i", "hosts", "--format", "json")
    assert CANARY not in ended.stdout + ended.stderr
    assert "is not set" in ended.stdout


def test_the_variables_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_RUNNER_PASSWORD", CANARY)
    child = environment.of_child(EXTRA="1")
    assert "INVOKE_RUNNER_PASSWORD" not in child
    assert child["EXTRA"] == "1"
    assert child["PATH"] == os.environ["PATH"]
