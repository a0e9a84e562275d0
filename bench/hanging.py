"""Measure how much hosts that hang until their deadline delay the last result of the healthy hosts.

The same hosts are run in turns: none hangs; some hang, without `--spare`; some hang, with `--spare`. The job
needs no network: it sleeps.

`python bench/hanging.py [--hosts 1000] [--share 5] [--takes 0.5] [--deadline 10]`
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import closing

import _simulated_jobs

import runner


def last_healthy_s(chosen: argparse.Namespace, *, hanging: bool, spare: str) -> float:
    """Return the seconds until the last result of a host that does not hang."""
    every = round(100 / chosen.share)
    takes = [
        chosen.deadline if hanging and number % every == every // 2 else chosen.takes
        for number in range(chosen.hosts)
    ]
    hosts = [runner.Host(f"h{number}", {"takes_s": each}) for number, each in enumerate(takes)]
    healthy = {host.name for host, each in zip(hosts, takes, strict=True) if each == chosen.takes}
    results = runner.stream(
        hosts, _simulated_jobs.work, executor=chosen.executor, workers=chosen.workers, spare=spare
    )
    begin = time.monotonic()
    with closing(results):  # type: ignore[type-var]
        for result in results:
            healthy.discard(result.host)
            if not healthy:
                return time.monotonic() - begin
    raise AssertionError("a host has no result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--share", type=float, default=5, help="percent of them that hang")
    parser.add_argument("--takes", type=float, default=0.5, help="seconds that a healthy host takes")
    parser.add_argument("--deadline", type=float, default=10, help="seconds that a hanging one takes")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--executor", default="thread")
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    cases = {
        "none hangs": (False, "100%"),
        "some hang, --spare 0": (True, "0"),
        "some hang, --spare 100% (default)": (True, "100%"),
    }
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(chosen.rounds):
        for name, (hanging, spare) in cases.items():
            found[name].append(last_healthy_s(chosen, hanging=hanging, spare=spare))
    base = statistics.median(found["none hangs"])
    print("| hosts | last healthy result | of a run where none hangs |\n| --- | --: | --: |")
    for name, seconds in found.items():
        middle = statistics.median(seconds)
        print(f"| {name} | {middle:.1f} s | {middle / base:.2f}x |")


if __name__ == "__main__":
    main()
