"""All errors that the program raises on purpose: one root class, one subclass per thing that a user can fix.

A `RunnerError` that is not a `HostError` stops the run before it starts (exit code 1). A `HostError` is about
one host and becomes that host's result; it never stops the other hosts.
"""

from __future__ import annotations

from typing import ClassVar

from runner.models import CommandResult, Phase, Status
from runner.text import excerpt, printable

__all__ = [
    "AT_WORK",
    "STOPPED",
    "BecomeUnsupported",
    "Cancelled",
    "ConnectionLost",
    "DeadlineExceeded",
    "HostError",
    "HostKeyRejected",
    "InvalidVariable",
    "InventoryError",
    "LocalFault",
    "LoginRefused",
    "MissingExtra",
    "OutputLimitExceeded",
    "PatternError",
    "PermissionMissing",
    "RequestRefused",
    "RunnerError",
    "Unreachable",
    "UsageError",
    "run_stopped",
]

STOPPED = "the run was stopped"
"""First words of the error of a host whose run was stopped; what may remain on the host follows."""
AT_WORK = f"{STOPPED}; the outcome is unknown, and the job may still run"
"""The error of a host that was still running when the run stopped waiting for it."""


_LONGEST = 2000
"""Maximum length of a message, in characters. A quoted inventory value may have millions."""


class RunnerError(Exception):
    """The root class. The message is one line that says what is wrong, where, and how to fix it."""


class UsageError(RunnerError):
    """A flag, setting or argument that cannot be used."""


class MissingExtra(RunnerError):
    """An optional dependency that a chosen feature needs is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the extra '{extra}': type pip install -e '.[{extra}]' in the clone of runner"
        )
        self.feature = feature
        self.extra = extra

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.feature, self.extra)


class PermissionMissing(RunnerError):
    """The operating system does not permit this user to do it."""


class InventoryError(RunnerError):
    """An inventory source that cannot be read in its format.

    Args:
        message: The fault, and the expected form.
        path: The file or folder.
        line: 1-based line in it.
        column: 1-based column in that line.
        text: The text at fault.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        text: str | None = None,
    ) -> None:
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.text = text
        super().__init__(message, path, line, column, text)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        message = excerpt(self.message, _LONGEST)
        shown = self.text is not None and f"{excerpt(self.text)!r}" not in message
        found = f" (found: {excerpt(self.text or '')!r})" if shown else ""
        return f"{printable(place) + ': ' if place else ''}{message}{found}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_inventory_error, (
            type(self),
            self.message,
            self.path,
            self.line,
            self.column,
            self.text,
        )


def _rebuild_inventory_error(
    kind: type[InventoryError],
    message: str,
    path: str | None,
    line: int | None,
    column: int | None,
    text: str | None,
) -> InventoryError:
    """Unpickle: keyword-only arguments do not survive `BaseException.__reduce__`."""
    return kind(message, path=path, line=line, column=column, text=text)


class PatternError(InventoryError):
    """A host pattern that cannot be parsed, or that names a host or group that is not in the inventory."""


class HostError(RunnerError):
    """An error of one host; its fields become those of the host's result.

    Args:
        message: One line for people.
        reason: A short fixed code for scripts.
        phase: The phase in which the host failed.
        transient: Whether the same attempt may succeed a moment later.
    """

    status: ClassVar[Status] = Status.ERROR
    command: CommandResult | None = None
    """The output so far of the command that was running, if any."""

    def __init__(self, message: str, *, reason: str, phase: Phase, transient: bool = False) -> None:
        super().__init__(message if len(message) <= _LONGEST else excerpt(message, _LONGEST))
        self.reason = reason
        self.phase = phase
        self.transient = transient

    def __reduce__(self) -> tuple[object, ...]:
        arguments = (type(self), str(self), self.reason, self.phase, self.transient)
        return _rebuild_host_error, arguments, {"command": self.command}


def _rebuild_host_error(
    kind: type[HostError], message: str, reason: str, phase: Phase, transient: bool
) -> HostError:
    """Unpickle: keyword-only arguments do not survive `BaseException.__reduce__`."""
    return kind(message, reason=reason, phase=phase, transient=transient)


class InvalidVariable(HostError):
    """A variable of this host has an invalid value."""

    status = Status.ERROR


class LocalFault(HostError):
    """Something failed on this machine before a command was sent to the host."""

    status = Status.ERROR


class Unreachable(HostError):
    """No usable SSH before login."""

    status = Status.UNREACHABLE


class HostKeyRejected(HostError):
    """The host key is unknown, changed or revoked."""

    status = Status.HOSTKEY


class LoginRefused(HostError):
    """The server refused the login, or no credential was available."""

    status = Status.AUTH


class BecomeUnsupported(HostError):
    """The host's connection does not support the become method; nothing was sent to a server."""

    status = Status.AUTH


class DeadlineExceeded(HostError):
    """A deadline passed after the connection was established."""

    status = Status.TIMEOUT


class ConnectionLost(HostError):
    """The connection ended after a command was sent and before its outcome was known."""

    status = Status.LOST


class RequestRefused(HostError):
    """The server refused a channel or the request to execute a command."""

    status = Status.ERROR


class OutputLimitExceeded(HostError):
    """A command printed more than the limit and was ended."""

    status = Status.ERROR


class Cancelled(HostError):
    """The run was stopped before this host had finished."""

    status = Status.CANCELLED


def run_stopped(phase: Phase) -> Cancelled:
    """Return the error of a host whose run was stopped while the host was in this phase."""
    return Cancelled(STOPPED, reason="stopped", phase=phase)
