"""Host certificates of a real server: whom an authority vouches for, and when it does not."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.host_keys.certificates import authority_of, fault
from runner.connection.options import HostKeyPolicy
from runner.jobs import CommandJob, perform
from runner.models import HostResult, Status
from tests.connection.sshd import Sshd, make_key, required_program, running_sshd
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("ed25519", "rsa", "ecdsa")


@pytest.fixture(scope="module", params=KINDS)
def certified(request: pytest.FixtureRequest) -> Iterator[tuple[Sshd, Path]]:
    """A server with a certificate of one kind of key, signed by an authority of that kind, for any use."""
    kind = request.param
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        authority = make_key(Path(folder) / "authority", kind)
        certificate = Path(folder) / f"host_{kind}-cert.pub"
        with running_sshd(Path(folder), f"HostCertificate {certificate}\n") as found:
            yield found, authority


def certify(sshd: Sshd, authority: Path, *options: str, host: bool = True) -> None:
    """Give the server a certificate; it reads that when it begins to serve a connection."""
    kind = authority.with_suffix(".pub").read_text().split()[0].removeprefix("ssh-").split("-")[0]
    key = sshd.folder / f"host_{kind}.pub"
    subprocess.run(
        [
            required_program("ssh-keygen"),
            *("-q", "-s", str(authority), "-I", "tests", *(["-h"] if host else []), *options, str(key)),
        ],
        check=True,
        capture_output=True,
    )
    process = int((sshd.folder / "sshd.pid").read_text())
    before = sshd.log.count("Server listening")
    os.kill(process, signal.SIGHUP)
    assert comes_true(lambda: sshd.log.count("Server listening") > before), sshd.log[-500:]


def outcome(
    sshd: Sshd, file: Path, policy: HostKeyPolicy = HostKeyPolicy.STRICT, **variables: object
) -> HostResult:
    options = sshd.options(known_hosts=(str(file),), host_key_policy=policy)
    return perform(sshd.host(**variables), CommandJob(("true",)), options)


def authority_line(sshd: Sshd, authority: Path, names: str | None = None) -> str:
    key = " ".join(authority.with_suffix(".pub").read_text().split()[:2])
    return f"@cert-authority {names or f'[127.0.0.1]:{sshd.port}'} {key}\n"


def test_an_authority_on_record_vouches_for_a_host(certified: tuple[Sshd, Path], tmp_path: Path) -> None:
    sshd, authority = certified
    certify(sshd, authority, "-n", "elsewhere,127.0.0.1")
    file = tmp_path / "known"
    file.write_text(authority_line(sshd, authority, "127.0.0.?"))

    assert outcome(sshd, file).ok
    by_openssh = subprocess.run(
        [
            *(required_program("ssh"), "-F", "/dev/null", "-p", str(sshd.port), "-i", str(sshd.key)),
            *("-o", f"UserKnownHostsFile={file}", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"),
            *("-l", sshd.user, "127.0.0.1", "true"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert by_openssh.returncode == 0, by_openssh.stderr


@pytest.fixture(scope="module")
def one() -> Iterator[tuple[Sshd, Path]]:
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        authority = make_key(Path(folder) / "authority")
        certificate = Path(folder) / "host_ed25519-cert.pub"
        with running_sshd(Path(folder), f"HostCertificate {certificate}\n") as found:
            yield found, authority


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("-n", "127.0.0.*"), "it is for 127.0.0.*, not for 127.0.0.1"),
        (("-n", "other.example"), "it is for other.example, not for 127.0.0.1"),
        (("-n", "127.0.0.1", "-V", "20200101:20200102"), "it has expired"),
        (("-n", "127.0.0.1", "-V", "20900101:20910101"), "it is not valid yet"),
        (("-n", "127.0.0.1", "-O", "critical:unknown=yes"), "it has critical options"),
    ],
)
def test_a_certificate_for_others_or_another_time_vouches_for_nothing(
    one: tuple[Sshd, Path], tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    sshd, authority = one
    certify(sshd, authority, *options)
    file = tmp_path / "known"
    file.write_text(authority_line(sshd, authority))
    result = outcome(sshd, file)

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-certificate"), result
    assert why in (result.error or "")


def test_what_another_authority_signed_vouches_for_nothing(one: tuple[Sshd, Path], tmp_path: Path) -> None:
    sshd, _ = one
    other, third = make_key(tmp_path / "other"), make_key(tmp_path / "third")
    certify(sshd, other, "-n", "127.0.0.1")
    file = tmp_path / "known"
    file.write_text(authority_line(sshd, third))
    result = outcome(sshd, file)

    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-certificate")
    assert "its authority is not on record" in (result.error or "")


def test_an_authority_for_other_hosts_is_none_here(one: tuple[Sshd, Path], tmp_path: Path) -> None:
    sshd, authority = one
    certify(sshd, authority, "-n", "127.0.0.1")
    file = tmp_path / "known"
    file.write_text(authority_line(sshd, authority, "*.example.com"))

    assert outcome(sshd, file).reason == "hostkey-unknown"


@pytest.mark.parametrize("revoked", ["authority", "key"])
def test_a_revoked_authority_or_key_is_refused(one: tuple[Sshd, Path], tmp_path: Path, revoked: str) -> None:
    sshd, authority = one
    certify(sshd, authority, "-n", "127.0.0.1")
    file = tmp_path / "known"
    line = authority_line(sshd, authority)
    key = line.split(" ", 2)[2] if revoked == "authority" else sshd.public_key("ed25519") + "\n"
    file.write_text(f"{line}@revoked * {key}")

    assert outcome(sshd, file).reason == "hostkey-revoked"


def test_a_key_on_record_counts_beside_a_certificate_that_does_not(
    one: tuple[Sshd, Path], tmp_path: Path
) -> None:
    sshd, authority = one
    certify(sshd, authority, "-n", "other")
    file = tmp_path / "known"
    known = f"[127.0.0.1]:{sshd.port} {sshd.public_key('ed25519')}\n"
    file.write_text(authority_line(sshd, authority) + known)

    assert outcome(sshd, file).ok


def test_a_certificate_is_for_the_name_that_the_host_is_known_by(
    one: tuple[Sshd, Path], tmp_path: Path
) -> None:
    sshd, authority = one
    certify(sshd, authority, "-n", "web.example")
    file = tmp_path / "known"
    file.write_text(authority_line(sshd, authority, "*.example"))
    arguments = {"ansible_ssh_common_args": "-o HostKeyAlias=web.example"}

    assert outcome(sshd, file, **arguments).ok


def test_a_certificate_that_was_tampered_with_vouches_for_nothing(tmp_path: Path) -> None:
    authority, key = make_key(tmp_path / "authority", "rsa"), make_key(tmp_path / "host")
    sign = [required_program("ssh-keygen"), "-q", "-s", str(authority), "-I", "i", "-h", "-n", "h"]
    subprocess.run([*sign, f"{key}.pub"], check=True)
    blob = base64.b64decode((tmp_path / "host-cert.pub").read_text().split()[1])
    known = {authority.with_suffix(".pub").read_text().split()[1]}
    changed = blob.replace(b"\x00\x00\x00\x01h", b"\x00\x00\x00\x01x")
    shutil.copy(f"{key}.pub", tmp_path / "again.pub")
    subprocess.run([*sign, "-t", "ssh-rsa", str(tmp_path / "again.pub")], check=True)
    weak = base64.b64decode((tmp_path / "again-cert.pub").read_text().split()[1])

    assert fault(blob, "h", known, 0.0) is None
    assert authority_of(blob) in known
    assert "signature" in str(fault(changed, "x", known, 0.0))
    assert "SHA-1" in str(fault(weak, "h", known, 0.0))
    for length in range(0, len(blob), 7):
        assert fault(blob[:length], "h", known, 0.0)
