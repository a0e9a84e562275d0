"""Whose a file is that is there already: what another user made first is not taken over, nor followed.

In a folder that many may write to, another user can make a name before we do: a file, which would stay that
user's; a link, which leads anywhere; or a folder, in which everything can be replaced later. Those of root
and our own are trusted. If the other side does not name an owner, nothing can be told, and all is trusted.
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
    """Tell whether root, or the user as whom files are made, owns what is in a place.

    Args:
        files: The side on which it is.
        place: The path.
        entry: The entry there; of a link, the link itself.
    """
    if entry.owner is None or entry.owner[0] == _ROOT:
        return True
    return entry.owner[0] == files.user(_folder(place))


def check(files: Files, place: str) -> None:
    """Refuse a link of another user, or a folder that another user made in one that is writable by all.

    Raises:
        TransferFailed: It is one of these.
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
