"""The lab comes up whole or not at all, and goes without a trace, whatever happened to it in between."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests import lab as the_lab
from tests.lab import frr, namespaces, sshd, topology
from tests.lab.logins import require_logins
from tests.lab.processes import command_line, run, wait_until
from tests.lab.requirements import require_programs
from tests.lab.state import CLAIM, REPOSITORY, claimed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.conftest import Login

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
FIRST, SECOND, THIRD = topology.ROUTERS


def _all_processes(lab: the_lab.Lab) -> set[int]:
    inside = {pid for namespace in namespaces.existing() for pid in namespaces.pids(namespace)}
    assert sshd.main_process(lab, topology.SERVERS) in inside
    return inside


def _traces(lab: the_lab.Lab, processes: set[int]) -> list[object]:
    """Return everything of a lab that is still there; a process that is dead has no command line."""
    return [
        *namespaces.existing(),
        *(line for line in run("ip", "link").splitlines() if topology.OPERATOR_LINK in line),
        *run("ip", "route", "show", "table", "all", "root", str(topology.BLOCK)).splitlines(),
        *(command_line(pid) for pid in processes if command_line(pid)),
        *(path for path in (lab.state, CLAIM) if path.exists()),
    ]


def test_down_leaves_no_trace(lab: the_lab.Lab) -> None:
    processes = _all_processes(lab)
    the_lab.down()
    assert _traces(lab, processes) == []


def test_down_of_nothing_is_no_fault(no_lab: the_lab.Lab) -> None:
    the_lab.down()
    assert _traces(no_lab, set()) == []


def test_up_leaves_a_lab_alone_that_is_up(lab: the_lab.Lab) -> None:
    before = _all_processes(lab), lab.known_hosts.read_bytes()
    the_lab.up()
    wait_until(lambda: _all_processes(lab) == before[0], "the end of the logins that `up` tries", seconds=60)
    assert lab.known_hosts.read_bytes() == before[1]


def test_up_mends_a_lab_that_lost_a_daemon(lab: the_lab.Lab) -> None:
    os.kill(frr.processes(lab, FIRST)["ospfd"], signal.SIGKILL)
    wait_until(lambda: not the_lab.is_up(), "the death of ospfd", seconds=10)
    the_lab.up()
    assert all(node.ok for node in the_lab.status())


def test_up_names_each_node_that_lets_no_login_in(lab: the_lab.Lab) -> None:
    for node in (SECOND, topology.SERVERS):
        sshd.inside(lab, node, "umount", "--lazy", "/etc")  # and with it the node's accounts
    try:
        assert the_lab.is_up(), "every daemon runs"
        with pytest.raises(the_lab.LabError) as caught:
            the_lab.up()
    finally:
        the_lab.down()
    assert re.fullmatch(
        r"no login works on fr2 \(.*Permission denied.*\); servers \(.*Permission denied.*\): "
        r"build the lab again by `lab.down` and then `lab.up`",
        str(caught.value),
    )
    the_lab.up()
    require_logins(lab, topology.NODES)


def test_an_account_that_is_added_to_the_machine_leaves_the_logins_alone(lab: the_lab.Lab) -> None:
    name = f"runner-lab-{os.getpid()}"
    run("useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", name)
    try:
        require_logins(lab, topology.NODES)
    finally:
        run("userdel", name)
    require_logins(lab, topology.NODES)


def test_down_finds_processes_whose_namespace_lost_its_name(lab: the_lab.Lab) -> None:
    processes = _all_processes(lab)
    run("ip", "netns", "delete", topology.namespace_of(SECOND.name))
    the_lab.down()
    wait_until(lambda: _traces(lab, processes) == [], "no process of the lab", seconds=30)


def test_a_stale_pid_file_costs_no_strangers_life(lab: the_lab.Lab) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (lab.node(FIRST) / "sshd.pid").write_text(f"{stranger.pid}\n")
        the_lab.down()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("namespace", [topology.NAMESPACES[0], topology.NAMESPACES[-1]])
def test_down_removes_what_a_killed_up_has_left(namespace: str, no_lab: the_lab.Lab) -> None:
    with subprocess.Popen([sys.executable, "-m", "tests.lab", "up"], cwd=REPOSITORY) as builder:
        wait_until(lambda: namespace in namespaces.existing(), namespace, seconds=30)
        builder.kill()
    the_lab.down()
    assert _traces(no_lab, set()) == []


def test_an_up_that_is_interrupted_leaves_nothing(no_lab: the_lab.Lab) -> None:
    program = (
        "import signal, tests.lab\nsignal.signal(signal.SIGINT, signal.default_int_handler)\ntests.lab.up()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as builder:
        wait_until(lambda: bool(frr.processes(no_lab, FIRST)), "the first daemon", seconds=30)
        builder.send_signal(signal.SIGINT)
        _, words = builder.communicate(timeout=30)
    assert words.endswith("KeyboardInterrupt\n")
    assert _traces(no_lab, set()) == []


@pytest.mark.usefixtures("no_lab")
def test_up_refuses_a_machine_that_routes_the_labs_addresses_elsewhere() -> None:
    run("ip", "route", "add", "unreachable", "198.18.200.0/24")
    try:
        with pytest.raises(the_lab.LabUnavailable, match=r"routes it already.*198\.18\.200\.0/24"):
            the_lab.up()
    finally:
        run("ip", "route", "delete", "unreachable", "198.18.200.0/24")


def test_a_strict_umask_locks_nobody_out(login: Login) -> None:
    the_lab.down()
    before = os.umask(0o077)
    try:
        the_lab.up()
    finally:
        os.umask(before)
    assert login(FIRST.address, "show version").returncode == 0
    assert login(topology.server_address(1), "umask").stdout == "0022\n"


@pytest.mark.parametrize(("caller", "owner", "mode"), [("", 0, 0o700), ("65534", 65534, 0o711)])
def test_who_called_sudo_may_log_in_without_it(
    caller: str, owner: int, mode: int, no_lab: the_lab.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", caller)
    the_lab.up()
    assert no_lab.state.stat().st_mode & 0o777 == mode
    assert {path.stat().st_uid for path in (no_lab.login_key, no_lab.known_hosts)} == {owner}
    assert {path.stat().st_uid for path in no_lab.state.glob("*/ssh_host_*_key")} == {0}


def test_a_file_in_the_folders_place_is_told_and_kept(no_lab: the_lab.Lab) -> None:
    no_lab.state.write_text("mine")
    try:
        with pytest.raises(the_lab.LabError, match="cannot be removed"):
            the_lab.up()
        assert no_lab.state.read_text() == "mine"
    finally:
        no_lab.state.unlink()


@pytest.mark.usefixtures("no_lab")
def test_a_router_is_not_started_without_a_lab() -> None:
    with pytest.raises(the_lab.LabError, match="bring the lab up first"):
        the_lab.start_router("fr1")
    assert namespaces.existing() == ()


def test_a_stopped_router_is_gone_and_the_others_answer(lab: the_lab.Lab, login: Login) -> None:
    the_lab.stop_router("fr2")
    try:
        assert login(SECOND.address, "show version").returncode == 255
        assert login(FIRST.address, "show version").returncode == 0
        wait_until(lambda: frr.adjacencies(lab, FIRST) == 1, "the loss of a neighbour", seconds=30)
    finally:
        the_lab.start_router("fr2")
    assert login(SECOND.address, "show version").returncode == 0
    assert [node.adjacencies for node in the_lab.status()] == [2, 2, 2, None]


@contextmanager
def _foreign_checkout(folder: Path) -> Iterator[the_lab.Lab]:
    foreign = the_lab.Lab(folder / ".lab")
    foreign.state.mkdir()
    yield foreign


def test_another_checkouts_lab_is_neither_taken_over_nor_taken_down(lab: the_lab.Lab, tmp_path: Path) -> None:
    with _foreign_checkout(tmp_path) as foreign:
        for change in (the_lab.up, the_lab.down):
            with pytest.raises(the_lab.LabUnavailable, match=f"another checkout.*{lab.state.parent}"):
                change(foreign)
    assert the_lab.is_up()


def test_a_lab_whose_checkout_was_removed_can_be_taken_down(lab: the_lab.Lab, tmp_path: Path) -> None:
    processes = _all_processes(lab)
    shutil.rmtree(lab.state)
    the_lab.down(the_lab.Lab(tmp_path / ".lab"))
    assert _traces(lab, processes) == []


def test_only_one_program_changes_the_lab_at_a_time(lab: the_lab.Lab) -> None:
    with claimed(lab), pytest.raises(the_lab.LabUnavailable, match="at this moment"):
        the_lab.down()
    assert the_lab.is_up()


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
def test_a_second_test_run_goes_without_the_lab_and_fails_where_it_is_required(
    required: str, outcome: str
) -> None:
    argv = [sys.executable, "-m", "pytest", "-rs", "tests/lab/test_hosts.py", "-k", "root_can_list"]
    environment = {**os.environ, "RUNNER_REQUIRE_LAB": required}
    done = subprocess.run(argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert outcome in done.stdout
    assert "another test run of this checkout is using the lab" in done.stdout


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("change", [the_lab.up, the_lab.down, the_lab.status])
def test_whoever_is_not_root_is_told_so(change: object) -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(the_lab.LabUnavailable, match="as root"):
            change()  # type: ignore[operator]
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("lab")
def test_root_without_its_capabilities_is_told_what_its_container_lacks() -> None:
    argv = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-m", "tests.lab", "status"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("needs CAP_NET_ADMIN and CAP_SYS_ADMIN for that\n")


def test_missing_packages_are_named(tmp_path: Path) -> None:
    with pytest.raises(the_lab.LabUnavailable, match=r"apt-get install iproute2 openssh-server .*frr"):
        require_programs(path=str(tmp_path))


@pytest.mark.usefixtures("lab")
def test_the_command_line_shows_what_is_up() -> None:
    argv = [sys.executable, "-m", "tests.lab", "status"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["fr1", "198.18.1.11", "up"],
        ["fr2", "198.18.1.12", "up"],
        ["fr3", "198.18.1.13", "up"],
        ["servers", "198.18.1.20", "up"],
    ]
