"""Limits that stop a run: too many hosts not ok, or refused logins that could lock an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.models import Status

if TYPE_CHECKING:
    from runner.models import HostResult
    from runner.text.quantities import Share

__all__ = ["Limits", "Verdict"]


_REFUSED = frozenset({"login-refused", "jump-login-refused", "become-refused"})


class Verdict(NamedTuple):
    """The outcome of hosts that have not been started: status, reason, and a line for people."""

    status: Status
    reason: str
    text: str


class Limits:
    """Counts results, and says when to stop starting hosts.

    Args:
        total: Number of hosts.
        max_fail: How many of them may end with another status than `ok`; None for no limit.
        max_refused: Number of refused logins in a row that stops the run; 0 for no limit.
    """

    def __init__(self, total: int, max_fail: Share | None, max_refused: int) -> None:
        self._left = None if max_fail is None else max_fail.of(total)
        self._max_refused = max_refused
        self._refused = 0

    def take(self, result: HostResult) -> Verdict | None:
        """Count a result; return a verdict if no more hosts must be started."""
        if result.status is Status.AUTH and result.reason in _REFUSED:
            self._refused += 1
            if self._refused == self._max_refused:
                return Verdict(
                    Status.CANCELLED,
                    "max-refused",
                    f"not started: {self._refused} logins in a row were refused, which may lock the account; "
                    "check user and password, see --max-refused",
                )
        elif result.ok or result.sent:  # a host that was sent a command had accepted the login
            self._refused = 0
        if result.ok:
            return None
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                return Verdict(
                    Status.CANCELLED, "max-fail", "not started: too many hosts had not ended ok (--max-fail)"
                )
        return None
