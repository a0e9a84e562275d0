"""Turn a finished future into the result of its host, even if the future holds none."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, CancelledError
from typing import TYPE_CHECKING

from runner.errors import AT_WORK
from runner.executors.answers import NotBegun
from runner.models import Host, HostResult, Status
from runner.text import value_text

if TYPE_CHECKING:
    from runner.fanout.events import Finished

__all__ = ["outcome", "without_outcome"]


def outcome(event: Finished, *, ending: bool) -> HostResult:
    """Return the result of a future; make one if the future failed or was cancelled.

    Args:
        event: The future that is done.
        ending: Whether the run is being aborted: then a worker that died counts as stopped.
    """
    host, reached, future = event
    if future.cancelled() or isinstance(future.exception(), CancelledError):
        text = "not started: no worker was left"
        return without_outcome(host, reached, Status.CANCELLED, "stopped", text, sent=False)
    raised = future.exception()
    if raised is None:
        return _checked(host, reached, future.result())
    if isinstance(raised, NotBegun):
        return without_outcome(host, reached, Status.ERROR, "not-begun", f"not begun: {raised}", sent=False)
    if isinstance(raised, BrokenExecutor) and ending:
        return without_outcome(host, reached, Status.CANCELLED, "stopped", AT_WORK, sent=True)
    if isinstance(raised, BrokenExecutor):
        text = f"its worker died; the outcome is unknown: {value_text(raised)}"
        return without_outcome(host, reached, Status.LOST, "worker-died", text, sent=True)
    text = f"its result was lost: {type(raised).__name__}: {value_text(raised)}"
    return without_outcome(host, reached, Status.LOST, "result-lost", text, sent=True)


def _checked(host: Host, reached: HostResult | None, result: object) -> HostResult:
    """Return the executor's result if it is a result of this host; else a `LOST` result."""
    if isinstance(result, HostResult) and result.host == host.name:
        return result
    text = f"its result was lost: the executor returned {type(result).__name__} instead"
    return without_outcome(host, reached, Status.LOST, "result-lost", text, sent=True)


def without_outcome(
    host: Host, reached: HostResult | None, status: Status, reason: str, error: str, *, sent: bool
) -> HostResult:
    """Return a result for a host whose job returned none; keep the fields that its probe filled in."""
    result = reached or HostResult(host.name, status)
    return result._replace(status=status, reason=reason, error=error, sent=sent)
