"""What may be chosen about probing."""

from __future__ import annotations

from typing import Any

import pytest

from runner.errors import UsageError
from runner.reach import Method, ReachOptions


def test_a_method_may_be_given_as_text() -> None:
    assert ReachOptions(method="ssh").method == Method.SSH


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"method": "arp"}, "auto, icmp, tcp, ssh"),
        ({"timeout_s": 0}, "timeout"),
        ({"timeout_s": float("nan")}, "timeout"),
        ({"timeout_s": float("inf")}, "timeout"),
        ({"resolve_timeout_s": -1}, "timeout"),
        ({"rate": float("inf")}, "0 for no limit"),
        ({"tries": 0}, "at least once"),
        ({"rate": -5}, "0 for no limit"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_can(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ReachOptions(**chosen)
