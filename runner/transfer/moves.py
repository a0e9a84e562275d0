"""One host's transfer: the work of `put` and `get`, and its result."""

from __future__ import annotations

import posixpath
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.connection.command.stream import StreamEnded
from runner.errors import ConnectionLost, HostError
from runner.models import CommandResult, Phase
from runner.text.file_names import file_name
from runner.text.paths import checked
from runner.transfer.copying import Copy, Moved, Options
from runner.transfer.entries import Files, Kind
from runner.transfer.errors import failed, shown
from runner.transfer.local import LocalFiles
from runner.transfer.owners import check
from runner.transfer.places import files_of
from runner.transfer.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.connection import Connection
    from runner.models import Host

__all__ = ["Get", "Put", "Transfer"]


class Transfer(Protocol):
    """A file transfer with one host."""

    @property
    def identity(self) -> Mapping[str, object]:
        """Details that its text does not show; a run with other details is a different run."""

    def __call__(self, connection: Connection, host: Host) -> CommandResult:
        """Do the transfer; raise `HostError` if it fails."""


@dataclass(frozen=True, slots=True)
class Put:
    """Sends a file or folder of this machine to a host.

    The content of a folder goes into the folder `destination`, which is created if missing. A file goes to
    `destination`, or into it if it is a folder. If `destination` ends with a slash, both go into it, under
    their own name.

    Attributes:
        source: Path on this machine.
        destination: Path on the host; a relative one is relative to the home folder.
        options: Options of the copy.
    """

    source: str
    destination: str
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        checked("source", self.source)
        checked("destination", self.destination)

    def __str__(self) -> str:
        return f"put {self.source} {self.destination}"

    @property
    def identity(self) -> Mapping[str, object]:
        """How."""
        return asdict(self.options)

    def __call__(self, connection: Connection, host: Host) -> CommandResult:
        """Send the files."""
        near = LocalFiles()

        def begin() -> None:
            connection.sent = True

        with _told(str(self), connection, changes=True) as told:
            source = near.absolute(self.source)
            items = walk(near, source)
            with files_of(connection, host) as far:
                place = self._place(far, source, folder=items[0].entry.kind is Kind.FOLDER)
                told.moved = Copy(near, far, self.options, begin, push=True).run(items, place)
        return told.result("sent", "sent")

    def _place(self, far: Files, source: str, *, folder: bool) -> str:
        place = far.absolute(self.destination)
        if self.destination.endswith(("/", ":")):
            return f"{place.rstrip('/')}{'' if place.endswith(':') else '/'}{Path(source).name}"
        if folder:
            return place
        check(far, place)
        there = far.look(place)
        if there is not None and there.kind is Kind.FOLDER:
            return f"{place.rstrip('/')}/{Path(source).name}"
        return place


@dataclass(frozen=True, slots=True)
class Get:
    """Fetches a file or folder of a host to this machine, as `destination/HOST/NAME`.

    Attributes:
        source: Path on the host; a relative one is relative to the home folder.
        destination: A folder on this machine, which is created if missing.
        options: Options of the copy.
        names: Folder names for hosts whose usual folder name would collide with another host's.
    """

    source: str
    destination: str
    options: Options = field(default_factory=lambda: Options(private=True))
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked("source", self.source)
        checked("destination", self.destination)

    def __str__(self) -> str:
        return f"get {self.source} {self.destination}"

    @property
    def identity(self) -> Mapping[str, object]:
        """How."""
        return asdict(self.options)

    def __call__(self, connection: Connection, host: Host) -> CommandResult:
        """Fetch the files."""
        near = LocalFiles()
        with _told(str(self), connection, changes=False) as told, files_of(connection, host) as far:
            source = far.absolute(self.source)
            items = walk(far, source)
            folder = str(
                Path(near.absolute(self.destination), self.names.get(host.name, file_name(host.name)))
            )
            check(near, near.absolute(self.destination))
            check(near, folder)
            if near.look(folder) is None:
                near.make_folder(folder, 0o700)
            place = f"{folder}/{_last_name(far, source)}"
            told.moved = Copy(far, near, self.options, lambda: None, push=False).run(items, place)
        return told.result("got", "fetched")


def _last_name(files: Files, path: str) -> str:
    """Return the name for a host's file on this machine."""
    name = posixpath.basename(path.rstrip("/")).rpartition(":")[2]
    if name in ("", ".", ".."):
        name = posixpath.basename(files.resolved(path)) or "root"
    if name in (".", "..") or "\0" in name:
        raise failed(f"{shown(path)}: has no name that can be used on this machine", "bad-name")
    return name


@dataclass(slots=True)
class _Told:
    """The data for the result of a transfer."""

    command: str
    start: float = field(default_factory=time.monotonic)
    moved: Moved = field(default_factory=Moved)

    def result(self, done: str, not_done: str) -> CommandResult:
        """Return the result of a complete transfer, in the form of a command's result."""
        text = f"{_words(self.moved, done, not_done)}\n"
        return CommandResult(self.command, 0, text.encode(), duration_s=time.monotonic() - self.start)

    def failure(self) -> CommandResult:
        """Return the result of a transfer that did not finish, in the form of a command's result."""
        return CommandResult(self.command, duration_s=time.monotonic() - self.start)


@contextmanager
def _told(command: str, connection: Connection, *, changes: bool) -> Iterator[_Told]:
    """Add the result of the unfinished transfer to errors raised in this context.

    Args:
        command: The transfer as one line.
        connection: The connection to the host.
        changes: Whether it changes the host, so that its outcome is unknown if the connection is lost.
    """
    told = _Told(command)
    try:
        yield told
    except StreamEnded as exc:
        if not (changes and connection.sent):
            raise
        lost = ConnectionLost(str(exc), reason=exc.reason, phase=Phase.TRANSFER)
        lost.command = told.failure()
        raise lost from exc
    except HostError as exc:
        if exc.command is None and connection.sent:
            exc.command = told.failure()
        raise


def _words(moved: Moved, done: str, not_done: str) -> str:
    """Return one line for people; it is equal for hosts with equal transfers."""
    total = moved.files + moved.equal
    if total == 1:
        proof = f", sha256 {moved.digest}" if moved.digest is not None else ""
        if moved.equal:
            return f"equal, not {not_done}: {moved.equal_size:,} bytes{proof}"
        return f"{done} {moved.size:,} bytes{proof}"
    if moved.equal and not moved.files:
        return f"equal, not {not_done}: {moved.equal:,} files, {moved.equal_size:,} bytes"
    text = f"{done} {moved.files:,} files, {moved.size:,} bytes"
    return f"{text}; {moved.equal:,} equal, not {not_done}" if moved.equal else text
