"""The connection pool, with a real OpenSSH server whose log shows the logins."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.connection import pool as kept
from runner.connection.deadline import Deadline, abort, forget
from runner.connection.ssh import connect
from runner.jobs import CommandJob, perform
from runner.models import Status
from tests.liveness import comes_true

if TYPE_CHECKING:
    from runner.models import HostResult
    from tests.connection.sshd import Sshd


def logins(sshd: Sshd) -> int:
    return sshd.log.count("Accepted publickey")


def job(*commands: str) -> CommandJob:
    return CommandJob(commands)


def said(result: HostResult) -> tuple[Status, str]:
    return result.status, result.stdout


def test_one_login_serves_one_job_after_the_other(sshd: Sshd) -> None:
    host, options, before = sshd.host(), sshd.options(), logins(sshd)
    with kept.keeping(1):
        results = [perform(host, job("echo $PPID"), options) for _ in range(3)]
    assert len({said(result) for result in results}) == 1
    assert results[0].ok
    assert logins(sshd) == before + 1
    assert {result.login for result in results} == {results[0].login}


def test_without_anybody_who_keeps_them_each_job_logs_in(sshd: Sshd) -> None:
    host, options, before = sshd.host(), sshd.options(), logins(sshd)
    assert all(perform(host, job("true"), options).ok for _ in range(2))
    assert logins(sshd) == before + 2


def test_a_command_that_failed_says_nothing_against_its_connection(sshd: Sshd) -> None:
    host, options, before = sshd.host(), sshd.options(), logins(sshd)
    with kept.keeping(1):
        assert perform(host, job("exit 3"), options).status is Status.FAILED
        assert perform(host, job("true"), options).ok
    assert logins(sshd) == before + 1


def test_a_connection_on_which_time_ran_out_is_not_kept(sshd: Sshd) -> None:
    host, options = sshd.host(), sshd.options(command_timeout_s=0.2)
    with kept.keeping(1) as store:
        assert perform(host, job("sleep 60"), options).status is Status.TIMEOUT
        assert len(store) == 0


def test_the_next_job_has_a_deadline_of_its_own(sshd: Sshd) -> None:
    host, options = sshd.host(), sshd.options()
    with kept.keeping(1):
        connection = connect(host, options, Deadline.after(30, "first"))
        assert kept.keep(host, options, connection)
        abort("first")
        forget("first")
        abort("stopped")
        try:
            assert kept.taken(host, options, Deadline(None, "stopped")) is None, (
                "a run that was stopped goes on"
            )
        finally:
            forget("stopped")
        again = connect(host, options, Deadline.after(30, "first"))
        assert kept.keep(host, options, again)
        abort("first")
        try:
            taken = kept.taken(host, options, Deadline.after(30, "second"))
            assert taken is again
            assert taken.run("echo here").stdout == "here\n"
            taken.close()
        finally:
            forget("first")


def test_what_the_server_has_ended_is_dialled_anew_and_no_error(sshd: Sshd) -> None:
    host, options, before = sshd.host(), sshd.options(), logins(sshd)
    with kept.keeping(1):
        first = perform(host, job("echo $PPID"), options)
        assert kept.connected([host]) == {host.name}
        os.kill(int(first.stdout), signal.SIGKILL)
        assert comes_true(lambda: not kept.connected([host]))
        second = perform(host, job("echo $PPID"), options)
    assert second.ok
    assert second.stdout != first.stdout
    assert logins(sshd) == before + 2


def test_what_has_gone_without_a_word_is_dialled_anew_too(sshd: Sshd) -> None:
    host, options = sshd.host(), sshd.options()
    with kept.keeping(1):
        first = perform(host, job("echo $PPID"), options)
        os.kill(int(first.stdout), signal.SIGSTOP)
        try:
            assert kept.connected([host]) == {host.name}, "nothing tells of it"
            second = perform(host, job("echo $PPID"), options)
        finally:
            os.kill(int(first.stdout), signal.SIGKILL)
    assert second.ok
    assert second.stdout != first.stdout


def test_no_more_are_kept_than_there_is_room_for(sshd: Sshd) -> None:
    options = sshd.options()
    hosts = [sshd.host(name) for name in ("a", "b", "c")]
    with kept.keeping(2) as store:
        assert all(perform(host, job("true"), options).ok for host in hosts)
        assert kept.connected(hosts) == {"a", "b"}
        assert len(store) == 2


def test_all_of_them_end_with_the_context_however_it_ends(sshd: Sshd) -> None:
    host, options = sshd.host(), sshd.options()
    connection = connect(host, options, Deadline())

    def fail() -> None:
        with kept.keeping(1):
            assert kept.keep(host, options, connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not connection.alive()


def test_nothing_is_kept_where_nobody_comes_for_it(sshd: Sshd) -> None:
    host, options = sshd.host(), sshd.options()
    connection = connect(host, options, Deadline())
    assert not kept.keep(host, options, connection)
    connection.close()


def test_a_connection_is_for_the_host_and_the_login_that_it_was_made_for(sshd: Sshd) -> None:
    host, options = sshd.host(), sshd.options()
    namesake = sshd.host(host.name, ansible_user="somebody")
    with kept.keeping(1):
        assert perform(host, job("true"), options).ok
        assert kept.taken(namesake, options, Deadline()) is None
        assert kept.taken(host, replace(options, become=True), Deadline()) is None
        assert kept.connected([namesake]) == set()
        assert kept.connected([host]) == {host.name}


def test_where_the_server_opens_no_more_sessions_a_new_login_does(sshd: Sshd) -> None:
    """Like network gear that serves one command a connection and does not close the connection afterwards."""
    host, options, before = sshd.host(), sshd.options(), logins(sshd)
    with kept.keeping(1) as store:
        connection = connect(host, options, Deadline())
        assert connection._transport is not None
        held = [connection._transport.open_session() for _ in range(100)]  # MaxSessions
        assert kept.keep(host, options, connection)
        assert perform(host, job("true"), options).ok
        assert len(store) == 1
        assert len(held) == 100
    assert logins(sshd) == before + 2
