"""Accounts of the lab's hosts that never become accounts of the machine.

Each node sees its own `/etc/passwd`, `group` and `shadow` through a bind mount in a mount namespace (see
`node.sh`), so nothing has to be taken back when the lab ends, however it ends.
"""

from __future__ import annotations

import grp
import pwd
import shutil
from typing import TYPE_CHECKING

from tests.lab.state import write
from tests.lab.topology import LOGIN, Node, Router

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOGIN_ID", "write_accounts"]

LOGIN_ID = 64198
"""User and group number of the login: from the range that Debian's policy (9.2.2) leaves free."""


def write_accounts(folder: Path, node: Node) -> None:
    """Write the account files of a node: the login, and the system's users that its daemons run as."""
    is_router = isinstance(node, Router)
    login = f"{LOGIN}:x:{LOGIN_ID}:{LOGIN_ID}:lab login:/home/{LOGIN}:{node.shell}"
    users = ["root", "sshd", *(["frr"] if is_router else [])]
    groups = ["root", "nogroup", *(["frr", "frrvty"] if is_router else [])]
    write(folder / "passwd", "".join(f"{line}\n" for line in (*map(_user, users), login)))
    write(folder / "group", "".join(f"{line}\n" for line in (*map(_group, groups), f"{LOGIN}:x:{LOGIN_ID}:")))
    write(folder / "shadow", f"root:*:::::::\n{LOGIN}:*:::::::\n", mode=0o640)
    shutil.chown(folder / "shadow", group="shadow")


def _user(name: str) -> str:
    entry = pwd.getpwnam(name)
    return f"{name}:x:{entry.pw_uid}:{entry.pw_gid}::{entry.pw_dir}:{entry.pw_shell}"


def _group(name: str) -> str:
    """Return the system's group; the login joins the VTY group, whose members may talk to FRR's daemons."""
    entry = grp.getgrnam(name)
    members = [*entry.gr_mem, LOGIN] if name == "frrvty" else entry.gr_mem
    return f"{name}:x:{entry.gr_gid}:{','.join(members)}"
