"""One hostile host in a run costs the others neither time nor result, and this machine little memory."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.connection.peers import ssh
from tests.connection.peers.ssh import Script
from tests.connection.peers.stage import Stage
from tests.liveness import comes_true
from tests.projects import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.peers.ssh import Answer, Channel

pytestmark = pytest.mark.slow

_MEGABYTES = 400
HEALTHY = [f"h{number}" for number in range(5)]
MOST_OUTPUT = 15 * 2**20


def prints(data: bytes) -> Answer:
    async def answer(channel: Channel) -> None:
        for begin in range(0, len(data), 2**18):
            channel.write(data[begin : begin + 2**18])
            await ssh.drained(channel)
        channel.exit(0)

    return answer


async def hangs(channel: Channel) -> None:
    channel.write(b"up\n")


@dataclass(frozen=True)
class Kind:
    """What is hostile, and how its host ends.

    Attributes:
        status: How it ends.
        error: What its error says, as a regular expression.
        script: How its server behaves.
        variables: Its variables.
        flags: More flags of the command.
        said: What is said on standard error, as a regular expression.
    """

    status: str
    error: str = ""
    script: Script = field(default_factory=Script)
    variables: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    said: str = ""


def _prompt(unit: str) -> Script:
    return Script(questions=((unit * (250_000 // len(unit)), ""),))


_WORDS = [f"word {number}" for number in range(20_000)]
KINDS: dict[str, Kind] = {
    "prompt": Kind("auth", "a prompt of 250000 characters", _prompt("a")),
    "prompt-of-places": Kind("auth", "a prompt of 250000 characters", _prompt("a@")),
    "prompt-by-ssh": Kind("auth", "", _prompt("a@"), {"ansible_connection": "openssh"}),
    "banner": Kind("ok", "", Script(auth_banner="a@" * 100_000), {"ansible_connection": "openssh"}),
    "ignored": Kind(
        "ok",
        script=Script(prints(b"a" * 300 + b"b\n")),
        flags=("--ignore", "(a|aa)+$"),
        said=r"bad: --ignore '\(a\|aa\)\+\$' took longer than 1 s .*compared without it",
    ),
    "escapes": Kind("ok", script=Script(prints(b"\x1b" * MOST_OUTPUT))),
    "binary": Kind("ok", script=Script(prints(os.urandom(2**20) * 15))),
    "lines": Kind("ok", script=Script(prints(b"\x07\n" * (MOST_OUTPUT // 2)))),
    "template": Kind(
        "error",
        r"bad: ansible_user took longer than 0.5 s of computing time",
        variables={"ansible_user": "{{ words | select('in', words) | list }}", "words": _WORDS},
    ),
    "template-memory": Kind(
        "error",
        r"bad: ansible_user needed more than 128 MiB of memory",
        variables={
            "ansible_user": "{{ words | map('replace', 'a', pad) | list }}",
            "words": ["a"] * 20_000,
            "pad": "x" * 30_000,
        },
    ),
    "template-method": Kind(
        "error",
        "has no option 'pipe'",
        variables={"ansible_user": "{{ lookup('pipe', 'x', pipe='{:>400000000}'.format) }}"},
    ),
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def healthy(stage: Stage) -> int:
    """Return the port of a server that answers at once."""
    return stage.ssh(Script())


def project(folder: Path, stage: Stage, healthy: int, hostile: dict[str, Kind]) -> Project:
    made = Project(folder)
    login = {"ansible_host": "127.0.0.1", "ansible_user": ssh.USER, "ansible_password": ssh.PASSWORD}
    hosts: dict[str, dict[str, Any]] = {name: {"ansible_port": healthy} for name in HEALTHY}
    for name, kind in hostile.items():
        hosts[name] = {"ansible_port": stage.ssh(kind.script), **kind.variables}
    # The hostile hosts come first: the others would have to wait for them.
    ordered = {name: hosts[name] for name in (*hostile, *HEALTHY)}
    made.write("hosts.json", json.dumps({"all": {"hosts": ordered, "vars": login}}))
    made.write("known_hosts", f"[127.0.0.1]:* {stage.public_key}\n")
    return made


def command(kinds: dict[str, Kind], *more: str) -> tuple[str, ...]:
    flags = [flag for kind in kinds.values() for flag in kind.flags]
    limits = ("--timeout", "5", "--timeout-total", "15")
    return ("run", "-i", "hosts.json", "--known-hosts", "known_hosts", *limits, "--cmd", "x", *flags, *more)


class Memory:
    """The most memory that a process and all that it started were seen to use together, in bytes."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self.most = max(self.most, sum(map(_resident, _tree(self._pid))))


def _tree(pid: int) -> set[int]:
    found = {pid}
    with suppress(OSError):  # it has just ended
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in path.read_text().split():
                found |= _tree(int(child))
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _run(project: Project, *words: str) -> tuple[int, str, str, int]:
    with project.start(*words, program="runner") as process:
        memory = Memory(process.pid)
        stdout, stderr = process.communicate(timeout=110)
        memory.close()
    return process.returncode, stdout.decode(), stderr.decode(), memory.most


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
@pytest.mark.parametrize("name", KINDS)
def test_a_hostile_host_costs_the_others_nothing(
    tmp_path: Path, stage: Stage, healthy: int, name: str
) -> None:
    kind = KINDS[name]
    made = project(tmp_path, stage, healthy, {"bad": kind})
    _, stdout, stderr, most = _run(made, *command({"bad": kind}, "--only", "ok", "--format", "folded"))
    assert f"{6 if kind.status == 'ok' else 5} ok" in stdout.splitlines()[-1], stderr
    assert re.search(kind.said, stderr), stderr
    assert most < _MEGABYTES * 2**20, f"{most / 2**20:.0f} MiB"
    assert "Traceback" not in stderr


@pytest.mark.parametrize("name", KINDS)
def test_a_hostile_host_ends_with_its_own_status(
    tmp_path: Path, stage: Stage, healthy: int, name: str
) -> None:
    kind = KINDS[name]
    made = project(tmp_path, stage, healthy, {"bad": kind})
    words = [word for word in command({"bad": kind}) if word not in kind.flags]
    _, stdout, stderr, _ = _run(made, *words, "--format", "json")
    hosts = json.loads(stdout)["hosts"]
    assert [hosts[host]["status"] for host in HEALTHY] == ["ok"] * 5, stderr
    assert hosts["bad"]["status"] == kind.status, hosts["bad"]["error"]
    assert re.search(kind.error, hosts["bad"]["error"] or "")


def test_ping_does_not_wait_for_a_hostile_template(tmp_path: Path, stage: Stage, healthy: int) -> None:
    template = KINDS["template"].variables["ansible_user"]
    kinds = {f"bad{number}": Kind("error", variables={"ansible_host": template}) for number in range(5)}
    made = project(tmp_path, stage, healthy, kinds)
    document = json.loads((tmp_path / "hosts.json").read_text())
    document["all"]["vars"]["words"] = _WORDS
    made.write("hosts.json", json.dumps(document))
    words = ("ping", "-i", "hosts.json", "--method", "tcp", "--format", "json")
    _, stdout, stderr, _ = _run(made, *words)
    hosts = json.loads(stdout)["hosts"]
    assert [hosts[host]["status"] for host in HEALTHY] == ["ok"] * 5, stderr
    assert {hosts[host]["status"] for host in kinds} == {"error"}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
def test_every_kind_at_once_is_ended_by_sigterm(tmp_path: Path, stage: Stage, healthy: int) -> None:
    kinds = {**KINDS, "hanging": Kind("lost", script=Script(hangs))}
    made = project(tmp_path, stage, healthy, kinds)
    with made.start(*command(kinds, "--format", "folded"), program="runner") as process:
        memory = Memory(process.pid)
        comes_true(lambda: bool(kinds["hanging"].script.commands))
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        stdout, stderr = process.communicate(timeout=110)
        took = time.monotonic() - began
        memory.close()
    assert process.returncode in (143, 2, 4, 6), stderr
    assert b"Traceback" not in stderr
    assert took < 60, stdout[-300:]
    assert isinstance(process, subprocess.Popen)
