"""Forty names that only ssh_config knows, on real servers behind real jump hosts, by every task."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.connection.sshd import Sshd, required_program, temporary_sshd
from tests.projects import Ended, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
IgnoreUnknown UseKeychain
UseKeychain yes
Host gate?  # on the way
  HostName 127.0.0.1
  ProxyJump none
Match originalhost gate1
  Port {gate1}
Match originalhost gate2
  Port {gate2}
Host included? jump?
  Include {folder}/more.conf
Host plain?
  HostName 127.0.0.1
  Port {port}
Host jump? chain? tunnel? program?
  HostName 127.0.0.1
  Port {port}
Host jump?
  ProxyJump gate1
Host chain?
  ProxyJump gate1,gate2
Host tunnel?
  ProxyCommand ssh -q -W %h:%p gate2
Host program?
  ProxyCommand ssh -F {folder}/config -o BatchMode=yes -W %h:%p gate1
Match host "exec?" exec "test %n != {folder}"
  HostName 127.0.0.1
  Port {port}
Host final? canonical?
  HostName 127.0.0.1
Match final originalhost "final?" host 127.0.0.1
  Port {port}
Host canonical?
  CanonicalizeHostname yes
  CanonicalDomains invalid
Match canonical originalhost "canonical?"
  Port {port}
Host *
  User {user}
  IdentityFile "{key}"
  IdentitiesOnly yes
  UserKnownHostsFile {known}
  ControlMaster auto
  AddKeysToAgent yes
  ServerAliveCountMax 3
  LogLevel ERROR
  Protocol 2
"""
MORE = """\
Host included?
  HostName 127.0.0.1
Match originalhost "included1,included2,included3,included4"
  Port {port}
Host plain?
  Port 9
"""
KINDS = ("plain", "jump", "chain", "tunnel", "program", "exec", "final", "canonical", "included")
NAMES = [f"{kind}{number}" for kind in KINDS for number in range(1, 6 if kind in KINDS[:4] else 5)]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Sshd, Sshd, Sshd]]:
    """A target and two jump hosts that let in the same key."""
    required_program("ssh")
    with temporary_sshd() as target, temporary_sshd() as gate1, temporary_sshd() as gate2:
        for gate in (gate1, gate2):
            gate.let_in(target.key.with_suffix(".pub"))
            with target.known_hosts.open("a") as known:
                known.write(gate.known_hosts.read_text())
        yield target, gate1, gate2


@pytest.fixture(params=["names", pytest.param("source", marks=pytest.mark.slow)])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, servers: tuple[Sshd, Sshd, Sshd]) -> Project:
    """A project whose inventory is the names with the file, or the file itself."""
    target, gate1, gate2 = servers
    made = Project(tmp_path)
    values = {"folder": tmp_path, "port": target.port, "gate1": gate1.port, "gate2": gate2.port}
    login = {"user": target.user, "key": target.key, "known": target.known_hosts}
    every = "Host " + " ".join(NAMES) + "\n"
    made.write("config", CONFIG.format(**values, **login) + every)
    made.write("more.conf", MORE.format(**values))
    if request.param == "names":
        chosen = {"inventory": ",".join(NAMES), "ssh_config": "config"}
    else:
        chosen = {"inventory": "ssh_config:config", "allow_inventory_commands": True}
    settings = {**chosen, "no_history": True, "connect_timeout": 30, "retries": 0}
    made.write("invoke.yaml", json.dumps({"runner": settings}))
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def statuses(ended: Ended) -> dict[str, str]:
    assert ended.stdout, ended.stderr
    hosts = ended.document["hosts"]
    return {name: f"{host['status']} {host['error'] or ''}".strip() for name, host in hosts.items()}


ALL_OK = dict.fromkeys(NAMES, "ok")


@pytest.mark.timeout(300)
def test_forty_aliases_are_reached_by_every_task_alike(
    fleet: Project, servers: tuple[Sshd, Sshd, Sshd], tmp_path: Path
) -> None:
    target, *gates = servers
    chosen = ("--format", "json")
    assert len(NAMES) == 40
    assert statuses(fleet.type("ping", *chosen)) == ALL_OK
    assert statuses(fleet.type("run", "echo reached", *chosen)) == ALL_OK
    (tmp_path / "file").write_text("sent\n")
    with tempfile.TemporaryDirectory(prefix="runner-there-") as there:
        Path(there).chmod(0o777)
        assert statuses(fleet.type("put", "file", f"{there}/sent", *chosen)) == ALL_OK
    (tmp_path / "trusted").write_text("".join(_line(gate) for gate in gates))
    ended = fleet.type("trust", "--yes", "--known-hosts", "trusted")
    assert ended.code == 0, ended.stderr
    assert {line.split(":")[0] for line in ended.stdout.splitlines() if line[0] != " "} == set(NAMES)
    assert _line(target) in (tmp_path / "trusted").read_text()


def _line(server: Sshd) -> str:
    return f"[127.0.0.1]:{server.port} {server.public_key('ed25519')}\n"
