"""The owner rule for files that are found by searching: only the operator, or root, can have written them.

A file passes if the operator or root owns it and no other user may write to it, and if the same holds for
every folder above it. Git (`safe.directory`), sshd (`StrictModes`) and Ansible (`ansible.cfg`) have such a
rule too. A file that a flag names is the operator's choice and needs no check.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check", "check_tree", "fault"]

_ACL = "system.posix_acl_access"
_MOST_LINKS = 40  # Linux follows no more, path_resolution(7)


def check(what: str, path: str | os.PathLike[str], *, named: str = "name it with a flag") -> None:
    """Refuse a file or folder that was found by searching, if another user can have written it.

    Args:
        what: What the file is for, at the beginning of the message.
        path: The file or folder; it exists.
        named: How the operator can confirm the file, for the message.

    Raises:
        UsageError: The file breaks the owner rule; the message says which file or folder does, with a remedy.
    """
    found = fault(path)
    if found is not None:
        raise UsageError(f"{what} {printable(os.fspath(path))} is not used: {found}, or {named}")


def check_tree(what: str, folder: str | os.PathLike[str], *, named: str = "name it with a flag") -> None:
    """Refuse a folder that was found by searching, if another user can have written it or anything in it.

    Args:
        what: What the folder is for, at the beginning of the message.
        folder: The folder, or a file.
        named: How the operator can confirm the folder, for the message.

    Raises:
        UsageError: As `check`.
    """
    check(what, folder, named=named)
    trusted = _trusted()
    left, walked = [os.fspath(folder)], set[str]()
    while left:
        for place, folders, files in os.walk(left.pop()):
            real = os.path.realpath(place)
            if real in walked:  # links may lead to one folder, or to each other
                folders.clear()
                continue
            walked.add(real)
            for name in (*folders, *files):
                path = os.path.join(place, name)  # noqa: PTH118 - os.walk gives texts
                try:
                    status = os.lstat(path)
                except FileNotFoundError:  # an editor's temporary file, perhaps
                    continue
                if stat.S_ISLNK(status.st_mode):
                    check(what, path, named=named)
                    left.append(path)
                elif _fault_of(path, status, None, trusted) is not None:
                    check(what, path, named=named)


def fault(path: str | os.PathLike[str], *also: int) -> str | None:
    """Return the violation of the owner rule, with the command that fixes it; None if the file passes.

    Args:
        path: A file or folder. Every link on the way to it is checked, and every folder above each of them.
        also: User ids of more owners that are trusted.
    """
    trusted = _trusted() | set(also)
    # Callers open the path as it is written, or without `..` in it: both have to be safe.
    spellings = dict.fromkeys((os.fspath(path), os.path.abspath(path)))  # noqa: PTH100
    places = dict.fromkeys(place for spelled in spellings for place in _links_and_end(spelled))
    found = (_fault_above(place, trusted) for place in places)
    return next((each for each in found if each is not None), None)


def _links_and_end(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield each link on the way to a file, and the file itself; none of them has a link above it."""
    place, parts, followed = "/", os.path.join(os.getcwd(), path).split("/"), 0  # noqa: PTH109, PTH118
    while parts and followed <= _MOST_LINKS:
        part, *parts = parts
        if part == "..":
            yield place  # its owner could replace it with a link, and so choose the folder above it
            place = os.path.dirname(place)  # noqa: PTH120 - of a link to a folder, `..` is above the target
        elif part not in ("", "."):
            here = os.path.join(place, part)  # noqa: PTH118
            try:
                target = os.readlink(here)  # noqa: PTH115
            except OSError:  # not a link, or missing, which the reader of the file reports
                place = here
                continue
            yield here
            followed += 1
            place = "/" if target.startswith("/") else place
            parts = [*target.split("/"), *parts]
    yield place


def _trusted() -> frozenset[int]:
    """Return the user ids whose files are the operator's own: under sudo, also of the user who called it."""
    own = os.geteuid()
    caller = os.environ.get("SUDO_UID", "")
    by_sudo = own == 0 and os.getuid() == 0 and caller.isascii() and caller.isdigit()
    return frozenset({0, own, *((int(caller[:10]),) if by_sudo else ())})


def _fault_above(place: str, trusted: frozenset[int]) -> str | None:
    """Return the fault of a path or of the nearest folder above it that has one."""
    below: os.stat_result | None = None
    status: os.stat_result | None
    while True:
        try:
            status = os.lstat(place)
        except FileNotFoundError:  # the target of a link: its reader reports that it is missing
            status = None
        except OSError as exc:
            return f"{printable(place)} cannot be looked at ({exc.strerror})"
        found = None if status is None else _fault_of(place, status, below, trusted)
        if found is not None:
            return found
        above = os.path.dirname(place)  # noqa: PTH120 - a text, as above
        if above == place:
            return None
        place, below = above, status


def _fault_of(
    place: str, status: os.stat_result, below: os.stat_result | None, trusted: frozenset[int]
) -> str | None:
    """Return the fault of one file or folder; `below` is the status of the entry checked in it before."""
    shown = printable(place)
    if status.st_uid not in trusted:
        return f"{shown} belongs to {_user(status.st_uid)}: chown it"
    if stat.S_ISLNK(status.st_mode):
        return None
    # In a sticky folder, other users cannot rename or remove the operator's entries, only add files. If the
    # entry checked before is a folder, they cannot add files to that one either.
    if below is not None and status.st_mode & stat.S_ISVTX and stat.S_ISDIR(below.st_mode):
        return None
    if status.st_mode & stat.S_IWOTH:
        remedy = "use a folder of your own in it" if status.st_mode & stat.S_ISVTX else "chmod o-w it"
        return f"every user may write to {shown}: {remedy}"
    if status.st_mode & stat.S_IWGRP and not _is_private(place, status.st_gid, trusted):
        return f"the group {_group(status.st_gid)} may write to {shown}: chmod g-w it"
    return None


def _is_private(place: str, gid: int, trusted: frozenset[int]) -> bool:
    """Return whether a trusted user is the group's only member, and no ACL grants rights to other users."""
    return any(_is_private_of(gid, uid) for uid in trusted) and not _has_acl(place)


@lru_cache(maxsize=256)
def _is_private_of(gid: int, uid: int) -> bool:
    """Return whether a group is a user's private group: same name, no other members (used with umask 002)."""
    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and user.pw_name == group.gr_name and set(group.gr_mem) <= {user.pw_name}


def _has_acl(place: str) -> bool:
    """Return whether a file has an ACL: the group's mode bits are then only a mask (acl(5))."""
    try:
        return bool(os.getxattr(place, _ACL))
    except OSError:
        return False


def _user(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
