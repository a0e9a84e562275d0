"""Logins on a real OpenSSH server: every kind of key, the agent, and errors for unusable credentials."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.jobs import CommandJob, perform
from runner.models import HostResult, Phase, Secret, Status
from tests.connection.agents import running_agent
from tests.connection.sshd import Sshd, make_key, required_program, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# `openssl passwd -6` of the word "right"
HASHED = (
    "$6$runnertests$WSkVaj.Au.cs1rq8.M.PjJmXP4KOSCSUTAj15UWtY4Ko07CnDSAcN4J7Rwec9e9klKFwChAoM1Kk4s7bo0UKA/"
)


@pytest.fixture(autouse=True)
def no_keys_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The socket of a real ssh-agent without keys."""
    with running_agent() as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        yield path


def outcome(sshd: Sshd, **options: object) -> HostResult:
    return perform(sshd.host(), CommandJob(("true",)), sshd.options(**options))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ed25519", ()),
        ("rsa", ("-b", "3072")),
        ("ecdsa", ("-b", "256")),
        ("ecdsa", ("-b", "521")),
        ("rsa", ("-b", "2048", "-m", "PEM")),
        ("rsa", ("-b", "2048", "-m", "PKCS8")),
        ("ecdsa", ("-b", "256", "-m", "PKCS8")),
        ("ecdsa", ("-b", "384", "-m", "PEM")),
    ],
)
def test_keys_of_every_kind_let_one_in(
    sshd: Sshd, tmp_path: Path, kind: str, options: tuple[str, ...]
) -> None:
    key = make_key(tmp_path / "key", kind, "", *options)
    sshd.let_in(key.with_suffix(".pub"))

    assert outcome(sshd, private_key=str(key)).ok


def test_a_key_in_the_usual_place_needs_no_naming(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    key = make_key(tmp_path / ".ssh" / "id_ed25519")
    sshd.let_in(key.with_suffix(".pub"))

    assert outcome(sshd, private_key=None).ok


def test_a_tilde_means_the_home_folder(sshd: Sshd, tmp_path: Path) -> None:
    sshd.let_in(make_key(tmp_path / "mine").with_suffix(".pub"))

    assert outcome(sshd, private_key="~/mine").ok


def test_the_agents_keys_let_one_in_also_many_at_once(sshd: Sshd, agent: Path, tmp_path: Path) -> None:  # noqa: ARG001
    key = make_key(tmp_path / "held")
    sshd.let_in(key.with_suffix(".pub"))
    subprocess.run([required_program("ssh-add"), "-q", str(key)], check=True)
    key.unlink()
    results: list[HostResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(outcome(sshd, private_key=None))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [result.ok for result in results] == [True] * 20


def test_a_named_key_does_not_wait_behind_the_agents(sshd: Sshd, agent: Path, tmp_path: Path) -> None:  # noqa: ARG001
    for number in range(8):
        other = make_key(tmp_path / f"other{number}")
        subprocess.run([required_program("ssh-add"), "-q", str(other)], check=True)

    assert outcome(sshd).ok


def test_an_agent_that_is_gone_is_no_agent(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    result = outcome(sshd, private_key=None)

    assert (result.status, result.reason) == (Status.AUTH, "no-credential")


def says_nothing(connection: socket.socket) -> None:
    while connection.recv(100):
        pass


def drips(connection: socket.socket) -> None:
    for byte in b"\0\0\1\0\x0c" + bytes(255):
        connection.send(bytes([byte]))
        time.sleep(0.3)


def hangs_up(connection: socket.socket) -> None:
    connection.recv(100)


def closes_at_once(connection: socket.socket) -> None:
    """Close without reading the request, which resets the connection."""
    select.select([connection], [], [])


def talks_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"\xff" * 5000)
    connection.recv(100)


def refuses(connection: socket.socket) -> None:
    connection.sendall(b"\0\0\0\1\5")
    connection.recv(100)


def claims_many_keys(connection: socket.socket) -> None:
    connection.sendall(b"\0\0\0\5\x0c\xff\xff\xff\xff")
    connection.recv(100)


@contextmanager
def false_agent(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen like an agent and answer every connection with this function; yield the path of the socket."""

    def visited(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            answer(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=visited, args=(listener.accept()[0],), daemon=True).start()

    temporary = tempfile.TemporaryDirectory(prefix="runner-agent-")
    with temporary as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/socket")
        listener.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield f"{folder}/socket"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says_nothing, "no answer within 5 s"),
        (drips, "no answer within 5 s"),
        (hangs_up, "it closed the connection"),
        (closes_at_once, "Connection reset by peer"),
        (talks_nonsense, "the reply is not from an ssh-agent"),
        (refuses, "it does not list its keys"),
        (claims_many_keys, None),
    ],
)
def test_a_bad_agent_holds_nobody_up_and_is_told_of_once(
    sshd: Sshd,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[socket.socket], None],
    said: str | None,
) -> None:
    with false_agent(answer) as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        results = [outcome(sshd, private_key=None, connect_timeout_s=20.0) for _ in range(2)]

    assert {(result.status, result.reason) for result in results} == {(Status.AUTH, "no-credential")}
    told = [message for message in caplog.messages if "ssh-agent" in message]
    assert told == ([] if said is None else [f"the keys of the ssh-agent at {path} are not used: {said}"])


def test_a_wrong_key_is_refused_and_named(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "wrong")
    result = outcome(sshd, private_key=str(key))

    assert (result.status, result.reason) == (Status.AUTH, "login-refused")
    assert result.phase is Phase.LOGIN
    assert f"ssh-ed25519 key from {key}" in (result.error or "")
    assert not result.sent


def test_a_password_where_only_keys_are_taken_is_not_sent(sshd: Sshd) -> None:
    result = outcome(sshd, private_key=None, password=Secret("hidden-word"))

    assert (result.status, result.reason) == (Status.AUTH, "login-refused")
    assert "the server accepts: publickey" in (result.error or "")
    assert "hidden-word" not in repr(result)


def test_nothing_to_log_in_with_is_said_as_such(sshd: Sshd) -> None:
    result = outcome(sshd, private_key=None)

    assert (result.status, result.reason) == (Status.AUTH, "no-credential")
    assert "--ask-pass" in (result.error or "")


def unusable(sshd: Sshd, path: Path) -> tuple[str | None, str]:
    result = outcome(sshd, private_key=str(path))
    assert result.status is Status.AUTH
    assert result.phase is Phase.LOGIN
    return result.reason, result.error or ""


def test_a_key_file_that_is_missing(sshd: Sshd, tmp_path: Path) -> None:
    reason, error = unusable(sshd, tmp_path / "missing")

    assert reason == "no-key-file"
    assert str(tmp_path / "missing") in error


def test_a_key_file_that_is_encrypted(sshd: Sshd, tmp_path: Path) -> None:
    reason, error = unusable(sshd, make_key(tmp_path / "key", "ed25519", "passphrase"))

    assert reason == "key-encrypted"
    assert "ssh-add" in error


def test_an_encrypted_key_in_pem_form(sshd: Sshd, tmp_path: Path) -> None:
    assert unusable(sshd, make_key(tmp_path / "key", "rsa", "passphrase", "-m", "PEM"))[0] == "key-encrypted"


@pytest.mark.parametrize(
    "content", [b"", b"not a key\n", b"\x00\xff" * 100, b"-----BEGIN RSA PRIVATE KEY-----\n"]
)
def test_a_key_file_that_holds_no_key(sshd: Sshd, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    assert unusable(sshd, path)[0] == "bad-key-file"


@pytest.mark.parametrize("way", ["ssh", "openssh"])
def test_a_server_that_ends_the_login_after_some_keys_is_told_so(
    agent: Path,  # noqa: ARG001
    tmp_path: Path,
    way: str,
) -> None:
    for number in range(9):
        other = make_key(tmp_path / f"other{number}")
        subprocess.run([required_program("ssh-add"), "-q", str(other)], check=True)
    with temporary_sshd("MaxAuthTries 3\n") as server:
        host = server.host(ansible_connection=way)
        result = perform(host, CommandJob(("true",)), server.options(private_key=None))

    assert result.reason == "login-refused"
    assert "tried: " in (result.error or "")
    assert "after 3 of 9 keys" in (result.error or "")
    assert "--private-key" in (result.error or "")


@pytest.mark.parametrize("way", ["ssh", "openssh"])
def test_a_refusal_quotes_the_banner_of_the_server(tmp_path: Path, way: str) -> None:
    (tmp_path / "banner").write_text("closed for maintenance\n")
    with temporary_sshd(f'Banner "{tmp_path}/banner"\n') as server:
        host = server.host(ansible_connection=way)
        stranger = make_key(tmp_path / "stranger")
        result = perform(host, CommandJob(("true",)), server.options(private_key=str(stranger)))

    assert "the server accepts: publickey" in (result.error or "")
    assert "the server says: 'closed for maintenance'" in (result.error or "")


def test_a_device_in_place_of_a_key_file(sshd: Sshd) -> None:
    assert unusable(sshd, Path("/dev/zero"))[0] == "bad-key-file"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_is_refused_as_by_ssh(sshd: Sshd, tmp_path: Path, mode: int) -> None:
    key = make_key(tmp_path / "key")
    sshd.let_in(key.with_suffix(".pub"))
    key.chmod(mode)
    reason, error = unusable(sshd, key)

    assert reason == "key-permissions"
    assert f"chmod 600 {key}" in error


def test_a_server_that_wants_a_key_and_a_password_gets_both() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs an account with its own password, which only root can make")
    extra = "AuthenticationMethods publickey,password\nPasswordAuthentication yes\n"
    with temporary_sshd(extra, password_hash=HASHED) as server:
        both = outcome(server, password=Secret("right"))
        one = outcome(server, password=None)
        wrong = outcome(server, password=Secret("wrong"))

    assert both.ok, both
    assert (one.status, one.reason) == (Status.AUTH, "login-refused")
    assert "(taken)" in (one.error or "")
    assert "the server accepts: password" in (one.error or "")
    assert (wrong.status, wrong.reason) == (Status.AUTH, "login-refused")
