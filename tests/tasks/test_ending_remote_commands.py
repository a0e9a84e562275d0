"""SIGTERM and Ctrl-C while commands run on a real server: what had finished is shown, and nothing is left."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.connection.sshd import Sshd, running_sshd, temporary_sshd
from tests.liveness import comes_true
from tests.projects import Project, interrupt_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK = 5


class Place(NamedTuple):
    """A project, a server whose commands end at once, and one whose last, known by a text of their own."""

    project: Project
    quick: Sshd
    slow: Sshd
    sleep: str

    def at_work(self) -> list[int]:
        found = subprocess.run(["pgrep", "-fx", self.sleep], capture_output=True, text=True, check=False)
        return [int(number) for number in found.stdout.split()]

    def lines(self, server: Sshd, name: str, count: int) -> list[str]:
        return [f"{name}{number} {variables(server)}\n" for number in range(count)]


def variables(server: Sshd) -> str:
    """Return where a server is, and how to log in, as a line of an inventory says it."""
    where = f"ansible_host={server.address} ansible_port={server.port} ansible_user={server.user}"
    return f"{where} ansible_ssh_private_key_file={server.key}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="runner-ending-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_sshd(folder / "quick") as quick, running_sshd(folder / "slow") as slow:
            place = Place(Project(tmp_path), quick, slow, f"sleep 600.{os.getpid()}")
            known = quick.known_hosts.read_text() + slow.known_hosts.read_text()
            place.project.write("known_hosts", known)
            place.project.write("quick", "".join(place.lines(quick, "quick", QUICK)))
            yield place
            for number in place.at_work():
                os.kill(number, signal.SIGKILL)


def send_beside(process: int, number: signal.Signals) -> None:
    """Send a signal to a process so that its main thread is not interrupted: another one is."""
    other = max(int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir())
    assert other != process
    assert ctypes.CDLL(None, use_errno=True).tgkill(process, other, int(number)) == 0


def wait_until(place: Place, count: int, ended: int = 0) -> None:
    def at_work() -> bool:
        return len(place.at_work()) >= count and place.quick.log.count("Close session") >= ended

    assert comes_true(at_work, 60), f"{len(place.at_work())} of {count} commands run"


@pytest.mark.parametrize(
    ("end", "code", "hosts"),
    [
        pytest.param(subprocess.Popen.terminate, 143, 200, marks=pytest.mark.slow),
        (interrupt_twice, 130, 40),
    ],
)
def test_a_run_that_is_ended_leaves_no_command_behind(
    place: Place, end: Callable[[subprocess.Popen[bytes]], object], code: int, hosts: int
) -> None:
    place.project.write("slow", "".join(place.lines(place.slow, "slow", hosts)))
    command = f'case $SSH_CONNECTION in *" {place.slow.port}") exec {place.sleep} ;; *) echo done ;; esac'
    words = ("-i", "quick", "-i", "slow", "--known-hosts", "known_hosts", "--format", "json")
    many = ("--workers", str(hosts + QUICK), "--startups", "0", "--no-ping")
    with place.project.start("run", command, *words, *many, program="runner") as process:
        try:
            wait_until(place, hosts, QUICK)
            end(process)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == code
    assert b"Traceback" not in stderr
    found = json.loads(stdout)["hosts"]
    assert {name: host["status"] for name, host in found.items()} == {
        **{f"quick{number}": "ok" for number in range(QUICK)},
        **{f"slow{number}": "cancelled" for number in range(hosts)},
    }
    assert all(host["sent"] for host in found.values())
    assert found["quick0"]["commands"][0]["stdout"] == "done\n"
    assert comes_true(lambda: not place.at_work())


def test_a_signal_that_interrupts_no_wait_ends_the_run(place: Place) -> None:
    # As one does that comes between the program's last look and the wait: it hung for ever.
    place.project.write("slow", "".join(place.lines(place.slow, "slow", 3)))
    words = ("-i", "slow", "--known-hosts", "known_hosts", "--no-ping", "--format", "json")
    with place.project.start("run", f"exec {place.sleep}", *words, program="runner") as process:
        try:
            wait_until(place, 3)
            send_beside(process.pid, signal.SIGTERM)
            stdout, _ = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 143
    assert {host["status"] for host in json.loads(stdout)["hosts"].values()} == {"cancelled"}


@pytest.mark.parametrize("way", ["ssh", "openssh"])
@pytest.mark.parametrize("extra", ["", "MaxSessions 1\n"])
def test_ctrl_c_leaves_no_script_or_the_result_names_it(tmp_path: Path, way: str, extra: str) -> None:
    sleep = f"sleep 500.{os.getpid()}"
    with temporary_sshd(extra) as server, tempfile.TemporaryDirectory(prefix="runner-told-") as name:
        Path(name).chmod(0o777)
        told = Path(name, "told")
        project = Project(tmp_path)
        project.write("job", f'#!/bin/sh\necho "$0" >{told}.new; mv {told}.new {told}; exec {sleep}\n')
        project.write("known_hosts", server.known_hosts.read_text())
        project.write("hosts", f"real {variables(server)} ansible_connection={way}\n")
        words = ("-i", "hosts", "--known-hosts", "known_hosts", "--no-ping", "--format", "json")
        with project.start("script", "job", *words, program="runner") as process:
            try:
                assert comes_true(told.exists)
                interrupt_twice(process)
                stdout, _ = process.communicate(timeout=60)
            finally:
                process.kill()
        script = Path(told.read_text().strip())
        (host,) = json.loads(stdout)["hosts"].values()

        assert (process.returncode, host["status"], host["sent"]) == (130, "cancelled", True)
        if way == "openssh" and extra:  # `ssh` cannot send a signal, and there is no second session
            assert host["error"] == (
                "the run was stopped; it may still run: the server opened no second session to end it in; "
                f"{script} is left there until it ends"
            )
            subprocess.run(["pkill", "-fx", sleep], check=True)
        else:
            assert host["error"] == "the run was stopped"
        assert comes_true(lambda: not script.exists())
