"""Find out which hosts answer ICMP echo, TCP connections or SSH, up to ten thousand hosts at once."""

from __future__ import annotations

from runner.reach.icmp.echo_socket import icmp_permitted
from runner.reach.options import Method, ReachOptions
from runner.reach.probe import probe
from runner.reach.reasons import Reason
from runner.reach.route import Route, Routes

__all__ = ["Method", "ReachOptions", "Reason", "Route", "Routes", "icmp_permitted", "probe"]
