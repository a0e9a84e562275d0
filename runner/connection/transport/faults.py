"""Faults of this machine: a failure here before a command is sent is not blamed on the host."""

from __future__ import annotations

import errno
import getpass
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import ConnectionLost, HostError, LocalFault, RunnerError
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["not_blamed", "own_fault", "own_name"]

_LIMIT = "local-limit"
_LIMITS = {
    errno.EMFILE: "no file descriptor is left: use fewer --workers, or raise `ulimit -n`",
    errno.ENFILE: "the system has no file descriptor left: use fewer --workers",
    errno.ENOMEM: "no memory is left: use fewer --workers, or a smaller --max-output",
    errno.ENOBUFS: "the network stack has no memory left: use fewer --workers",
}
_NO_THREAD = "no thread is left: use fewer --workers, or raise `ulimit -u`"


def own_fault(exc: BaseException, phase: Phase = Phase.CONNECT) -> LocalFault | None:
    """Return the `LocalFault` if this machine caused an exception; None if it did not.

    Args:
        exc: The exception; a connection may have translated the original one.
        phase: The phase that the host had reached, if the exception does not say so.
    """
    phase = exc.phase if isinstance(exc, HostError) else phase
    for cause in _causes(exc):
        if isinstance(cause, LocalFault):
            return cause
        text = _limit(cause)
        if text is not None:
            return LocalFault(f"this machine: {text}", reason=_LIMIT, phase=phase, transient=True)
        if isinstance(cause, UnicodeEncodeError):
            text = f"{excerpt(cause.object)!r} cannot be sent: {cause.reason}"
            return LocalFault(text, reason="local-fault", phase=phase)
    return None


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its cause, the cause of that, and so on; `raise exc from exc` makes a loop."""
    seen: set[int] = set()
    cause: BaseException | None = exc
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def _limit(exc: BaseException) -> str | None:
    """Return which limit of this machine an exception reports, and what to do; None if it reports none."""
    if isinstance(exc, MemoryError):
        return _LIMITS[errno.ENOMEM]
    if isinstance(exc, RuntimeError) and "start new thread" in str(exc):
        return _NO_THREAD
    return _LIMITS.get(exc.errno or 0) if isinstance(exc, OSError) else None


@contextmanager
def not_blamed(was_sent: Callable[[], bool]) -> Iterator[None]:
    """Decide for each failure in this context whether this machine or the host is at fault.

    Args:
        was_sent: Returns whether anything has been sent to the host by then.

    Raises:
        LocalFault: This machine failed, and nothing had been sent.
        ConnectionLost: This machine failed after the command was sent; the outcome is not known.
    """
    try:
        yield
    except Exception as exc:
        fault = own_fault(exc)
        if was_sent():
            if isinstance(exc, RunnerError):
                raise
            text = f"the command was sent, and its outcome is not known: {fault or _named(exc)}"
            raise ConnectionLost(text, reason="local-fault", phase=Phase.COMMAND) from exc
        if fault is None or fault is exc:
            raise
        raise fault from exc


def _named(exc: Exception) -> str:
    return f"this machine: {type(exc).__name__}: {excerpt(str(exc))}"


def own_name() -> str:
    """Return the name of the user who runs this program.

    Raises:
        LocalFault: The user has no name: a container may run with any number.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError) as exc:  # `OSError` since Python 3.13
        text = f"the user {os.getuid()}, who runs this program, has no name: give --user, or set LOGNAME"
        raise LocalFault(text, reason="no-user-name", phase=Phase.CONNECT) from exc
