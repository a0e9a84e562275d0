"""Errors of file transfers, as a host's result reports them."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import HostError
from runner.models import Phase, Status
from runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BadReply", "LocalFailure", "TransferFailed", "bad_reply", "failed", "here", "reworded", "shown"]

_REASONS = {
    errno.ENOENT: "no-such-file",
    errno.EACCES: "permission-denied",
    errno.EPERM: "permission-denied",
    errno.EROFS: "read-only",
    errno.ENOSPC: "no-space",
    errno.EDQUOT: "no-space",
    errno.ENOTDIR: "not-a-folder",
    errno.EISDIR: "is-a-folder",
    errno.ENAMETOOLONG: "bad-name",
}


class TransferFailed(HostError):
    """The host refused a file operation, or a copied file differs from its source."""

    status = Status.FAILED


class BadReply(HostError):
    """The host does not speak the protocol, or sends an impossible reply."""

    status = Status.ERROR


class LocalFailure(HostError):
    """A file of this machine cannot be read or written."""

    status = Status.ERROR


def failed(text: str, reason: str) -> TransferFailed:
    """Return the error for a refused transfer."""
    return TransferFailed(text, reason=reason, phase=Phase.TRANSFER)


def bad_reply(text: str) -> BadReply:
    """Return the error for a peer that violates the protocol."""
    return BadReply(text, reason="bad-protocol", phase=Phase.TRANSFER)


def reason_of(exc: OSError, *, local: bool) -> str:
    """Return the reason code of an `OSError`; those of this machine begin with `local-`."""
    reason = _REASONS.get(exc.errno or 0, "refused")
    return f"local-{reason}" if local else reason


@contextmanager
def here(path: os.PathLike[str] | str) -> Iterator[None]:
    """Convert an `OSError` about a file of this machine into a `LocalFailure`.

    Raises:
        LocalFailure: A system call in this context failed.
    """
    try:
        yield
    except OSError as exc:
        raise LocalFailure(
            f"on this machine: {shown(os.fspath(path))}: {exc.strerror or exc}",
            reason=reason_of(exc, local=True),
            phase=Phase.TRANSFER,
        ) from exc


def reworded(exc: HostError, old: str, new: str) -> HostError:
    """Return a copy of an error with `old` replaced by `new` in its text."""
    error = type(exc)(str(exc).replace(old, new), reason=exc.reason, phase=exc.phase, transient=exc.transient)
    error.command = exc.command
    return error


def shown(path: str) -> str:
    """Return a path in printable form, for messages."""
    return printable(path)
