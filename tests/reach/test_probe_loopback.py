"""Probing as any user can: real servers on loopback, TCP connections and SSH banners."""

from __future__ import annotations

import gc
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runner.models import Endpoint, Host, HostResult, Phase, Status
from runner.reach import ReachOptions, Route, probe
from runner.reach.connect import _is_its_own_peer
from runner.reach.icmp import linux
from runner.reach.resolve import numeric_addresses
from tests.liveness import comes_true

from .servers import closed_port, greets, hangs_up, listening, says, says_nothing


def host(name: str, port: int, address: str = "127.0.0.1", **variables: object) -> Host:
    return Host(name, {"ansible_host": address, "ansible_port": port, **variables})


def ask(where: Host, method: str = "auto", **chosen: Any) -> HostResult:
    """Probe one host and return its one result."""
    options = ReachOptions(**{"method": method, "timeout_s": 60, **chosen})
    (result,) = probe([where], options)
    return result


def open_files() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def sockets_to(server: socket.socket) -> int:
    """Count this process's sockets that are connected to a server of ours."""
    port = f"{server.getsockname()[1]:04X}"
    table = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    mine = {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
    rows = [row.split() for row in table]
    return sum(row[2].endswith(f":{port}") and f"socket:[{row[9]}]" in mine for row in rows)


@pytest.mark.parametrize("method", ["auto", "tcp"])
def test_an_open_port_is_reachable_with_its_round_trip_time(method: str) -> None:
    with listening(says_nothing) as port:
        result = ask(host("r1", port), method)
    assert (result.status, result.method, result.attempts) == (Status.OK, "tcp", 1)
    assert (result.host, result.address, result.port) == ("r1", "127.0.0.1", port)
    assert result.rtt_ms is not None
    assert 0 < result.rtt_ms <= 1000 * result.duration_s
    assert (result.phase, result.reason, result.error) == (None, None, None)


def test_an_ssh_server_is_reachable_with_its_banner() -> None:
    with listening(greets) as port:
        result = ask(host("r1", port), "ssh")
    assert (result.status, result.method, result.value) == (
        Status.OK,
        "ssh",
        "SSH-2.0-OpenSSH_9.2p1 Debian-2",
    )


@pytest.mark.parametrize("method", ["auto", "tcp", "ssh"])
def test_a_closed_port_is_told_at_once(method: str) -> None:
    result = ask(host("r1", closed_port()), method, timeout_s=120)
    assert (result.status, result.phase, result.reason) == (
        Status.UNREACHABLE,
        Phase.CONNECT,
        "port-closed",
    )
    assert result.duration_s < 60
    assert result.error
    assert "connection refused" in result.error


def test_a_port_that_accepts_and_says_nothing_has_no_banner() -> None:
    with listening(says_nothing) as port:
        result = ask(host("r1", port), "ssh", timeout_s=0.3)
    assert (result.status, result.reason) == (Status.UNREACHABLE, "no-banner")
    assert result.error == "connection accepted, but no SSH banner in 0.6 s"


def test_a_port_that_hangs_up_before_its_banner_is_told_apart() -> None:
    with listening(hangs_up) as port:
        result = ask(host("r1", port), "ssh")
    assert (result.status, result.reason) == (Status.UNREACHABLE, "closed-early")


def test_a_port_that_speaks_something_else_is_not_ssh() -> None:
    with listening(says(b"220 mail.example ESMTP\r\n")) as port:
        result = ask(host("r1", port), "ssh", timeout_s=1, tries=1)  # more lines could come
    assert (result.status, result.reason) == (Status.UNREACHABLE, "not-ssh")


def test_a_banner_may_come_in_pieces_and_after_other_lines() -> None:
    with listening(says(b"Authorised use only\r\n", b"SSH-2", b".0-x\r\n")) as port:
        result = ask(host("r1", port), "ssh", timeout_s=5)
    assert (result.status, result.value) == (Status.OK, "SSH-2.0-x")


def test_a_piece_of_a_banner_does_not_keep_the_processor_busy() -> None:
    with listening(says(b"SSH-2.0-half")) as port:
        began = time.process_time()
        result = ask(host("r1", port), "ssh", timeout_s=1)
        spent = time.process_time() - began
    assert result.reason == "no-banner"
    assert spent < 0.5


def test_a_banner_cannot_write_to_the_terminal() -> None:
    with listening(says(b"SSH-2.0-\x1b[2Jevil\xff\r\n")) as port:
        result = ask(host("r1", port), "ssh")
    assert result.value == "SSH-2.0-?[2Jevil?"


def test_an_endless_line_is_not_waited_out() -> None:
    with listening(says(b"x" * 100_000)) as port:
        result = ask(host("r1", port), "ssh", timeout_s=30)
    assert result.reason == "not-ssh"


def test_a_name_is_resolved_and_every_one_of_its_addresses_tried() -> None:
    with listening(greets) as port:
        result = ask(host("r1", port, "localhost"), "ssh")
    assert (result.status, result.address) == (Status.OK, "127.0.0.1")


def test_a_name_that_does_not_exist_is_told_so() -> None:
    result = ask(host("r1", 22, "no-such-host.invalid"), resolve_timeout_s=20)
    assert (result.status, result.phase) == (Status.UNREACHABLE, Phase.RESOLVE)
    assert result.reason in {"name-not-found", "resolve-failed"}
    assert result.error
    assert result.error.startswith("'no-such-host.invalid'")


def test_a_host_to_which_there_is_no_way_to_go_is_up_without_a_probe() -> None:
    (result,) = probe([Host("here")], ReachOptions(method="tcp"), routes=lambda _: None)
    assert (result.status, result.method, result.address, result.rtt_ms) == (Status.OK, None, None, None)


def test_a_host_behind_a_jump_host_is_left_to_ssh_by_auto_only() -> None:
    behind = Route("127.0.0.1", closed_port(), direct=False)
    (left,) = probe([Host("r1")], routes=lambda _: behind)
    (judged,) = probe([Host("r1")], ReachOptions(method="tcp"), routes=lambda _: behind)
    assert (left.status, left.method, left.port) == (Status.OK, None, behind.port)
    assert (judged.status, judged.reason) == (Status.UNREACHABLE, "port-closed")


def test_the_caller_knows_the_way_better_than_the_inventory() -> None:
    with listening(greets) as port:
        (result,) = probe([host("r1", closed_port())], routes=lambda _: Route("127.0.0.1", port))
    assert (result.status, result.port) == (Status.OK, port)


def test_variables_that_cannot_be_used_are_that_hosts_error_alone() -> None:
    with listening(greets) as port:
        results = {each.host: each for each in probe([host("bad", 99_999), host("good", port)])}
    assert results["bad"].status is Status.ERROR
    assert results["good"].status is Status.OK


def test_five_hundred_hosts_get_one_result_each() -> None:
    with listening(greets) as port:
        dead = closed_port()
        hosts = [host(f"up{n}", port) for n in range(250)] + [host(f"down{n}", dead) for n in range(250)]
        results = list(probe(hosts, ReachOptions(method="ssh", timeout_s=20)))
    assert sorted(each.host for each in results) == sorted(each.name for each in hosts)
    assert {each.host for each in results if each.ok} == {f"up{n}" for n in range(250)}


def test_no_hosts_give_no_results() -> None:
    assert list(probe([])) == []


def test_the_socket_is_handed_on_with_the_banner_still_to_be_read() -> None:
    kept: dict[Endpoint, socket.socket] = {}
    with listening(greets) as port:
        options = ReachOptions(method="ssh")
        results = list(
            probe([host("r1", port)], options, preconnected=lambda where, sock: kept.update({where: sock}))
        )
        assert results[0].ok
        with kept[Endpoint("127.0.0.1", port)] as sock:
            assert sock.recv(100).startswith(b"SSH-2.0-OpenSSH_9.2p1")


def test_a_socket_that_is_handed_on_outlives_errors_as_any_other() -> None:
    kept: list[socket.socket] = []
    with listening(greets) as port:
        list(
            probe(
                [host("r1", port)], ReachOptions(method="tcp"), preconnected=lambda _, sock: kept.append(sock)
            )
        )
        with kept[0] as sock:
            assert sock.getsockopt(socket.IPPROTO_IP, linux.IP_RECVERR) == 0


def test_a_connection_to_itself_is_a_closed_port() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(sock.getsockname())
        assert _is_its_own_peer(sock)


@pytest.mark.parametrize("address", ["127.8.8.8", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1"])
def test_this_machines_own_addresses_are_known_in_every_spelling(address: str) -> None:
    (located,) = numeric_addresses(address, 22)
    assert located.loopback


def test_an_ipv4_address_in_ipv6_spelling_is_probed_as_what_it_is() -> None:
    (located,) = numeric_addresses("::ffff:10.1.2.3", 22)
    assert (located.family, located.sockaddr) == (socket.AF_INET, ("10.1.2.3", 22))


def test_results_come_as_each_is_decided() -> None:
    with listening(greets) as up, listening(says_nothing) as mute:
        results = probe([host("mute", mute), host("up", up)], ReachOptions(method="ssh", timeout_s=1))
        assert next(results).host == "up"
        assert next(results).host == "mute"


def test_closing_the_iterator_ends_everything_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as mute, listening(greets) as up:
        hosts = [host("up", up), host("named", up, "localhost")]
        hosts += [host(f"mute{n}", mute.getsockname()[1]) for n in range(20)]
        before, threads = sockets_to(mute), threading.active_count()
        results = probe(hosts, ReachOptions(method="ssh", timeout_s=120))
        assert next(results).ok
        assert sockets_to(mute) > before
        began = time.monotonic()
        results.close()
        assert time.monotonic() - began < 60
        assert sockets_to(mute) == before
        assert comes_true(lambda: threading.active_count() <= threads)


def test_nothing_stays_open_when_all_is_done() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as mute:
        before = open_files()
        hosts = [host(f"r{n}", mute.getsockname()[1]) for n in range(10)]
        assert all(result.ok for result in probe(hosts, ReachOptions(method="tcp")))
        assert open_files() == before


def test_ctrl_c_ends_it_at_once_whatever_is_under_way() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as mute:
        script = f"""
from runner.models import Host
from runner.reach import ReachOptions, probe
there = {{"ansible_host": "127.0.0.1", "ansible_port": {mute.getsockname()[1]}}}
hosts = [Host(f"r{{n}}", there) for n in range(20)]
hosts.append(Host("here", {{"ansible_connection": "local"}}))
for result in probe(hosts, ReachOptions(method="ssh", timeout_s=60)):
    print(result.host, flush=True)
"""
        with subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == b"here\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(50) in {-signal.SIGINT, 130}


def test_results_can_be_pickled() -> None:
    result = ask(host("r1", closed_port()))
    assert pickle.loads(pickle.dumps(result)) == result
