"""The limits that stop a run: failures and refused logins."""

from __future__ import annotations

import pytest

from runner.models import HostResult, Status
from runner.results.limits import Limits
from runner.text.quantities import Share

OK = HostResult("h", Status.OK, sent=True)
FAILED = HostResult("h", Status.FAILED, sent=True)
DOWN = HostResult("h", Status.UNREACHABLE)
REFUSED = HostResult("h", Status.AUTH, reason="login-refused")
NO_KEY = HostResult("h", Status.AUTH, reason="no-credential")


def reasons(limits: Limits, *results: HostResult) -> list[str | None]:
    return [verdict and verdict.reason for verdict in map(limits.take, results)]


@pytest.mark.parametrize(("limit", "allowed"), [(Share(0), 0), (Share(2), 2), (Share(10, percent=True), 2)])
def test_more_than_the_limit_may_not_end_otherwise_than_ok(limit: Share, allowed: int) -> None:
    limits = Limits(20, limit, 0)
    assert reasons(limits, OK, *[FAILED] * allowed, OK, DOWN) == [*[None] * (allowed + 2), "max-fail"]


def test_without_a_limit_everything_may_fail() -> None:
    assert reasons(Limits(3, None, 0), FAILED, DOWN, REFUSED) == [None] * 3


def test_logins_refused_in_a_row_stop_the_run_before_the_account_is_locked() -> None:
    assert reasons(Limits(9, None, 3), REFUSED, REFUSED, REFUSED) == [None, None, "max-refused"]


@pytest.mark.parametrize("between", [OK, FAILED])
def test_a_login_that_was_let_in_begins_the_row_anew(between: HostResult) -> None:
    assert reasons(Limits(9, None, 2), REFUSED, between, REFUSED, REFUSED) == [
        None,
        None,
        None,
        "max-refused",
    ]


def test_hosts_that_judged_no_login_count_for_nothing() -> None:
    assert reasons(Limits(9, None, 2), REFUSED, DOWN, NO_KEY, NO_KEY, REFUSED) == [*[None] * 4, "max-refused"]


def test_nought_is_no_limit_to_refusals() -> None:
    assert reasons(Limits(9, None, 0), *[REFUSED] * 20) == [None] * 20
