"""`ping --count`, `--alive`, `--down`, `--watch`: over sockets that come and go."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest


@pytest.fixture
def fleet(tmp_path: Path) -> tuple[Path, socket.socket, int]:
    """An inventory of a host that is up and one that is not, the former's server, the latter's port."""
    server = socket.create_server(("127.0.0.1", 0))
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        free = other.getsockname()[1]
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(
        f"up ansible_host=127.0.0.1 ansible_port={server.getsockname()[1]}\n"
        f"gone ansible_host=127.0.0.1 ansible_port={free}\n"
    )
    return inventory, server, free


def command(inventory: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "runner", "ping", "-i", str(inventory), *words]


def run(inventory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(inventory, *words), capture_output=True, text=True, timeout=60, check=False)


def test_bare_names_are_all_that_is_printed(fleet: tuple[Path, socket.socket, int]) -> None:
    alive, down = run(fleet[0], "--alive"), run(fleet[0], "--down")
    assert (alive.stdout, alive.returncode) == ("up\n", 4)
    assert (down.stdout, down.returncode) == ("gone\n", 4)


def test_alive_and_down_exclude_each_other(fleet: tuple[Path, socket.socket, int]) -> None:
    done = run(fleet[0], "--alive", "--down")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ping: --alive and --down exclude each other\n"


def test_a_count_shows_loss_and_times(fleet: tuple[Path, socket.socket, int]) -> None:
    done = run(fleet[0], "--count", "3", "--interval", "10ms", "--format", "json")
    hosts = json.loads(done.stdout)["hosts"]
    assert len(hosts["up"]["rtts_ms"]) == 3
    assert hosts["up"]["loss_percent"] == 0
    assert hosts["up"]["rtt_min_ms"] <= hosts["up"]["rtt_ms"] <= hosts["up"]["rtt_max_ms"]
    assert hosts["gone"]["rtts_ms"] == [None] * 3
    assert hosts["gone"]["loss_percent"] == 100
    assert hosts["gone"]["reason"] == "port-closed"


def test_a_count_in_words(fleet: tuple[Path, socket.socket, int]) -> None:
    lines = run(fleet[0], "--count", "2", "--interval", "10ms").stdout.splitlines()
    assert lines[0].startswith("gone: unreachable  0/2 answered, 100% loss, ")
    assert lines[1].startswith("up: ok  2/2 answered, 0% loss, rtt min/avg/max ")
    assert lines[2].startswith("2 hosts: 1 ok, 1 unreachable in ")


@pytest.mark.parametrize("flag", ["--count", "--interval"])
def test_a_number_that_is_none_is_one_line(fleet: tuple[Path, socket.socket, int], flag: str) -> None:
    done = run(fleet[0], flag, "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"ping: {flag} 'x': expected ")
    assert done.stderr.count("\n") == 1


def test_a_watch_into_a_pipe_logs_every_change(fleet: tuple[Path, socket.socket, int]) -> None:
    inventory, server, free = fleet
    watching = subprocess.Popen(
        command(inventory, "--watch", "--interval", "100ms"), stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["summary"]["hosts"] == 2
        first = json.loads(watching.stdout.readline())
        assert (first["host"], first["from"], first["to"]) == ("gone", None, "unreachable")
        with closing(socket.create_server(("127.0.0.1", free))):
            came = json.loads(watching.stdout.readline())
            assert (came["host"], came["from"], came["to"]) == ("gone", "unreachable", "ok")
            assert came["lasted_s"] > 0
            server.close()
            went = json.loads(watching.stdout.readline())
            assert (went["host"], went["to"], went["reason"]) == ("up", "unreachable", "port-closed")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 130
    finally:
        watching.kill()
        watching.wait()


@pytest.mark.terminal
def test_a_watch_on_a_terminal_redraws_and_marks_changes(fleet: tuple[Path, socket.socket, int]) -> None:
    inventory, server, _ = fleet
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "24"}
    watching = subprocess.Popen(
        command(inventory, "--watch", "--interval", "100ms"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    try:
        read_until(ours, b"gone")
        read_until(ours, b"1 ok, 1 unreachable")
        server.close()
        read_until(ours, b"up  went down")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 130
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def read_until(terminal: int, wanted: bytes) -> None:
    seen, end = b"", time.monotonic() + 30
    while wanted not in seen:
        assert time.monotonic() < end, seen
        seen += os.read(terminal, 65536)


def test_a_watch_of_so_many_rounds_ends_by_itself(fleet: tuple[Path, socket.socket, int]) -> None:
    done = run(fleet[0], "--watch", "--count", "2", "--interval", "10ms")
    assert done.returncode == 4
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--alive", "--format", "json"), "--format does not fit --alive"),
        (("--down", "--diff"), "--diff does not fit --down"),
        (("--watch", "--format", "json"), "--format json does not fit --watch; what fits: folded, jsonl"),
        (("--watch", "--only", "ok"), "--only does not fit --watch"),
        (("--watch", "--output-dir", "out"), "--output-dir does not fit --watch"),
        (("--watch", "--alive"), "--alive and --watch exclude each other"),
        (("--count", "0"), "--count '0': expected a whole number, 1 or more"),
        (("--watch", "--resume", "last"), "--resume is for runs of commands; ping again instead"),
    ],
)
def test_what_would_not_be_heeded_is_refused(
    fleet: tuple[Path, socket.socket, int], words: tuple[str, ...], said: str
) -> None:
    done = run(fleet[0], *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"ping: {said}\n")


def test_bare_names_come_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        hosts = "".join(f"h{n} ansible_host=127.0.0.1 ansible_port={port}\n" for n in (10, 9, 1))
        (tmp_path / "hosts.ini").write_text(hosts)
        done = run(tmp_path / "hosts.ini", "--alive", "--sort", "name")
    assert (done.stdout, done.returncode) == ("h1\nh9\nh10\n", 0)


def test_a_watch_that_is_dry_pings_nobody(fleet: tuple[Path, socket.socket, int]) -> None:
    done = run(fleet[0], "--watch", "--dry-run", "--format", "jsonl")
    assert json.loads(done.stdout.splitlines()[-1])["summary"]["skipped"] == 2
    assert done.returncode == 0


def test_a_watch_ends_where_nobody_reads_and_says_where_nothing_can_be_written(
    fleet: tuple[Path, socket.socket, int],
) -> None:
    words = command(fleet[0], "--watch", "--interval", "10ms")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.readline()
        watching.stdout.close()
        fleet[1].close()  # a change, which nobody reads
        assert (watching.wait(60), watching.stderr.read()) == (4, "")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "ping: stdout: No space left on device\n")


def test_what_had_not_answered_is_pinged_and_watched_again(fleet: tuple[Path, socket.socket, int]) -> None:
    assert run(fleet[0]).returncode == 4
    again = run(fleet[0], "--failed", "last", "--format", "jsonl", "--no-history")
    assert json.loads(again.stdout.splitlines()[0])["host"] == "gone"
    watched = run(fleet[0], "--failed", "last", "--watch", "--count", "1")
    assert json.loads(watched.stdout.splitlines()[0])["summary"]["hosts"] == 1
    assert run(fleet[0], "--alive", "-l", "up").returncode == 0
    nothing = run(fleet[0], "--failed", "last", "-l", "up")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert nothing.stderr == "nothing to ping: every one of these hosts ended ok\n"


def test_a_ping_ends_when_its_time_is_over(fleet: tuple[Path, socket.socket, int]) -> None:
    words = ("--method", "ssh", "--ping-timeout", "120", "--timeout-total", "1s")
    done = run(fleet[0], *words, "--format", "json")  # the server never shows a banner
    hosts = json.loads(done.stdout)["hosts"]
    assert (hosts["up"]["status"], hosts["up"]["reason"]) == ("cancelled", "run-deadline")
    assert hosts["gone"]["reason"] == "port-closed"
    assert done.returncode == 6


def test_a_ping_of_many_hosts_that_are_down_ends_early(fleet: tuple[Path, socket.socket, int]) -> None:
    words = ("--method", "ssh", "--ping-timeout", "60", "--max-fail", "0")
    done = run(fleet[0], *words, "--format", "json")
    hosts = json.loads(done.stdout)["hosts"]
    assert (hosts["up"]["status"], hosts["up"]["reason"]) == ("cancelled", "max-fail")
    assert hosts["gone"]["reason"] == "port-closed"


def test_the_time_of_a_watch_or_a_count_is_for_all_rounds(fleet: tuple[Path, socket.socket, int]) -> None:
    watched = run(fleet[0], "--watch", "--interval", "100ms", "--timeout-total", "500ms")
    assert watched.returncode == 4
    assert json.loads(watched.stdout.splitlines()[0])["summary"]["hosts"] == 2
    counted = run(fleet[0], "--count", "1000", "--timeout-total", "1.5s", "--format", "json")
    assert 1 <= len(json.loads(counted.stdout)["hosts"]["up"]["rtts_ms"]) <= 3


@pytest.mark.parametrize("words", [("--count", "2"), ("--watch",)])
def test_rounds_have_no_limit_of_failures(
    fleet: tuple[Path, socket.socket, int], words: tuple[str, ...]
) -> None:
    done = run(fleet[0], *words, "--max-fail", "1")
    said = f"ping: --max-fail does not fit {words[0]}, which pings every host in each round\n"
    assert (done.returncode, done.stderr) == (1, said)
