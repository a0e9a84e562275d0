"""Where results are kept: one SQLite database for each user, written as each result comes in.

A run is written down before it begins; a host before it is handed to a worker, on the disk; a result before
it is shown. So whatever kills the program, what was shown is there, and a host that had been started without
a result is known to be in doubt.

What another program does to the database, or a full disk, never costs a run: see `Recorder`.
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
