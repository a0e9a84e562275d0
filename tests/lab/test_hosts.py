"""The lab is true: routers that are FRR, servers that are OpenSSH, dead hosts each dead in its own way."""

from __future__ import annotations

import errno
import json
import pwd
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import Lab, sshd, topology
from tests.lab.state import REPOSITORY

if TYPE_CHECKING:
    from tests.lab.conftest import Login

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
ROUTER_NAMES = [router.name for router in topology.ROUTERS]


@pytest.mark.parametrize("name", ROUTER_NAMES)
def test_a_router_says_that_it_is_frr_and_which(name: str, login: Login) -> None:
    answer = login(topology.router_named(name).address, "show version")
    assert answer.returncode == 0
    assert re.match(rf"FRRouting \S+ \({name}\) on Linux", answer.stdout)
    assert answer.stderr == ""


@pytest.mark.parametrize("name", ROUTER_NAMES)
def test_a_router_is_in_full_adjacency_with_both_others(name: str, login: Login) -> None:
    answer = login(topology.router_named(name).address, "show ip ospf neighbor")
    full = {line.split()[0] for line in answer.stdout.splitlines() if "Full/" in line}
    assert full == {str(router.loopback) for router in topology.ROUTERS if router.name != name}


@pytest.mark.parametrize("name", ROUTER_NAMES)
def test_a_router_has_a_static_route_and_learns_those_of_the_others(name: str, login: Login) -> None:
    own = topology.router_named(name)
    routes = login(own.address, "show ip route").stdout
    for router in topology.ROUTERS:
        origin = "S" if router == own else "O"
        assert re.search(rf"^{origin}>\* {re.escape(str(router.stub))} ", routes, re.MULTILINE)


def test_a_router_forwards_between_its_neighbours(lab: Lab) -> None:
    first, second, third = topology.ROUTERS
    forwarding = sshd.inside(lab, second, "cat", "/proc/sys/net/ipv4/ip_forward")
    path = sshd.inside(lab, first, "ip", "route", "get", str(third.loopback))
    assert forwarding.strip() == "1"
    assert "dev to-fr3" in path


def test_a_command_that_vtysh_refuses_has_its_exit_code(login: Login) -> None:
    answer = login(topology.ROUTERS[0].address, "show nonsense")
    assert answer.returncode == 1
    assert "% Unknown command" in answer.stdout


def test_200_addresses_are_logins_of_their_own(login: Login) -> None:
    addresses = [str(topology.server_address(number)) for number in range(1, 201)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda address: login(address, "echo $SSH_CONNECTION"), addresses))
    assert [answer.stdout.split()[2] for answer in answers] == addresses


def test_the_whole_range_answers_and_is_at_least_a_thousand_addresses(login: Login) -> None:
    assert topology.SERVER_RANGE.num_addresses >= 1000
    for address in (topology.SERVER_RANGE[0], topology.SERVER_RANGE[-1]):
        assert login(address, "hostname").stdout == "servers\n"


def test_exit_codes_and_both_streams_of_a_server_come_through(login: Login) -> None:
    answer = login(topology.server_address(1), "echo out; echo err >&2; exit 7")
    assert (answer.returncode, answer.stdout, answer.stderr) == (7, "out\n", "err\n")


def test_the_login_is_no_account_of_this_machine(login: Login) -> None:
    uid = int(login(topology.server_address(1), "id -u").stdout)
    with pytest.raises(KeyError):
        pwd.getpwuid(uid)


def test_what_a_login_writes_stays_inside(login: Login, tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}"
    answer = login(topology.server_address(1), f"touch ~/{mark} /tmp/{mark} /var/tmp/{mark} && ls ~")
    assert mark in answer.stdout
    assert not any(Path(folder, mark).exists() for folder in ("/home/lab", "/tmp", "/var/tmp"))


def test_every_sshd_listens_in_a_namespace_of_its_own(lab: Lab) -> None:
    pids = [sshd.main_process(lab, node) for node in topology.NODES]
    spaces = {Path(f"/proc/{pid}/ns/net").readlink() for pid in (*pids, "self")}
    assert len(spaces) == len(topology.NODES) + 1


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("address", topology.SILENT)
def test_a_silent_host_never_answers(address: object) -> None:
    with socket.socket() as probe:
        probe.settimeout(1)
        with pytest.raises(TimeoutError):
            probe.connect((str(address), 22))


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("address", "error"),
    [
        pytest.param(topology.PROHIBITED, errno.EHOSTUNREACH, id="prohibited"),
        pytest.param(topology.CLOSED, errno.ECONNREFUSED, id="closed"),
        pytest.param(topology.BLOCK[-2], errno.ENETUNREACH, id="not in the plan"),
    ],
)
def test_a_dead_host_is_told_at_once(address: object, error: int) -> None:
    with socket.socket() as probe:
        probe.settimeout(10)
        assert probe.connect_ex((str(address), 22)) == error


def test_only_root_can_list_the_folder_and_only_one_user_can_read_a_private_key(lab: Lab) -> None:
    keys = [lab.login_key, *lab.state.glob("*/ssh_host_*_key")]
    assert len(keys) == 1 + len(topology.NODES)
    assert (lab.state.stat().st_uid, lab.state.stat().st_mode & 0o066) == (0, 0)
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o600] * len(keys)


@pytest.mark.differential
def test_the_inventory_says_what_the_plan_says_in_ansibles_eyes() -> None:
    lab = Lab()
    hosts = _ansible_inventory(lab)["_meta"]["hostvars"]
    addresses = {name: variables["ansible_host"] for name, variables in hosts.items()}
    assert addresses == {
        **{router.name: str(router.address) for router in topology.ROUTERS},
        **{f"s{number:03}": str(topology.server_address(number)) for number in range(1, 201)},
        **{f"silent{number}": str(address) for number, address in enumerate(topology.SILENT, 1)},
        "prohibited1": str(topology.PROHIBITED),
        "closed1": str(topology.CLOSED),
    }
    assert {variables["ansible_user"] for variables in hosts.values()} == {topology.LOGIN}
    keys = {variables["ansible_ssh_private_key_file"] for variables in hosts.values()}
    assert keys == {str(lab.login_key.relative_to(REPOSITORY))}
    assert {hosts[name]["ansible_network_os"] for name in ROUTER_NAMES} == {"frr.frr.frr"}


def _ansible_inventory(lab: Lab) -> Any:
    program = Path(sys.executable).with_name("ansible-inventory")
    argv = [str(program), "-i", str(lab.inventory), "--list"]
    return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
