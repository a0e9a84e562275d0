"""Commands on this machine have the same guarantees as over SSH."""

from __future__ import annotations

import os
import threading

import pytest

from runner.connection import deadline
from runner.connection.deadline import Deadline
from runner.connection.local import LocalConnection, connect
from runner.connection.options import ConnectionOptions
from runner.errors import Cancelled, DeadlineExceeded, OutputLimitExceeded
from runner.models import Host
from tests.liveness import gone


def local(limits: Deadline | None = None, **options: object) -> LocalConnection:
    chosen = ConnectionOptions(**options)  # type: ignore[arg-type]
    return connect(Host("here"), chosen, limits or Deadline())


def test_a_command_gives_its_output_and_exit_code() -> None:
    result = local().run("echo out; echo err >&2; exit 3")

    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 3)


def test_a_command_ended_by_a_signal_names_it() -> None:
    result = local().run("kill -9 $$")

    assert (result.exit_code, result.signal) == (None, "KILL")
    assert not result.ok


def test_it_reads_nothing() -> None:
    assert local().run("cat; echo done").stdout == "done\n"


def test_much_on_both_streams_comes_whole() -> None:
    result = local().run("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero")

    assert (len(result.stdout_bytes), len(result.stderr_bytes)) == (3_000_000, 3_000_000)


def test_a_deadline_ends_it_and_all_that_it_started() -> None:
    connection = local(command_timeout_s=0.5)
    with pytest.raises(DeadlineExceeded) as raised:
        connection.run("sleep 60 & echo $!; wait")

    assert raised.value.reason == "command-deadline"
    assert raised.value.command is not None
    assert gone(int(raised.value.command.stdout))
    assert connection.sent


def test_the_hosts_deadline_is_named() -> None:
    with pytest.raises(DeadlineExceeded) as raised:
        local(Deadline.after(0.3)).run("sleep 60")

    assert raised.value.reason == "host-deadline"


def test_output_over_the_limit_ends_it() -> None:
    with pytest.raises(OutputLimitExceeded) as raised:
        local(max_output=1000).run("echo $$; exec yes")

    partial = raised.value.command
    assert partial is not None
    assert len(partial.stdout_bytes) == 1000
    assert gone(int(partial.stdout.split()[0]))


def test_exactly_the_limit_is_within_it() -> None:
    assert len(local(max_output=1000).run("head -c 1000 /dev/zero").stdout_bytes) == 1000


def test_a_process_left_behind_does_not_hold_the_result() -> None:
    result = local().run("sleep 100 & echo $!")
    os.kill(int(result.stdout), 9)  # it has not ended yet

    assert result.ok


def test_stopping_the_run_ends_it() -> None:
    timer = threading.Timer(0.3, deadline.abort, ("local-run",))
    timer.start()
    with pytest.raises(Cancelled):
        local(Deadline(run="local-run")).run("sleep 60")
    timer.join()
    deadline.forget("local-run")
