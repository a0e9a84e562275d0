"""Scripts on a real OpenSSH server: sent, run, and removed whatever they come to."""

from __future__ import annotations

import os
import pickle
import re
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from runner.connection import deadline
from runner.connection.command import CommandOptions
from runner.connection.command.shells import line
from runner.errors import UsageError
from runner.jobs import CommandJob, perform
from runner.jobs.transfers import TransferJob
from runner.models import Host, Status
from runner.transfer.script import _RUN, Script
from tests.connection.command.test_shells import left as copies
from tests.connection.servers import running_server
from tests.liveness import comes_true

if TYPE_CHECKING:
    from tests.connection.peers.stage import Stage
    from tests.connection.sshd import Sshd
    from tests.transfer.conftest import Move


def script(folder: Path, text: str | bytes, *arguments: str) -> Script:
    path = folder / "job.sh"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Script.of_file(path, arguments)


def left(result_text: str) -> bool:
    """Whether the script, which printed where it is, is still there after some seconds."""
    path = Path(result_text.splitlines()[0])
    return not comes_true(lambda: not path.exists())


def test_its_output_and_exit_code_are_those_of_a_command(move: Move, tmp_path: Path) -> None:
    result = move(script(tmp_path, '#!/bin/sh\necho "$0"; echo err >&2; stat -c %a "$0"; exit 3\n'))

    assert (result.status, result.reason, result.sent) == (Status.FAILED, "exit-code", True)
    (told,) = result.commands
    assert told.exit_code == 3
    assert told.stderr == "err\n"
    assert told.command == f"script {tmp_path}/job.sh"
    assert told.stdout.splitlines()[1] == "700"
    assert result.error == f"'script {tmp_path}/job.sh' ended with exit code 3"
    assert not left(told.stdout)


def test_arguments_arrive_as_they_are(move: Move, tmp_path: Path) -> None:
    words = ("a b", "$HOME", "it's", "*", "", "--x")
    result = move(script(tmp_path, "#!/bin/sh\nprintf '<%s>\\n' \"$@\"\n", *words))

    assert result.stdout.splitlines() == [f"<{word}>" for word in words]


def test_its_first_line_names_the_interpreter(move: Move, tmp_path: Path) -> None:
    found = move(script(tmp_path, "#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])\n", "a b"))

    assert found.stdout == "['a b']\n"


def test_without_a_first_line_the_shell_runs_it(move: Move, tmp_path: Path) -> None:
    assert move(script(tmp_path, "echo plain\n")).stdout == "plain\n"


def test_over_its_deadline_it_is_ended_and_removed(move: Move, tmp_path: Path) -> None:
    result = move(script(tmp_path, '#!/bin/sh\necho "$0"; exec sleep 60\n'), command_timeout_s=1.0)

    assert (result.status, result.reason) == (Status.TIMEOUT, "command-deadline")
    assert "job.sh" in (result.error or "")
    assert not left(result.stdout)


def test_when_the_run_is_stopped_it_is_ended_and_removed(sshd: Sshd, tmp_path: Path) -> None:
    timer = Timer(1.0, deadline.abort, ("stopped-script",))
    timer.start()
    job = TransferJob(script(tmp_path, '#!/bin/sh\necho "$0"; exec sleep 60\n'))
    result = perform(sshd.host(), job, sshd.options(), run="stopped-script")
    timer.join()
    deadline.forget("stopped-script")

    assert result.status is Status.CANCELLED
    assert not left(result.stdout)


def test_when_the_connection_dies_it_is_removed_at_its_end(move: Move, tmp_path: Path) -> None:
    # The script's parent removes it; the parent of that is the shell, whose parent is the server's process.
    text = """#!/bin/sh
        echo "$0"; sleep 0.3
        pid=$PPID
        until [ "$(cat /proc/$pid/comm)" = sshd ]; do pid=$(cut -d' ' -f4 /proc/$pid/stat); done
        kill -9 "$pid"; sleep 0.3
    """.replace("        ", "")
    result = move(script(tmp_path, text))

    assert (result.status, result.reason) == (Status.LOST, "connection-lost")
    assert not left(result.stdout)


@pytest.mark.parametrize("way", ["ssh", "openssh"])
def test_when_the_client_is_killed_it_is_removed_at_its_end(
    sshd: Sshd, tmp_path: Path, there: Path, way: str
) -> None:
    told = there / "told"
    job = TransferJob(script(tmp_path, f'#!/bin/sh\necho "$0" >{told}.new; mv {told}.new {told}; sleep 1\n'))
    place = tmp_path / "job"
    place.write_bytes(pickle.dumps((sshd.host(ansible_connection=way), job, sshd.options())))
    program = (
        "import pickle, sys; from runner.jobs import perform; perform(*pickle.load(open(sys.argv[1], 'rb')))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(place)])
    assert comes_true(told.exists)
    process.kill()
    process.wait()

    assert not left(told.read_text())


@pytest.mark.parametrize("way", ["ssh", "openssh"])
def test_faults_on_the_way_to_dropbear_leave_none(stage: Stage, tmp_path: Path, way: str) -> None:
    text = f"#!/bin/sh\necho ran\nexit\n{tmp_path}\n".ljust(40_000, "#")
    job = TransferJob(script(tmp_path, text))
    results = []
    with running_server("dropbear") as server:
        key = server.known_hosts.read_text().partition(" ")[2]
        server.known_hosts.write_text(f"[127.0.0.1]:* {key}")
        for after in (0, 600, 1200, 1600, 2000, 4000, 20_000):  # from the connection's begin to its middle
            port = stage.early_drop(server.port, drops=1, after=after)
            host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_connection": way})
            results.append(perform(host, job, server.options(retries=2)))

    for result in results:
        if result.ok:
            assert (result.attempts, result.stdout) == (2, "ran\n")
        else:
            assert (result.attempts, result.status, result.stdout) == (1, Status.LOST, "")
            assert re.search(r"; /tmp/\.runner-\w+ may be left there$", result.error or ""), result.error
    assert (results[0].status, results[-1].status) == (Status.OK, Status.LOST)
    assert comes_true(lambda: not copies(tmp_path))


def test_a_second_signal_does_not_end_its_removal(tmp_path: Path) -> None:
    remove = tmp_path / "rm"
    remove.write_text(f'#!/bin/sh\ntouch {tmp_path}/removing; sleep 1; exec /bin/rm "$@"\n')
    remove.chmod(0o755)
    content = f"#!/bin/sh\ntouch {tmp_path}/running; sleep 60\n".encode()
    words = ["sh", "-c", _RUN, str(tmp_path / "copy"), str(len(content))]
    path = f"{tmp_path}:{os.environ['PATH']}"
    with subprocess.Popen(words, stdin=subprocess.PIPE, env={"PATH": path}, start_new_session=True) as shell:
        assert shell.stdin is not None
        shell.stdin.write(content)
        shell.stdin.close()
        for mark in ("running", "removing"):  # as who ends a process before its group, which `rm` is part of
            assert comes_true((tmp_path / mark).exists)
            os.killpg(shell.pid, signal.SIGTERM)

    assert not (tmp_path / "copy").exists()


def test_one_that_did_not_arrive_whole_is_not_run(sshd: Sshd) -> None:
    path = f"/tmp/.runner-{secrets.token_hex(8)}"
    asked = line("sh", "-c", _RUN, path, "100")
    result = perform(
        sshd.host(), CommandJob((asked,), CommandOptions(stdin=b"#!/bin/sh\necho ran\n")), sshd.options()
    )

    assert (result.stdout, result.commands[0].exit_code) == ("", 126)
    assert "did not arrive whole" in result.stderr
    assert not Path(path).exists()


def test_one_that_a_signal_ends_has_the_exit_code_of_a_shell(move: Move, tmp_path: Path) -> None:
    result = move(script(tmp_path, '#!/bin/sh\necho "$0"; kill -9 $$\n'))

    assert result.commands[0].exit_code == 137
    assert not left(result.stdout)


@pytest.mark.parametrize("text", [b"#!/bin/sh\r\necho x\r\n", b"\xef\xbb\xbf#!/bin/sh\necho x\n"])
def test_a_first_line_of_windows_is_refused_before_anything_is_sent(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(UsageError, match="with Unix line ends"):
        script(tmp_path, text)


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Script.of_file(tmp_path / "none")


def test_a_device_runs_none(sshd: Sshd, tmp_path: Path) -> None:
    host = sshd.host(ansible_network_os="ios")
    result = perform(host, TransferJob(script(tmp_path, "#!/bin/sh\n")), sshd.options())

    assert (result.status, result.reason, result.sent) == (Status.FAILED, "no-shell", False)
