"""Copy the files that differ from one side to the other, verify them, and rename them into place."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.errors import HostError, OutputLimitExceeded
from runner.models import Phase
from runner.transfer.digest import Hashed
from runner.transfer.entries import Entry, Files, Kind
from runner.transfer.errors import failed, reworded, shown
from runner.transfer.owners import check, is_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.transfer.walk import Item

__all__ = ["Copy", "Moved", "Options"]

_BATCH = 256
_BATCH_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a copy.

    Attributes:
        mode: Permission bits of every file; None keeps those of a replaced file, unless another user
            created it, else the source's.
        checksum: Whether SHA-256 sums decide which files are equal, and verify copied files.
        max_size: Most bytes for all files together; None for no limit.
        private: Whether new files and folders are accessible only to their owner, if no mode is given.
    """

    mode: int | None = None
    checksum: bool = True
    max_size: int | None = None
    private: bool = False


@dataclass(slots=True)
class Moved:
    """Counts of a copy.

    Attributes:
        files: Files copied.
        size: Bytes copied.
        equal: Files that were equal already, and not copied.
        equal_size: Bytes in the equal files.
        digest: The SHA-256 sum of the last file; None if sums are not used.
    """

    files: int = 0
    size: int = 0
    equal: int = 0
    equal_size: int = 0
    digest: str | None = None


@dataclass(slots=True)
class _Piece:
    """One file to copy.

    Attributes:
        item: The file.
        place: Its target path.
        there: The present file at that path; None also if another user created it, so that its mode and
            owner are not kept.
        temporary: Its path until it is complete.
        digest: Its SHA-256 sum.
        size: Bytes copied.
    """

    item: Item
    place: str
    there: Entry | None
    temporary: str
    digest: str | None = None
    size: int = 0


class Copy:
    """Copies files from one side to the other.

    Args:
        source: The files to copy from.
        target: The files to copy to.
        options: The options.
        begin: Called before anything is changed on the target.
        push: Whether the target is the host; otherwise the source is. The host computes its own sums.
    """

    def __init__(
        self, source: Files, target: Files, options: Options, begin: Callable[[], None], *, push: bool
    ) -> None:
        self._source = source
        self._target = target
        self._options = options
        self._begin = begin
        self._push = push
        self._moved = Moved()
        self._taken = 0

    def run(self, items: Sequence[Item], place: str) -> Moved:
        """Copy the items that `walk` found to a path.

        Raises:
            HostError: Not all items could be copied; no partial file is left.
        """
        self._check_size(sum(item.entry.size for item in items if item.entry.kind is Kind.FILE))
        for item in items:
            if item.entry.kind is Kind.FOLDER:
                self._folder(_below(place, item), item.entry)
        for batch in _batches([item for item in items if item.entry.kind is Kind.FILE]):
            self._files([self._piece(item, _below(place, item)) for item in batch])
        return self._moved

    def _check_size(self, size: int) -> None:
        most = self._options.max_size
        if most is not None and size > most:
            raise OutputLimitExceeded(
                f"more than {most:,} bytes; see --max-size", reason="size-limit", phase=Phase.TRANSFER
            )

    def _folder(self, place: str, entry: Entry) -> None:
        check(self._target, place)
        there = self._target.look(place)
        if there is None:
            self._begin()
            mode = 0o700 if self._options.private else (entry.mode or 0o755) | 0o700
            self._target.make_folder(place, mode & 0o777)
        elif there.kind is not Kind.FOLDER:
            raise failed(f"{shown(place)}: exists already and is not a folder", "not-a-folder")

    def _piece(self, item: Item, place: str) -> _Piece:
        """Look up the present file at a target path; if it is a link, use the link's target."""
        there = self._target.look(place, follow=False)
        if there is not None and there.kind is Kind.LINK:
            check(self._target, place)
            place = self._target.resolved(place)
            there = self._target.look(place)
            if there is None:
                raise failed(f"{shown(place)}: a link whose target does not exist", "no-such-file")
        if there is not None and there.kind is not Kind.FILE:
            what = "a folder" if there.kind is Kind.FOLDER else "not a regular file"
            raise failed(f"{shown(place)}: exists already and is {what}", "is-a-folder")
        if there is not None and not is_ours(self._target, place, there):
            there = None
        folder, slash, _ = place.rpartition("/")
        temporary = f"{folder}{slash}.runner-{secrets.token_hex(8)}"
        return _Piece(item, place, there, temporary if self._target.atomic else place)

    def _files(self, pieces: list[_Piece]) -> None:
        """Copy the files of a batch that differ."""
        equal = self._equal(pieces)
        rest = [piece for piece in pieces if piece.place not in equal]
        written: list[_Piece] = []
        try:
            for piece in rest:
                self._begin()
                self._write(piece)
                written.append(piece)
            self._prove(rest)
            while written:
                self._put_in_place(written[0])
                written.pop(0)
        finally:
            self._tidy(written)

    def _equal(self, pieces: Sequence[_Piece]) -> set[str]:
        """Return the target paths of files that are equal already."""
        same = [
            piece for piece in pieces if piece.there is not None and piece.there.size == piece.item.entry.size
        ]
        if not same or not self._options.checksum:
            return set()
        near, far = [piece.item.path for piece in same], [piece.place for piece in same]
        here, there = (near, far) if self._push else (far, near)
        local, host = (self._source, self._target) if self._push else (self._target, self._source)
        theirs = host.digests(there, read_back=self._push)
        if theirs is None:
            return set()
        ours = local.digests(here, read_back=True) or ()
        found: set[str] = set()
        for piece, one, other in zip(same, ours, theirs, strict=True):
            if one == other is not None:
                found.add(piece.place)
                self._moved.equal += 1
                self._moved.equal_size += piece.item.entry.size
                self._moved.digest = one
                self._correct_mode(piece)
        return found

    def _correct_mode(self, piece: _Piece) -> None:
        wanted = self._options.mode
        if wanted is not None and piece.there is not None and piece.there.mode not in (None, wanted):
            self._begin()
            self._target.set_mode(piece.place, wanted)

    def _write(self, piece: _Piece) -> None:
        content = Hashed(self._limited(self._source.read(piece.item.path, piece.item.entry)))
        try:
            self._target.write(piece.temporary, content, self._clothes(piece))
        except HostError as exc:
            raise reworded(exc, piece.temporary, piece.place) from exc
        piece.digest, piece.size = content.digest(), content.size

    def _limited(self, content: Iterable[bytes]) -> Iterator[bytes]:
        for part in content:
            self._taken += len(part)
            self._check_size(self._taken)
            yield part

    def _clothes(self, piece: _Piece) -> Entry:
        """Return the entry with the mode, time and owner that a file has to get."""
        entry, there, mode = piece.item.entry, piece.there, self._options.mode
        if mode is None and self._options.private:
            mode = 0o600
        if mode is None and there is not None:
            mode = there.mode
        if mode is None and entry.mode is not None:
            mode = entry.mode & 0o777
        owner = there.owner if there is not None and self._push else None
        return replace(entry, mode=mode, owner=owner)

    def _prove(self, pieces: Sequence[_Piece]) -> None:
        """Compare the sums of copied files with those of the data sent."""
        if not pieces:
            return
        host = self._target if self._push else self._source
        paths = [piece.temporary if self._push else piece.item.path for piece in pieces]
        sums = host.digests(paths, read_back=self._push) if self._options.checksum else None
        for index, piece in enumerate(pieces):
            if sums is not None and sums[index] != piece.digest:
                raise self._differs(piece)
            if self._options.checksum:
                self._moved.digest = piece.digest

    def _differs(self, piece: _Piece) -> HostError:
        path, before = piece.item.path, piece.item.entry
        now = self._source.look(path)
        if now is None or (now.size, now.mtime) != (before.size, before.mtime):
            text = f"{shown(path)}: changed while it was read; use --no-checksum to copy it all the same"
            return failed(text, "changed")
        return failed(f"{shown(piece.place)}: the copy differs from the source (SHA-256)", "checksum")

    def _put_in_place(self, piece: _Piece) -> None:
        if piece.temporary != piece.place:
            try:
                self._target.replace(piece.temporary, piece.place)
            except HostError as exc:
                raise reworded(exc, piece.temporary, piece.place) from exc
        self._moved.files += 1
        self._moved.size += piece.size

    def _tidy(self, pieces: Sequence[_Piece]) -> None:
        """Remove temporary files; ignore errors."""
        for piece in pieces:
            if piece.temporary != piece.place:
                with suppress(HostError):
                    self._target.remove(piece.temporary)


def _below(place: str, item: Item) -> str:
    return f"{place.rstrip('/')}/{item.below}" if item.below else place


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Split files into batches whose sums are requested together."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= _BATCH or size + item.entry.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.entry.size
    if batch:
        yield batch
