"""SFTP servers that refuse, fall silent, break off, lie and mean harm: what each ends in."""

from __future__ import annotations

import itertools
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from runner.connection import deadline
from runner.jobs import perform
from runner.jobs.transfers import TransferJob
from runner.models import HostResult, Phase, Status
from runner.transfer.copying import Options
from runner.transfer.moves import Get, Put
from runner.transfer.wire import Code, Message, string
from tests.transfer.sftp_peer import (
    FILE,
    FOLDER,
    Answer,
    Peer,
    attrs,
    content_of,
    data,
    first,
    named,
    packet,
    place,
    status,
)

if TYPE_CHECKING:
    from pathlib import Path

    from runner.transfer.moves import Transfer
    from tests.connection.peers.stage import Stage

CONTENT = bytes(range(256)) * 1000
WITHOUT_SUMS = Options(checksum=False, private=True)


def moved(stage: Stage, peer: Peer, transfer: Transfer, **options: object) -> HostResult:
    return perform(peer.host(stage), TransferJob(transfer), peer.options(**options))


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "source").write_bytes(CONTENT)
    return str(tmp_path / "source")


def refuses(code: Code, text: str = "") -> Answer:
    return lambda _peer, number, _fields: status(number, code, text)


def silent(_peer: Peer, _number: int, _fields: bytes) -> None:
    return None


def breaks_off(peer: Peer, _number: int, _fields: bytes) -> None:
    peer.cut()


def nothing_free(peer: Peer, number: int, fields: bytes) -> bytes:
    if first(fields) == b"statvfs@openssh.com":
        numbers = (4096, 4096, 1000, 0, 0, 1000, 10, 10, 0, 0, 255)
        return packet(Message.EXTENDED_REPLY, struct.pack(">I11Q", number, *numbers))
    return bytes(Peer.honest(Message.EXTENDED)(peer, number, fields) or b"")


# To a host ------------------------------------------------------------------------------------------------


def test_an_honest_one_takes_a_file_that_is_proved_by_reading_it_back(stage: Stage, source: str) -> None:
    peer = Peer()
    result = moved(stage, peer, Put(source, "/x"))

    assert result.status is Status.OK
    assert peer.files == {b"/x": CONTENT}
    assert Message.READ in peer.requests


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({Message.WRITE: refuses(Code.FAILURE, "No space left on device")}, "no-space"),
        ({Message.WRITE: refuses(Code.FAILURE), Message.EXTENDED: nothing_free}, "no-space"),
        ({Message.WRITE: refuses(Code.PERMISSION_DENIED)}, "permission-denied"),
        ({Message.WRITE: refuses(Code.FAILURE, "\x1b[2Jno")}, "refused"),
        ({Message.CLOSE: refuses(Code.FAILURE, "Disk quota exceeded")}, "no-space"),
        ({Message.FSETSTAT: refuses(Code.PERMISSION_DENIED)}, "permission-denied"),
        ({Message.OPEN: refuses(Code.FAILURE)}, "refused"),
        ({Message.EXTENDED: refuses(Code.FAILURE)}, "refused"),
    ],
)
def test_what_is_refused_is_told_and_leaves_nothing_behind(
    stage: Stage, source: str, answers: dict[Message, Answer], reason: str
) -> None:
    peer = Peer(answers, (b"posix-rename@openssh.com", b"statvfs@openssh.com"))
    result = moved(stage, peer, Put(source, "/x"))

    assert (result.status, result.reason, result.phase) == (Status.FAILED, reason, Phase.TRANSFER)
    assert "/x" in (result.error or "")
    assert (result.error or "").isprintable()
    assert peer.files == {}


def test_a_server_that_keeps_something_else_is_caught(stage: Stage, source: str) -> None:
    def forgets(peer: Peer, number: int, fields: bytes) -> bytes:
        content_of(peer, fields).extend(bytes(len(CONTENT)))
        return status(number)

    peer = Peer({Message.WRITE: forgets}, files={b"/x": bytearray(b"before")})
    result = moved(stage, peer, Put(source, "/x"))

    assert (result.status, result.reason) == (Status.FAILED, "checksum")
    assert peer.files == {b"/x": b"before"}


def test_without_atomic_rename_what_is_there_is_removed_first(stage: Stage, source: str) -> None:
    peer = Peer(extensions=(), files={b"/x": bytearray(b"before")})

    assert moved(stage, peer, Put(source, "/x")).ok
    assert peer.files == {b"/x": CONTENT}


def test_a_server_that_falls_silent_is_given_up(stage: Stage, source: str) -> None:
    result = moved(stage, Peer({Message.WRITE: silent}), Put(source, "/x"), command_timeout_s=1.0)

    assert (result.status, result.reason, result.sent) == (Status.TIMEOUT, "idle", True)


def test_the_hosts_deadline_holds_in_a_transfer(stage: Stage, source: str) -> None:
    result = moved(stage, Peer({Message.WRITE: silent}), Put(source, "/x"), host_timeout_s=2.0)

    assert (result.status, result.reason) == (Status.TIMEOUT, "host-deadline")


def test_a_connection_that_dies_in_the_middle_is_lost(stage: Stage, source: str) -> None:
    peer = Peer({Message.WRITE: breaks_off})
    result = moved(stage, peer, Put(source, "/x"), retries=2)

    assert (result.status, result.reason, result.sent) == (Status.LOST, "connection-lost", True)
    assert result.attempts == 1
    assert b"/x" not in peer.files


def test_one_that_dies_before_anything_was_written_is_tried_again(stage: Stage, source: str) -> None:
    peer = Peer()

    def breaks_off_once(peer: Peer, number: int, fields: bytes) -> bytes | None:
        if peer.visits == 1:
            return breaks_off(peer, number, fields)
        return Peer.honest(Message.LSTAT)(peer, number, fields)

    peer.answers[Message.LSTAT] = breaks_off_once
    result = moved(stage, peer, Put(source, "/x"), retries=2)

    assert result.status is Status.OK
    assert result.attempts == 2


def test_a_stopped_run_ends_a_transfer_and_leaves_nothing(stage: Stage, tmp_path: Path) -> None:
    begun = threading.Event()
    (tmp_path / "large").write_bytes(bytes(50 * 2**20))

    def slow(peer: Peer, number: int, fields: bytes) -> bytes:
        begun.set()
        time.sleep(0.02)
        return bytes(Peer.honest(Message.WRITE)(peer, number, fields) or b"")

    peer = Peer({Message.WRITE: slow})
    aborting = threading.Thread(target=lambda: begun.wait(20) and deadline.abort("stopped-put"))
    aborting.start()
    job = TransferJob(Put(str(tmp_path / "large"), "/x"))
    result = perform(peer.host(stage), job, peer.options(), run="stopped-put")
    aborting.join()
    deadline.forget("stopped-put")

    assert (result.status, result.reason, result.sent) == (Status.CANCELLED, "stopped", True)
    assert b"/x" not in peer.files


# From a host ----------------------------------------------------------------------------------------------


def got(stage: Stage, peer: Peer, folder: Path, **options: object) -> HostResult:
    return moved(stage, peer, Get("/x", str(folder), WITHOUT_SUMS), **options)


def short(peer: Peer, number: int, fields: bytes) -> bytes:
    offset, length = place(fields)
    found = bytes(content_of(peer, fields)[offset : offset + min(length, 999)])
    return data(number, found) if found else status(number, Code.EOF)


def backwards(peer: Peer, number: int, fields: bytes) -> bytes:
    """Hold answers back, and give them three at a time, the last one first."""
    held: list[bytes] = peer.__dict__.setdefault("held", [])
    held.append(bytes(Peer.honest(Message.READ)(peer, number, fields) or b""))
    if len(held) < 3 and sum(place(fields)) < len(CONTENT):
        return b""
    answer = b"".join(reversed(held))
    held.clear()
    return answer


@pytest.mark.parametrize("read", [short, backwards], ids=["short", "backwards"])
def test_answers_may_be_short_and_in_any_order(stage: Stage, tmp_path: Path, read: Answer) -> None:
    peer = Peer({Message.READ: read}, files={b"/x": bytearray(CONTENT)})

    assert got(stage, peer, tmp_path).ok
    assert (tmp_path / "peer" / "x").read_bytes() == CONTENT


def told(size: int) -> Answer:
    return lambda _peer, number, _fields: packet(Message.ATTRS, struct.pack(">I", number), attrs(FILE, size))


@pytest.mark.parametrize("size", [0, 1, len(CONTENT) * 3])
def test_a_size_that_is_not_true_does_no_harm(stage: Stage, tmp_path: Path, size: int) -> None:
    answers: dict[Message, Answer] = {Message.STAT: told(size), Message.LSTAT: told(size)}

    assert got(stage, Peer(answers, files={b"/x": bytearray(CONTENT)}), tmp_path).ok
    assert (tmp_path / "peer" / "x").read_bytes() == CONTENT


def endless(_peer: Peer, number: int, fields: bytes) -> bytes:
    return data(number, bytes(place(fields)[1]))


def test_a_file_without_end_is_cut_off_at_the_limit(stage: Stage, tmp_path: Path) -> None:
    peer = Peer({Message.READ: endless}, files={b"/x": bytearray(b"x")})
    limited = Options(checksum=False, max_size=5 * 2**20, private=True)
    result = moved(stage, peer, Get("/x", str(tmp_path), limited))

    assert (result.status, result.reason) == (Status.ERROR, "size-limit")
    assert list((tmp_path / "peer").iterdir()) == []


def test_the_limit_is_that_of_all_files_together(stage: Stage, tmp_path: Path) -> None:
    peer = Peer(
        {Message.READDIR: lists(b"a", b"b"), Message.STAT: stat_of_folder},
        files={b"/folder/a": bytearray(3 * 2**20), b"/folder/b": bytearray(3 * 2**20)},
    )
    limited = Options(checksum=False, max_size=5 * 2**20, private=True)
    result = moved(stage, peer, Get("/folder", str(tmp_path), limited))

    assert (result.status, result.reason) == (Status.ERROR, "size-limit")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "source"]


def stat_of_folder(_peer: Peer, number: int, _fields: bytes) -> bytes:
    return packet(Message.ATTRS, struct.pack(">I", number), attrs(FOLDER))


def test_a_server_that_breaks_off_is_tried_again_and_then_an_error(stage: Stage, tmp_path: Path) -> None:
    peer = Peer({Message.READ: breaks_off}, files={b"/x": bytearray(CONTENT)})
    result = got(stage, peer, tmp_path, retries=1)

    assert (result.status, result.reason, result.sent) == (Status.ERROR, "connection-lost", False)
    assert result.attempts == 2
    assert list((tmp_path / "peer").iterdir()) == []


def hole(peer: Peer, number: int, fields: bytes) -> bytes:
    answer = Peer.honest(Message.READ)(peer, number, fields)
    return status(number, Code.EOF) if place(fields)[0] == 32768 else bytes(answer or b"")


def longer(_peer: Peer, number: int, fields: bytes) -> bytes:
    return data(number, bytes(place(fields)[1] + 1))


BROKEN: dict[str, tuple[Answer, str]] = {
    "a hole": (hole, "changed"),
    "longer than asked": (longer, "bad-protocol"),
    "no bytes": (lambda _peer, number, _fields: data(number, b""), "bad-protocol"),
    "another's answer": (lambda _peer, number, _fields: data(number + 99, b"x"), "bad-protocol"),
    "another type": (lambda _peer, number, _fields: named(number, (b"x", attrs())), "bad-protocol"),
    "cut short": (lambda _p, number, _f: packet(Message.DATA, struct.pack(">II", number, 9)), "bad-protocol"),
    "no length": (lambda _peer, _number, _fields: bytes(4), "bad-protocol"),
    "4 GB": (lambda _peer, _number, _fields: b"\xff" * 4 + bytes(100), "bad-protocol"),
    "refusal": (refuses(Code.FAILURE, "\x1b]0;x\x07disk"), "refused"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers_end_the_transfer_and_nothing_is_left(stage: Stage, tmp_path: Path, name: str) -> None:
    answer, reason = BROKEN[name]
    result = got(stage, Peer({Message.READ: answer}, files={b"/x": bytearray(CONTENT)}), tmp_path)

    assert result.reason == reason
    assert result.status is (Status.ERROR if reason == "bad-protocol" else Status.FAILED)
    assert (result.error or "").isprintable()
    assert list((tmp_path / "peer").iterdir()) == []


@pytest.mark.parametrize(
    ("greeting", "says"),
    [
        (b"Welcome to my machine!\n" * 20, "Welcome to my machine"),
        (packet(Message.VERSION, struct.pack(">I", 2)), "older"),
        (packet(Message.STATUS, struct.pack(">I", 3)), "older"),
        (b"\x00\xff\xff\xff\x00", "announces"),
    ],
)
def test_what_is_no_sftp_is_told(stage: Stage, tmp_path: Path, greeting: bytes, says: str) -> None:
    result = got(stage, Peer(greeting=greeting), tmp_path)

    assert (result.status, result.reason) == (Status.ERROR, "bad-protocol")
    assert says in (result.error or "")


# Folders of a host ----------------------------------------------------------------------------------------


def lists(*names: bytes, mode: int = FILE) -> Answer:
    """List these names, once."""

    def answer(peer: Peer, number: int, _fields: bytes) -> bytes:
        if Message.READDIR in peer.requests[:-1]:
            return status(number, Code.EOF)
        return named(number, *((name, attrs(mode)) for name in names))

    return answer


def got_folder(stage: Stage, folder: Path, listing: Answer) -> HostResult:
    return moved(stage, Peer({Message.READDIR: listing}), Get("/folder", str(folder / "out"), WITHOUT_SUMS))


@pytest.mark.parametrize(
    "names",
    [
        (b"../x",),
        (b"/etc/x",),
        (b"a/b",),
        (b"",),
        (b"a\0b",),
        (b"twice", b"twice"),
        (b"\x1b[2J/",),
        (b"x" * 2000,),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(
    stage: Stage, tmp_path: Path, names: tuple[bytes, ...]
) -> None:
    result = got_folder(stage, tmp_path, lists(*names))

    assert (result.status, result.reason) == (Status.ERROR, "bad-protocol")
    assert (result.error or "").isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_end_is_cut_off(stage: Stage, tmp_path: Path) -> None:
    count = itertools.count()

    def listing(_peer: Peer, number: int, _fields: bytes) -> bytes:
        return named(number, *((b"f%d" % next(count), attrs()) for _ in range(2000)))

    result = got_folder(stage, tmp_path, listing)

    assert (result.status, result.reason) == (Status.FAILED, "too-many-files")
    assert next(count) < 110_000


def test_long_names_without_end_are_cut_off(stage: Stage, tmp_path: Path) -> None:
    count = itertools.count()

    def listing(_peer: Peer, number: int, _fields: bytes) -> bytes:
        return named(number, *((b"%01000d" % next(count), attrs()) for _ in range(200)))

    assert got_folder(stage, tmp_path, listing).reason == "too-many-files"
    assert next(count) < 40_000


def test_folders_in_folders_without_end_are_cut_off(stage: Stage, tmp_path: Path) -> None:
    opened = itertools.count()

    def listing(_peer: Peer, number: int, _fields: bytes) -> bytes:
        if next(opened) % 2:
            return status(number, Code.EOF)
        return named(number, (b"folder", attrs(FOLDER)))

    assert got_folder(stage, tmp_path, listing).reason == "too-deep"


def test_a_list_of_nothing_is_no_answer(stage: Stage, tmp_path: Path) -> None:
    result = got_folder(stage, tmp_path, lambda _peer, number, _fields: named(number))

    assert (result.status, result.reason) == (Status.ERROR, "bad-protocol")


def test_a_server_that_opens_and_never_lists_is_given_up(stage: Stage, tmp_path: Path) -> None:
    peer = Peer({Message.READDIR: silent})
    transfer = Get("/folder", str(tmp_path), WITHOUT_SUMS)

    assert moved(stage, peer, transfer, command_timeout_s=1.0).reason == "idle"


def test_a_handle_that_is_too_long_is_refused(stage: Stage, tmp_path: Path) -> None:
    def opens(_peer: Peer, number: int, _fields: bytes) -> bytes:
        return packet(Message.HANDLE, struct.pack(">I", number), string(bytes(200_000)))

    result = got(stage, Peer({Message.OPEN: opens}, files={b"/x": bytearray(b"x")}), tmp_path)

    assert (result.status, result.reason) == (Status.ERROR, "bad-protocol")
