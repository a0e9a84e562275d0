"""Few processes, threads or files: the run ends, every host has its result, and no host is blamed."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from runner.executors import answers, processes
from runner.executors.answers import NotBegun
from runner.executors.processes import ThreadedProcessExecutor
from runner.text import spill
from tests.connection.sshd import go_without, required_program, worker_number
from tests.executors import jobs
from tests.history.counting import CountingServer, project_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projects import Project

pytestmark = pytest.mark.slow

HOSTS = [f"h{number:02}" for number in range(40)]


def settled(futures: list[Any]) -> None:
    assert not wait(futures, 60).not_done


def test_a_first_process_that_cannot_be_started_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        ThreadedProcessExecutor(4, processes=2)


def refuse(thread: threading.Thread) -> None:  # noqa: ARG001 - the method's shape
    raise RuntimeError("can't start new thread")


def test_fewer_processes_than_wanted_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, start = [], threading.Thread.start

    def refuse_the_second(thread: threading.Thread) -> None:
        if thread.name == "runner-process":
            begun.append(thread)
            if len(begun) == 2:
                refuse(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_the_second)
    with ThreadedProcessExecutor(4, processes=2) as executor:
        assert executor.processes == 1
        assert executor.submit(jobs.echo, 1).result(60) == 1


@pytest.mark.parametrize("fault", [RuntimeError("can't start new thread"), OSError(11, "again"), EOFError()])
def test_every_future_is_settled_though_no_other_process_starts(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def add(_self: Any, _threads: int) -> None:
        raise fault

    with ThreadedProcessExecutor(2, processes=1) as executor:
        executor.submit(jobs.echo, 1).result(60)
        monkeypatch.setattr(ThreadedProcessExecutor, "_add", add)
        settled([executor.submit(jobs.die), *(executor.submit(jobs.echo, number) for number in range(5))])


def test_a_worker_without_threads_says_that_nothing_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    class Pipe:
        messages: ClassVar[list[bytes]] = [
            processes.pickle.dumps((1, answers.packed(jobs.echo, (1,), {}))),
            b"",
        ]

        def recv_bytes(self) -> bytes:
            return self.messages.pop(0)

        def send_bytes(self, data: bytes) -> None:
            sent.append(data)

    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    monkeypatch.setattr(processes.signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(processes.sys, "stdout", sys.stdout)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        processes._serve(Pipe(), 2, (), spill.MEMORY)  # type: ignore[arg-type]
    head, payload = sent
    assert processes.pickle.loads(head) == (1, True)
    assert isinstance(processes.pickle.loads(payload), NotBegun)


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with CountingServer(HOSTS, slowest_s=0.2) as running:
        yield running


@pytest.fixture
def project(server: CountingServer, tmp_path: Path) -> Project:
    return project_of(server, tmp_path)


def limited(
    project: Project, limits: tuple[int, int], *words: str, user: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a task with a limit of this kind, soft and hard."""
    kind, most = limits
    prlimit = required_program("prlimit")
    name = {resource.RLIMIT_NOFILE: "nofile", resource.RLIMIT_NPROC: "nproc"}[kind]
    command = [prlimit, f"--{name}={most}:{most}", *user, sys.executable, "-m", "invoke", *words]
    return subprocess.run(
        command,
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


RUN = ("run", "count", "--format", "json", "--workers", "40")


@pytest.mark.parametrize("most", [64, 128, 256])
@pytest.mark.parametrize("more", [(), ("--no-ping",), ("--connection-openssh",)])
def test_few_files_are_fewer_hosts_at_once(
    project: Project, server: CountingServer, most: int, more: tuple[str, ...]
) -> None:
    if more == ("--connection-openssh",):
        required_program("ssh")
        inventory = server.inventory()
        inventory["all"]["vars"]["ansible_connection"] = "openssh"
        project.write("inventories/hosts.yml", json.dumps(inventory))
        more = ("--no-ping",)
    done = limited(project, (resource.RLIMIT_NOFILE, most), *RUN, *more)
    hosts = json.loads(done.stdout)["hosts"]
    bad = {name: (host["status"], host["error"]) for name, host in hosts.items() if host["status"] != "ok"}
    assert bad == {}, done.stderr
    assert done.returncode == 0
    assert server.take_runs() == dict.fromkeys(HOSTS, 1)
    lines = [line for line in done.stderr.splitlines() if "ulimit -n" in line]
    assert len(lines) <= 1
    assert most > 64 or len(lines) == 1


@pytest.mark.parametrize("executor", ["process", "thread"])
@pytest.mark.parametrize("most", [2, 6, 12])
def test_few_processes_end_the_run(project: Project, executor: str, most: int) -> None:
    """The limit counts what else the user runs; root is not bound by it."""
    user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        number = 65_000 + worker_number()
        ids = ("--reuid", str(number), "--regid", str(number), "--clear-groups")
        user = (required_program("setpriv"), *ids)
        for path in (project.folder, *project.folder.rglob("*")):
            os.chown(path, number, number)
        for folder in project.folder.parents:
            if folder.as_posix() != "/" and folder.stat().st_uid == 0 and not folder.stat().st_mode & 1:
                folder.chmod(folder.stat().st_mode | 0o55)
        project.env.update(HOME=str(project.folder), LOGNAME="somebody")
    else:
        used = subprocess.run(
            ["ps", "-L", "-u", str(os.geteuid()), "-o", "pid="], capture_output=True, check=True
        )
        most += len(used.stdout.splitlines())
    done = limited(project, (resource.RLIMIT_NPROC, most), *RUN, "--executor", executor, user=user)
    if "Permission denied" in done.stderr:
        go_without("other users may not read this interpreter")
    assert "Traceback" not in done.stderr, done.stderr
    if not done.stdout:
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) >= 1
        return
    hosts = json.loads(done.stdout)["hosts"]
    assert set(hosts) == set(HOSTS)
    assert {host["status"] for host in hosts.values()} <= {"ok", "error", "cancelled", "lost"}
