"""The system's `ssh` as a connection: on a real server, on faulty ones, and what of it is left behind."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from runner.connection import deadline
from runner.connection.command import CommandOptions, Terminal
from runner.connection.connections import Connections
from runner.connection.deadline import Deadline
from runner.connection.openssh.connection import OpenSshConnection, connect
from runner.connection.options import ConnectionOptions, HostKeyPolicy
from runner.errors import DeadlineExceeded, OutputLimitExceeded
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, perform
from runner.models import Host, HostResult, Phase, Status
from runner.reach import ReachOptions
from tests.connection.peers import ssh
from tests.connection.peers.ssh import PASSWORD, Script
from tests.connection.peers.stage import Stage
from tests.connection.sshd import Sshd, make_key, required_program, temporary_sshd
from tests.connection.test_faulty_peers import CASES, LIMIT, Case, play
from tests.liveness import alive, comes_true, gone

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENSSH = {"ansible_connection": "openssh"}
MEGABYTE = 2**20

# What `ssh` itself makes of a peer where Paramiko leaves it to us: it ends a channel of which both ends have
# ended, and does not say that a request was denied where the channel is closed at once. Of two statuses it
# tells neither. A server that stops in the middle of new keys holds back what it had said before.
OTHERWISE = {
    "eof_then_hang": (Status.LOST, "no-exit-status"),
    "exec_refused": (Status.LOST, "no-exit-status"),
}

CONNECT_S, COMMAND_S = 3.0, 8.0
# Of peers that break the protocol itself, `ssh` has its own opinion, and only the promises are looked at; of
# `end_then_rekey_stalls`, too: whether it tells of the end before it waits for keys is a matter of luck.
# fmt: off
ALIKE = frozenset({
    "refuses_tcp", "tcp_blackhole", "resets_on_accept", "closes_at_once", "never_speaks", "garbage_banner",
    "http_banner", "endless_prebanner", "endless_line", "ssh1_banner", "too_many_starts", "penalty",
    "closes_after_banner", "silent_after_banner", "closes_in_kex", "hangs_in_kex", "ignore_flood_in_kex",
    "oversized_packet", "unsupported_algorithms", "legacy_algorithms", "disconnect_escapes", "auth_rejects",
    "auth_hangs", "auth_too_many", "auth_hangs_up", "auth_code_too", "auth_then_drop", "channel_refused",
    "channel_hangs", "auth_questions", "auth_empty_round", "auth_banner_escapes", "exec_hangs",
    "opens_channels", "command_hangs", "dirty_output", "long_line", "stderr_only", "exit_signal",
    "no_exit_status", "instant_close", "exit_3", "exit_255", "exit_huge", "drop_mid_output", "half_open",
    "rekey_mid_output", "rekey_stalls", "slow_drip", "double_status", "slow_banner", "auth_password_change",
    "endless_stdout", "endless_stderr", "output_50mb", "big_stderr_first", "status_then_open",
})
# fmt: on


@pytest.fixture(autouse=True)
def _ssh() -> None:
    required_program("ssh")


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[OpenSshConnection]:
    connection = connect(sshd.host(**OPENSSH), sshd.options(), Deadline())
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def options(stage: Stage, tmp_path: Path) -> ConnectionOptions:
    return chosen(stage, tmp_path)


def chosen(stage: Stage, folder: Path) -> ConnectionOptions:
    return stage.options(
        folder,
        connect_timeout_s=CONNECT_S,
        command_timeout_s=COMMAND_S,
        max_output=LIMIT,
        ssh_config=None,
        methods=("password", "keyboard-interactive"),
    )


def peer(stage: Stage, script: Script, **variables: object) -> Host:
    place = {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(script)}
    return Host("peer", {**place, **OPENSSH, **variables})


def started_here() -> list[int]:
    """The `ssh` programs that this process has started, by whatever is between."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            try:
                stat = (entry / "stat").read_text().rpartition(")")
            except OSError:  # it has ended meanwhile
                continue
            parents[int(entry.name)] = (int(stat[2].split()[1]), stat[0].partition("(")[2])

    def ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and ours(parents[pid][0]))

    return [pid for pid, (parent, name) in parents.items() if name == "ssh" and ours(parent)]


def shown(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


# On a real server ------------------------------------------------------------------------------------------


def test_commands_share_one_login_and_give_output_and_exit_code(connection: OpenSshConnection) -> None:
    first, second = (connection.run("echo $SSH_CLIENT; echo err >&2; exit 3") for _ in range(2))

    assert (first.exit_code, first.stderr) == (3, "err\n")
    assert first.stdout == second.stdout != ""


def test_a_commands_own_255_is_an_exit_code(sshd: Sshd) -> None:
    result = perform(sshd.host(**OPENSSH), CommandJob(("exit 255",)), sshd.options())

    assert (result.status, result.commands[0].exit_code) == (Status.FAILED, 255)


def test_a_signal_is_told_from_a_connection_that_died(sshd: Sshd) -> None:
    killed = perform(sshd.host(**OPENSSH), CommandJob(("kill -9 $$",)), sshd.options())
    died = perform(sshd.host(**OPENSSH), CommandJob(("echo a; sleep 0.5; kill -9 $PPID",)), sshd.options())

    assert (killed.status, killed.reason) == (Status.FAILED, "signal")
    assert (died.status, died.reason, died.stdout) == (Status.LOST, "connection-lost", "a\n")


def test_bytes_of_both_streams_come_whole(connection: OpenSshConnection) -> None:
    result = connection.run("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; printf '\\377'")

    assert (len(result.stdout_bytes), len(result.stderr_bytes)) == (3_000_001, 3_000_000)
    assert result.stdout_bytes.endswith(b"\xff")


def test_what_a_command_is_given_arrives(connection: OpenSshConnection) -> None:
    data = b"a\xff" * MEGABYTE
    given = CommandOptions(stdin=data, environment=(("WORD", "it's $HOME"),), directory="/usr/bin")
    result = connection.run('echo "$WORD"; pwd; cat', given)

    assert result.stdout_bytes == b"it's $HOME\n/usr/bin\n" + data


def test_without_input_a_command_reads_nothing(connection: OpenSshConnection) -> None:
    assert connection.run("cat; echo done").stdout == "done\n"


@pytest.mark.terminal(remote=True)
def test_a_terminal_has_the_size_that_was_asked_for(connection: OpenSshConnection) -> None:
    result = connection.run("tty >&2; stty size; echo $TERM", CommandOptions(terminal=Terminal(132, 43)))

    assert result.stdout.splitlines()[1:] == ["43 132", "dumb"]
    assert result.stdout.startswith("/dev/pts/")


def test_where_this_machine_has_no_terminal_left_that_is_said(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> tuple[int, int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "openpty", none_left)
    job = CommandJob(("true",), CommandOptions(terminal=Terminal()))
    result = perform(sshd.host(**OPENSSH), job, sshd.options())

    assert (result.status, result.reason, result.sent) == (Status.ERROR, "local-limit", False)
    assert result.error == "this machine has no pseudo-terminal to give to ssh: No space left on device"


def test_a_command_over_its_deadline_is_ended_on_the_host_too(sshd: Sshd) -> None:
    options = sshd.options(command_timeout_s=1.0)
    connection = connect(sshd.host(**OPENSSH), options, Deadline())
    with pytest.raises(DeadlineExceeded) as raised:
        connection.run("echo $$; exec sleep 60")
    again = connection.run("echo still")
    connection.close()

    assert raised.value.command is not None
    assert gone(int(raised.value.command.stdout))
    assert again.stdout == "still\n"


def test_silence_has_a_deadline_of_its_own(sshd: Sshd) -> None:
    options = sshd.options(idle_timeout_s=0.5)
    result = perform(sshd.host(**OPENSSH), CommandJob(("echo begun; sleep 60",)), options)

    assert (result.status, result.reason, result.stdout) == (Status.TIMEOUT, "idle", "begun\n")


def test_a_command_that_prints_too_much_is_ended(sshd: Sshd) -> None:
    connection = connect(sshd.host(**OPENSSH), sshd.options(max_output=1000), Deadline())
    with pytest.raises(OutputLimitExceeded) as raised:
        connection.run("echo $$; exec yes")
    connection.close()

    assert raised.value.command is not None
    assert len(raised.value.command.stdout_bytes) == 1000
    assert gone(int(raised.value.command.stdout.split()[0]))


def test_a_process_left_behind_does_not_hold_the_result(connection: OpenSshConnection) -> None:
    result = connection.run("sleep 30 & echo $!")

    assert result.ok
    os.kill(int(result.stdout), 9)


def test_stopping_the_run_leaves_nothing(sshd: Sshd) -> None:
    begun = Path(tempfile.mkdtemp(prefix="runner-begun-"), "begun")
    begun.parent.chmod(0o777)

    def stop() -> None:
        comes_true(begun.exists)
        deadline.abort("openssh-run")

    stopping = threading.Thread(target=stop)
    stopping.start()
    command = CommandJob((f"echo $$; touch {begun}; exec sleep 60",))
    result = perform(sshd.host(**OPENSSH), command, sshd.options(), run="openssh-run")
    stopping.join()
    shutil.rmtree(begun.parent)
    deadline.forget("openssh-run")

    assert (result.status, result.reason, result.sent) == (Status.CANCELLED, "stopped", True)
    assert gone(int(result.stdout))
    assert gone(*started_here())


def test_nothing_is_left_where_we_are_killed(sshd: Sshd, tmp_path: Path) -> None:
    program = (
        "import pickle, sys; from runner.jobs import CommandJob, perform;"
        "host, options = pickle.load(open(sys.argv[1], 'rb'));"
        "perform(host, CommandJob(('echo $$ > ' + sys.argv[2] + '; exec sleep 60',)), options)"
    )
    import pickle

    told = Path(tempfile.mkdtemp(prefix="runner-told-"))
    told.chmod(0o777)
    place = tmp_path / "what"
    place.write_bytes(pickle.dumps((sshd.host(**OPENSSH), sshd.options())))
    process = subprocess.Popen([sys.executable, "-c", program, str(place), str(told / "pid")])
    assert comes_true((told / "pid").exists)
    mine = started_here()
    process.kill()
    process.wait()

    assert mine
    assert gone(*mine)


def test_no_folder_and_no_program_outlives_a_connection(sshd: Sshd) -> None:
    connection = connect(sshd.host(**OPENSSH), sshd.options(), Deadline())
    folder = Path(connection._master.socket).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    connection.close()

    assert not folder.exists()
    assert started_here() == []


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [("", "hostkey-unknown"), ("wrong", "hostkey-changed"), ("@revoked", "hostkey-revoked")],
)
def test_host_keys_are_judged_as_by_us(sshd: Sshd, tmp_path: Path, recorded: str, reason: str) -> None:
    known = tmp_path / "known_hosts"
    place = f"[{sshd.address}]:{sshd.port}"
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    texts = {"wrong": f"{place} {other}", "@revoked": f"@revoked {place} {sshd.public_key('ed25519')}\n"}
    known.write_text(texts.get(recorded, ""))
    result = perform(sshd.host(**OPENSSH), CommandJob(("true",)), sshd.options(known_hosts=(str(known),)))

    assert (result.status, result.reason) == (Status.HOSTKEY, reason)
    assert "SHA256:" in (result.error or "")


def test_a_new_key_is_recorded_where_that_is_wanted(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known hosts"
    wanted = sshd.options(known_hosts=(str(known),), host_key_policy=HostKeyPolicy.ACCEPT_NEW)

    assert perform(sshd.host(**OPENSSH), CommandJob(("true",)), wanted).ok
    assert f"[{sshd.address}]:{sshd.port}" in known.read_text()


def test_a_key_that_the_server_does_not_know_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    wanted = sshd.options(private_keys=(str(stranger),))
    result = perform(sshd.host(**OPENSSH), CommandJob(("true",)), wanted)

    assert (result.status, result.reason) == (Status.AUTH, "login-refused")
    assert "publickey" in (result.error or "")


def test_a_key_that_does_not_exist_is_told_before_anything_is_started(sshd: Sshd) -> None:
    wanted = sshd.options(private_keys=("/nowhere/key",))
    result = perform(sshd.host(**OPENSSH), CommandJob(("true",)), wanted)

    assert (result.status, result.reason) == (Status.AUTH, "no-key-file")


def test_through_a_jump_host_whose_key_is_checked_too(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    key = sshd.public_key("ed25519")
    known.write_text(f"[{sshd.address}]:{sshd.port} {key}\n[localhost]:{sshd.port} {key}\n")
    jump = f"-o ProxyJump={sshd.user}@localhost:{sshd.port}"
    host = sshd.host(**OPENSSH, ansible_ssh_common_args=jump)
    wanted = sshd.options(known_hosts=(str(known),))

    assert perform(host, CommandJob(("true",)), wanted).ok
    known.write_text(f"[{sshd.address}]:{sshd.port} {key}\n")
    assert perform(host, CommandJob(("true",)), wanted).status is Status.UNREACHABLE
    assert started_here() == []


def test_an_address_is_never_taken_for_a_flag(sshd: Sshd) -> None:
    host = Host("h", {"ansible_host": "-oProxyCommand=touch owned", **OPENSSH})
    result = perform(host, CommandJob(("true",)), sshd.options())

    assert (result.status, result.sent) == (Status.ERROR, False)
    assert not Path("owned").exists()


def test_older_gear_is_told_by_what_it_offers_and_served_by_ssh() -> None:
    older = "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\n"
    arguments = "-o KexAlgorithms=+diffie-hellman-group14-sha1 -o HostKeyAlgorithms=+ssh-rsa"
    with temporary_sshd(extra=older) as server:
        place = f"[{server.address}]:{server.port}"
        server.known_hosts.write_text(f"{place} {server.public_key('rsa')}\n")
        job = CommandJob(("echo here",))
        refused = perform(server.host(), job, server.options())
        plain = perform(server.host(**OPENSSH), job, server.options())
        served = perform(server.host(**OPENSSH, ansible_ssh_extra_args=arguments), job, server.options())

    assert served.stdout == "here\n", served.error
    assert plain.reason == "no-common-algorithm"
    assert "KexAlgorithms=+diffie-hellman-group14-sha1" in (plain.error or "")
    if int(paramiko.__version__.partition(".")[0]) >= 5:
        assert refused.reason == "no-common-algorithm"
        assert "diffie-hellman-group14-sha1" in (refused.error or "")
        assert "ansible_connection: openssh" in (refused.error or "")
        assert "paramiko<5" in (refused.error or "")


# On peers that misbehave -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[HostResult, Script]]:
    """What comes of each peer, of all of them in one run."""
    options = chosen(stage, tmp_path_factory.mktemp("peers"))
    played = {case.name: play(stage, case) for case in CASES}
    large = {case.name for case in CASES if case.reason == "output-limit"}
    patient = dataclasses.replace(
        options, command_timeout_s=60.0
    )  # a busy machine takes its time to reach it
    fanned = [
        *all_at_once({name: host for name, (host, _) in played.items() if name not in large}, options),
        *all_at_once({name: host for name, (host, _) in played.items() if name in large}, patient),
    ]
    return {result.host: (result, played[result.host][1]) for result in fanned}


def all_at_once(hosts: dict[str, Host], options: ConnectionOptions) -> Iterator[HostResult]:
    return stream(
        [Host(name, {**host.variables, **OPENSSH}) for name, host in hosts.items()],
        CommandJob(("show version",)),
        run="openssh-peers",
        connecting=Connections(options),
        options=FanoutOptions(workers=16, ping=False, max_refused=0),
        reach=ReachOptions(),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_peer_gets_what_is_true_of_it(
    outcomes: dict[str, tuple[HostResult, Script]], case: Case
) -> None:
    result, script = outcomes[case.name]

    if case.name in ALIKE or case.name in OTHERWISE:
        status, reason = OTHERWISE.get(case.name, (case.status, case.reason))
        assert (result.status, result.reason, result.sent) == (status, reason, case.sent), result
    assert case.status is Status.OK or not result.ok
    assert script.commands == [] or result.sent
    assert [line for line in script.commands if "ps -A" not in line] in ([], ["show version"])
    assert result.duration_s < CONNECT_S + COMMAND_S + 75
    assert all(len(done.stdout_bytes) <= LIMIT for done in result.commands)
    assert "127.0.0.1" not in (result.error or "")
    assert (result.error or "").isprintable()


def test_the_password_is_in_no_argument_and_no_variable(stage: Stage, options: ConnectionOptions) -> None:
    seen: list[bytes] = []

    async def looks(connection: object, password: str) -> bool:  # noqa: ARG001
        seen.extend(shown(pid, name) for pid in started_here() for name in ("cmdline", "environ"))
        return True

    script = Script(password=looks)
    result = perform(peer(stage, script), CommandJob(("true",)), options)

    assert result.ok
    assert script.passwords == [PASSWORD]
    assert len(seen) >= 2
    assert not any(PASSWORD.encode() in text for text in seen)


def test_a_code_that_is_asked_for_is_not_answered_with_the_password(
    stage: Stage, options: ConnectionOptions
) -> None:
    script = Script(questions=(("Verification code: ", "one-time-code"),))
    result = perform(peer(stage, script), CommandJob(("true",)), options)

    assert (result.status, result.phase) == (Status.AUTH, Phase.LOGIN)
    assert "Verification code" in (result.error or "")
    assert PASSWORD not in script.passwords


def test_a_wrong_password_is_given_once(stage: Stage, options: ConnectionOptions) -> None:
    script = Script(password=ssh.refuses)
    result = perform(peer(stage, script), CommandJob(("true",)), options)

    assert (result.status, result.reason) == (Status.AUTH, "login-refused")
    assert script.passwords == [PASSWORD]


def test_an_unknown_host_key_keeps_the_password_here(stage: Stage, options: ConnectionOptions) -> None:
    script = Script()
    unknown = dataclasses.replace(options, known_hosts=())
    result = perform(peer(stage, script), CommandJob(("true",)), unknown)

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-unknown")
    assert script.passwords == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_local_command_of_the_inventory_is_run_where_that_is_allowed(
    sshd: Sshd, tmp_path: Path, allowed: bool
) -> None:
    mark = tmp_path / "ran"
    given = {"ansible_ssh_common_args": f"-o PermitLocalCommand=yes -o LocalCommand='touch {mark}'"}
    result = perform(
        sshd.host(**OPENSSH, **given), CommandJob(("true",)), sshd.options(allow_commands=allowed)
    )

    assert (result.status, result.reason) == (
        (Status.OK, None) if allowed else (Status.ERROR, "refused-variable")
    )
    assert mark.exists() is allowed
