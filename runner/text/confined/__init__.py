"""Run work that may never end or may fill memory in a child process with limits on both.

The child answers requests, sent as bytes, one after the other. It is started at the first request, killed and
restarted when a request exceeds a limit, and ends with this process, however that ends.
"""

from runner.text.confined.process import Confined, Stopped

__all__ = ["Confined", "Stopped"]
