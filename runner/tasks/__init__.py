"""The Invoke collection. A task only parses flags, calls the engine, reports and returns an exit code.

In a `tasks.py`: `from runner.tasks import namespace`, or `namespace.add_collection(runner.tasks.namespace,
"net")`.
"""

from __future__ import annotations

from invoke.collection import Collection

from runner.settings.invoke_log import hide_secrets
from runner.settings.invoked import running
from runner.tasks.diff import diff
from runner.tasks.get import get
from runner.tasks.history import history
from runner.tasks.inventory import inventory
from runner.tasks.per_host import host_task
from runner.tasks.ping import ping
from runner.tasks.programs import read_in_one_line
from runner.tasks.put import put
from runner.tasks.report import report
from runner.tasks.run import run
from runner.tasks.script import script
from runner.tasks.settings import settings
from runner.tasks.trust import trust
from runner.tasks.watch import watch

__all__ = [
    "diff",
    "get",
    "history",
    "host_task",
    "inventory",
    "namespace",
    "ping",
    "put",
    "report",
    "run",
    "script",
    "settings",
    "trust",
    "watch",
]

hide_secrets()
if (program := running()) is not None:
    read_in_one_line(program.config)
namespace = Collection(ping, run, put, get, script, inventory, diff, report, trust, watch, settings)
namespace.add_collection(history)
