"""Probing that stops before every host has answered, over real servers on loopback."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from runner.models import Host, HostResult, Status
from runner.reach import ReachOptions, probe
from runner.reach.rounds import rounds
from runner.text.quantities import Share

from .servers import closed_port, listening, says_nothing


def host(name: str, port: int) -> Host:
    return Host(name, {"ansible_host": "127.0.0.1", "ansible_port": port})


def test_hosts_that_have_not_answered_when_the_time_is_over_are_cancelled() -> None:
    with listening(says_nothing) as silent, listening(says_nothing) as other:
        hosts = [host("silent", silent), host("gone", closed_port()), host("other", other)]
        began = time.monotonic()
        options = ReachOptions(method="ssh", timeout_s=120, tries=1, total_s=1)
        found = {result.host: result for result in probe(hosts, options)}
    assert 1 <= time.monotonic() - began < 60
    assert found["gone"].reason == "port-closed"
    for name in ("silent", "other"):
        assert (found[name].status, found[name].reason) == (Status.CANCELLED, "run-deadline")
        assert found[name].error == "no answer so far: the run's 1 s were over (--timeout-total)"
        assert not found[name].sent


def test_the_time_is_over_although_the_rate_lets_no_probe_begin() -> None:
    began = time.monotonic()
    hosts = [host(f"h{number}", closed_port()) for number in range(3)]
    found = list(probe(hosts, ReachOptions(method="tcp", rate=0.01, total_s=1)))
    assert time.monotonic() - began < 60, "at this rate, the next probe begins after 100 s"
    assert sorted(str(result.reason) for result in found) == ["port-closed", "run-deadline", "run-deadline"]


@pytest.mark.parametrize(("most", "stopped"), [(Share(1), True), (Share(50, percent=True), False)])
def test_probing_stops_when_too_many_hosts_are_not_up(most: Share, stopped: bool) -> None:
    with listening(says_nothing) as silent:
        hosts = [host("a", closed_port()), host("b", closed_port()), host("slow", silent), host("c", silent)]
        options = ReachOptions(method="ssh", timeout_s=60 if stopped else 0.5, tries=1, max_fail=most)
        found = {result.host: result for result in probe(hosts, options)}
    assert len(found) == 4
    assert found["slow"].reason == ("max-fail" if stopped else "no-banner")
    if stopped:
        assert found["slow"].status is Status.CANCELLED
        assert found["slow"].error == "no answer so far: too many hosts had not ended ok (--max-fail)"


def test_a_host_whose_ping_cannot_begin_counts_too() -> None:
    with listening(says_nothing) as silent:
        hosts = [Host("bad", {"ansible_host": "127.0.0.1", "ansible_port": 99999}), host("slow", silent)]
        options = ReachOptions(method="ssh", timeout_s=30, tries=1, max_fail=Share(0))
        found = {result.host: result.status for result in probe(hosts, options)}
    assert found == {"bad": Status.ERROR, "slow": Status.CANCELLED}


def up_and_silent() -> tuple[ExitStack, list[Host]]:
    stack = ExitStack()
    ports = [stack.enter_context(listening(says_nothing)) for _ in range(2)]
    return stack, [host(f"h{number}", port) for number, port in enumerate(ports)]


def test_rounds_end_when_their_time_is_over_and_an_incomplete_one_does_not_count() -> None:
    stack, hosts = up_and_silent()
    with stack:
        found = list(rounds(hosts, ReachOptions(method="tcp", total_s=1), 0.05))
        assert 2 <= len(found) <= 20
        assert all(result.ok for results in found for result in results.values())
        silent = ReachOptions(method="ssh", timeout_s=1, tries=1, total_s=1.9)  # the second round takes 2 s
        found = list(rounds(hosts, silent, 0.01))
    assert [reasons(each) for each in found] == [{"no-banner"}]


def test_the_first_round_counts_even_if_it_is_not_complete() -> None:
    stack, hosts = up_and_silent()
    with stack:
        options = ReachOptions(method="ssh", timeout_s=30, tries=1, total_s=0.2)
        (only,) = rounds(hosts, options, 1.0)
    assert reasons(only) == {"run-deadline"}


def test_every_round_pings_every_host_however_many_are_down() -> None:
    hosts = [host(f"h{number}", closed_port()) for number in range(3)]
    found = list(rounds(hosts, ReachOptions(method="tcp", max_fail=Share(0)), 0.01, 2))
    assert [reasons(each) for each in found] == [{"port-closed"}] * 2


def reasons(results: dict[str, HostResult]) -> set[str | None]:
    return {result.reason for result in results.values()}
