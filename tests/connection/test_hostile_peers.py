"""Peers that break the SSH protocol: each gets its correct status, all of them in one run."""

from __future__ import annotations

import dataclasses
import resource
import time
from typing import TYPE_CHECKING

import pytest
from asyncssh.packet import Boolean, NameList, String, UInt32

from runner.connection.connections import Connections
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, perform
from runner.models import Host, Phase, Status
from runner.reach import ReachOptions
from tests.connection.peers import hostile, ssh
from tests.connection.peers.hostile import (
    CHANNEL_DATA,
    CHANNEL_EOF,
    CHANNEL_EXTENDED_DATA,
    CHANNEL_OPEN,
    CHANNEL_OPEN_CONFIRMATION,
    CHANNEL_OPEN_FAILURE,
    CHANNEL_REQUEST,
    CHANNEL_WINDOW_ADJUST,
    DISCONNECT,
    ESCAPES,
    GLOBAL_REQUEST,
    NEWKEYS,
    REQUEST_FAILURE,
    SERVICE_REQUEST,
    USERAUTH_FAILURE,
    asks,
    by_keyboard,
    confirms_another,
    ended_by,
    floods,
    instead,
    opens_with,
    pours,
    request,
    then_waits,
    without_end,
)
from tests.connection.peers.ssh import Answer, Script
from tests.connection.test_faulty_peers import (
    GONE,
    HEALTHY,
    LATE,
    LIMIT,
    REFUSED,
    Case,
    before,
    command,
    in_login,
    no_keys_of_mine,
    options,
    play,
    spoken,
    stage,
)

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from tests.connection.peers.stage import Stage

__all__ = ["no_keys_of_mine", "options", "stage"]

AT_ONCE = 8
STOPPED = Status.TIMEOUT, "command-deadline"
CUT = Status.LOST, "connection-lost"
CHANNEL_LATE = Status.TIMEOUT, "channel-deadline"
IN = Status.UNREACHABLE, "closed-after-login"  # the server's library is unaware of the login

# Packets that these servers ignore: our refusals of requests that they should not have sent.
LINE = String(b"x" * 32_000)
DEAF = dict.fromkeys((REQUEST_FAILURE, CHANNEL_OPEN_FAILURE), hostile.nothing)


def asked(name: str, status: Status, reason: str, *questions: hostile.Packet) -> Case:
    """Return the case of a peer that asks these questions during the login."""
    return spoken(name, status, reason, Phase.LOGIN, handlers=by_keyboard(*questions))


def opening(name: str, status: Status, reason: str, handler: hostile.Handler) -> Case:
    """Return the case of a peer that handles the request for a channel in this way."""
    return spoken(name, status, reason, Phase.CHANNEL, handlers={CHANNEL_OPEN: handler})


CASES = [
    before("banner_in_drops", "no-banner"),
    before("thousands_of_lines", "no-banner"),
    before("carriage_returns", "no-banner"),
    before("zeros", "kex-stalled"),
    before("two_banners", "kex-failed"),
    before("future_version", "no-common-algorithm"),
    before("echoes", "kex-failed"),
    before("kex_in_drops", "kex-stalled"),
    before("offers_without_end", "kex-failed"),
    before("offers_ten_thousand", "no-common-algorithm"),
    before("login_before_keys", "kex-failed"),
    before("empty_payload", "kex-failed"),
    before("huge_key", "kex-failed"),
    before("key_of_another_kind", "kex-failed"),
    before("hangs_up_with_words", "kex-failed"),
    before("half_a_goodbye", "kex-failed"),
    before("never_reads", "kex-stalled"),
    before("strange_group", "kex-failed"),
    before("large_group", "kex-failed"),
    before("group_of_its_own", "kex-failed"),
    spoken("come_in", *IN, Phase.CHANNEL, handlers={hostile.USERAUTH_REQUEST: instead(hostile.come_in)}),
    # The client does not wait for the reply about the service: a successful login is enough.
    command("other_service", Status.OK, None, handlers={SERVICE_REQUEST: instead(hostile.other_service)}),
    in_login("endless_extensions", *GONE, instead(hostile.endless_extensions), SERVICE_REQUEST),
    spoken("endless_questions", *GONE, Phase.LOGIN, handlers=by_keyboard(hostile.endless_questions)),
    in_login("partial_of_nothing", *REFUSED, instead((USERAUTH_FAILURE, NameList([]) + Boolean(True)))),
    in_login(
        "only_hostbased", *REFUSED, instead((USERAUTH_FAILURE, NameList([b"hostbased"]) + Boolean(False)))
    ),
    in_login("refuses_500_times", *REFUSED, instead(*[hostile.more_is_wanted] * 500)),
    in_login("channel_first", *LATE, instead((CHANNEL_OPEN_CONFIRMATION, UInt32(0) * 4))),
    in_login("wants_replies_first", *LATE, without_end(GLOBAL_REQUEST, request(b"x", b"", reply=True))),
    in_login("new_keys_in_login", GONE[0], "connection-lost", instead((NEWKEYS, b""))),
    asked("asks_nothing", *LATE, hostile.nothing_to_ask),
    asked("asks_10_000_things", *REFUSED, hostile.ten_thousand_questions),
    asked("asks_for_it_again", *REFUSED, asks(b"Password: ")),
    asked("asks_for_a_code", Status.AUTH, "code-needed", asks(b"Code: ")),
    asked("asks_at_length", *REFUSED, asks(b"Password: " * 20_000)),
    asked("asks_escapes", *REFUSED, asks(ESCAPES, title=ESCAPES * 3000)),
    opening("another_number", *CHANNEL_LATE, confirms_another(5)),
    opening("closes_unopened", *CHANNEL_LATE, opens_with(hostile.close)),
    opening(
        "refuses_in_escapes",
        Status.ERROR,
        "channel-refused",
        opens_with((CHANNEL_OPEN_FAILURE, UInt32(2**31) + String(ESCAPES * 500) + String(b""))),
    ),
    command(
        "data_after_eof",
        Status.OK,
        None,
        ended_by(hostile.says_so, hostile.end, hostile.says_so, hostile.is_fine, hostile.close),
    ),
    command(
        "data_after_close",
        Status.OK,
        None,
        ended_by(hostile.is_fine, hostile.end, hostile.close, *[hostile.says_so] * 9),
    ),
    command(
        "status_after_close",
        Status.LOST,
        "no-exit-status",
        ended_by(hostile.end, hostile.close, hostile.failed),
    ),
    command("data_of_nothing", *STOPPED, pours(CHANNEL_DATA, String(b""))),
    command("errors_of_nothing", *STOPPED, pours(CHANNEL_EXTENDED_DATA, UInt32(1) + String(b""))),
    command("another_stream", *STOPPED, pours(CHANNEL_EXTENDED_DATA, UInt32(99) + String(b"x" * 1000))),
    command("letters", *STOPPED, pours(CHANNEL_DATA, String(b"x"))),
    command("eof_without_end", *STOPPED, pours(CHANNEL_EOF, b"")),
    command("windows_of_nothing", *STOPPED, pours(CHANNEL_WINDOW_ADJUST, UInt32(0))),
    command("statuses_without_end", Status.FAILED, "exit-code", pours(*hostile.failed)),
    command("opens_sessions", *STOPPED, floods(*hostile.opens_one), handlers=DEAF),
    command("forwards_to_us", *STOPPED, floods(*hostile.forwards), handlers=DEAF),
    command("wants_our_agent", *STOPPED, floods(*hostile.lends_its_agent), handlers=DEAF),
    command("many_host_keys", *STOPPED, floods(*hostile.many_keys)),
    command(
        "wants_replies_always",
        *STOPPED,
        floods(GLOBAL_REQUEST, request(b"x" * 100, b"", reply=True)),
        handlers=DEAF,
    ),
    command("knows_no_window", Status.ERROR, "output-limit", pours(CHANNEL_DATA, LINE)),
    command("length_of_nothing", *CUT, hostile.length_of_nothing),
    command("half_an_exchange", *CUT, hostile.half_an_exchange),
    command("new_keys_at_once", *CUT, then_waits((NEWKEYS, b""))),
    command("half_a_goodbye_later", *CUT, then_waits((DISCONNECT, b"\0"))),
    command("in_once_more", *STOPPED, then_waits(hostile.come_in)),
    command("drips_when_it_has_ended", Status.OK, None, hostile.drips_when_it_has_ended),
    command("floods_when_it_has_ended", Status.ERROR, "output-limit", hostile.floods_when_it_has_ended),
    command("half_a_signal", Status.FAILED, "signal", ended_by(hostile.half_a_signal, hostile.close)),
    command(
        "signal_and_fine", Status.FAILED, "signal", ended_by(hostile.killed, hostile.is_fine, hostile.close)
    ),
    command("half_a_request", *STOPPED, ended_by((CHANNEL_REQUEST, b"\0\0\0\xffexi"))),
    command("half_of_data", *STOPPED, ended_by((CHANNEL_DATA, b"\0"))),
]


@pytest.mark.slow
def test_each_gets_what_is_true_of_it_and_harms_no_healthy_host(
    stage: Stage, options: ConnectionOptions
) -> None:
    # Flooding peers, their clients and the healthy peers share one process here, and so one interpreter lock.
    options = dataclasses.replace(options, connect_timeout_s=2.0)
    played = {case.name: (play(stage, case), case) for case in CASES}
    honest = {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(Script())}
    healthy = [Host(f"healthy{number}", honest) for number in range(HEALTHY)]
    hosts = [*healthy, *(host for (host, _), _ in played.values())]
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    results = {
        result.host: result
        for result in stream(
            sorted(hosts, key=lambda host: hash(host.name)),  # healthy hosts are spread over the run
            CommandJob(("show version",)),
            run="hostile",
            connecting=Connections(options),
            options=FanoutOptions(workers=AT_ONCE, ping=False),
            reach=ReachOptions(),
        )
    }

    assert time.monotonic() - begin < 60
    assert all(results[host.name].ok for host in healthy)
    found = {name: (results[name].status, results[name].reason, results[name].phase) for name in played}
    assert found == {case.name: (case.status, case.reason, case.phase) for case in CASES}
    for name, ((_, script), case) in played.items():
        result = results[name]
        assert result.sent is case.sent, name
        assert len(script.commands) == int(case.sent), name
        assert (result.error or "").isprintable(), name
        assert all(len(done.stdout_bytes) <= LIMIT for done in result.commands), name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 300 * 1024


def test_a_question_in_another_encoding_is_answered(stage: Stage, options: ConnectionOptions) -> None:
    handlers = by_keyboard(asks("Contraseña (password): ".encode("latin-1")), hostile.come_in)
    script = Script(handlers=handlers)
    host = Host("gear", {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(script)})
    result = perform(host, CommandJob(("true",)), options)

    assert (result.status, result.reason) == IN, result


def test_a_group_that_would_keep_everybody_waiting_is_not_reckoned_with(
    stage: Stage, options: ConnectionOptions
) -> None:
    host = Host("slow", {"ansible_host": "127.0.0.1", "ansible_port": stage.raw("group_of_its_own")})
    error = perform(host, CommandJob(("true",)), options).error or ""

    assert "a group of 8191 bits" in error


def test_a_server_may_want_new_keys_after_every_few_packets(stage: Stage, options: ConnectionOptions) -> None:
    # 160 key exchanges take longer than the usual deadline of a second.
    options = dataclasses.replace(options, command_timeout_s=30.0)
    case = command("keys_every_32_kb", Status.OK, None, ssh.one_long_line, rekey_bytes=2**15)
    host, _ = play(stage, case)
    result = perform(host, CommandJob(("show version",)), options)

    assert result.ok, result
    assert result.commands[0].stdout_bytes == b"x" * 5 * 2**20


@pytest.mark.parametrize("flood", [pours(CHANNEL_DATA, LINE), pours(CHANNEL_EXTENDED_DATA, UInt32(1) + LINE)])
def test_what_comes_before_a_command_is_taken_does_not_fill_the_memory(
    stage: Stage, options: ConnectionOptions, flood: Answer
) -> None:
    options = dataclasses.replace(options, connect_timeout_s=5.0)
    script = Script(answer=flood, execute="instead")
    host = Host("gear", {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(script)})
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = perform(host, CommandJob(("true",)), options)

    assert (result.status, result.reason, result.sent) == (*CUT, True), result
    assert "more than the channel's window takes" in (result.error or "")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 60 * 1024
