"""Transfer files by SCP, the rcp protocol of `scp -O`, for hosts without an SFTP server.

The only specification is its source (OpenSSH's scp.c). The protocol only transfers file content. Listing,
checksums and renaming use the host's shell, if it has one; a device's CLI does not have one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.connection.command.shells import quoted
from runner.text import excerpt
from runner.transfer.digest import on_host
from runner.transfer.entries import Entry, Kind
from runner.transfer.errors import bad_reply, failed, shown
from runner.transfer.shell import BEGUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.connection.command.stream import Stream, Streaming
    from runner.transfer.shell import Shell

__all__ = ["ScpFiles"]

_LONGEST_LINE = 2**12
_MOST_NOISE = 2**18
_FINE = 0
_REFUSALS = (
    (re.compile(r"no such file|not found", re.IGNORECASE), "no-such-file"),
    (re.compile(r"permission denied|not permitted|privilege", re.IGNORECASE), "permission-denied"),
    (re.compile(r"no space|not enough space|quota|disk full", re.IGNORECASE), "no-space"),
    (re.compile(r"not a regular file|is a directory", re.IGNORECASE), "is-a-folder"),
)
_FILE = re.compile(rb"C([0-7]{4,6}) (\d{1,19}) (.+)", re.DOTALL)
_PLAIN = re.compile(r"(?!-)[\w.:/@%+=,-]+")

_LOOK = """\
follow=-L
if [ -h "$1" ] && [ "$2" = link ]; then follow=; set -- "$1" link 0
elif [ -d "$1" ]; then set -- "$1" folder 0
elif [ -f "$1" ]; then set -- "$1" file $(wc -c <"$1" || echo 0)
elif [ -e "$1" ]; then set -- "$1" special 0
else set -- "$1" none 0; fi
echo "$2" "$3"
ls -ldn $follow -- "$1" 2>/dev/null || :
"""
_LISTED = re.compile(r"[a-z-]([r-][w-][a-zA-Z-][r-][w-][a-zA-Z-][r-][w-][a-zA-Z-])\S* +\d+ +(\d+) +(\d+) ")
"""How `ls -ldn` (POSIX) shows permissions, number of links, user and group."""
_KINDS = {"file": Kind.FILE, "folder": Kind.FOLDER, "link": Kind.LINK, "special": Kind.SPECIAL}


class ScpFiles:
    """The files of a host without SFTP; see `Files`.

    Args:
        connection: The connection to the host.
        shell: Its shell.

    Attributes:
        atomic: Whether it has a shell, which can rename files.
    """

    def __init__(self, connection: Streaming, shell: Shell) -> None:
        self.atomic = shell.there
        self._connection = connection
        self._shell = shell

    def absolute(self, path: str) -> str:
        """Return the path to send to the host, which resolves a relative path itself."""
        if not self._shell.there and not _PLAIN.fullmatch(path):
            raise failed(f"{shown(path)}: a device's CLI has no way to quote that", "bad-name")
        return (path.removeprefix("~/") if path != "~" else "") or "."

    def resolved(self, path: str) -> str:
        """Return a path with all links resolved."""
        said = self._shell.ask('readlink -f -- "$1"', path)
        return said.removesuffix("\n") if said else path

    def look(self, path: str, *, follow: bool = True) -> Entry | None:
        """Return the entry at a path; without a shell, assume a file with unknown attributes."""
        if not self._shell.there:
            return Entry(Kind.FILE)
        first, _, listed = (self._shell.ask(_LOOK, path, "" if follow else "link") or "").partition("\n")
        said = first.split()
        if len(said) != 2 or not said[1].isdecimal():  # noqa: PLR2004 - a kind and a size
            raise failed("the host has neither SFTP nor a POSIX shell to look up the file", "no-sftp")
        kind, found = _KINDS.get(said[0]), _LISTED.match(listed)
        if kind is None:
            return None
        if found is None:
            return Entry(kind, int(said[1]))
        return Entry(kind, int(said[1]), _mode(found[1]), owner=(int(found[2]), int(found[3])))

    def user(self, folder: str) -> int | None:  # noqa: ARG002 - not needed here
        """Return the id of the user who owns newly created files; None without a shell."""
        said = (self._shell.ask("id -u") or "").strip()
        return int(said) if said.isdecimal() else None

    def names(self, path: str) -> Iterator[tuple[str, Entry]]:
        """Refuse: SCP cannot list."""
        raise failed(f"{shown(path)}: cannot fetch a folder: the host has no SFTP", "no-sftp")

    def make_folder(self, path: str, mode: int) -> None:
        """Create a folder."""
        self._change(path, 'mkdir -m "$2" -- "$1"', f"{mode:o}")

    def write(self, path: str, content: Iterable[bytes], entry: Entry) -> None:
        """Create a file; if writing fails, remove it if the host has a shell."""
        stream = self._connection.open_stream(self._line("-t", path))
        try:
            with stream.working():
                _Sending(stream, path, self._begun).send(content, entry)
        except BaseException:
            stream.close()
            if self._shell.there:
                self._shell.do('rm -f -- "$1"', path)
            raise
        stream.close()

    def read(self, path: str, entry: Entry) -> Iterator[bytes]:  # noqa: ARG002 - the sender reports the size itself
        """Return a file's content."""
        stream = self._connection.open_stream(self._line("-f", path))
        try:
            with stream.working():
                yield from _Receiving(stream, path, self._begun).receive()
        finally:
            stream.close()

    def replace(self, old: str, new: str) -> None:
        """Rename a file."""
        self._change(new, 'mv -f -- "$2" "$1"', old)

    def set_mode(self, path: str, mode: int) -> None:
        """Change a file's permission bits."""
        self._change(path, 'chmod "$2" -- "$1"', f"{mode:o}")

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._change(path, 'rm -- "$1"')

    def digests(self, paths: Sequence[str], *, read_back: bool) -> Sequence[str | None] | None:  # noqa: ARG002
        """Return files' SHA-256 sums, computed by the host's shell; None without one."""
        return on_host(self._shell, paths)

    def close(self) -> None:
        """Do nothing: each transfer runs its own `scp`."""

    def _line(self, flag: str, path: str) -> str:
        """Return the command line of `scp`; a shell first prints `BEGUN` to mark the start of the output."""
        path = f"./{path}" if path.startswith("-") else path
        return (
            f"echo {quoted(BEGUN)}; scp {flag} {quoted(path)}" if self._shell.there else f"scp {flag} {path}"
        )

    @property
    def _begun(self) -> bytes:
        return f"{BEGUN}\n".encode() if self._shell.there else b""

    def _change(self, path: str, script: str, *words: str) -> None:
        result = self._shell.do(script, path, *words)
        if result is None:
            raise failed(f"{shown(path)}: the host has neither SFTP nor a shell for this change", "no-sftp")
        if not result.ok:
            raise _refused(path, result.stderr_bytes)


class _Lines:
    """Reads the host's output as lines and as counted bytes.

    Args:
        stream: The byte stream to the host's `scp`.
        path: The file, for messages.
        begun: The line after which the output of `scp` begins; empty if it begins at once.
    """

    def __init__(self, stream: Stream, path: str, begun: bytes) -> None:
        self._stream = stream
        self._path = path
        self._buffer = b""
        while begun not in self._buffer:
            self._buffer += stream.recv()
            if len(self._buffer) > _MOST_NOISE:
                raise bad_reply(f"the host does not speak SCP: {excerpt(self._buffer, 60)!r}")
        self._buffer = self._buffer.partition(begun)[2] if begun else b""

    def counted(self, count: int) -> Iterator[bytes]:
        """Yield the next `count` bytes as they arrive."""
        while count:
            if not self._buffer:
                self._buffer = self._stream.recv()
            piece, self._buffer = self._buffer[:count], self._buffer[count:]
            count -= len(piece)
            yield piece

    def line(self, begin: bytes = b"") -> bytes:
        """Return the rest of a line."""
        found = begin
        while not found.endswith(b"\n"):
            found += next(self.counted(1))
            if len(found) > _LONGEST_LINE:
                raise bad_reply(f"the host does not speak SCP: {excerpt(found, 60)!r}")
        return found[:-1]

    def check(self) -> None:
        """Read a reply; raise an error if it is a refusal."""
        code = next(self.counted(1))
        if code[0] == _FINE:
            return
        said = self.line(code if code[0] > 2 else b"")  # noqa: PLR2004 - 1 is an error, 2 a fatal one
        raise _refused(self._path, said)


class _Sending(_Lines):
    """The sender of a file, which talks to `scp -t`."""

    def send(self, content: Iterable[bytes], entry: Entry) -> None:
        """Send one file."""
        self.check()
        if entry.mtime is not None:
            self._say(f"T{entry.mtime} 0 {entry.mtime} 0\n")
        name = self._path.rpartition("/")[2].rpartition(":")[2]
        self._say(f"C{(entry.mode or 0o644) & 0o7777:04o} {entry.size} {name}\n")
        left = entry.size
        for part in content:
            left -= len(part)
            if left < 0:
                break
            self._stream.send(part)
        if left:
            raise failed("the file changed while it was sent", "changed")
        self._stream.send(b"\0")
        self.check()

    def _say(self, line: str) -> None:
        self._stream.send(line.encode("utf-8", "surrogateescape"))
        self.check()


class _Receiving(_Lines):
    """The receiver of a file, which talks to `scp -f`."""

    def receive(self) -> Iterator[bytes]:
        """Receive one file."""
        self._stream.send(b"\0")
        code = next(self.counted(1))
        if code[0] in (1, 2):
            raise _refused(self._path, self.line())
        line = self.line(code)
        if line.startswith(b"D"):
            raise failed(f"{shown(self._path)}: is a folder", "is-a-folder")
        match = _FILE.fullmatch(line)
        if match is None:
            raise bad_reply(f"the host does not speak SCP: {excerpt(line, 60)!r}")
        self._stream.send(b"\0")
        yield from self.counted(int(match[2]))
        self.check()
        self._stream.send(b"\0")


def _mode(listed: str) -> int:
    """Return the permission bits that `ls` shows as nine letters, without set-user-ID and similar bits."""
    return sum(1 << (8 - place) for place, letter in enumerate(listed) if letter not in "-ST")


def _refused(path: str, said: bytes) -> Exception:
    text = excerpt(said)
    reason = next((reason for pattern, reason in _REFUSALS if pattern.search(text)), "refused")
    return failed(f"{shown(path)}: {text or 'refused'}", reason)
