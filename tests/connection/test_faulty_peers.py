"""Faulty peers: each gets its correct status, in time, and does not affect other hosts."""

from __future__ import annotations

import dataclasses
import resource
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from asyncssh.packet import String

from runner.connection.connections import Connections
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, perform
from runner.models import Host, Phase, Status
from runner.reach import ReachOptions
from tests.connection.peers import hostile, ssh
from tests.connection.peers.hostile import SERVICE_REQUEST, USERAUTH_REQUEST, instead, without_end
from tests.connection.peers.ssh import PASSWORD, Script
from tests.connection.peers.stage import BEHAVIOURS, Stage
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.connection.options import ConnectionOptions

CONNECT_S, COMMAND_S = 1.0, 1.0
LIMIT = 8 * 2**20
HEALTHY = 20


@dataclass(frozen=True)
class Case:
    """A faulty peer and its expected result.

    `script` has the arguments of the peer's script; without it, `name` is that of a raw peer.
    """

    name: str
    status: Status
    reason: str | None = None
    phase: Phase | None = None
    sent: bool = False
    script: dict[str, Any] | None = field(default=None, compare=False)


def before(name: str, reason: str, phase: Phase = Phase.HANDSHAKE) -> Case:
    return Case(name, Status.UNREACHABLE, reason, phase)


def spoken(name: str, status: Status, reason: str | None, phase: Phase | None, **script: Any) -> Case:
    """Return the case of a peer that speaks SSH at least up to the login."""
    return Case(name, status, reason, phase, script=script)


def in_login(
    name: str, status: Status, reason: str, handler: hostile.Handler, packet: int = USERAUTH_REQUEST
) -> Case:
    """Return the case of a peer that handles a packet of the login in this way."""
    return spoken(name, status, reason, Phase.LOGIN, handlers={packet: handler})


def command(
    name: str, status: Status, reason: str | None, answer: ssh.Answer = ssh.says_ok, **script: Any
) -> Case:
    """Return the case of a peer that accepts the command."""
    phase = None if status is Status.OK else Phase.COMMAND
    return Case(name, status, reason, phase, sent=True, script={"answer": answer, **script})


LATE = Status.TIMEOUT, "login-deadline"
REFUSED = Status.AUTH, "login-refused"
GONE = Status.UNREACHABLE, "closed-in-login"

CASES = [
    before("refuses_tcp", "port-closed", Phase.CONNECT),
    before("tcp_blackhole", "no-reply", Phase.CONNECT),
    before("resets_on_accept", "closed-early"),
    before("closes_at_once", "closed-early"),
    before("never_speaks", "no-banner"),
    before("garbage_banner", "no-banner"),
    before("http_banner", "no-banner"),
    before("slow_banner", "no-banner"),
    before("endless_prebanner", "no-banner"),
    before("endless_line", "no-banner"),
    before("ssh1_banner", "ssh1"),
    before("too_many_starts", "busy"),
    before("penalty", "busy"),
    before("closes_after_banner", "kex-failed"),
    before("silent_after_banner", "kex-stalled"),
    before("closes_in_kex", "kex-failed"),
    before("hangs_in_kex", "kex-stalled"),
    before("ignore_flood_in_kex", "kex-stalled"),
    before("oversized_packet", "kex-failed"),
    before("unsupported_algorithms", "no-common-algorithm"),
    before("legacy_algorithms", "no-common-algorithm"),
    before("disconnect_escapes", "kex-failed"),
    before("lines_without_end", "no-banner"),
    before("banner_without_end", "no-banner"),
    before("banner_of_controls", "no-banner"),
    before("banner_without_version", "kex-failed"),
    before("offers_nothing", "no-common-algorithm"),
    before("offers_escapes", "kex-failed"),
    before("half_an_offer", "no-common-algorithm"),
    before("empty_packet", "kex-failed"),
    before("only_padding", "kex-failed"),
    before("endless_packet", "kex-failed"),
    before("new_keys_first", "kex-failed"),
    before("no_strict_order", "kex-failed"),
    before("debug_in_strict_exchange", "kex-failed"),
    before("point_at_nothing", "kex-failed"),
    before("signed_by_nobody", "kex-failed"),
    before("unimplemented_flood", "kex-failed"),
    spoken("auth_rejects", Status.AUTH, "login-refused", Phase.LOGIN, password=ssh.refuses),
    spoken("auth_hangs", Status.TIMEOUT, "login-deadline", Phase.LOGIN, password=ssh.hangs),
    spoken("auth_too_many", Status.AUTH, "login-refused", Phase.LOGIN, password=ssh.too_many),
    spoken("auth_hangs_up", Status.UNREACHABLE, "closed-in-login", Phase.LOGIN, password=ssh.hangs_up),
    spoken("auth_password_change", Status.AUTH, "password-expired", Phase.LOGIN, password=ssh.wants_change),
    spoken(
        "auth_code_too",
        Status.AUTH,
        "code-needed",
        Phase.LOGIN,
        questions=(("Password: ", PASSWORD), ("Verification code: ", "one-time-code")),
    ),
    spoken(
        "auth_then_drop",
        Status.UNREACHABLE,
        "closed-after-login",
        Phase.CHANNEL,
        after_login=ssh.drops,
        channel="hang",
    ),
    in_login("no_verdict", *LATE, hostile.nothing),
    in_login("no_method_left", *REFUSED, instead(hostile.no_method_left)),
    in_login("strange_methods", *REFUSED, instead(hostile.strange_methods)),
    in_login("more_is_wanted", *REFUSED, instead(hostile.more_is_wanted)),
    in_login("half_a_failure", *REFUSED, instead(hostile.half_a_failure)),
    in_login("goodbye", *GONE, instead(hostile.goodbye)),
    in_login("goodbye_at_once", *GONE, instead(hostile.goodbye), SERVICE_REQUEST),
    in_login("banners_without_end", *LATE, without_end(*hostile.a_banner)),
    in_login("ignore_without_end", *LATE, without_end(hostile.IGNORE, bytes(1000))),
    spoken("channel_refused", Status.ERROR, "channel-refused", Phase.CHANNEL, channel="refuse"),
    spoken("channel_hangs", Status.TIMEOUT, "channel-deadline", Phase.CHANNEL, channel="hang"),
    command("auth_questions", Status.OK, None, questions=(("Password: ", PASSWORD),)),
    command("no_service", Status.OK, None, handlers={SERVICE_REQUEST: hostile.nothing}),
    command("auth_empty_round", Status.OK, None, questions=(("Password: ", PASSWORD), ("", ""))),
    command("auth_banner_escapes", Status.OK, None, auth_banner="\x1b[2J\x1b]0;owned\x07 welcome\n" * 100),
    command("exec_refused", Status.ERROR, "exec-refused", execute="refuse"),
    command("exec_hangs", Status.TIMEOUT, "command-deadline", execute="hang"),
    command("opens_channels", Status.OK, None, ssh.opens_channels),
    command("command_hangs", Status.TIMEOUT, "command-deadline", ssh.never_ends),
    command("endless_stdout", Status.ERROR, "output-limit", ssh.endless_stdout),
    command("endless_stderr", Status.ERROR, "output-limit", ssh.endless_stderr),
    command("output_50mb", Status.ERROR, "output-limit", ssh.fifty_megabytes),
    command("dirty_output", Status.OK, None, ssh.dirty),
    command("long_line", Status.OK, None, ssh.one_long_line),
    command("stderr_only", Status.OK, None, ssh.stderr_only),
    command("big_stderr_first", Status.OK, None, ssh.stderr_first),
    command("exit_signal", Status.FAILED, "signal", ssh.killed),
    command("no_exit_status", Status.LOST, "no-exit-status", ssh.no_exit_status),
    command("instant_close", Status.LOST, "no-exit-status", ssh.instant_close),
    command("exit_3", Status.FAILED, "exit-code", ssh.exits(3)),
    command("exit_255", Status.FAILED, "exit-code", ssh.exits(255)),
    command("exit_huge", Status.FAILED, "exit-code", ssh.exits(2**32 - 1)),
    command("drop_mid_output", Status.LOST, "connection-lost", ssh.drops_in_the_middle),
    command("half_open", Status.TIMEOUT, "command-deadline", ssh.half_open),
    command("rekey_mid_output", Status.OK, None, ssh.one_long_line, rekey_bytes=2**18),
    command("rekey_stalls", Status.TIMEOUT, "command-deadline", ssh.stalls_in_rekey),
    command("end_then_rekey_stalls", Status.OK, None, ssh.ends_and_stalls_in_rekey),
    command("slow_drip", Status.TIMEOUT, "command-deadline", ssh.slow_drip),
    command("status_then_open", Status.OK, None, ssh.status_then_open),
    command("eof_then_hang", Status.TIMEOUT, "command-deadline", ssh.eof_then_hang),
    command("double_status", Status.OK, None, ssh.two_statuses),
    command("half_a_status", Status.LOST, "no-exit-status", hostile.half_a_status),
    command("no_status_at_all", Status.LOST, "no-exit-status", hostile.no_status_at_all),
    command("dies_of_escapes", Status.FAILED, "signal", hostile.dies_of_escapes),
    command("noise_on_the_wire", Status.LOST, "connection-lost", hostile.noise_on_the_wire),
    command("goes_with_words", Status.LOST, "connection-lost", hostile.goes_with_words),
    command("another_channel", Status.LOST, "connection-lost", hostile.another_channel),
    command("unknown_packet", Status.LOST, "connection-lost", hostile.unknown_packet),
    command("past_the_window", Status.OK, None, hostile.past_the_window),
    command("more_than_there_is", Status.OK, None, hostile.more_than_there_is),
    command("closes_twice", Status.OK, None, hostile.closes_twice),
    command("success_again", Status.LOST, "no-exit-status", hostile.success_again),
    command("wants_replies", Status.TIMEOUT, "command-deadline", hostile.wants_replies_and_reads_none),
    command(
        "window_overflow",
        Status.OK,
        None,
        hostile.then_ok(*[(hostile.CHANNEL_WINDOW_ADJUST, b"\xff" * 4)] * 10),
    ),
    command("ignore_flood", Status.TIMEOUT, "command-deadline", hostile.floods(hostile.IGNORE, bytes(1000))),
    command(
        "debug_flood",
        Status.TIMEOUT,
        "command-deadline",
        hostile.floods(hostile.DEBUG, b"\1" + String(hostile.ESCAPES * 100) + String(b"")),
    ),
    command(
        "unimplemented_command",
        Status.TIMEOUT,
        "command-deadline",
        hostile.floods(hostile.UNIMPLEMENTED, bytes(4)),
    ),
    command("data_before_success", Status.OK, None, execute="early"),
]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def options(stage: Stage, tmp_path: Path) -> ConnectionOptions:
    deadlines = {"connect_timeout_s": CONNECT_S, "command_timeout_s": COMMAND_S}
    return stage.options(tmp_path, max_output=LIMIT, **deadlines)


@pytest.fixture(autouse=True)
def no_keys_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Do not offer the keys and agent of the user who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def play(stage: Stage, case: Case) -> tuple[Host, Script]:
    script = Script(**(case.script or {}))
    if case.script is not None:
        port = stage.ssh(script)
    elif case.name in BEHAVIOURS:
        port = stage.raw(case.name)
    else:
        port = {"refuses_tcp": stage.refusing, "tcp_blackhole": stage.silent}[case.name]()
    return Host(case.name, {"ansible_host": "127.0.0.1", "ansible_port": port}), script


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_peer_gets_what_is_true_of_it(stage: Stage, options: ConnectionOptions, case: Case) -> None:
    host, script = play(stage, case)
    if case.status is not Status.TIMEOUT:  # a busy machine is slow
        options = dataclasses.replace(options, command_timeout_s=60.0)
    begin = time.monotonic()
    result = perform(host, CommandJob(("show version",)), options)
    elapsed = time.monotonic() - begin

    assert (result.status, result.reason, result.phase) == (case.status, case.reason, case.phase), result
    assert result.sent is case.sent
    assert len(script.commands) == int(case.sent)
    late_s = 60  # allowance for a busy machine; silent peers are silent for 600 s
    assert elapsed < max(CONNECT_S, options.command_timeout_s or 0) + late_s
    assert all(len(done.stdout_bytes) <= LIMIT for done in result.commands)
    assert (result.error is None) is (case.status is Status.OK)
    assert "127.0.0.1" not in (result.error or "")
    assert (result.error or "").isprintable()


def test_a_code_that_is_asked_for_is_not_answered_with_the_password(
    stage: Stage, options: ConnectionOptions
) -> None:
    script = Script(questions=(("Password: ", PASSWORD), ("Verification code: ", "one-time-code")))
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(script)})
    result = perform(host, CommandJob(("true",)), options)

    assert result.status is Status.AUTH
    assert "Verification code" in (result.error or "")
    assert script.passwords == [PASSWORD]


@pytest.mark.parametrize("prompt", ["Password for operator@pin-code.example:", "operator's Passwort: "])
def test_a_prompt_for_the_password_may_name_user_and_host(
    stage: Stage, options: ConnectionOptions, prompt: str
) -> None:
    script = Script(questions=((prompt, PASSWORD),))
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(script)})

    assert perform(host, CommandJob(("true",)), options).ok


def test_an_unknown_host_key_keeps_the_password_here(stage: Stage, options: ConnectionOptions) -> None:
    script = Script()
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(script)})
    result = perform(host, CommandJob(("true",)), dataclasses.replace(options, known_hosts=()))

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-unknown")
    assert script.passwords == []
    assert script.commands == []


def test_what_passes_is_tried_again_as_long_as_nothing_was_sent(
    stage: Stage, options: ConnectionOptions
) -> None:
    script = Script()
    port = stage.early_drop(stage.ssh(script), drops=2)
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": port})
    result = perform(host, CommandJob(("true",)), dataclasses.replace(options, retries=2))

    assert result.ok
    assert result.attempts == 3
    assert script.commands == ["true"]


def test_a_peer_that_offers_only_what_is_gone_is_told_by_what_it_offers(
    stage: Stage, options: ConnectionOptions
) -> None:
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": stage.raw("unsupported_algorithms")})
    error = perform(host, CommandJob(("true",)), options).error or ""

    assert "no key exchange algorithm in common" in error
    assert "tomorrow@example.com, next-week@example.com" in error


def test_all_of_them_at_once_harm_no_healthy_host(stage: Stage, options: ConnectionOptions) -> None:
    # Flooding peers, their clients and the healthy peers share one process here, and so one interpreter lock.
    options = dataclasses.replace(options, connect_timeout_s=8 * CONNECT_S, command_timeout_s=4 * COMMAND_S)
    faulty = {case.name: (play(stage, case), case) for case in CASES}
    port = stage.ssh(Script())
    healthy = [
        Host(f"healthy{number}", {"ansible_host": "127.0.0.1", "ansible_port": port})
        for number in range(HEALTHY)
    ]
    hosts = [host for (host, _), _ in faulty.values()] + healthy
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    results = {
        result.host: result
        for result in stream(
            hosts,
            CommandJob(("show version",)),
            run="faults",
            connecting=Connections(options),
            options=FanoutOptions(workers=len(hosts), ping=False),
            reach=ReachOptions(),
        )
    }

    assert len(results) == len(hosts)
    assert {host.name: results[host.name].status for host in healthy} == {
        host.name: Status.OK for host in healthy
    }
    assert {name: results[name].sent for name in faulty} == {
        name: case.sent for name, (_, case) in faulty.items()
    }
    assert time.monotonic() - begin < 100  # silent peers are silent for 600 s
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 300 * 1024


def test_no_thread_waits_for_a_peer_that_is_done_with() -> None:
    assert comes_true(
        lambda: not any("Transport" in type(thread).__name__ for thread in threading.enumerate())
    ), [traceback.format_stack(frame) for frame in sys._current_frames().values()]
