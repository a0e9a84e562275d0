"""What is asked for on the terminal before any host is touched, by people who type at a real one."""

from __future__ import annotations

import json
import os
import pty
import select
import time
from typing import TYPE_CHECKING

import pytest

from tests.connection.agents import lock, running_agent, unlock
from tests.connection.peers.ssh import PASSWORD, USER, Script
from tests.connection.peers.stage import Stage
from tests.connection.sshd import Sshd, make_key
from tests.projects import PROGRAMS, Project

if TYPE_CHECKING:
    from pathlib import Path


def project(folder: Path, hosts: dict[str, dict[str, object]], known: str) -> Project:
    made = Project(folder)
    made.write("inventories/hosts.yml", json.dumps({"all": {"hosts": hosts}}))
    made.write("known", known)
    made.write("invoke.yaml", "runner:\n  known_hosts: known\n  no_history: true\n  ssh_config: none\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def typed(place: Project, *words: str, answers: dict[str, str]) -> tuple[int, str]:
    """Run a program on a terminal, type each answer at its question; return its code and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place.folder)
        program = PROGRAMS["invoke"]
        os.execve(program[0], [*program, *words], place.environment())
    left, shown, end = dict(answers), "", time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not part:
            break
        shown += part.decode()
        for question in [question for question in left if shown.rstrip().endswith(question)]:
            os.write(terminal, left.pop(question).encode() + b"\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert not left, shown
    return os.waitstatus_to_exitcode(status), shown


def of_sshd(sshd: Sshd, tmp_path: Path, count: int) -> Project:
    key = make_key(tmp_path / "locked", "ed25519", "opens it")
    sshd.let_in(key.with_suffix(".pub"))
    where = {"ansible_host": "127.0.0.1", "ansible_port": sshd.port, "ansible_user": sshd.user}
    hosts = {f"h{n}": {**where, "ansible_private_key_file": str(key)} for n in range(count)}
    return project(tmp_path, hosts, sshd.known_hosts.read_text())


@pytest.mark.terminal
def test_a_passphrase_is_asked_for_once_for_many_hosts(sshd: Sshd, tmp_path: Path) -> None:
    place = of_sshd(sshd, tmp_path, 5)
    question = f"Passphrase of {tmp_path}/locked:"
    code, shown = typed(place, "run", "--cmd", "true", answers={question: "opens it"})

    assert code == 0, shown
    assert shown.count("Passphrase of") == 1
    assert "opens it" not in shown


@pytest.mark.terminal
def test_a_wrong_passphrase_is_an_error_before_any_host_is_touched(sshd: Sshd, tmp_path: Path) -> None:
    place = of_sshd(sshd, tmp_path, 2)
    before = len(sshd.log)
    question = f"Passphrase of {tmp_path}/locked:"
    code, shown = typed(place, "run", "--cmd", "true", answers={question: "does not"})

    assert code == 1
    assert "the passphrase of" in shown
    assert "is not right" in shown
    assert len(sshd.log) == before


@pytest.mark.terminal
def test_an_empty_answer_leaves_the_key_out(sshd: Sshd, tmp_path: Path) -> None:
    place = of_sshd(sshd, tmp_path, 1)
    question = f"Passphrase of {tmp_path}/locked:"
    code, shown = typed(place, "run", "--cmd", "true", answers={question: ""})

    assert code == 2
    assert "is encrypted" in shown


@pytest.mark.terminal
def test_a_key_that_the_agent_holds_is_not_asked_for(sshd: Sshd, tmp_path: Path) -> None:
    place = of_sshd(sshd, tmp_path, 1)
    key = tmp_path / "locked"
    unlock(key, "opens it")
    with running_agent(key) as socket:
        lock(key, "opens it")
        place.env["SSH_AUTH_SOCK"] = str(socket)
        code, shown = typed(place, "run", "--cmd", "true", answers={})

    assert code == 0, shown


def test_without_a_terminal_nobody_is_asked_and_the_host_says_why(sshd: Sshd, tmp_path: Path) -> None:
    place = of_sshd(sshd, tmp_path, 1)
    ended = place.type("run", "--cmd", "true")
    given = place.type("run", "--cmd", "true", env={"INVOKE_RUNNER_KEY_PASSPHRASE": "opens it"})

    assert ended.code == 2
    assert "is encrypted; load it into ssh-agent with ssh-add, or set key_passphrase" in ended.stdout
    assert given.code == 0, given


@pytest.mark.terminal
def test_a_code_is_asked_for_once_for_many_hosts(tmp_path: Path) -> None:
    with Stage() as stage:
        questions = (("Password: ", PASSWORD), ("Verification code: ", "one-time-code"))
        ports = [stage.ssh(Script(questions=questions)) for _ in range(3)]
        where = {"ansible_host": "127.0.0.1", "ansible_user": USER, "ansible_password": PASSWORD}
        known = "".join(f"[127.0.0.1]:{port} {stage.public_key}\n" for port in ports)
        place = project(tmp_path, {f"h{port}": {**where, "ansible_port": port} for port in ports}, known)
        words = ("run", "--cmd", "true", "--ask-code", "--no-ping")
        code, shown = typed(place, *words, answers={"One-time code:": "one-time-code"})

    assert code == 0, shown
    assert shown.count("One-time code:") == 1
    assert "one-time-code" not in shown
