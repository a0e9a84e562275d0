"""Host keys of a real server against what is on record, under each policy."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.connection.options import HostKeyPolicy
from runner.jobs import CommandJob, perform
from runner.models import Phase, Status
from tests.connection.sshd import make_key, required_program

if TYPE_CHECKING:
    from pathlib import Path

    from runner.models import HostResult
    from tests.connection.sshd import Sshd


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def outcome(
    sshd: Sshd, file: Path, policy: HostKeyPolicy = HostKeyPolicy.STRICT, revoked: Path | None = None
) -> HostResult:
    named = None if revoked is None else str(revoked)
    options = sshd.options(known_hosts=(str(file),), host_key_policy=policy, revoked_host_keys=named)
    return perform(sshd.host(), CommandJob(("true",)), options)


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_host_is_known_by_whichever_of_its_keys_is_on_record(sshd: Sshd, file: Path, kind: str) -> None:
    file.write_text(f"[127.0.0.1]:{sshd.port} {sshd.public_key(kind)}\n")

    assert outcome(sshd, file).ok


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_that_holds_for_hashed_names_too(sshd: Sshd, file: Path, tmp_path: Path, kind: str) -> None:
    others = "".join(f"other-{other} {make_other(tmp_path, other)}\n" for other in ("ed25519", "rsa"))
    file.write_text(f"{others}[127.0.0.1]:{sshd.port} {sshd.public_key(kind)}\n")
    subprocess.run(
        [required_program("ssh-keygen"), "-q", "-H", "-f", str(file)], check=True, capture_output=True
    )

    assert "127.0.0.1" not in file.read_text()
    assert outcome(sshd, file).ok


def make_other(folder: Path, kind: str) -> str:
    path = folder / f"other_{kind}"
    if not path.exists():
        make_key(path, kind)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@pytest.mark.parametrize("policy", [HostKeyPolicy.STRICT, HostKeyPolicy.ACCEPT_NEW])
@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_changed_key_is_refused_under_every_policy_that_looks(
    sshd: Sshd, file: Path, tmp_path: Path, policy: HostKeyPolicy, kind: str
) -> None:
    file.write_text(f"[127.0.0.1]:{sshd.port} {make_other(tmp_path, kind)}\n")
    before = file.read_text()
    result = outcome(sshd, file, policy)

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-changed")
    assert result.phase is Phase.HANDSHAKE
    assert f"{file}:1" in (result.error or "")
    assert "SHA256:" in (result.error or "")
    assert f"ssh-keygen -f {file} -R '[127.0.0.1]:{sshd.port}'" in (result.error or "")
    assert file.read_text() == before


def test_an_unknown_key_is_refused_with_its_fingerprint(sshd: Sshd, file: Path) -> None:
    printed = subprocess.run(
        [required_program("ssh-keygen"), "-l", "-f", str(sshd.folder / "host_ed25519.pub")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    result = outcome(sshd, file)

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-unknown")
    assert printed.split()[1] in (result.error or "")


@pytest.mark.parametrize("policy", HostKeyPolicy)
def test_a_revoked_key_is_refused_under_every_policy(sshd: Sshd, file: Path, policy: HostKeyPolicy) -> None:
    key = sshd.public_key("ed25519")
    file.write_text(f"[127.0.0.1]:{sshd.port} {key}\n@revoked * {key}\n")
    result = outcome(sshd, file, policy)

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-revoked")


def test_accept_new_records_a_key_and_knows_it_from_then_on(sshd: Sshd, file: Path) -> None:
    assert outcome(sshd, file, HostKeyPolicy.ACCEPT_NEW).ok
    assert file.read_text() == f"[127.0.0.1]:{sshd.port} {sshd.public_key('ed25519')}\n"
    assert outcome(sshd, file, HostKeyPolicy.STRICT).ok


def test_accept_new_goes_on_where_the_key_cannot_be_recorded(
    sshd: Sshd, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "occupied").write_text("")
    assert outcome(sshd, tmp_path / "occupied" / "known_hosts", HostKeyPolicy.ACCEPT_NEW).ok
    assert any("was not recorded" in message for message in caplog.messages)


def test_off_takes_any_key_and_records_none(sshd: Sshd, file: Path, tmp_path: Path) -> None:
    file.write_text(f"[127.0.0.1]:{sshd.port} {make_other(tmp_path, 'ed25519')}\n")
    before = file.read_text()

    assert outcome(sshd, file, HostKeyPolicy.OFF).ok
    assert file.read_text() == before


def test_openssh_reads_what_was_recorded(sshd: Sshd, file: Path) -> None:
    outcome(sshd, file, HostKeyPolicy.ACCEPT_NEW)
    found = subprocess.run(
        [required_program("ssh-keygen"), "-F", f"[127.0.0.1]:{sshd.port}", "-f", str(file)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert found.returncode == 0
    assert sshd.public_key("ed25519") in found.stdout


def by_ssh(sshd: Sshd, revoked: Path) -> bool:
    """Whether `ssh` lets itself be connected to the host."""
    options = {"UserKnownHostsFile": sshd.known_hosts, "RevokedHostKeys": revoked, "BatchMode": "yes"}
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    login = ["-F", "none", "-i", str(sshd.key), "-p", str(sshd.port), f"{sshd.user}@{sshd.address}"]
    done = subprocess.run(
        [required_program("ssh"), *words, *login, "true"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def revocation_list(sshd: Sshd, tmp_path: Path, content: str) -> Path:
    path = tmp_path / "revoked"
    if content == "list":
        public = str(sshd.folder / "host_ed25519.pub")
        subprocess.run([required_program("ssh-keygen"), "-q", "-k", "-f", str(path), public], check=True)
    elif content != "missing":
        path.write_text(content.format(key=sshd.public_key("ed25519"), rsa=sshd.public_key("rsa")))
    return path


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        ("", True),
        ("# {key}\n\n  # and nothing else\n", True),
        ("{rsa}\nnonsense\n", False),
        ("ssh-ed25519 AAAA\n", False),
        ("no-pty {key}\n", False),
        ("{rsa}\n", True),
        ("{rsa}\n{key}\n", False),
        ("{key} its owner left\n", False),
        ("list", False),
        ("missing", False),
    ],
)
def test_a_key_that_is_revoked_in_a_file_is_refused_as_by_ssh(
    sshd: Sshd, tmp_path: Path, content: str, taken: bool
) -> None:
    revoked = revocation_list(sshd, tmp_path, content)

    assert by_ssh(sshd, revoked) is taken
    for policy in HostKeyPolicy:
        result = outcome(sshd, sshd.known_hosts, policy, revoked)
        assert result.ok is taken
        if not taken:
            assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-revoked")
            assert str(revoked) in (result.error or "")


def test_a_list_that_only_openssh_reads_lets_nobody_in_and_says_the_way_on(
    sshd: Sshd, tmp_path: Path
) -> None:
    revoked = revocation_list(sshd, tmp_path, "list")
    error = outcome(sshd, sshd.known_hosts, HostKeyPolicy.STRICT, revoked).error or ""

    assert "Key Revocation List" in error
    assert "ansible_connection: openssh" in error
