"""Checks of `ping`: flags that have no effect, and the hint if hosts were pinged by TCP only."""

from __future__ import annotations

import re

import pytest

from runner.errors import UsageError
from runner.models import HostResult, Status
from runner.reach.reasons import Reason
from runner.runs import pinging
from runner.runs.pinging import Unheard, check
from runner.settings import Settings


@pytest.mark.parametrize(
    ("given", "chosen", "counted", "said"),
    [
        ({}, ("--alive", "--watch"), False, "--alive and --watch exclude each other"),
        ({"max_fail": "1"}, ("--watch",), False, "--max-fail does not fit --watch, "),
        ({"max_fail": "1"}, (), True, "--max-fail does not fit --count, "),
        ({"resume": "last"}, (), False, "--resume is for runs of commands; ping again instead"),
        ({"format": "json"}, ("--watch",), False, "--format json does not fit --watch; what fits: "),
        ({"format": "json"}, ("--down",), False, "--format does not fit --down"),
        ({"raw": True}, ("--alive",), False, "--raw does not fit --alive"),
        ({"output_dir": "x"}, ("--watch",), False, "--output-dir does not fit --watch"),
    ],
)
def test_a_flag_that_would_have_no_effect_is_refused(
    given: dict[str, object], chosen: tuple[str, ...], counted: bool, said: str
) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(said)}"):
        check(Settings.resolve(given), chosen, counted=counted)


@pytest.mark.parametrize(
    ("given", "chosen", "counted"),
    [
        ({"format": "json", "max_fail": "1", "only": "ok"}, (), False),
        ({"format": "json"}, (), True),
        ({"format": "jsonl"}, ("--watch",), True),
        ({"format": "folded"}, ("--watch",), False),
        ({"only": "ok", "output_dir": "x"}, ("--alive",), False),
    ],
)
def test_flags_that_have_an_effect_are_accepted(
    given: dict[str, object], chosen: tuple[str, ...], counted: bool
) -> None:
    check(Settings.resolve(given), chosen, counted=counted)


def test_a_value_of_the_configuration_is_not_refused() -> None:
    """It is the default of all tasks; only a flag is meant for this one."""
    check(Settings.resolve({}, {"format": "json", "max_fail": "1"}), ("--watch",), counted=False)


SILENT = HostResult("silent", Status.UNREACHABLE, reason=Reason.NO_REPLY)
CLOSED = HostResult("closed", Status.UNREACHABLE, reason=Reason.PORT_CLOSED)
UP = HostResult("up", Status.OK)


def hint(monkeypatch: pytest.MonkeyPatch, settings: Settings, fault: str | None, *results: HostResult) -> str:
    """Return the hint after some results; `fault` says why this user may not send ICMP echo."""
    monkeypatch.setattr(pinging, "icmp_permitted", lambda: fault)
    unheard = Unheard(settings)
    for result in results:
        unheard.note(result)
    return unheard.hint() or ""


def test_if_hosts_were_silent_the_hint_says_how_to_permit_icmp(monkeypatch: pytest.MonkeyPatch) -> None:
    said = hint(monkeypatch, Settings(method="auto"), "root permits it", UP, SILENT, CLOSED)
    assert said == "note: hosts were pinged by TCP only: root permits it"


def test_without_a_silent_host_there_is_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hint(monkeypatch, Settings(method="auto"), "root permits it", UP, CLOSED) == ""


def test_if_icmp_is_permitted_there_is_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hint(monkeypatch, Settings(method="auto"), None, SILENT) == ""


def test_if_the_operator_chose_tcp_there_is_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hint(monkeypatch, Settings(method="tcp"), "root permits it", SILENT) == ""


@pytest.mark.parametrize(
    ("chosen", "counted", "warned"), [((), False, 1), ((), True, 0), (("--watch",), False, 0)]
)
def test_an_interval_without_rounds_is_warned_of(
    chosen: tuple[str, ...], counted: bool, warned: int, caplog: pytest.LogCaptureFixture
) -> None:
    check(Settings(), chosen, counted=counted, paced=True)
    assert caplog.text.count("--interval does nothing without --count or --watch") == warned
