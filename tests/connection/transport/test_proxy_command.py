"""ProxyCommand: only run if its source is allowed to run programs, and ended with the connection."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.jobs import CommandJob, perform
from runner.models import HostResult, Status
from tests.liveness import comes_true

if TYPE_CHECKING:
    from tests.connection.sshd import Sshd

RELAY = """
import os, signal, socket, sys, threading
open(sys.argv[1] + f"/{os.getpid()}", "w").close()
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "silent" in sys.argv:
    threading.Event().wait(60)
peer = socket.create_connection((sys.argv[2], int(sys.argv[3])))
def forth():
    while data := os.read(0, 65536):
        peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
    if "stubborn" in sys.argv:
        threading.Event().wait(60)
threading.Thread(target=forth, daemon="stubborn" not in sys.argv).start()
while data := peer.recv(65536):
    os.write(1, data)
"""


@pytest.fixture
def relay(tmp_path: Path) -> str:
    """A ProxyCommand that connects to the host and leaves its process id in the folder."""
    (tmp_path / "pids").mkdir()
    program = tmp_path / "relay.py"
    program.write_text(RELAY)
    return shlex.join([sys.executable, str(program), str(tmp_path / "pids")]) + " %h %p"


def pids(folder: Path) -> list[int]:
    return [int(path.name) for path in (folder / "pids").iterdir()]


def all_gone(folder: Path) -> bool:
    """Wait until every started program has ended and been reaped; return whether that is so."""
    ended = comes_true(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids(folder)))
    return ended and bool(pids(folder))


def outcome(sshd: Sshd, command: str, *, allowed: bool = True, **options: object) -> HostResult:
    host = sshd.host("proxied", ansible_ssh_common_args=f"-o ProxyCommand={shlex.quote(command)}")
    return perform(host, CommandJob(("echo there",)), sshd.options(allow_commands=allowed, **options))


def test_a_program_of_ssh_config_leads_to_the_host(sshd: Sshd, relay: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host *\n ProxyCommand {relay}\n")
    result = perform(sshd.host(), CommandJob(("echo there",)), sshd.options(ssh_config=str(config)))

    assert result.ok, result
    assert result.stdout == "there\n"
    assert all_gone(tmp_path)


def test_an_inventory_may_name_one_only_where_that_is_allowed(sshd: Sshd, relay: str, tmp_path: Path) -> None:
    refused = outcome(sshd, relay, allowed=False)
    began = pids(tmp_path)
    allowed = outcome(sshd, relay)

    assert (refused.status, refused.reason) == (Status.ERROR, "refused-variable")
    assert "--allow-inventory-commands" in (refused.error or "")
    assert began == []
    assert allowed.ok, allowed
    assert all_gone(tmp_path)


def test_a_program_that_fails_is_quoted(sshd: Sshd) -> None:
    result = outcome(sshd, "sh -c 'echo no way to %h >&2; exit 7'")

    assert (result.status, result.reason) == (Status.UNREACHABLE, "proxy-failed")
    assert "ended with exit code 7: no way to 127.0.0.1" in (result.error or "")


def test_a_program_that_does_not_exist_is_said(sshd: Sshd) -> None:
    result = outcome(sshd, "no-such-program-anywhere")

    assert (result.status, result.reason) == (Status.UNREACHABLE, "proxy-failed")
    assert "no-such-program-anywhere" in (result.error or "")


def test_a_silent_program_is_ended_at_the_deadline(sshd: Sshd, relay: str, tmp_path: Path) -> None:
    result = outcome(sshd, f"{relay} silent", connect_timeout_s=1.0)

    assert (result.status, result.reason) == (Status.UNREACHABLE, "no-banner")
    assert result.duration_s < 30
    assert all_gone(tmp_path)


def test_a_program_that_ignores_being_told_to_end_is_ended(sshd: Sshd, relay: str, tmp_path: Path) -> None:
    result = outcome(sshd, f"{relay} stubborn")

    assert result.ok, result
    assert all_gone(tmp_path)


def test_what_a_program_says_cannot_move_a_terminal(sshd: Sshd) -> None:
    result = outcome(sshd, r"printf '\033[2Jcleared\n' >&2")

    assert result.reason == "proxy-failed"
    assert "\x1b" not in (result.error or "")


def test_a_token_that_stands_for_nothing_is_that_hosts_error(sshd: Sshd) -> None:
    result = outcome(sshd, "nc %h %Z")

    assert (result.status, result.reason) == (Status.ERROR, "bad-variable")
    assert "%Z" in (result.error or "")
