"""Hosts behind jump hosts, on real servers: shared connections, several hops, and gateways that fail."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.connections import Connections
from runner.connection.pool import keeping
from runner.connection.ssh.connection import _gateways
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, perform
from runner.models import Host, HostResult, Phase, Status
from runner.reach import ReachOptions
from tests.connection.peers.stage import Stage
from tests.connection.sshd import Sshd, temporary_sshd
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.connection.options import ConnectionOptions


@contextmanager
def another_sshd(like: Sshd, extra: str = "") -> Iterator[Sshd]:
    """Run a second server that accepts the first one's client key and is in its known_hosts file."""
    with temporary_sshd(extra) as server:
        server.let_in(like.key.with_suffix(".pub"))
        with like.known_hosts.open("a") as known:
            known.write(f"[{server.address}]:{server.port} {server.public_key('ed25519')}\n")
        yield server


@pytest.fixture(scope="module")
def gate(sshd: Sshd) -> Iterator[Sshd]:
    with another_sshd(sshd) as server:
        yield server


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def through(gate: Sshd) -> str:
    return f"{gate.user}@{gate.address}:{gate.port}"


def behind(sshd: Sshd, *gates: Sshd, count: int = 1, **variables: Any) -> list[Host]:
    jump = ",".join(map(through, gates))
    return [
        sshd.host(f"h{number}", ansible_ssh_common_args=f"-J {jump}", **variables) for number in range(count)
    ]


def run(hosts: Sequence[Host], command: str, options: ConnectionOptions, name: str) -> dict[str, HostResult]:
    results = stream(
        hosts,
        CommandJob((command,)),
        run=name,
        connecting=Connections(options),
        options=FanoutOptions(workers=len(hosts), ping=False),
        reach=ReachOptions(),
    )
    return {result.host: result for result in results}


def logins(server: Sshd) -> int:
    return server.log.count("Accepted publickey")


def test_where_logins_are_kept_rounds_share_the_one_on_the_jump_host_too(sshd: Sshd, gate: Sshd) -> None:
    hosts, options = behind(sshd, gate, count=3), sshd.options()
    before = logins(gate), logins(sshd)
    with keeping(3):
        for _ in range(3):
            assert all(result.ok for result in run(hosts, "true", options, "rounds").values())
    assert (logins(gate), logins(sshd)) == (before[0] + 1, before[1] + 3)


def test_hosts_behind_a_gateway_share_one_login_on_it(sshd: Sshd, gate: Sshd) -> None:
    before = logins(gate)
    results = run(behind(sshd, gate, count=30), "echo $SSH_CONNECTION", sshd.options(), "shared")

    assert {result.status for result in results.values()} == {Status.OK}
    assert logins(gate) - before == 1


def test_a_proxy_command_that_means_a_jump_host_is_one(sshd: Sshd, gate: Sshd) -> None:
    command = f"ssh -q -p {gate.port} -W %h:%p {gate.user}@{gate.address}"
    host = sshd.host(ansible_ssh_common_args=f"-o ProxyCommand='{command}'")
    before = logins(gate)

    assert perform(host, CommandJob(("true",)), sshd.options()).ok
    assert logins(gate) - before == 1


def test_two_hops_lead_to_fifty_hosts(sshd: Sshd, gate: Sshd) -> None:
    with another_sshd(sshd) as second:
        results = run(behind(sshd, gate, second, count=50), "echo here", sshd.options(), "two hops")

        assert {result.status for result in results.values()} == {Status.OK}
        assert {result.stdout for result in results.values()} == {"here\n"}
        assert logins(second) == 1


def test_much_output_comes_whole_through_a_gateway(sshd: Sshd, gate: Sshd) -> None:
    (host,) = behind(sshd, gate)
    result = perform(host, CommandJob(("head -c 5242880 /dev/zero",)), sshd.options())

    assert result.ok
    assert len(result.commands[0].stdout_bytes) == 5 * 2**20


def test_a_gateway_that_dies_ends_every_host_behind_it_with_the_truth(sshd: Sshd) -> None:
    with another_sshd(sshd) as doomed:
        hosts = behind(sshd, doomed, count=10)
        killer = killing(doomed, sshd, 10)
        begin = time.monotonic()
        results = run(hosts, "sleep 100", sshd.options(), "doomed")
        killer.join()

    assert {result.status for result in results.values()} == {Status.LOST}
    assert {result.reason for result in results.values()} == {"connection-lost"}
    assert all(result.sent for result in results.values())
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("hop", [0, 1])
def test_whichever_of_two_gateways_dies_fifty_hosts_have_their_results(sshd: Sshd, hop: int) -> None:
    with another_sshd(sshd) as first, another_sshd(sshd) as second:
        hosts = behind(sshd, first, second, count=50)
        killer = killing((first, second)[hop], sshd, 5)
        begin = time.monotonic()
        results = run(hosts, "sleep 100", sshd.options(), f"hop {hop}")
        killer.join()

    assert len(results) == 50
    # Some hosts may still have been logging in: no command was sent to them.
    assert {result.status for result in results.values()} <= {Status.LOST, Status.UNREACHABLE}
    assert all(result.sent is (result.status is Status.LOST) for result in results.values())
    assert time.monotonic() - begin < 60


def killing(gate: Sshd, sshd: Sshd, commands: int) -> threading.Thread:
    """Start a thread that kills the sessions of a gateway when so many commands more run on a server."""
    begun = sshd.log.count("Starting session: command") + commands

    def kill() -> None:
        comes_true(lambda: sshd.log.count("Starting session: command") >= begun)
        kill_sessions(gate)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def kill_sessions(server: Sshd) -> None:
    """Kill the processes that serve a server's connections, but not the server."""
    killed: list[int] = []
    generation = [int((server.folder / "sshd.pid").read_text())]
    while generation:
        generation = [child for parent in generation for child in children(parent)]
        killed += generation
        for pid in generation:
            os.kill(pid, signal.SIGSTOP)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def test_a_lost_gateway_is_opened_again_for_the_next_host(sshd: Sshd) -> None:
    with another_sshd(sshd) as restarted:
        (host,) = behind(sshd, restarted)
        assert perform(host, CommandJob(("true",)), sshd.options(), run="again").ok
        (gateway,) = next(v for k, v in _gateways._open.items() if k.jumps[0].port == restarted.port)
        assert gateway.via is not None
        kill_sessions(restarted)
        assert comes_true(lambda: not gateway.via.alive())

        assert perform(host, CommandJob(("true",)), sshd.options(), run="again").ok
        assert logins(restarted) == 2


def test_a_gateway_that_is_down_is_not_waited_for_by_each_host(sshd: Sshd, stage: Stage) -> None:
    jump = f"-J 127.0.0.1:{stage.silent()}"
    hosts = [sshd.host(f"h{number}", ansible_ssh_common_args=jump) for number in range(60)]
    begin = time.monotonic()
    results = run(hosts, "true", sshd.options(connect_timeout_s=2.0), "down")

    assert {result.status for result in results.values()} == {Status.UNREACHABLE}
    assert all((result.reason or "").startswith("jump-") for result in results.values())
    assert not any(result.sent for result in results.values())
    assert time.monotonic() - begin < 60  # 60 hosts, 2 s each: one after the other would be 120 s


def test_a_gateway_whose_key_is_not_known_gets_nothing(sshd: Sshd, gate: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {sshd.public_key('ed25519')}\n")
    before = logins(gate)
    (host,) = behind(sshd, gate)
    result = perform(host, CommandJob(("true",)), sshd.options(known_hosts=(str(known),)), run="unknown")

    assert (result.status, result.reason) == (Status.HOSTKEY, "jump-hostkey-unknown")
    assert logins(gate) == before


def test_a_gateway_that_refuses_the_login_is_asked_once(sshd: Sshd) -> None:
    with another_sshd(sshd, "DenyUsers *\n") as closed:
        results = run(behind(sshd, closed, count=10), "true", sshd.options(), "denied")

        assert {(result.status, result.reason) for result in results.values()} == {
            (Status.AUTH, "jump-login-refused")
        }
        assert closed.log.count("Connection from") <= 2


def test_a_gateway_that_forwards_nothing_says_so(sshd: Sshd) -> None:
    with another_sshd(sshd, "AllowTcpForwarding no\n") as closed:
        (host,) = behind(sshd, closed)
        result = perform(host, CommandJob(("true",)), sshd.options(), run="prohibited")

    assert (result.status, result.reason) == (Status.UNREACHABLE, "jump-prohibited")


def test_a_host_that_is_down_behind_a_gateway_is_unreachable(sshd: Sshd, gate: Sshd, stage: Stage) -> None:
    (host,) = behind(sshd, gate, ansible_port=stage.refusing())
    result = perform(host, CommandJob(("true",)), sshd.options(), run="closed")

    assert (result.status, result.reason) == (Status.UNREACHABLE, "port-closed")
    assert result.phase is Phase.CONNECT


def test_a_host_that_stalls_behind_a_gateway_harms_no_other(sshd: Sshd, gate: Sshd, stage: Stage) -> None:
    (stalled,) = behind(sshd, gate, ansible_port=stage.raw("never_speaks"))
    healthy = [Host(f"ok{host.name}", dict(host.variables)) for host in behind(sshd, gate, count=5)]
    results = run([stalled, *healthy], "true", sshd.options(connect_timeout_s=2.0), "stalled")

    assert (results["h0"].status, results["h0"].reason) == (Status.UNREACHABLE, "no-banner")
    assert all(results[host.name].ok for host in healthy)
