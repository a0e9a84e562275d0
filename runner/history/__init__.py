"""The history of runs: one SQLite database per user, written as each result arrives.

A run is recorded before it begins, a host (synced to disk) before it is handed to a worker, and a result
before it is shown. So if the program is killed, every result that was shown is recorded, and a host that was
started but has no result is known to be in doubt.

A damaged or locked database or a full disk never ends a run: see `Recorder`.
"""

from runner.history.database import History, default_path
from runner.history.limits import Limits, Pruned, prune
from runner.history.record import Query, Record, Span, Summary
from runner.history.recorder import Recorder

__all__ = [
    "History",
    "Limits",
    "Pruned",
    "Query",
    "Record",
    "Recorder",
    "Span",
    "Summary",
    "default_path",
    "prune",
]
