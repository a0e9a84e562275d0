"""FRR's `vtysh` both ways: one command an exec request, and typed into its interactive shell.

`vtysh` has a pager in its interactive shell (see `frr.py`), and `configure terminal` lasts only as long as a
session does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import runner
from runner import Host, Status
from tests.lab import frr, sshd, topology

if TYPE_CHECKING:
    from runner import HostResult, Results
    from tests import lab as the_lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
WAYS = {"exec": "ssh", "shell": "ansible.netcommon.network_cli"}
NAMES = [router.name for router in topology.ROUTERS]
FIRST = topology.ROUTERS[0]
NEIGHBOURS, VERSION, CONFIGURATION = "show ip ospf neighbor", "show version", "show running-config"


class Run(Protocol):
    """Runs commands on all routers at once, and returns the results."""

    def __call__(self, *commands: str, way: str = "shell", **settings: Any) -> Results: ...


@pytest.fixture
def run(lab: the_lab.Lab) -> Run:
    def call(*commands: str, way: str = "shell", **settings: Any) -> Results:
        hosts = [_host(lab, router, way) for router in topology.ROUTERS]
        return runner.run(
            hosts, commands, known_hosts=[str(lab.known_hosts)], retries=0, timeout=60.0, **settings
        )

    return call


def _host(lab: the_lab.Lab, router: topology.Router, way: str, name: str = "") -> Host:
    variables = {
        "ansible_host": str(router.address),
        "ansible_user": topology.LOGIN,
        "ansible_ssh_private_key_file": str(lab.login_key),
        "ansible_network_os": "frr.frr.frr",
        "ansible_connection": WAYS[way],
    }
    return Host(name or router.name, variables)


def _outputs(result: HostResult) -> list[str]:
    assert result.ok, result
    return [command.stdout for command in result.commands]


def _lines(text: str) -> list[str]:
    """Return the lines that are not empty: more(1) puts empty ones before the last page."""
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("way", WAYS)
def test_each_router_shows_its_version(run: Run, way: str) -> None:
    results = run(VERSION, way=way)
    for name in NAMES:
        (output,) = _outputs(results[name])
        assert re.match(rf"FRRouting \S+ \({name}\) on Linux", output)
        assert output.endswith("'PYTHON=python3'\n")


@pytest.mark.parametrize("way", WAYS)
def test_two_commands_each_have_their_own_answer(run: Run, way: str) -> None:
    results = run(NEIGHBOURS, VERSION, way=way)
    loopbacks = {router.name: str(router.loopback) for router in topology.ROUTERS}
    for name in NAMES:
        neighbours, version = _outputs(results[name])
        full = {line.split()[0] for line in neighbours.splitlines() if "Full/" in line}
        assert full == set(loopbacks.values()) - {loopbacks[name]}
        assert version.startswith("FRRouting ")


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_command_stops_those_after_it(run: Run, way: str) -> None:
    for result in run(VERSION, "show nonsense", NEIGHBOURS, way=way).values():
        assert (result.status, result.reason) == (Status.FAILED, "refused")
        assert [command.command for command in result.commands] == [VERSION, "show nonsense"]
        assert result.commands[1].stdout == "% Unknown command: show nonsense\n"


@pytest.mark.parametrize("way", WAYS)
def test_ten_sessions_on_each_router_at_once(lab: the_lab.Lab, way: str) -> None:
    hosts = [
        _host(lab, router, way, f"{router.name}-{number}")
        for router in topology.ROUTERS
        for number in range(10)
    ]
    known_hosts = [str(lab.known_hosts)]
    results = runner.run(hosts, (VERSION, NEIGHBOURS), known_hosts=known_hosts, workers=30, startups=0)
    for name, result in results.items():
        version, neighbours = _outputs(result)
        assert f"({name.partition('-')[0]}) on Linux" in version.splitlines()[0]
        assert neighbours.count("Full/") == len(NAMES) - 1


def test_both_ways_show_the_same_configuration(run: Run) -> None:
    by_exec, by_shell = (run(CONFIGURATION, way=way) for way in WAYS)
    for name in NAMES:
        assert _outputs(by_shell[name]) == _outputs(by_exec[name])


def test_a_pager_that_is_on_is_paged_through(run: Run, tmp_path: Path) -> None:
    whole = run(CONFIGURATION, way="exec")
    paged = run("terminal paginate", CONFIGURATION, VERSION, session_log=str(tmp_path))
    for name in NAMES:
        assert (tmp_path / f"{name}.log").read_bytes().count(b"--More--") > 1
        _, configuration, version = _outputs(paged[name])
        assert _lines(configuration) == _lines(whole[name].stdout)
        assert version.startswith("FRRouting ")


def test_a_change_takes_one_session_and_configuration_mode_is_left(run: Run, tmp_path: Path) -> None:
    folder = str(tmp_path)
    change = ("configure terminal", "interface lo", "description changed by a test")
    try:
        assert run(*change, session_log=folder).ok, "every router takes the change"
        for name in NAMES:
            (configuration,) = _outputs(run(CONFIGURATION)[name])
            assert " description changed by a test\n" in configuration
            log = (tmp_path / f"{name}.log").read_bytes()
            assert f"{name}(config-if)# end\r\n{name}# ".encode() in log
    finally:
        undone = run("configure terminal", "interface lo", "no description", "end", CONFIGURATION)
    for result in undone.values():
        assert "changed by a test" not in _outputs(result)[-1]


def test_a_change_by_exec_is_refused_with_the_way_on(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    for result in run("configure terminal", "interface lo", way="exec").values():
        assert (result.status, result.reason) == (Status.FAILED, "refused")
    assert "use --connection cli for one session" in caplog.text


def test_the_history_of_vtysh_stays_on_the_router(lab: the_lab.Lab, run: Run) -> None:
    """The tests run as root, and their own HOME is another folder."""
    own = Path("~root/.history_frr").expanduser()
    before = own.stat() if own.exists() else None
    assert all(result.ok for result in run(VERSION).values())
    assert frr.adjacencies(lab, FIRST) == len(NAMES) - 1  # as root
    assert (own.stat() if own.exists() else None) == before
    assert VERSION in sshd.inside(lab, FIRST, "cat", "/home/lab/.history_frr")
