"""`known_hosts` files as sshd(8) has them: what stands in them, and what is added to them."""

from __future__ import annotations

import base64
import hmac
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from runner.connection.host_keys.known_hosts import Verdict, fingerprint, host_pattern, load, record

if TYPE_CHECKING:
    from pathlib import Path


def key(seed: int, kind: str = "ssh-ed25519") -> str:
    """The base64 text of a public key that nobody has the private half of."""
    parts = (kind.encode(), bytes([seed]) * 32)
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


def hashed(name: str) -> str:
    salt = os.urandom(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


A, B = key(1), key(2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def verdict(file: Path, text: str, address: str = "host", port: int = 22, blob: str = A) -> Verdict:
    file.write_text(text)
    return load((str(file),)).check(address, port, blob)[0]


@pytest.mark.parametrize(
    ("line", "address", "port", "expected"),
    [
        (f"host ssh-ed25519 {A}", "host", 22, Verdict.KNOWN),
        (f"host ssh-ed25519 {A} a comment with spaces", "host", 22, Verdict.KNOWN),
        (f"host ssh-ed25519 {A}\r", "host", 22, Verdict.KNOWN),
        (f"  host\tssh-ed25519   {A}", "host", 22, Verdict.KNOWN),
        (f"HOST ssh-ed25519 {A}", "Host", 22, Verdict.KNOWN),
        (f"other,host,10.0.0.1 ssh-ed25519 {A}", "10.0.0.1", 22, Verdict.KNOWN),
        (f"host ssh-ed25519 {B}", "host", 22, Verdict.CHANGED),
        (f"other ssh-ed25519 {A}", "host", 22, Verdict.UNKNOWN),
        ("", "host", 22, Verdict.UNKNOWN),
        (f"[host]:2222 ssh-ed25519 {A}", "host", 2222, Verdict.KNOWN),
        (f"[host]:2222 ssh-ed25519 {A}", "host", 22, Verdict.UNKNOWN),
        (f"[fe80::1]:2222 ssh-ed25519 {A}", "fe80::1", 2222, Verdict.KNOWN),
        (f"host ssh-ed25519 {A}", "host", 2222, Verdict.KNOWN),
        (f"host ssh-ed25519 {B}", "host", 2222, Verdict.UNKNOWN),
        (f"*.example.com ssh-ed25519 {A}", "a.example.com", 22, Verdict.KNOWN),
        (f"*.example.com ssh-ed25519 {A}", "example.com", 22, Verdict.UNKNOWN),
        (f"10.0.0.? ssh-ed25519 {A}", "10.0.0.7", 22, Verdict.KNOWN),
        (f"10.0.0.? ssh-ed25519 {A}", "10.0.0.77", 22, Verdict.UNKNOWN),
        (f"*,!bad* ssh-ed25519 {A}", "good", 22, Verdict.KNOWN),
        (f"*,!bad* ssh-ed25519 {A}", "bad1", 22, Verdict.UNKNOWN),
        (f"!bad ssh-ed25519 {A}", "good", 22, Verdict.UNKNOWN),
        (f"[127.0.0.1]:* ssh-ed25519 {A}", "127.0.0.1", 40000, Verdict.KNOWN),
        (f"[a-z]* ssh-ed25519 {A}", "host", 22, Verdict.UNKNOWN),
        (f"{hashed('host')} ssh-ed25519 {A}", "host", 22, Verdict.KNOWN),
        (f"{hashed('host')} ssh-ed25519 {B}", "host", 22, Verdict.CHANGED),
        (f"{hashed('[host]:2222')} ssh-ed25519 {A}", "host", 2222, Verdict.KNOWN),
        (f"{hashed('other')} ssh-ed25519 {A}", "host", 22, Verdict.UNKNOWN),
        (f"@revoked * ssh-ed25519 {A}\nhost ssh-ed25519 {A}", "host", 22, Verdict.REVOKED),
        (f"@revoked {hashed('host')} ssh-ed25519 {A}\nhost ssh-ed25519 {A}", "host", 22, Verdict.REVOKED),
        (f"@revoked host ssh-ed25519 {A}", "host", 2222, Verdict.REVOKED),
        (f"@revoked other ssh-ed25519 {A}\nhost ssh-ed25519 {A}", "host", 22, Verdict.KNOWN),
        (f"@revoked * ssh-ed25519 {B}\nhost ssh-ed25519 {A}", "host", 22, Verdict.KNOWN),
        (f"@cert-authority * ssh-ed25519 {A}", "host", 22, Verdict.UNKNOWN),
        (f"host ssh-ed25519 {B}\nhost ssh-ed25519 {A}", "host", 22, Verdict.KNOWN),
        (f"host ssh-rsa {key(3, 'ssh-rsa')}", "host", 22, Verdict.CHANGED),
    ],
)
def test_a_line_says_what_openssh_reads_in_it(
    file: Path, line: str, address: str, port: int, expected: Verdict
) -> None:
    assert verdict(file, f"# a comment\n\n{line}", address, port) is expected


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("host", "expected host names, key type and key"),
        ("host ssh-ed25519", "expected host names, key type and key"),
        (f"@trusted host ssh-ed25519 {A}", "marker"),
        (f"|2|x|y ssh-ed25519 {A}", "hashed name"),
        (f"|1|====|y ssh-ed25519 {A}", "not base64"),
        ("host ssh-ed25519 AAAA!", "not base64"),
        (f"host ssh-ed25519 {A[:-12]}", "cut off"),
        (f"host ssh-rsa {A}", "not of the type"),
        ("host 1024 35 1234567890", "not base64"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_passed_over(
    file: Path, caplog: pytest.LogCaptureFixture, line: str, why: str
) -> None:
    assert verdict(file, f"first ssh-ed25519 {A}\n{line}\nhost ssh-ed25519 {A}\n") is Verdict.KNOWN
    (warning,) = caplog.messages
    assert warning.startswith(f"{file}:2: passed over, ")
    assert why in warning


def test_bytes_that_are_no_text_spoil_only_their_line(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_bytes(b"\xff\xfe\x00 what\n" + f"host ssh-ed25519 {A}".encode())

    assert load((str(file),)).check("host", 22, A)[0] is Verdict.KNOWN
    assert len(caplog.messages) == 1


def test_several_files_count_as_one(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(f"a ssh-ed25519 {A}\n")
    second.write_text(f"b ssh-ed25519 {B}\n@revoked * ssh-ed25519 {A}\n")
    known = load((str(first), str(tmp_path / "missing"), str(second)))

    assert known.check("b", 22, B)[0] is Verdict.KNOWN
    assert known.check("a", 22, A)[0] is Verdict.REVOKED


def test_what_speaks_against_a_key_is_named_by_line(file: Path) -> None:
    file.write_text(f"# mine\nhost ssh-ed25519 {B}\n")
    _, against = load((str(file),)).check("host", 22, A)

    assert [entry.place for entry in against] == [f"{file}:2"]


def test_a_host_is_asked_for_the_types_on_record(file: Path) -> None:
    file.write_text(f"plain ssh-rsa {key(3, 'ssh-rsa')}\n{hashed('secret')} ssh-ed25519 {A}\n")
    known = load((str(file),))

    assert known.likely_types("plain", 22) == {"ssh-rsa"}
    assert known.likely_types("plain", 2222) == {"ssh-rsa"}
    assert known.likely_types("secret", 22) == {"ssh-ed25519"}


def test_a_file_that_has_changed_is_read_again(file: Path) -> None:
    assert verdict(file, f"host ssh-ed25519 {B}\n") is Verdict.CHANGED
    assert verdict(file, f"host ssh-ed25519 {A}\n") is Verdict.KNOWN
    assert verdict(file, "") is Verdict.UNKNOWN


def test_lines_appended_without_a_final_newline_before_them_are_read_whole(file: Path) -> None:
    file.write_text(f"a ssh-ed25519 {A}\nhost ssh-ed25519 {B[:10]}")
    load((str(file),))
    with file.open("a") as more:
        more.write(f"{B[10:]}\n")

    assert load((str(file),)).check("host", 22, B)[0] is Verdict.KNOWN


def test_a_recorded_key_is_known_and_written_once(file: Path) -> None:
    file.write_text(f"other ssh-ed25519 {B}")
    for _ in range(2):
        record(str(file), "host", 2222, "ssh-ed25519", A)

    assert file.read_text() == f"other ssh-ed25519 {B}\n[host]:2222 ssh-ed25519 {A}\n"
    assert load((str(file),)).check("host", 2222, A)[0] is Verdict.KNOWN


def test_a_new_file_and_its_folder_are_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    record(str(file), "host", 22, "ssh-ed25519", A)

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def _record_many(path: str, worker: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: record(path, f"host{worker}-{n}", 22, "ssh-ed25519", A), range(50)))


def test_threads_and_processes_that_record_at_once_lose_nothing(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_record_many, args=(str(file), number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    lines = file.read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(
        f"host{w}-{n}" for w in range(3) for n in range(50)
    )


def test_names_and_fingerprints_are_those_of_openssh() -> None:
    assert host_pattern("host", 22) == "host"
    assert host_pattern("fe80::1", 2222) == "[fe80::1]:2222"
    assert fingerprint(b"") == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"


def test_a_key_that_many_hosts_have_is_each_ones_and_nobody_elses(tmp_path: Path) -> None:
    lines = [f"{hashed(f'host{number}')} ssh-ed25519 {A}\n" for number in range(40)]
    file = tmp_path / "known_hosts"
    file.write_text("".join(lines[:20]) + f"*.example.com,plain ssh-ed25519 {A}\n" + "".join(lines[20:]))
    known = load((str(file),))
    for name in ("host0", "host19", "host39", "x.example.com", "plain"):
        assert known.check(name, 22, A)[0] is Verdict.KNOWN
    for name in ("host40", "example.com", "host1.example.org"):
        assert known.check(name, 22, A)[0] is Verdict.UNKNOWN

    assert known.check("host7", 22, B)[0] is Verdict.CHANGED
