"""The Invoke collection: parse flags, call, report, exit code, and nothing else.

In a `tasks.py`: `from runner.tasks import namespace`, or `namespace.add_collection(runner.tasks.namespace,
"net")`.
"""

from __future__ import annotations

from invoke.collection import Collection

from runner.tasks.history import history
from runner.tasks.inventory import inventory
from runner.tasks.per_host import host_task
from runner.tasks.ping import ping
from runner.tasks.run import run

__all__ = ["history", "host_task", "inventory", "namespace", "ping", "run"]

namespace = Collection(ping, run, inventory)
namespace.add_collection(history)
