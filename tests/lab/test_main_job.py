"""The main job on real hosts: `invoke ping` and `invoke run`, as a user types them, over the whole lab."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests import lab as the_lab
from tests.lab import topology
from tests.lab.state import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
ROUTER_NAMES = [router.name for router in topology.ROUTERS]


@dataclass(frozen=True)
class Answer:
    """What one call of Invoke came to: its exit code and the JSON document on its stdout."""

    exit_code: int
    document: dict[str, Any]

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        hosts: dict[str, dict[str, Any]] = self.document["hosts"]
        return hosts

    def statuses(self) -> dict[str, str]:
        return {name: host["status"] for name, host in self.hosts.items()}

    def stdout(self, name: str) -> str:
        return "".join(command["stdout"] for command in self.hosts[name]["commands"])


class Invoke(Protocol):
    """Calls `invoke` with these words, in the repository, on the lab's inventory."""

    def __call__(self, *words: str, known_hosts: Path | None = None) -> Answer: ...


@pytest.fixture
def invoke(lab: the_lab.Lab) -> Invoke:
    def call(*words: str, known_hosts: Path | None = None) -> Answer:
        flags = ["--inventory", "tests/lab/inventory", "--known-hosts", str(known_hosts or lab.known_hosts)]
        argv = [sys.executable, "-m", "invoke", *words, *flags, "--format", "json"]
        done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=500)
        assert done.stdout, done.stderr
        return Answer(done.returncode, json.loads(done.stdout))

    return call


@pytest.fixture
def without_fr2(lab: the_lab.Lab) -> the_lab.Lab:
    """The lab while one of its routers is away."""
    the_lab.stop_router("fr2")
    return lab


def test_every_router_answers_a_ping(invoke: Invoke) -> None:
    answer = invoke("ping", "--group", "routers")
    assert answer.exit_code == 0
    assert answer.statuses() == dict.fromkeys(ROUTER_NAMES, "ok")
    assert all(host["method"] == "icmp" and 0 < host["rtt_ms"] < 5000 for host in answer.hosts.values())


def test_show_version_comes_from_real_frr(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "show version", "--group", "routers")
    assert answer.exit_code == 0
    for name in ROUTER_NAMES:
        assert answer.stdout(name).startswith("FRRouting ")
        assert f"({name})" in answer.stdout(name).splitlines()[0]


def test_show_ip_ospf_neighbor_shows_each_router_the_two_others(invoke: Invoke) -> None:
    answer = invoke("run", "show ip ospf neighbor", "-g", "routers")
    loopbacks = {router.name: str(router.loopback) for router in topology.ROUTERS}
    for name in ROUTER_NAMES:
        full = {line.split()[0] for line in answer.stdout(name).splitlines() if "Full/" in line}
        assert full == set(loopbacks.values()) - {loopbacks[name]}


def test_several_commands_run_in_order_on_each_router(invoke: Invoke) -> None:
    answer = invoke("run", "-g", "fr1", "--cmd", "show version", "--cmd", "show ip route")
    commands = answer.hosts["fr1"]["commands"]
    assert [(command["command"], command["exit_code"]) for command in commands] == [
        ("show version", 0),
        ("show ip route", 0),
    ]


def test_commands_share_a_session_in_the_interactive_shell(invoke: Invoke) -> None:
    commands = ("configure terminal", "interface lo", "end", "show version")
    words = (word for command in commands for word in ("--cmd", command))
    answer = invoke("run", "--group", "routers", "--connection", "cli", *words)
    assert answer.exit_code == 0
    for name in ROUTER_NAMES:
        assert answer.stdout(name).startswith("FRRouting ")


def test_a_command_that_frr_refuses_failed(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "show nonsense", "--group", "routers")
    assert answer.exit_code == 2
    assert answer.statuses() == dict.fromkeys(ROUTER_NAMES, "failed")


@pytest.mark.usefixtures("without_fr2")
@pytest.mark.parametrize("words", [("ping",), ("run", "--cmd", "show version")], ids=["ping", "run"])
def test_a_router_whose_namespace_is_gone_is_unreachable_and_the_others_answer(
    words: tuple[str, ...], invoke: Invoke
) -> None:
    answer = invoke(*words, "--group", "routers")
    assert answer.exit_code == 4
    assert answer.statuses() == {"fr1": "ok", "fr2": "unreachable", "fr3": "ok"}
    assert answer.hosts["fr2"]["sent"] is False


@pytest.mark.parametrize(
    ("executor", "workers", "count"),
    [("serial", 1, 20), ("thread", 50, 200), ("thread", 200, 200), ("process", 50, 200)],
)
def test_servers_are_all_ok_and_every_output_is_its_own_hosts(
    executor: str, workers: int, count: int, invoke: Invoke
) -> None:
    spread = ("--executor", executor, "--workers", str(workers))
    group = f"servers[0:{count - 1}]"
    answer = invoke("run", "--cmd", "echo $SSH_CONNECTION", "--group", group, *spread)
    names = [f"s{number:03}" for number in range(1, count + 1)]
    assert answer.exit_code == 0
    assert answer.statuses() == dict.fromkeys(names, "ok")
    dialled = {name: answer.stdout(name).split()[2] for name in names}
    assert dialled == {name: str(topology.server_address(int(name[1:]))) for name in names}


def test_each_kind_of_dead_host_is_unreachable_for_its_own_reason(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "true", "--group", "lab:!servers:!routers")
    assert answer.exit_code == 4
    assert {name: (host["status"], host["reason"]) for name, host in answer.hosts.items()} == {
        "silent1": ("unreachable", "no-reply"),
        "silent2": ("unreachable", "no-reply"),
        "silent3": ("unreachable", "no-reply"),
        "prohibited1": ("unreachable", "prohibited"),
        "closed1": ("unreachable", "port-closed"),
    }


def test_a_command_s_exit_code_and_both_its_streams_come_back(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "echo out; echo err >&2; exit 7", "--group", "s001")
    (command,) = answer.hosts["s001"]["commands"]
    assert answer.exit_code == 2
    assert answer.statuses() == {"s001": "failed"}
    assert (command["exit_code"], command["stdout"], command["stderr"]) == (7, "out\n", "err\n")


def test_nothing_is_sent_to_a_host_whose_key_is_unknown(invoke: Invoke, tmp_path: Path) -> None:
    nobody = tmp_path / "known_hosts"
    nobody.touch()
    answer = invoke("run", "--cmd", "true", "--group", "fr1:s001", known_hosts=nobody)
    assert answer.exit_code == 2
    assert answer.statuses() == {"fr1": "hostkey", "s001": "hostkey"}
    assert not any(host["sent"] for host in answer.hosts.values())


def test_nothing_is_sent_to_a_host_whose_key_has_changed(
    lab: the_lab.Lab, invoke: Invoke, tmp_path: Path
) -> None:
    routers, server = topology.ROUTERS, str(topology.server_address(1))
    impostor = tmp_path / "known_hosts"
    lines = lab.known_hosts.read_text().splitlines()
    key = next(line for line in lines if line.startswith(f"{routers[0].address} ")).split(maxsplit=1)[1]
    impostor.write_text(f"{server} {key}\n")
    answer = invoke("run", "--cmd", "true", "--group", "s001", known_hosts=impostor)
    assert (answer.exit_code, answer.statuses()) == (2, {"s001": "hostkey"})
    assert answer.hosts["s001"]["sent"] is False


def test_a_login_that_the_server_refuses_is_auth(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "true", "--group", "s001", "--user", "nobody")
    assert (answer.exit_code, answer.statuses()) == (2, {"s001": "auth"})


def test_a_command_that_outlives_its_time_is_a_timeout(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "sleep 60", "--group", "s001", "--timeout", "1")
    assert (answer.exit_code, answer.statuses()) == (2, {"s001": "timeout"})
    assert answer.hosts["s001"]["sent"] is True


def test_a_session_that_dies_under_its_command_is_lost(invoke: Invoke) -> None:
    answer = invoke("run", "--cmd", "kill -9 $PPID; sleep 5", "--group", "s001")
    assert answer.exit_code == 2
    assert answer.statuses() == {"s001": "lost"}


def test_what_real_routers_say_is_rows(invoke: Invoke) -> None:
    commands = ("show interface brief", "show ip ospf neighbor", "show ip route", "show version")
    flags = [word for command in commands for word in ("--cmd", command)]
    answer = invoke("run", "--group", "routers", "--parse", "auto", *flags)
    assert answer.exit_code == 0
    for name in ROUTER_NAMES:
        brief, neighbours, routes, version = answer.hosts[name]["commands"]
        assert {command["parse"] for command in answer.hosts[name]["commands"]} == {"rows"}
        assert {row["interface"]: row["status"] for row in brief["rows"]}["lo"] == "up"
        assert [row["state"] for row in neighbours["rows"]] == ["Full"] * (len(ROUTER_NAMES) - 1)
        assert {row["prefix"] for row in routes["rows"] if row["protocol"] == "O"} >= {
            str(router.stub) for router in topology.ROUTERS if router.name != name
        }
        assert version["stdout"].startswith(f"FRRouting {version['rows'][0]['version']} ")
