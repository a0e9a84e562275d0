"""Measure the overhead of the fan-out: jobs without network, each executor, growing numbers of hosts.

Every twentieth job fails and every hundredth raises; each result is checked. For each number of hosts a
separate process prints microseconds a host, wall and processor, and the peak memory, all of the process that
submits jobs and collects results. `python bench/overhead.py [--hosts 10000,100000] [--executors thread,dask]`
"""

# ruff: noqa: PLC0415 - only the measuring process imports `runner`

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time


def measure(executor: str, count: int, workers: int) -> dict[str, float]:
    import _simulated_jobs

    import runner

    hosts = [runner.Host(f"h{number}") for number in range(count)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, used = time.perf_counter(), time.process_time()
    first, seen, wrong = 0.0, 0, 0
    for result in runner.stream(hosts, _simulated_jobs.answer, executor=executor, workers=workers, spare="0"):
        first = first or time.perf_counter()
        seen += 1
        right = result.status == _simulated_jobs.expected(result.host)
        wrong += not right or (result.ok and result.value != int(result.host[1:]))
    end = time.perf_counter()
    return {
        "hosts": seen,
        "wrong": wrong + abs(seen - count),
        "begin_s": first - begin,
        "us": (end - first) / count * 1e6,
        "cpu_us": (time.process_time() - used) / count * 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "grown_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", default="10000,100000")
    parser.add_argument("--executors", default="thread,process,dask")
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--measure", nargs=2, metavar=("EXECUTOR", "HOSTS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure[0], int(chosen.measure[1]), chosen.workers)))
        return
    print("| executor | hosts | wrong | first result | wall a host | CPU a host | peak memory | grown by |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for executor in chosen.executors.split(","):
        for count in chosen.hosts.split(","):
            command = [
                sys.executable,
                __file__,
                "--workers",
                str(chosen.workers),
                "--measure",
                executor,
                count,
            ]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = json.loads(said.splitlines()[-1])
            print(
                f"| {executor} | {found['hosts']:,} | {found['wrong']} | {found['begin_s']:.1f} s "
                f"| {found['us']:.0f} µs | {found['cpu_us']:.0f} µs "
                f"| {found['peak_mb']:.0f} MB | {found['grown_mb']:.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
