"""Work that may never end or may fill memory, done in a child process that has limits on both.

The child answers requests one after the other, as bytes. It is started at the first request, killed and
started again when a request exceeds a limit, and ends when this process ends, however that happens.
"""

from runner.text.confined.process import Confined, Stopped

__all__ = ["Confined", "Stopped"]
