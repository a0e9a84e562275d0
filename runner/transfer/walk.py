"""List a folder recursively for a transfer, each folder before its content."""

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
    """A file or folder to transfer.

    Attributes:
        path: Its path.
        below: Its path relative to the requested one; empty for the requested one itself.
        entry: Its attributes.
    """

    path: str
    below: str
    entry: Entry


def walk(files: Files, path: str) -> list[Item]:
    """Return the file or folder at a path, and everything below it.

    A link to a file counts as the file. A link to a folder, which may form a loop, and a special file are
    refused before anything is transferred.

    Raises:
        TransferFailed: The path does not exist, holds too much, or holds an entry that cannot be transferred.
        BadReply: The host lists an invalid file name.
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
            raise bad_reply(f"{shown(folder.path)}: the host lists {name[:100]!r}, which is not a valid name")
        seen.add(name)
        path = f"{folder.path.rstrip('/')}/{name}"
        yield Item(path, f"{folder.below}/{name}".lstrip("/"), _real(files, path, listed))


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name) and len(os.fsencode(name)) <= MAX_NAME


def _real(files: Files, path: str, listed: Entry) -> Entry:
    """Return the entry for a listed name, with links to files followed."""
    entry: Entry | None = listed
    if listed.mode is None:  # servers may omit it
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
