"""Check the owner of existing files: entries that another user created are neither reused nor followed.

In a folder that several users may write to, another user can create an entry before we do: a file, which
would stay that user's; a link to anywhere; or a folder, whose content can be replaced later. Entries of root
and of our own user are trusted. If the other side does not report owners, all entries are trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.transfer.entries import Kind
from runner.transfer.errors import failed, shown

if TYPE_CHECKING:
    from runner.transfer.entries import Entry, Files

__all__ = ["check", "is_ours"]

_ROOT = 0
_BY_OTHERS = 0o002


def is_ours(files: Files, place: str, entry: Entry) -> bool:
    """Return whether root, or the user who owns newly created files, owns an entry.

    Args:
        files: The side that holds the entry.
        place: Its path.
        entry: The entry; for a link, the link itself.
    """
    if entry.owner is None or entry.owner[0] == _ROOT:
        return True
    return entry.owner[0] == files.user(_folder(place))


def check(files: Files, place: str) -> None:
    """Refuse another user's link, or a folder that another user created in a world-writable one.

    Raises:
        TransferFailed: The path is such a link or folder.
    """
    entry = files.look(place, follow=False)
    if entry is None or entry.kind not in (Kind.LINK, Kind.FOLDER):
        return
    if entry.kind is Kind.FOLDER:
        around = files.look(_folder(place))
        if around is None or not (around.mode or 0) & _BY_OTHERS:
            return
    if not is_ours(files, place, entry):
        what = "a link" if entry.kind is Kind.LINK else "a folder, in one that is writable by all,"
        text = f"{shown(place)}: {what} of another user (uid {(entry.owner or (0,))[0]}); remove it first"
        raise failed(text, "not-ours")


def _folder(place: str) -> str:
    folder, slash, _ = place.rpartition("/")
    return folder or slash or "."
