"""Unusable key files: the result of both SSH connections says what the file is and what to do."""

from __future__ import annotations

import base64
import subprocess
import warnings
from typing import TYPE_CHECKING

import pytest

from runner.jobs import CommandJob, perform
from runner.models import Secret, Status
from tests.connection.agents import running_agent
from tests.connection.sshd import Sshd, make_key, required_program

if TYPE_CHECKING:
    from pathlib import Path

PPK = b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: mine\n"
NO_KEY = b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
both = pytest.mark.parametrize("way", ["ssh", "openssh"])


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def unusable(sshd: Sshd, way: str, key: Path | bytes, folder: Path, **options: object) -> tuple[str, str]:
    """Log in with an unusable key; return the result's reason and error, with the path replaced by KEY."""
    path = folder / "key"
    if isinstance(key, bytes):
        path.write_bytes(key)
        path.chmod(0o600)
    else:
        path = key
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # from the package cryptography, about DSA
        chosen = sshd.options(private_key=str(path), **options)
        result = perform(sshd.host(ansible_connection=way), CommandJob(("true",)), chosen)
    assert result.status is Status.AUTH, result
    return result.reason or "", (result.error or "").replace(str(path), "KEY")


def text(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def fido_key(cipher: bytes) -> bytes:
    """Return a private key file of a FIDO token, as `ssh-keygen -t ed25519-sk` writes it (PROTOCOL.u2f)."""
    public = text(b"sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:")
    encrypted = cipher != b"none"
    options = text(bytes(16)) + (24).to_bytes(4, "big") if encrypted else b""
    private = bytes(8) + public + b"\1" + text(bytes(64), b"", b"mine")
    private += bytes(range(1, 17))[: -len(private) % 16]
    kdf = b"bcrypt" if encrypted else b"none"
    body = b"openssh-key-v1\0" + text(cipher, kdf, options) + (1).to_bytes(4, "big") + text(public, private)
    lines = base64.encodebytes(body)
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + lines + b"-----END OPENSSH PRIVATE KEY-----\n"


@both
def test_a_key_of_putty(sshd: Sshd, tmp_path: Path, way: str) -> None:
    reason, error = unusable(sshd, way, PPK, tmp_path)

    assert reason == "bad-key-file"
    assert (
        error == "private key KEY is a key of PuTTY: convert it with puttygen KEY -O private-openssh -o NEW"
    )


@both
def test_a_public_key(sshd: Sshd, tmp_path: Path, way: str) -> None:
    key = make_key(tmp_path / "mine")
    path = key.with_suffix(".pub")
    path.chmod(0o600)
    error = unusable(sshd, way, path, tmp_path)[1]

    assert f"private key KEY is a public key: name the private one, usually {key}" in error


@both
@pytest.mark.parametrize("form", ["PEM", "RFC4716"])
def test_a_dsa_key(sshd: Sshd, tmp_path: Path, way: str, form: str) -> None:
    words = [
        required_program("ssh-keygen"),
        "-q",
        "-t",
        "dsa",
        "-N",
        "",
        "-m",
        form,
        "-f",
        str(tmp_path / "dsa"),
    ]
    if subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("this ssh-keygen makes no DSA keys (OpenSSH 9.8 and later)")

    assert "private key KEY is a DSA key" in unusable(sshd, way, tmp_path / "dsa", tmp_path)[1]


@pytest.mark.parametrize("cipher", [b"none", b"aes256-ctr"])
def test_a_fido_key(sshd: Sshd, tmp_path: Path, cipher: bytes) -> None:
    key = fido_key(cipher)
    reason, error = unusable(sshd, "ssh", key, tmp_path)

    assert reason == "key-unsupported"
    assert error.endswith(
        "KEY is a FIDO key, which only ssh can use: set ansible_connection: openssh for the host"
    )
    over_ssh = unusable(sshd, "openssh", key, tmp_path)[1]  # `ssh` looks for the token
    assert "ED25519-SK" in over_ssh
    assert "FIDO" not in over_ssh


def test_ssh_keygen_reads_the_fido_key_of_these_tests(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(fido_key(b"none"))
    (tmp_path / "key").chmod(0o600)
    asked = [required_program("ssh-keygen"), "-y", "-f", str(tmp_path / "key")]
    shown = subprocess.run(asked, check=True, capture_output=True, text=True)

    assert shown.stdout.startswith("sk-ssh-ed25519@openssh.com ")


@both
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("given", [None, "wrong"])
def test_an_encrypted_key(sshd: Sshd, tmp_path: Path, way: str, form: str, given: str | None) -> None:
    key = make_key(tmp_path / "mine", "ecdsa", "words", "-m", form)
    passphrases = () if given is None else (Secret(given),)
    error = unusable(sshd, way, key, tmp_path, passphrases=passphrases)[1]

    assert "private key KEY is encrypted" in error
    assert ("the passphrase is not right" in error) is (given is not None)
    assert "ssh-add" in error


@pytest.mark.parametrize("way", ["openssh"])
def test_an_encrypted_key_that_the_agent_holds_is_not_called_unusable(
    sshd: Sshd, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path / "mine")
    with running_agent() as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        subprocess.run([required_program("ssh-add"), "-q", str(key)], check=True)
        encrypt = [required_program("ssh-keygen"), "-q", "-p", "-P", "", "-N", "words", "-f", str(key)]
        subprocess.run(encrypt, check=True, capture_output=True)
        error = unusable(sshd, way, key, tmp_path)[1]

    assert "encrypted" not in error


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "3des-cbc"])
def test_a_key_in_another_cipher_is_rewritten_by_what_is_said(
    sshd: Sshd, tmp_path: Path, cipher: str
) -> None:
    key = make_key(tmp_path / "mine", "ed25519", "words", "-Z", cipher)
    reason, error = unusable(sshd, "ssh", key, tmp_path)
    again = ("-p", "-P", "words", "-N", "words", "-Z", "aes256-ctr", "-f", str(key))
    subprocess.run([required_program("ssh-keygen"), "-q", *again], check=True)

    assert reason == "key-unsupported"
    assert "ssh-keygen -p -Z aes256-ctr -f KEY" in error
    assert unusable(sshd, "ssh", key, tmp_path)[0] == "key-encrypted"


def test_a_form_that_is_not_known(sshd: Sshd, tmp_path: Path) -> None:
    assert "ssh-keygen -p -Z aes256-ctr -f KEY" in unusable(sshd, "ssh", NO_KEY, tmp_path)[1]
