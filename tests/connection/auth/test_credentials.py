"""Several credentials in order, one-time codes and certificates, on real servers and on scripted ones."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.auth.named import Named
from runner.jobs import CommandJob, perform
from runner.models import Host, HostResult, Phase, Secret, Status
from runner.results.limits import Limits
from tests.connection.agents import lock, running_agent
from tests.connection.auth.test_login import HASHED
from tests.connection.peers import ssh
from tests.connection.peers.ssh import PASSWORD, USER, Script
from tests.connection.peers.stage import Stage
from tests.connection.sshd import Sshd, make_key, required_program, running_sshd, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKES_PASSWORDS = "PasswordAuthentication yes\n"


@pytest.fixture(autouse=True)
def no_keys_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@contextmanager
def server(extra: str) -> Iterator[Sshd]:
    """A server on which the user's password is `right`."""
    if os.geteuid() != 0:
        pytest.skip("needs an account with its own password, which only root can make")
    with temporary_sshd(extra, password_hash=HASHED) as found:
        yield found


@pytest.fixture(scope="module")
def sshd_with_passwords() -> Iterator[Sshd]:
    with server(TAKES_PASSWORDS + "MaxAuthTries 2\n") as found:
        yield found


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def outcome(sshd: Sshd, variables: dict[str, object] | None = None, **options: object) -> HostResult:
    host = sshd.host("real", **(variables or {}))
    return perform(host, CommandJob(("id -un",)), sshd.options(**options))


def tried(*words: str) -> tuple[Named, ...]:
    return tuple(Named(f"old {place}", password=Secret(word)) for place, word in enumerate(words, 1))


def failures(sshd: Sshd, before: int = 0) -> int:
    return sshd.log[before:].count("Failed password")


def test_keys_are_tried_in_order_and_the_one_that_let_the_user_in_is_named(
    sshd: Sshd, tmp_path: Path
) -> None:
    wrong = make_key(tmp_path / "wrong")
    result = outcome(sshd, private_keys=(str(wrong), str(sshd.key)))

    assert result.ok
    assert result.login == f"ssh-ed25519 key from {sshd.key}"


def test_the_same_key_under_two_names_is_tried_once(sshd: Sshd, tmp_path: Path) -> None:
    first = make_key(tmp_path / "one")
    second = tmp_path / "two"
    second.write_bytes(first.read_bytes())
    second.chmod(0o600)
    result = outcome(sshd, private_keys=(str(first), str(second)))

    assert result.status is Status.AUTH
    assert (result.error or "").count("key from") == 1


@pytest.mark.parametrize("form", ["list", "settings"])
def test_the_new_password_and_then_the_old_one(sshd_with_passwords: Sshd, form: str) -> None:
    if form == "list":
        given: dict[str, object] = {"variables": {"ansible_password": ["new-word", "right"]}}
    else:
        given = {"password": Secret("new-word"), "credentials": tried("right")}
    result = outcome(sshd_with_passwords, private_key=None, **given)  # type: ignore[arg-type]

    assert result.ok, result
    assert result.login == ("password 2" if form == "list" else "old 1")


def test_more_than_the_server_allows_on_one_connection_takes_several(sshd_with_passwords: Sshd) -> None:
    before = len(sshd_with_passwords.log)
    words = ("a", "b", "c", "d", "right", "never")
    result = outcome(sshd_with_passwords, private_key=None, credentials=tried(*words))

    assert result.ok, result
    assert result.login == "old 5"
    assert failures(sshd_with_passwords, before) == 4
    assert result.attempts == 1


def test_where_all_are_refused_each_is_named_and_no_secret_is(sshd_with_passwords: Sshd) -> None:
    before = len(sshd_with_passwords.log)
    result = outcome(sshd_with_passwords, private_key=None, credentials=tried("aa-1", "bb-2", "aa-1", "cc-3"))
    error = result.error or ""

    assert (result.status, result.reason, result.phase) == (Status.AUTH, "login-refused", Phase.LOGIN)
    assert all(name in error for name in ("old 1", "old 2", "old 4"))
    assert not any(word in repr(result) for word in ("aa-1", "bb-2", "cc-3"))
    assert failures(sshd_with_passwords, before) == 3
    limits = Limits(10, None, 2)
    assert limits.take(result) is None
    assert limits.take(result) is not None


def test_another_user_has_a_connection_of_its_own(sshd_with_passwords: Sshd) -> None:
    own = Named("runner.credentials 1", user=sshd_with_passwords.user, password=Secret("right"))
    result = outcome(
        sshd_with_passwords, private_key=None, user="nobody", password=Secret("x"), credentials=(own,)
    )

    assert result.ok, result
    assert result.stdout.strip() == sshd_with_passwords.user


def test_a_key_that_cannot_be_used_does_not_stand_in_the_way_of_a_password(sshd_with_passwords: Sshd) -> None:
    missing = str(sshd_with_passwords.folder / "missing")
    right = outcome(sshd_with_passwords, private_keys=(missing,), password=Secret("right"))
    wrong = outcome(sshd_with_passwords, private_keys=(missing,), password=Secret("wrong"))

    assert right.ok
    assert wrong.status is Status.AUTH
    assert f"private key {missing} does not exist" in (wrong.error or "")


def test_a_part_that_was_taken_is_given_again_on_the_next_connection() -> None:
    methods = "AuthenticationMethods publickey,password\nMaxAuthTries 2\n"
    with server(TAKES_PASSWORDS + methods) as sshd:
        result = outcome(sshd, credentials=tried("a", "b", "c", "right"))
        refused = outcome(sshd, credentials=tried("a", "b", "c"))

    assert result.ok, result
    assert result.login == "old 4"
    assert refused.reason == "login-refused"
    assert (refused.error or "").count("(taken)") == 1


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin"])
def test_a_device_in_place_of_a_certificate_holds_nobody_up(sshd: Sshd, path: str) -> None:
    named = outcome(sshd, {"ansible_ssh_common_args": f"-o CertificateFile={path}"})
    beside = outcome(sshd, {"ansible_ssh_common_args": f"-o CertificateFile={path}"}, private_key=None)

    assert named.reason == "bad-key-file"
    assert beside.status is Status.AUTH


def test_a_key_may_be_written_out_in_a_variable(sshd: Sshd, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "ed25519", "opens it")
    sshd.let_in(locked.with_suffix(".pub"))
    plain = outcome(sshd, {"ansible_private_key": sshd.key.read_text()}, private_key=None)
    passphrase = {"ansible_private_key": locked.read_text(), "ansible_private_key_passphrase": "opens it"}
    opened = outcome(sshd, passphrase, private_key=None)
    no_key = outcome(sshd, {"ansible_private_key": "no key, but a canary"}, private_key=None)

    assert plain.ok, plain
    assert opened.ok, opened
    assert (no_key.status, no_key.reason) == (Status.AUTH, "bad-key-file")
    assert "canary" not in repr(no_key)


def test_a_passphrase_opens_a_key_and_another_does_not(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", "rsa", "opens it", "-m", "PEM")
    sshd.let_in(key.with_suffix(".pub"))
    right = outcome(sshd, private_key=str(key), passphrases=(Secret("other"), Secret("opens it")))
    wrong = outcome(sshd, private_key=str(key), passphrases=(Secret("other"),))

    assert right.ok, right
    assert (wrong.status, wrong.reason) == (Status.AUTH, "key-encrypted")
    assert "is not right" in (wrong.error or "")


# One-time codes -------------------------------------------------------------------------------------------

CODE = "one-time-code"
BOTH = (("Password: ", PASSWORD), ("Verification code: ", CODE))


def played(stage: Stage, tmp_path: Path, script: Script, run: str = "", **options: object) -> HostResult:
    port = stage.ssh(script)
    chosen = stage.options(tmp_path, **{"ssh_config": None, "connect_timeout_s": 5.0, **options})
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": port})
    return perform(host, CommandJob(("true",)), chosen, run=run)


@pytest.mark.parametrize(
    "prompt",
    [
        "Verification code: ",
        "One-time password (OATH) for `operator': ",
        "Enter PASSCODE: ",
        "Token_Response:",
    ],
)
def test_a_code_is_given_to_the_prompt_that_asks_for_one(stage: Stage, tmp_path: Path, prompt: str) -> None:
    script = Script(questions=((f"({USER}@h) Password: ", PASSWORD), (prompt, CODE)))
    result = played(stage, tmp_path, script, code=Secret(CODE))

    assert result.ok, result
    assert script.passwords == [PASSWORD, CODE]


def test_a_code_alone_is_enough_where_no_password_is_asked_for(stage: Stage, tmp_path: Path) -> None:
    script = Script(questions=(("Verification code: ", CODE),))

    assert played(stage, tmp_path, script, password=None, code=Secret(CODE)).ok


def test_without_a_code_the_error_says_how_to_give_one(stage: Stage, tmp_path: Path) -> None:
    result = played(stage, tmp_path, Script(questions=BOTH))

    assert (result.status, result.reason) == (Status.AUTH, "code-needed")
    assert "--ask-code" in (result.error or "")


@pytest.mark.parametrize(
    "prompt", ["Mother's maiden name: ", "Response: ", "Press return", "Username: ", "New password: ", ""]
)
def test_a_prompt_that_is_not_recognised_is_given_no_secret(
    stage: Stage, tmp_path: Path, prompt: str
) -> None:
    script = Script(questions=((prompt, "x"),))
    result = played(stage, tmp_path, script, code=Secret(CODE))

    assert result.status is Status.AUTH
    assert not {PASSWORD, CODE} & set(script.passwords)


def test_a_code_is_not_given_again_when_the_login_is_repeated(stage: Stage, tmp_path: Path) -> None:
    script = Script(questions=BOTH, after_login=ssh.drops, channel="hang")
    result = played(stage, tmp_path, script, run="once", code=Secret(CODE), retries=3)

    assert (result.status, result.reason) == (Status.AUTH, "code-spent")
    assert script.passwords.count(CODE) == 1


def test_a_refused_code_is_not_given_again(stage: Stage, tmp_path: Path) -> None:
    script = Script(questions=BOTH)
    result = played(stage, tmp_path, script, run="refused", code=Secret("no-such-code"), retries=3)

    assert result.status is Status.AUTH
    assert script.passwords.count("no-such-code") == 1
    assert "no-such-code" not in repr(result)


# Certificates ---------------------------------------------------------------------------------------------


def signed(authority: Path, key: Path, *options: str) -> Path:
    subprocess.run(
        [required_program("ssh-keygen"), "-q", "-s", str(authority), "-I", "tests", *options, f"{key}.pub"],
        check=True,
    )
    return key.with_name(f"{key.name}-cert.pub")


@pytest.fixture(scope="module")
def trusting() -> Iterator[tuple[Sshd, Path]]:
    """A server that accepts certificates of an authority, and the key of that authority."""
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        authority = make_key(Path(folder) / "authority")
        with running_sshd(Path(folder), f"TrustedUserCAKeys {authority}.pub\n") as found:
            yield found, authority


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_certificate_beside_the_key_lets_one_in(
    trusting: tuple[Sshd, Path], tmp_path: Path, kind: str
) -> None:
    sshd, authority = trusting
    key = make_key(tmp_path / "key", kind)
    certificate = signed(authority, key, "-n", sshd.user)
    result = outcome(sshd, private_key=str(key))

    assert result.ok, result
    assert f"certificate from {certificate}" in (result.login or "")


def test_a_certificate_that_has_ended_does_not_stand_in_the_way_of_its_key(
    trusting: tuple[Sshd, Path], tmp_path: Path
) -> None:
    sshd, authority = trusting
    key = make_key(tmp_path / "key")
    signed(authority, key, "-n", sshd.user, "-V", "20200101:20200102")
    refused = outcome(sshd, private_key=str(key))
    sshd.let_in(key.with_suffix(".pub"))

    assert refused.status is Status.AUTH
    assert outcome(sshd, private_key=str(key)).ok


def test_a_certificate_may_be_named_by_ssh_config(trusting: tuple[Sshd, Path], tmp_path: Path) -> None:
    sshd, authority = trusting
    key = make_key(tmp_path / "key")
    signed(authority, key, "-n", sshd.user).rename(tmp_path / "elsewhere-cert.pub")
    file = tmp_path / "config"
    file.write_text(f"Host *\n IdentityFile {key}\n CertificateFile {tmp_path}/elsewhere-cert.pub\n")
    result = outcome(sshd, private_key=None, ssh_config=str(file))

    assert result.ok, result


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_certificate_of_the_agent_lets_one_in(
    trusting: tuple[Sshd, Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd, authority = trusting
    key = make_key(tmp_path / "key", kind)
    signed(authority, key, "-n", sshd.user)
    with running_agent(key) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        key.unlink()
        result = outcome(sshd, private_key=None)

    assert result.ok, result
    assert "cert" in (result.login or "")


def test_an_encrypted_key_that_the_agent_holds_needs_no_passphrase(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path / "key")
    sshd.let_in(key.with_suffix(".pub"))
    with running_agent(key) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        lock(key, "passphrase")
        result = outcome(sshd, private_key=str(key))

    assert result.ok, result
    assert "in the agent" in (result.login or "")
