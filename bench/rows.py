"""How long `--where` and `--select` take over many rows, beyond the network, and how much memory.

1,000 devices with 50 interfaces each answer at once with `show interfaces status` (Cisco IOS). Usage:
`python bench/rows.py [DEVICES] [INTERFACES]`.
"""

from __future__ import annotations

import io
import resource
import sys
import time
from datetime import UTC, datetime

from runner import report
from runner.devices.parsing import Parser
from runner.models import CommandResult, Host, HostResult, Run, Status
from runner.report import ReportOptions
from runner.report.arranged import Arranged
from runner.results.query import Query
from runner.results.results import Summary, count
from runner.runs.parsing import Parsing

HEAD = "Port      Name               Status       Vlan       Duplex  Speed Type\n"


def output(device: int, interfaces: int) -> bytes:
    """Return what a device says; every twentieth interface is down."""
    lines = [HEAD]
    for number in range(interfaces):
        status = "notconnect" if (device + number) % 20 == 0 else "connected"
        port, name = f"Gi1/0/{number}", f"to host {device % 7}"
        lines.append(f"{port:<10}{name:<19}{status:<13}{number:<11}a-full a-1000 10/100/1000BaseTX\n")
    return "".join(lines).encode()


def main(devices: int = 1000, interfaces: int = 50) -> None:
    hosts = [Host(f"sw{number:04}", {"ansible_network_os": "ios"}) for number in range(devices)]
    results = [
        HostResult(
            host.name,
            Status.OK,
            commands=(CommandResult("show interfaces status", 0, output(number, interfaces)),),
        )
        for number, host in enumerate(hosts)
    ]
    query = Query(select=("port", "status"), where="status == 'notconnect'")
    for shape, asked in (
        ("table", query),
        ("table", Query(group_by="status")),
        ("json", query),
        ("table", Query()),
    ):
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        shown = _shown(shape, asked, hosts, results)
        took = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = f"peak {before / 1024:.0f} -> {peak / 1024:.0f} MiB"
        print(f"{shape}, {asked}: {took:.2f} s, {shown} bytes shown, {memory}")


def _shown(shape: str, query: Query, hosts: list[Host], results: list[HostResult]) -> int:
    stream = io.StringIO()
    made = report.create(shape, stream, ReportOptions(hosts=hosts, rows=True, query=query))
    reporter = Arranged(made, {host.name: place for place, host in enumerate(hosts)}, frozenset(), None)
    run = Run("bench", "run", datetime.now(UTC))
    reporter.start(run)
    stage = Parsing(Parser("auto", hosts))
    for result in stage.through(results):
        reporter.result(result)
    for result in stage.rest():
        reporter.result(result)
    stage.close()
    reporter.finish(Summary(run, count(results)))
    return len(stream.getvalue())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
