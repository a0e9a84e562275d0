"""When a run stops of itself: too many hosts not ok, or logins refused until an account is locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.models import Status

if TYPE_CHECKING:
    from runner.models import HostResult
    from runner.text.quantities import Share

__all__ = ["Limits", "Verdict"]


_REFUSED = frozenset({"login-refused", "jump-login-refused", "become-refused"})


class Verdict(NamedTuple):
    """What becomes of hosts that have not been started: status, reason, and a line for people."""

    status: Status
    reason: str
    text: str


class Limits:
    """Counts results.

    Args:
        total: How many hosts there are.
        max_fail: How many of them may end other than `ok`; None is all.
        max_refused: How many logins in a row may be refused; 0 is any number.
    """

    def __init__(self, total: int, max_fail: Share | None, max_refused: int) -> None:
        self._left = None if max_fail is None else max_fail.of(total)
        self._max_refused = max_refused
        self._refused = 0

    def take(self, result: HostResult) -> Verdict | None:
        """Count a result; return why no more hosts are to be started, once that is so."""
        if result.status is Status.AUTH and result.reason in _REFUSED:
            self._refused += 1
            if self._refused == self._max_refused:
                return Verdict(
                    Status.CANCELLED,
                    "max-refused",
                    f"not started: {self._refused} logins in a row were refused, which may lock the account; "
                    "check user and password, see --max-refused",
                )
        elif result.ok or result.sent:  # whoever was sent a command had let the user in
            self._refused = 0
        if result.ok:
            return None
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                return Verdict(Status.CANCELLED, "max-fail", "not started: too many hosts had not ended ok")
        return None
