"""A run that is told to end: nothing that it started here goes on, and it says what may go on there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner.runs.interruption import GRACE_S
from tests.connection.peers import ssh
from tests.connection.peers.ssh import Script
from tests.history.runs import until
from tests.projects import Project, interrupt_twice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.connection.peers.ssh import Channel
    from tests.connection.peers.stage import Stage

CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


# On the host ------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, stage: Stage, back_end: str) -> Project:
    """One host on which a command runs as another user, and never ends."""
    script = Script()

    async def answer(channel: Channel) -> None:
        typed = script.commands[-1].replace("\\", "")
        asking, begun = (re.findall(rf"\[runner \w+\] {word}", typed)[0] for word in ("password: ", "begun"))
        channel.write_stderr(asking.encode())
        await asyncio.sleep(0.2)
        channel.write(f"{begun}\n".encode())
        channel.write_stderr(f"{begun}\n".encode())
        (tmp_path / "begun").touch()
        await asyncio.sleep(600)

    script.answer = answer
    login = {"ansible_host": "127.0.0.1", "ansible_user": ssh.USER, "ansible_password": ssh.PASSWORD}
    become = {"ansible_become": True, "ansible_become_user": "service", "ansible_become_password": "secret"}
    host = {**login, **become, "ansible_port": stage.ssh(script), "ansible_connection": back_end}
    made = Project(tmp_path)
    made.write("hosts.json", json.dumps({"all": {"hosts": {"h": host}}}))
    made.write("known_hosts", f"[127.0.0.1]:* {stage.public_key}\n")
    return made


RUN = ("run", "-i", "hosts.json", "--known-hosts", "known_hosts", "--no-ping", "--cmd", "x")


@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "Ctrl-C twice", "--timeout-total", "--timeout"])
def test_what_may_go_on_there_is_said_however_the_run_ends(project: Project, how: str, executor: str) -> None:
    limit = (how, "3") if how.startswith("--") else ()
    words = (*RUN, "--format", "json", "--executor", executor, *limit)
    with project.start(*words, program="runner") as process:
        until((project.folder / "begun").exists)
        if how == "Ctrl-C twice":
            interrupt_twice(process)
        elif not limit:
            process.send_signal(signal.Signals[how])
        stdout, stderr = process.communicate(timeout=60)
    (host,) = json.loads(stdout)["hosts"].values()
    assert (host["status"], host["sent"]) == ("timeout" if how == "--timeout" else "cancelled", True)
    assert "it may still run: operator may not end what runs as service by sudo" in host["error"], stderr
    assert how != "--timeout-total" or "the run's 3 s were over (--timeout-total); it may" in host["error"]


# Here -------------------------------------------------------------------------------------------------------


@pytest.fixture
def sleep() -> Iterator[str]:
    """A command that no other process has; what is left of it is ended."""
    command = f"sleep 28{os.getpid():07}"
    yield command
    for number in _running(command):
        os.kill(number, signal.SIGKILL)


def _running(command: str) -> list[int]:
    found = subprocess.run(["pgrep", "-fx", command], capture_output=True, text=True, check=False)
    return [int(number) for number in found.stdout.split()]


def _inventory_script(made: Project, sleep: str) -> tuple[str, ...]:
    made.write("hosts.sh", f"#!/bin/sh\n{sleep}\n").chmod(0o755)
    return ("inventory", "--list", "-i", "hosts.sh")


def _lookup(made: Project, sleep: str) -> tuple[str, ...]:
    template = f"{{{{ lookup('pipe', '{sleep}') }}}}"
    made.write("hosts.json", json.dumps({"all": {"hosts": {"h": {"ansible_host": template}}}}))
    return ("ping", "-i", "hosts.json", "--allow-inventory-commands")


def _vault_program(made: Project, sleep: str) -> tuple[str, ...]:
    from ansible.parsing.vault import VaultLib, VaultSecret

    made.write("vault.sh", f"#!/bin/sh\n{sleep}\n").chmod(0o755)
    made.write("hosts.yml", VaultLib([("default", VaultSecret(b"pw"))]).encrypt("all: {}").decode())
    return ("inventory", "--list", "-i", "hosts.yml", "--vault-password-file", "vault.sh")


def _local(made: Project, sleep: str) -> tuple[str, ...]:
    made.write("hosts", "h ansible_connection=local\n")
    return ("run", "-i", "hosts", "--cmd", f"{sleep} & {sleep}")


def _proxy_command(made: Project, sleep: str) -> tuple[str, ...]:
    made.write("config", f"Host *\n ProxyCommand {sleep}\n")
    return ("run", "-i", "127.0.0.1,", "--no-ping", "--ssh-config", "config", "--cmd", "x")


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("start", [_inventory_script, _lookup, _vault_program, _local, _proxy_command])
def test_no_program_that_was_started_here_goes_on(
    tmp_path: Path, sleep: str, start: Any, number: signal.Signals
) -> None:
    made = Project(tmp_path)
    with made.start(*start(made, sleep), program="runner") as process:
        until(lambda: bool(_running(sleep)))
        told = time.monotonic()
        if number is signal.SIGINT and start in (_local, _proxy_command):
            interrupt_twice(process)
        else:
            process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert time.monotonic() - told < GRACE_S
    assert process.returncode == CODES[number], stderr
    assert b"Traceback" not in stderr
    until(lambda: not _running(sleep))
