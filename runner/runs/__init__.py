"""The engine: a request becomes a plan, a plan is carried out, and each result is recorded before it is seen.

Tasks and script functions call `plan` and `carry_out`, and show or return what comes.
"""

from runner.runs.execution import carry_out, follow
from runner.runs.planning import Pings, Plan, Request, begin, plan

__all__ = ["Pings", "Plan", "Request", "begin", "carry_out", "follow", "plan"]
