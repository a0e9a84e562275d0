"""The folder that holds all there is of a lab outside the kernel, and who may write it.

One machine can hold one lab, for the names of namespaces and the addresses are the machine's. The claim says
which checkout's it is; it is a lock as well, so that two runs do not build and tear down at the same time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import namespaces
from tests.lab.errors import LabError, LabUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.topology import Node

__all__ = ["CLAIM", "REPOSITORY", "Lab", "claimed", "make_folder", "write"]

REPOSITORY = Path(__file__).resolve().parents[2]
CLAIM = Path("/run/runner-lab.claim")
_LEFT_BEHIND_S = 2.0


@dataclass(frozen=True, slots=True)
class Lab:
    """Where the things of a lab are.

    Attributes:
        state: Its folder, which only root can list, for it holds private keys.
    """

    state: Path = REPOSITORY / ".lab"

    @property
    def login_key(self) -> Path:
        """The private key that every host of the lab accepts."""
        return self.state / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The host keys of every host of the lab."""
        return self.state / "known_hosts"

    @property
    def inventory(self) -> Path:
        """The inventory of the lab; not in `inventories/`, so that a copy of that folder never dials it."""
        return REPOSITORY / "tests" / "lab" / "inventory"

    def node(self, node: Node) -> Path:
        """Return the folder of one node, which the node itself sees as `/run/lab`."""
        return self.state / node.name

    def remove(self) -> None:
        """Remove the folder and all that is in it; no fault where it is not there.

        Raises:
            LabError: Something else is in its place, or it cannot be removed.
        """
        try:
            shutil.rmtree(self.state)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise LabError(
                f"the lab keeps its state in {self.state}, which cannot be removed: {exc}"
            ) from exc


def make_folder(path: Path) -> None:
    """Make a folder of a node, which the node's users may enter whatever the umask is."""
    path.mkdir()
    path.chmod(0o755)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that has its permissions from its first byte on, whatever the umask is."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)


@contextlib.contextmanager
def claimed(lab: Lab) -> Iterator[None]:
    """Hold the machine's one lab for this checkout while it is changed.

    Afterwards the claim stays with this checkout as long as any of the lab's namespaces exist.

    Raises:
        LabUnavailable: Another checkout's lab is up, or somebody is changing the lab at this moment.
    """
    descriptor = _lock()
    try:
        owner = os.pread(descriptor, 4096, 0).decode(errors="replace")
        if owner and owner != str(lab.state) and Path(owner).is_dir() and namespaces.existing():
            raise LabUnavailable(
                f"the lab of another checkout is up ({Path(owner).parent}): take it down there first"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(lab.state).encode(), 0)
        try:
            yield
        finally:
            if not namespaces.existing():
                CLAIM.unlink()
    finally:
        os.close(descriptor)


def _lock() -> int:
    """Lock the claim and return its descriptor.

    The last holder may have removed the file between our opening and our locking it, and a lock on a file
    without a name keeps nobody out: whether it still is the file of that name is asked afterwards. A child
    of a holder that was killed has the lock until it becomes the program that it was made for.
    """
    end = time.monotonic() + _LEFT_BEHIND_S
    while True:
        descriptor = os.open(CLAIM, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            if time.monotonic() < end:
                time.sleep(0.05)
                continue
            raise LabUnavailable(
                "another program is changing the lab at this moment: try again later"
            ) from exc
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(CLAIM.stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)
