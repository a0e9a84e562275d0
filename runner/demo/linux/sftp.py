"""SFTP for a server's files, which are in memory: clients cannot reach the files of the real machine.

asyncssh's own server works on the real file system, and every operation calls `map_path`. Here `map_path`
always fails, so that an operation that is not defined below, or that a later asyncssh adds, fails too.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.demo.linux.machine import Machine

__all__ = ["MachineFiles"]


@dataclass(slots=True)
class _Handle:
    """A file that a client has open."""

    path: str
    appending: bool


class MachineFiles(asyncssh.SFTPServer):
    """One SFTP session on a server.

    Args:
        machine: The server.
        chan: The channel that asyncssh opened for it.
    """

    def __init__(self, machine: Machine, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(chan)
        self._machine = machine

    def map_path(self, _path: bytes) -> bytes:
        """Raise an error: paths of the simulation do not exist in the real file system."""
        raise asyncssh.SFTPOpUnsupported("this simulated server does not know that")

    def realpath(self, path: bytes) -> bytes:
        """Return the absolute path; relative paths start at the home directory."""
        return self._resolve(path).encode()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file; create or truncate it according to the flags (SFTP draft, section 6.3)."""
        name = self._resolve(path)
        exists = name in self._machine.files
        if pflags & asyncssh.FXF_EXCL and exists:
            raise asyncssh.SFTPFailure("File exists")
        if not exists and not pflags & asyncssh.FXF_CREAT:
            raise _missing(name)
        if pflags & asyncssh.FXF_WRITE or not exists:
            self._may_write(name)
            if not exists or pflags & asyncssh.FXF_TRUNC:
                self._machine.files[name] = bytearray()
            if not exists:
                self._keep(name, attrs)
        return _Handle(name, bool(pflags & asyncssh.FXF_APPEND))

    def close(self, _file_obj: object) -> None:
        """Do nothing: everything is already written."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Return up to `size` bytes."""
        return bytes(self._content(file_obj)[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write bytes, filling a gap before them with zeros."""
        content = self._content(file_obj)
        start = len(content) if isinstance(file_obj, _Handle) and file_obj.appending else offset
        if not self._machine.has_room(start + len(data) - len(content)):
            raise asyncssh.SFTPFailure("No space left on device")
        content.extend(bytes(max(0, start - len(content))))
        content[start : start + len(data)] = data
        return len(data)

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return type, size and permissions."""
        name = self._resolve(path)
        if name in self._machine.files:
            return self._attributes(name)
        if name in self._machine.directories:
            return asyncssh.SFTPAttrs(permissions=stat.S_IFDIR | 0o755, size=4096, uid=1000, gid=1000)
        raise _missing(name)

    lstat = stat

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Return type, size and permissions of an open file."""
        self._content(file_obj)
        return self._attributes(file_obj.path) if isinstance(file_obj, _Handle) else asyncssh.SFTPAttrs()

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Store the permissions and ignore other attributes; clients set them after each upload."""
        self.stat(path)
        self._keep(self._resolve(path), attrs)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Store the permissions of an open file and ignore other attributes."""
        self._content(file_obj)
        if isinstance(file_obj, _Handle):
            self._keep(file_obj.path, attrs)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Yield the entries of a directory."""
        name = self._resolve(path)
        if name not in self._machine.directories:
            raise _missing(name)
        for child in self._machine.children(name):
            encoded = child.encode()
            yield asyncssh.SFTPName(encoded, attrs=self.stat(name.encode() + b"/" + encoded))

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        name = self._resolve(path)
        if name not in self._machine.files:
            raise _missing(name)
        self._may_write(name)
        self._machine.remove(name)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file; fail if the new name exists, as in SFTP version 3."""
        old, new = self._resolve(oldpath), self._resolve(newpath)
        if new in self._machine.files:
            raise asyncssh.SFTPFailure("File exists")
        self._move(old, new)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, replacing an existing file with the new name."""
        self._move(self._resolve(oldpath), self._resolve(newpath))

    def mkdir(self, path: bytes, _attrs: asyncssh.SFTPAttrs) -> None:
        """Make a directory."""
        name = self._resolve(path)
        if name in self._machine.directories:
            raise asyncssh.SFTPFailure("File exists")
        self._may_write(name)
        self._machine.directories.add(name)

    def rmdir(self, path: bytes) -> None:
        """Remove an empty directory."""
        name = self._resolve(path)
        if name not in self._machine.directories:
            raise _missing(name)
        self._may_write(name)
        if self._machine.children(name):
            raise asyncssh.SFTPFailure("Directory not empty")
        self._machine.directories.remove(name)

    def _resolve(self, path: bytes) -> str:
        return self._machine.resolve(self._machine.home, path.decode("utf-8", "backslashreplace"))

    def _writable(self, name: str) -> bool:
        return self._machine.writable(name, self._machine.device.user)

    def _attributes(self, name: str) -> asyncssh.SFTPAttrs:
        size = len(self._machine.files[name])
        permissions = stat.S_IFREG | self._machine.mode(name)
        return asyncssh.SFTPAttrs(permissions=permissions, size=size, uid=1000, gid=1000)

    def _keep(self, name: str, attrs: asyncssh.SFTPAttrs) -> None:
        if attrs.permissions is not None and name in self._machine.files and self._writable(name):
            self._machine.modes[name] = stat.S_IMODE(attrs.permissions)

    def _content(self, file_obj: object) -> bytearray:
        """Return the bytes of an open file; raise an error if it was removed meanwhile."""
        if not isinstance(file_obj, _Handle) or file_obj.path not in self._machine.files:
            raise asyncssh.SFTPFailure("the file is gone")
        return self._machine.files[file_obj.path]

    def _may_write(self, name: str) -> None:
        if not self._writable(name):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        if name.rpartition("/")[0] not in self._machine.directories:
            raise _missing(name)

    def _move(self, old: str, new: str) -> None:
        if old not in self._machine.files:
            raise _missing(old)
        self._may_write(old)
        self._may_write(new)
        self._machine.files[new] = self._machine.files.pop(old)
        self._machine.modes[new] = self._machine.mode(old)
        self._machine.modes.pop(old, None)


def _missing(name: str) -> asyncssh.SFTPNoSuchFile:
    return asyncssh.SFTPNoSuchFile(f"{name}: No such file or directory")
