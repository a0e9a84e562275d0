"""A full disk leaves no half line and no half file; a lock that a reader holds stops no host."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.connection.host_keys import known_hosts, lock
from runner.connection.host_keys.records import KeyRecord, write_down
from runner.text import writing
from tests.projects import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.connection.sshd import Sshd

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
OTHER = KEY.replace("AAEC", "BBBB")
PAGE = 4096


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Have writes beyond a size take a part and then fail, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with one page more than nothing."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a file system")
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=16k,nr_inodes=64", "tmpfs", str(place)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts no tmpfs: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def full_but_for(place: Path, name: str, left: int) -> bytes:
    """Fill a file system with a file of comments, up to some bytes."""
    statistics = os.statvfs(place)
    content = b"# comment\n" * (statistics.f_bavail * statistics.f_frsize // 10 + 1)
    content = content[: statistics.f_bavail * statistics.f_frsize - left - 1] + b"\n"
    (place / name).write_bytes(content)
    return content


def scanned(tmp_path: Path, sshd: Sshd, known: Path) -> Project:
    made = Project(tmp_path / "place")
    where = {"ansible_host": "127.0.0.1", "ansible_port": sshd.port, "ansible_user": sshd.user}
    made.write("inventories/hosts.yml", json.dumps({"all": {"hosts": {"a": where}}}))
    made.write("invoke.yaml", f"runner: {{known_hosts: {known}, ssh_config: none, no_history: yes}}\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def test_trust_on_a_full_disk_records_nothing(tmp_path: Path, small_disk: Path, sshd: Sshd) -> None:
    before = full_but_for(small_disk, "known", left=40)
    place = scanned(tmp_path, sshd, small_disk / "known")
    ended = place.type("trust", "--yes")

    assert ended.code == 1, ended
    assert "nothing was recorded, it cannot be written: No space left on device" in ended.stderr
    assert (small_disk / "known").read_bytes() == before
    (small_disk / "known").write_bytes(b"")
    assert place.type("trust", "--yes").code == 0
    assert place.type("run", "--cmd", "true", "--no-ping", "--private-key", str(sshd.key)).code == 0


def test_a_new_key_on_a_full_disk_is_not_recorded(tmp_path: Path, small_disk: Path, sshd: Sshd) -> None:
    before = full_but_for(small_disk, "known", left=40)
    place = scanned(tmp_path, sshd, small_disk / "known")
    words = ("--host-key-policy", "accept-new", "--private-key", str(sshd.key))
    ended = place.type("run", "--cmd", "true", "--no-ping", *words)

    assert ended.code == 0, ended
    assert "was not recorded: No space left on device" in ended.stderr
    assert (small_disk / "known").read_bytes() == before


def test_half_a_line_is_cut_off_again(tmp_path: Path) -> None:
    path = tmp_path / "known"
    for add in (
        lambda: write_down(str(path), [KeyRecord("h", "ssh-ed25519", KEY)]),
        lambda: known_hosts.record(str(path), "h", 22, "ssh-ed25519", KEY),
    ):
        path.write_text("# before\n")
        with files_of_at_most(40), pytest.raises(OSError, match="File too large"):
            add()
        assert path.read_text() == "# before\n"
        add()
        assert path.read_text() == f"# before\nh ssh-ed25519 {KEY}\n"


def test_a_file_whose_keys_are_replaced_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "known"
    before = "# a comment of some length\n" * 5 + f"h ssh-ed25519 {KEY}\n"
    path.write_text(before)
    with files_of_at_most(100), pytest.raises(OSError, match="File too large"):
        write_down(str(path), [KeyRecord("h", "ssh-ed25519", OTHER)], {("h", "ssh-ed25519")})
    assert path.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == ["known"]


def test_output_files_and_their_index_are_whole(tmp_path: Path, small_disk: Path) -> None:
    place = Project(tmp_path)
    place.write("tasks.py", "from runner.tasks import namespace\n")
    place.write("hosts", "".join(f"h{n:02} ansible_connection=local\n" for n in range(40)))
    ended = place.type(
        "run", "--cmd", "head -c 600 /dev/zero", "-i", "hosts", "--no-ping", "--output-dir", str(small_disk)
    )

    assert "No space left on device" in ended.stderr, ended.stderr
    index = (small_disk / "index.jsonl").read_bytes()
    assert index.endswith(b"\n")
    assert all(json.loads(line) for line in index.splitlines())
    files = [path for path in small_disk.iterdir() if path.name.startswith("h")]
    assert all(path.stat().st_size == 600 for path in files)
    assert not list(small_disk.glob(".new-*"))


def test_what_another_program_appended_is_not_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before\n")
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if path.stat().st_size > 20:
            raise OSError(28, "No space left on device")
        real(descriptor, bytes(data[:4]))
        with path.open("ab") as other:
            other.write(b"another's line\n")
        return 4

    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        writing.append(descriptor, b"our line\n")
    os.close(descriptor)
    assert path.read_bytes().endswith(b"another's line\n")


# Locks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A file on which a program that can only read it holds a lock."""
    path = tmp_path / "known"
    path.touch()
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield path
        holder.communicate()
    lock._held.clear()


def test_hosts_go_on_where_a_reader_holds_a_lock(tmp_path: Path, held: Path, sshd: Sshd) -> None:
    place = scanned(tmp_path, sshd, held)
    where = {"ansible_host": "127.0.0.1", "ansible_port": sshd.port, "ansible_user": sshd.user}
    hosts = {f"h{n}": where | {"ansible_ssh_common_args": f"-o HostKeyAlias=n{n}"} for n in range(6)}
    place.write("inventories/hosts.yml", json.dumps({"all": {"hosts": hosts}}))
    words = ("--host-key-policy", "accept-new", "--private-key", str(sshd.key), "--host-timeout", "30")
    ended = place.type("run", "--cmd", "true", "--no-ping", "--format", "json", *words)

    assert ended.code == 0, ended.stdout
    assert "another program holds a lock on it" in ended.stderr
    assert held.read_bytes() == b""


def test_trust_says_that_a_lock_is_held(tmp_path: Path, held: Path, sshd: Sshd) -> None:
    ended = scanned(tmp_path, sshd, held).type("trust", "--yes")
    assert (ended.code, held.read_bytes()) == (1, b"")
    assert "nothing was recorded, it cannot be written: another program holds a lock on it" in ended.stderr


class Clock:
    """A time that passes only while a lock is waited for, and what is done meanwhile."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.waited_s = 0.0
        self._meanwhile = meanwhile

    def monotonic(self) -> float:
        return 1000 + self.waited_s

    def sleep(self, seconds: float) -> None:
        self.waited_s += seconds
        self._meanwhile()


def test_only_the_first_waits_for_a_lock(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "time", clock := Clock())
    waited_s = []
    for number in range(20):
        with pytest.raises(OSError, match="holds a lock"):
            known_hosts.record(str(held), f"h{number}", 22, "ssh-ed25519", KEY)
        waited_s.append(clock.waited_s)
    assert waited_s[0] >= lock._WAIT_S
    assert waited_s == waited_s[:1] * 20


def test_a_lock_that_is_given_up_in_time_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "known"
    path.touch()
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        clock = Clock(lambda: fcntl.flock(other, fcntl.LOCK_UN))
        monkeypatch.setattr(lock, "time", clock)
        known_hosts.record(str(path), "h", 22, "ssh-ed25519", KEY)
    assert 0 < clock.waited_s < lock._WAIT_S
    assert KEY in path.read_text()


@pytest.mark.parametrize("make", ["fifo", "sparse"])
def test_what_is_no_known_hosts_file_is_not_written_to(tmp_path: Path, make: str) -> None:
    path = tmp_path / "known"
    if make == "fifo":
        os.mkfifo(path)
    else:
        with path.open("wb") as file:
            file.truncate(3 * 2**30)
    with pytest.raises(OSError, match=r"not a regular file|larger than"):
        write_down(str(path), [KeyRecord("h", "ssh-ed25519", KEY)])
