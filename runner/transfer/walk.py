"""All that is in a folder, folders before what is in them; nothing that could not be moved."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.transfer.entries import MAX_DEPTH, MAX_ENTRIES, MAX_NAME, MAX_PATHS, Entry, Files, Kind
from runner.transfer.errors import bad_reply, failed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Item", "walk"]


@dataclass(frozen=True, slots=True)
class Item:
    """A file or a folder to be moved.

    Attributes:
        path: Where it is.
        below: Its path below what was asked for; empty for that itself.
        entry: What it is.
    """

    path: str
    below: str
    entry: Entry


def walk(files: Files, path: str) -> list[Item]:
    """Return what a path stands for, and all that is below it.

    A link to a file stands for the file. A link to a folder, which may lead in a circle, and whatever is
    neither file nor folder is refused, before anything has been moved.

    Raises:
        TransferFailed: There is nothing, too much, or something that cannot be moved.
        BadReply: A host lists what cannot be the name of anything.
    """
    entry = files.look(path)
    if entry is None:
        raise failed(f"{shown(path)}: no such file or folder", "no-such-file")
    if entry.kind is Kind.SPECIAL:
        raise _special(path)
    found = [Item(path, "", entry)]
    waiting = list(found) if entry.kind is Kind.FOLDER else []
    size = 0
    while waiting:
        for item in _inside(files, waiting.pop()):
            found.append(item)
            size += len(item.path)
            if len(found) > MAX_ENTRIES or size > MAX_PATHS:
                raise failed(f"{shown(path)}: more files and folders than {MAX_ENTRIES:,}", "too-many-files")
            if item.entry.kind is Kind.FOLDER:
                waiting.append(item)
    return found


def _inside(files: Files, folder: Item) -> Iterator[Item]:
    if folder.below.count("/") >= MAX_DEPTH:
        raise failed(f"{shown(folder.path)}: more than {MAX_DEPTH} folders in folders", "too-deep")
    seen: set[str] = set()
    for name, listed in files.names(folder.path):
        if name in seen or not _is_name(name):
            raise bad_reply(
                f"{shown(folder.path)} is said to hold {name[:100]!r}, which is refused as a name"
            )
        seen.add(name)
        path = f"{folder.path.rstrip('/')}/{name}"
        yield Item(path, f"{folder.below}/{name}".lstrip("/"), _real(files, path, listed))


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name) and len(os.fsencode(name)) <= MAX_NAME


def _real(files: Files, path: str, listed: Entry) -> Entry:
    """Return what is behind a name that a folder lists."""
    entry: Entry | None = listed
    if listed.mode is None:  # servers may leave it out
        entry = files.look(path, follow=False)
    if entry is not None and entry.kind is Kind.LINK:
        entry = files.look(path)
        if entry is None or entry.kind is Kind.FOLDER:
            raise failed(f"{shown(path)}: a link to a folder, or to nothing, is not moved", "special-file")
    if entry is None or entry.kind is Kind.SPECIAL:
        raise _special(path)
    return entry


def _special(path: str) -> Exception:
    return failed(f"{shown(path)}: neither a file nor a folder", "special-file")
