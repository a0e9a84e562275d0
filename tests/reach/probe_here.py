"""Runs in the near namespace: probes the hosts that stdin names, tells the results on stdout, all in JSON."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - the lookup of a name wants it, when it may be out of reach
import json
import os
import resource
import sys
import time

from runner.models import Host
from runner.reach import ReachOptions, icmp_permitted, probe


def become(user: int) -> None:
    """Give up root for good; done here because this user may not be able to start the interpreter."""
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


def host(text: str) -> Host:
    address, _, port = text.partition(" ")
    return Host(text, {"ansible_host": address, **({"ansible_port": int(port)} if port else {})})


def main() -> None:
    asked = json.load(sys.stdin)
    if asked["files"]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (asked["files"], asked["files"]))
    become(asked["user"])
    hosts = [host(text) for text in asked["hosts"]]
    began, spent = time.monotonic(), time.process_time()
    order: list[str] = []
    results: dict[str, dict[str, object]] = {}
    for result in probe(hosts, ReachOptions(**asked["options"])):
        if not order:
            time.sleep(asked["stall_s"])
        order.append(result.host)
        results[result.host] = {
            "status": result.status,
            "reason": result.reason,
            "error": result.error,
            "address": result.address,
            "method": result.method,
            "attempts": result.attempts,
            "rtt_ms": result.rtt_ms,
            "after_s": time.monotonic() - began,
            "banner": result.value,
        }
    told = {
        "results": results,
        "order": order,
        "wall_s": time.monotonic() - began,
        "cpu_s": time.process_time() - spent,
        "permitted": icmp_permitted(),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
