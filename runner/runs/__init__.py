"""The engine: turn a request into a plan, carry out the plan, and record each result before it is shown.

Tasks and script functions call `plan` and `carry_out`, and show or return the results.
"""

from runner.runs.execution import carry_out, follow
from runner.runs.planning import Pings, Plan, Request, begin, plan

__all__ = ["Pings", "Plan", "Request", "begin", "carry_out", "follow", "plan"]
