"""Round-trip times of pings, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import visible_line
from runner.report.words import milliseconds, status_word

if TYPE_CHECKING:
    from runner.models import HostResult
    from runner.report.terminal import Style

__all__ = ["RoundTrips", "statistics"]


class RoundTrips:
    """The hosts that answered a ping, and the range of their round-trip times.

    Attributes:
        hosts: The names of the hosts that answered.
    """

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self._least: float | None = None
        self._most: float | None = None

    def add(self, result: HostResult) -> None:
        """Add a host that answered."""
        self.hosts.append(result.host)
        time = result.rtt_ms
        if time is None:
            return
        if self._least is None or time < self._least:
            self._least = time
        if self._most is None or time > self._most:
            self._most = time

    def span(self) -> str:
        """Return the round-trip time, or the range from the shortest to the longest."""
        if self._least is None or self._most is None:
            return ""
        least, most = milliseconds(self._least), milliseconds(self._most)
        return f"  rtt {least} ms" if least == most else f"  rtt {least}-{most} ms"


def statistics(result: HostResult, style: Style) -> str:
    """Return the line of a host that was pinged several times."""
    answered = [rtt for rtt in result.rtts_ms if rtt is not None]
    loss = 100 - 100 * len(answered) / len(result.rtts_ms)
    line = f"{style.bold(visible_line(result.host))}: {status_word(result.status, style)}"
    if result.ok and not answered:  # on this machine, or behind a jump host
        return f"{line}  not pinged: only a login can tell"
    line += f"  {len(answered)}/{len(result.rtts_ms)} answered, {loss:.3g}% loss"
    if not answered:
        return f"{line}, {visible_line(result.error or '')}"
    times = (min(answered), sum(answered) / len(answered), max(answered))
    return f"{line}, rtt min/avg/max {'/'.join(map(milliseconds, times))} ms"
