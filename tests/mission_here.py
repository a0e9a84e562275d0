"""Run a command on the hosts in the JSON on stdin, as a script does; print the results as JSON."""

from __future__ import annotations

import json
import sys

import runner
from runner import Host
from runner.reach import icmp_permitted
from runner.results.folding import Folding


def main() -> None:
    asked = json.load(sys.stdin)
    hosts = [Host(name, variables) for name, variables in asked["hosts"].items()]
    found = list(runner.stream(hosts, asked["command"], no_ping=False, **asked["settings"]))
    folding = Folding()
    for result in found:
        folding.add(result)
    told = {
        "hosts": [result.host for result in found],
        "results": {
            result.host: [result.status, result.reason, result.sent, result.stdout, result.method]
            for result in found
        },
        "folded": [[sorted(fold.hosts), fold.result.stdout] for fold in folding.folds()],
        "icmp": icmp_permitted(),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":  # the executor `process` imports this module again
    main()
