"""Run a function on hosts that need no network, and look at the results."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from runner import Host, HostResult, Status
from runner.connection.connections import Connections
from runner.fanout import Control, FanoutOptions, stream
from runner.jobs import FunctionJob
from runner.reach import ReachOptions
from runner.settings import Settings
from tests.executors import jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence


def hosts(number: int, **variables: Any) -> list[Host]:
    return [Host(f"h{n:05}", {"ansible_host": "127.0.0.1"} | variables) for n in range(number)]


def how(**options: Any) -> dict[str, Any]:
    """Return the keyword arguments of `batches` and `stream`, without a ping unless `options` ask for it."""
    return {
        "run": f"test-{random.random()}",
        "connecting": Connections(Settings(retries=0).connection_options()),
        "options": FanoutOptions(**({"ping": False} | options)),
        "reach": ReachOptions(method="tcp"),
    }


def fan_out(
    chosen: Iterable[Host],
    function: Callable[..., Any] = jobs.host_name,
    *,
    control: Control | None = None,
    starting: Callable[[Sequence[str]], None] = lambda _names: None,
    **options: Any,
) -> Generator[HostResult, None, None]:
    return stream(chosen, FunctionJob(function), control=control, starting=starting, **how(**options))


def statuses(results: Iterator[HostResult]) -> dict[str, Status]:
    found = list(results)
    assert len({result.host for result in found}) == len(found), "a host has two results"
    return {result.host: result.status for result in found}
