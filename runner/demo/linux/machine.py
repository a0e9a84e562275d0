"""The state of a running server: its files, clock and services."""

from __future__ import annotations

import posixpath
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.demo.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner.demo.device import Device

__all__ = ["ROOT", "Machine"]

ROOT = "root"
"""The account that may change every file."""

_ROOT_HOME = "/root"
_CAPACITY = 64 * 2**20
"""Most bytes of all files of a server together: they are in memory."""


class Machine:
    """The state of a server while the fleet runs; all sessions on the server share it.

    Args:
        device: The description of the server.
        now: Returns the time.
    """

    def __init__(self, device: Device, now: Callable[[], datetime] = utc_now) -> None:
        self.device = device
        self.now = now
        self.booted = now() - timedelta(seconds=device.uptime_s)
        self.home = self.home_of(device.user)
        self.files = _first_files(device)
        self.modes: dict[str, int] = {}
        self.directories = {str(parent) for path in self.files for parent in PurePosixPath(path).parents}
        self.services = {
            "ssh": True,
            "nginx": device.name.startswith("web"),
            "postgresql": device.name.startswith("db"),
        }

    def home_of(self, user: str) -> str:
        """Return the home folder of an account."""
        return _ROOT_HOME if user == ROOT else f"/home/{user}"

    @property
    def address(self) -> str:
        """The IPv4 address of the first interface, without prefix length; 127.0.0.1 if there is none."""
        interfaces = self.device.interfaces
        return (interfaces[0].address or "127.0.0.1").partition("/")[0] if interfaces else "127.0.0.1"

    def children(self, path: str) -> list[str]:
        """Return the names in a directory, sorted, including those that begin with a dot."""
        under = path.rstrip("/") + "/"
        paths = {*self.files, *self.directories} - {"/"}
        return sorted({name[len(under) :].partition("/")[0] for name in paths if name.startswith(under)})

    def resolve(self, directory: str, path: str) -> str:
        """Return the absolute path of `path`, relative to `directory`."""
        return "/" + posixpath.normpath(posixpath.join(directory, path)).lstrip("/")

    def writable(self, path: str, user: str) -> bool:
        """Return whether a user may change an absolute path: root any, others below home and `/tmp`."""
        places = (self.home_of(user) + "/", "/tmp/")  # noqa: S108 - a path of the simulation
        return user == ROOT or path.startswith(places)

    def mode(self, path: str) -> int:
        """Return a file's permission bits."""
        return self.modes.get(path, 0o644)

    def executable(self, path: str) -> bool:
        """Return whether a path is an executable file."""
        return path in self.files and bool(self.mode(path) & 0o100)

    def opened(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: The file does not exist; the message is a shell's.
        """
        if path not in self.files:
            raise FileNotFoundError("No such file")
        return bytes(self.files[path])

    def created(self, path: str, user: str, *, emptied: bool) -> bytearray:
        """Return a file's content for writing by a user; create the file if it does not exist.

        Raises:
            OSError: The file cannot be written; the message is a shell's.
        """
        if path in self.directories:
            raise IsADirectoryError("Is a directory")
        if not self.writable(path, user):
            raise PermissionError("Permission denied")
        if posixpath.dirname(path) not in self.directories:
            raise FileNotFoundError("Directory nonexistent")
        content = self.files.setdefault(path, bytearray())
        if emptied:
            content.clear()
        return content

    def make_directory(self, path: str) -> None:
        """Create a directory and its parents."""
        self.directories |= {path, *(str(parent) for parent in PurePosixPath(path).parents)}

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with its content; do nothing if the path does not exist."""
        below = path + "/"
        for name in [name for name in self.files if name == path or name.startswith(below)]:
            del self.files[name]
            self.modes.pop(name, None)
        self.directories = {name for name in self.directories if name != path and not name.startswith(below)}

    def has_room(self, size: int) -> bool:
        """Return whether there is room for `size` more bytes."""
        return sum(map(len, self.files.values())) + size <= _CAPACITY


def _first_files(device: Device) -> dict[str, bytearray]:
    """Return the files of a new server, by absolute path."""
    texts = {
        "/etc/hostname": f"{device.name}\n",
        "/etc/hosts": f"127.0.0.1\tlocalhost\n127.0.1.1\t{device.name}\n",
        "/etc/motd": "This is a simulation: it serves nothing.\n",
        "/etc/os-release": _OS_RELEASE,
        "/etc/passwd": _ACCOUNTS.format(user=device.user),
        f"/home/{device.user}/.profile": "umask 022\n",
        f"/home/{device.user}/notes.txt": f"{device.name} is part of the demo fleet.\n",
        f"{_ROOT_HOME}/.profile": "umask 022\n",
        "/tmp/.keep": "",  # noqa: S108 - a path of the simulation
        "/var/log/syslog": f"{device.name} systemd[1]: Startup finished.\n",
    }
    return {path: bytearray(text.encode()) for path, text in texts.items()}


_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
{user}:x:1000:1000::/home/{user}:/bin/sh
"""

_OS_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""
