"""The rounds of `watch`: which hosts take part in the next round, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.connection.deadline import Deadline
from runner.errors import UsageError
from runner.jobs import CommandJob
from runner.models import Status
from runner.reach.file_limit import socket_allowance
from runner.results.results import Results
from runner.runs.execution import carry_out
from runner.runs.planning import Plan, Request, begin, plan
from runner.text.ignore_patterns import found

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from runner.fanout import Control
    from runner.models import HostResult
    from runner.runs.questions import Ask
    from runner.settings import Settings
    from runner.text.expressions import Expression

__all__ = ["INTERVAL_S", "Asked", "Rounds", "check", "in_doubt", "news", "planned", "room"]

INTERVAL_S = 10.0
"""Default time between rounds, in seconds."""

_MOST_KEPT = 2000
"""Maximum number of open connections to keep: each takes a socket, a thread and about 60 KiB."""
_NOT_SEEN = 2
"""The exit code if all rounds are over, every host is ok, and the awaited change or text did not appear."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The flags that only `watch` has.

    Attributes:
        interval_s: Seconds from the start of one round to the start of the next.
        count: Number of rounds; None means until the operator stops it.
        until_change: Whether to stop at the first change.
        until: Stop when the output of every host matches this expression; None means never.
    """

    interval_s: float = INTERVAL_S
    count: int | None = None
    until_change: bool = False
    until: Expression | None = None


def check(settings: Settings, asked: Asked) -> None:
    """Refuse settings that `watch` does not support.

    Raises:
        UsageError: Such a setting was given.
    """
    if asked.until_change and asked.until is not None:
        raise UsageError("--until-change and --until exclude each other")
    if settings.resume:
        raise UsageError("--resume is for runs of commands; start watch again instead")
    if settings.output_dir is not None:
        raise UsageError("--output-dir does not fit watch, which has many outputs of each host; use run")
    if settings.overflow == "spill":
        raise UsageError(
            "--overflow spill does not fit watch: every round would leave its files; use end or drop"
        )


def planned(commands: tuple[str, ...], settings: Settings, ask: Ask) -> Plan:
    """Return the plan of all rounds.

    Rounds are not kept in the history, as with `ping --watch`: the rounds of one day would push out the runs
    that the operator may want to compare or resume.

    Raises:
        RunnerError: The run cannot start, for a reason that the user can fix.
    """
    return plan(Request("watch", settings, CommandJob(commands), recorded=False), ask)


class Rounds:
    """Repeated rounds of the same commands.

    Args:
        plan: The plan.
        asked: The flags that only `watch` has.

    Attributes:
        plan: The plan of the next round.
    """

    def __init__(self, plan: Plan, asked: Asked) -> None:
        self.plan = replace(plan, decided=(), hosts=plan.todo)
        self._asked = asked
        self._rounds = 0
        self._came = False

    @property
    def over(self) -> bool:
        """Whether the last round is done."""
        return (
            self._came
            or not self.plan.todo
            or self.plan.settings.dry_run
            or self._rounds == self._asked.count
        )

    def begin(self, control: Control) -> Generator[HostResult, None, None]:
        """Carry out one round; see `runs.carry_out`."""
        run = self.plan.run
        if Deadline(run=run.id).stopped():  # a job of the last round must still find its run stopped
            self.plan = replace(self.plan, run=replace(run, id=begin("watch", self.plan.settings).id))
        self._rounds += 1
        return carry_out(self.plan, control)

    def take(self, now: Mapping[str, HostResult], *, changed: bool) -> tuple[str, ...]:
        """Note the results after a round; return the hosts to leave out of the next rounds.

        These are hosts with status auth: many lock the account after the third or fifth refused login.

        Args:
            now: Each host's latest result.
            changed: Whether any result differs from the previous round.
        """
        pattern = self._asked.until
        said = pattern is not None and all(
            result.ok and found(f"{result.stdout}\n{result.stderr}", pattern, result.host)
            for result in now.values()
        )
        self._came = said or (self._asked.until_change and changed)
        refused = tuple(host.name for host in self.plan.todo if now[host.name].status is Status.AUTH)
        left = tuple(host for host in self.plan.todo if host.name not in set(refused))
        self.plan = replace(self.plan, todo=left, hosts=left)
        return refused

    def exit_code(self, now: Mapping[str, HostResult]) -> int:
        """Return the exit code of the last round; 0 if the awaited change or text has appeared."""
        if self._came:
            return 0
        waiting = self._asked.until_change or self._asked.until is not None
        code = Results(now.values(), self.plan.run).exit_code
        return _NOT_SEEN if waiting and code == 0 else code


def in_doubt(results: Sequence[HostResult]) -> list[str]:
    """Return the hosts of a stopped round on which a command may have run."""
    return [item.host for item in results if item.status is Status.CANCELLED and item.sent]


def news(results: Sequence[HostResult], known: Mapping[str, HostResult]) -> list[HostResult]:
    """Return the results of a stopped round, without those of known hosts that it did not reach."""
    return [
        item for item in results if item.status is not Status.CANCELLED or item.sent or item.host not in known
    ]


def room(hosts: int, workers: int) -> int:
    """Return how many connections may be kept open, in addition to those that a round and its pings need."""
    at_work = min(hosts, workers)
    return min(hosts, _MOST_KEPT, max(0, socket_allowance(2 * hosts + at_work) - at_work) // 2)
