"""Access a host's files through its SFTP server."""

from __future__ import annotations

import itertools
import os
import re
import secrets
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.errors import HostError
from runner.models import Phase
from runner.text import excerpt
from runner.transfer import pipeline
from runner.transfer.conversation import Conversation
from runner.transfer.digest import of_content
from runner.transfer.errors import TransferFailed, bad_reply, failed, shown
from runner.transfer.wire import Code, Message, Open, Reader, Status, attributes, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.connection.command.stream import Stream
    from runner.transfer.entries import Entry

__all__ = ["SftpFiles"]

_NUMBER = struct.Struct(">I")
_PIECE = 2**15
"""Bytes of data that every server accepts in one request (section 3)."""
_LARGEST = 255 * 2**10
_LONGEST_HANDLE = 256  # section 6.2

_POSIX_RENAME = b"posix-rename@openssh.com"
_LIMITS = b"limits@openssh.com"
_STATVFS = b"statvfs@openssh.com"

_PRIVATE = 0o600
_FULL = re.compile(r"no space|disk full|quota|not enough space", re.IGNORECASE)
_CODES: dict[int, tuple[str, str]] = {
    Code.NO_SUCH_FILE: ("no such file or folder", "no-such-file"),
    Code.PERMISSION_DENIED: ("permission denied", "permission-denied"),
    Code.UNSUPPORTED: ("the server cannot do that", "unsupported"),
}


class SftpFiles:
    """The files of an SFTP server; see `Files`.

    Args:
        stream: The byte stream to the server.
        sums: Has the host compute the SHA-256 sums of files, if it can: takes paths, returns sums or None.
    """

    atomic = True

    def __init__(self, stream: Stream, sums: Callable[[Sequence[str]], Sequence[str | None] | None]) -> None:
        self._talk = Conversation(stream)
        self._sums = sums
        self._home: str | None = None
        self._user: int | None = None
        self._read_piece, self._write_piece = self._limits()

    def _limits(self) -> tuple[int, int]:
        """Return the most bytes that the server returns and accepts in one request."""
        if _LIMITS not in self._talk.extensions:
            return _PIECE, _PIECE
        kind, reader = self._talk.ask(Message.EXTENDED, string(_LIMITS))
        if kind != Message.EXTENDED_REPLY:
            return _PIECE, _PIECE
        _, most_read, most_write = reader.uint64(), reader.uint64(), reader.uint64()
        return min(most_read or _PIECE, _LARGEST), min(most_write or _PIECE, _LARGEST)

    def absolute(self, path: str) -> str:
        """Return the absolute path; leave one such as `flash:/image` unchanged."""
        if path.startswith("/") or re.match(r"\w+:", path):
            return path
        if self._home is None:
            self._home = self.resolved(".")
        rest = path.removeprefix("~").lstrip("/") if path == "~" or path.startswith("~/") else path
        return f"{self._home.rstrip('/')}/{rest}" if rest else self._home

    def resolved(self, path: str) -> str:
        """Return a path with all links resolved."""
        kind, reader = self._talk.ask(Message.REALPATH, _name(path))
        if kind != Message.NAME or reader.uint32() != 1:
            raise self._refused(kind, reader, path)
        return os.fsdecode(reader.string())

    def user(self, folder: str) -> int | None:
        """Return the id of the user who owns newly created files; None if no file can be created.

        The protocol cannot ask for it, so a test file is created, its owner read, and the file removed.
        """
        if self._user is None:
            probe = f"{folder.rstrip('/')}/.runner-{secrets.token_hex(8)}"
            flags = _NUMBER.pack(Open.WRITE | Open.CREATE | Open.EXCLUSIVE)
            try:
                handle = self._opened(Message.OPEN, probe, flags, attributes(_PRIVATE))
            except TransferFailed:
                return None
            kind, reader = self._talk.ask(Message.FSTAT, string(handle))
            owner = reader.entry().owner if kind == Message.ATTRS else None
            self._talk.ask(Message.CLOSE, string(handle))
            self.remove(probe)
            self._user = None if owner is None else owner[0]
        return self._user

    def look(self, path: str, *, follow: bool = True) -> Entry | None:
        """Return the entry at a path; None if there is none."""
        kind, reader = self._talk.ask(Message.STAT if follow else Message.LSTAT, _name(path))
        if kind == Message.ATTRS:
            return reader.entry()
        status = _status(kind, reader)
        if status.code == Code.NO_SUCH_FILE:
            return None
        raise _error(status, path)

    def names(self, path: str) -> Iterator[tuple[str, Entry]]:
        """Return the entries in a folder, as the server lists them."""
        handle = self._opened(Message.OPENDIR, path)
        while True:
            kind, reader = self._talk.ask(Message.READDIR, string(handle))
            if kind == Message.STATUS and (status := reader.status()).code == Code.EOF:
                break
            if kind != Message.NAME:
                raise _error(_status(kind, reader) if kind != Message.STATUS else status, path)
            yield from _listed(reader)
        self._talk.ask(Message.CLOSE, string(handle))

    def make_folder(self, path: str, mode: int) -> None:
        """Create a folder."""
        self._do(Message.MKDIR, path, attributes(mode))

    def write(self, path: str, content: Iterable[bytes], entry: Entry) -> None:
        """Create a new file, private until it is complete; remove it if writing fails."""
        flags = _NUMBER.pack(Open.WRITE | Open.CREATE | Open.EXCLUSIVE)
        handle = self._opened(Message.OPEN, path, flags, attributes(_PRIVATE))
        try:
            self._fill(handle, path, content, entry)
        except BaseException:
            with suppress(HostError), self._talk.working(last=True):
                self._talk.answer_to(self._talk.post(Message.CLOSE, string(handle)))
                self._talk.answer_to(self._talk.post(Message.REMOVE, _name(path)))
            raise

    def _fill(self, handle: bytes, path: str, content: Iterable[bytes], entry: Entry) -> None:
        with self._talk.working():
            refused = pipeline.write(self._talk, handle, content, self._write_piece)
        if refused is None:
            refused = self._dress(handle, entry)
        if refused is None:
            status = _status(*self._talk.ask(Message.CLOSE, string(handle)))
            refused = None if status.code == Code.OK else status
        if refused is not None:
            raise self._full(path, refused) or _error(refused, path)

    def _dress(self, handle: bytes, entry: Entry) -> Status | None:
        """Set an open file's owner, mode and time; return the status if mode or time is refused."""
        if entry.owner is not None:
            self._talk.ask(Message.FSETSTAT, string(handle), attributes(owner=entry.owner))
        fields = attributes(entry.mode, entry.mtime)
        status = _status(*self._talk.ask(Message.FSETSTAT, string(handle), fields))
        return None if status.code in (Code.OK, Code.UNSUPPORTED) else status

    def read(self, path: str, entry: Entry) -> Iterator[bytes]:
        """Return a file's content."""
        handle = self._opened(Message.OPEN, path, _NUMBER.pack(Open.READ), attributes())
        with self._talk.working():
            yield from pipeline.read(self._talk, handle, entry.size, self._read_piece)
        self._talk.ask(Message.CLOSE, string(handle))

    def replace(self, old: str, new: str) -> None:
        """Rename a file: atomically if the server can, else after removing the file of the new name."""
        if _POSIX_RENAME in self._talk.extensions:
            self._do(Message.EXTENDED, old, _name(new), name=string(_POSIX_RENAME))
            return
        try:
            self._do(Message.RENAME, old, _name(new))
        except TransferFailed:
            if self.look(new, follow=False) is None:
                raise
            self._do(Message.REMOVE, new)
            self._do(Message.RENAME, old, _name(new))

    def remove(self, path: str) -> None:
        """Remove a file, even while the run is being stopped."""
        with self._talk.working(last=True):
            kind, reader = self._talk.answer_to(self._talk.post(Message.REMOVE, _name(path)))
        status = _status(kind, reader)
        if status.code != Code.OK:
            raise _error(status, path)

    def set_mode(self, path: str, mode: int) -> None:
        """Change a file's permission bits."""
        self._do(Message.SETSTAT, path, attributes(mode))

    def digests(self, paths: Sequence[str], *, read_back: bool) -> Sequence[str | None] | None:
        """Return files' SHA-256 sums: computed by the host, or else from reading the files back."""
        found = self._sums(paths)
        return [self._read_sum(path) for path in paths] if found is None and read_back else found

    def _read_sum(self, path: str) -> str | None:
        entry = self.look(path)
        return None if entry is None else of_content(self.read(path, entry))

    def close(self) -> None:
        """Close the stream, which ends the SFTP server."""
        self._talk.close()

    def _opened(self, kind: Message, path: str, *fields: bytes) -> bytes:
        """Open a file or folder; return the server's handle for it."""
        answer, reader = self._talk.ask(kind, _name(path), *fields)
        if answer != Message.HANDLE:
            raise self._refused(answer, reader, path)
        handle = reader.string()
        if len(handle) > _LONGEST_HANDLE:
            raise bad_reply(f"the SFTP server gives a handle of {len(handle)} bytes")
        return handle

    def _do(self, kind: Message, path: str, *fields: bytes, name: bytes = b"") -> None:
        answer, reader = self._talk.ask(kind, *([name] if name else []), _name(path), *fields)
        status = _status(answer, reader)
        if status.code != Code.OK:
            raise self._full(path, status) or _error(status, path)

    def _refused(self, kind: int, reader: Reader, path: str) -> TransferFailed:
        status = _status(kind, reader)
        return self._full(path, status) or _error(status, path)

    def _full(self, path: str, status: Status) -> TransferFailed | None:
        """Return the error for a full disk, else None; OpenSSH reports it as a general failure."""
        if _FULL.search(status.text):
            return failed(f"{shown(path)}: no space is left: {excerpt(status.text)}", "no-space")
        if status.code != Code.FAILURE or _STATVFS not in self._talk.extensions:
            return None
        folder = path.rpartition("/")[0] or "/"
        kind, reader = self._talk.ask(Message.EXTENDED, string(_STATVFS), _name(folder))
        if kind != Message.EXTENDED_REPLY:
            return None
        fields = [reader.uint64() for _ in range(8)]  # ends with f_bavail, f_files, f_ffree, f_favail
        if fields[4] and (not fields[5] or fields[7]):
            return None
        return failed(f"{shown(path)}: no space is left on the host", "no-space")


def _listed(reader: Reader) -> Iterator[tuple[str, Entry]]:
    count = reader.uint32()
    if count == 0:
        raise bad_reply("the SFTP server sent an empty list of names")
    for _ in itertools.repeat(None, count):
        name = os.fsdecode(reader.string())
        reader.data()
        entry = reader.entry()
        if name not in (".", ".."):
            yield name, entry


def _name(path: str) -> bytes:
    return string(os.fsencode(path))


def _status(kind: int, reader: Reader) -> Status:
    if kind != Message.STATUS:
        raise bad_reply(f"the SFTP server answers with a packet of type {kind}")
    return reader.status()


def _error(status: Status, path: str) -> TransferFailed:
    words, reason = _CODES.get(status.code, ("", "refused"))
    said = words or excerpt(status.text) or f"the server reports only failure {status.code}"
    return TransferFailed(f"{shown(path)}: {said}", reason=reason, phase=Phase.TRANSFER)
