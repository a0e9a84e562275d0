"""The time line of a run: when each host was worked on, without the long pauses of a resumed run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.history import Span

__all__ = ["Timing"]

_LONGEST_PAUSE_S = 60.0
"""Longest pause without any work that is kept, in seconds; longer ones are left out, see `pauses`."""
_GAP_S = 1.0


class Timing:
    """The scale of a run's time line.

    Args:
        spans: When each host was worked on.

    Attributes:
        length_s: Length of the scale in seconds.
        pauses: The pauses that are left out: position on the scale and duration, both in seconds.
    """

    def __init__(self, spans: Mapping[str, Span]) -> None:
        self._spans = spans
        self._breaks: list[tuple[float, float]] = []
        self.pauses: list[tuple[float, float]] = []
        reached = 0.0
        for start, end in sorted((span.start_s, span.end_s or span.start_s) for span in spans.values()):
            if start - reached > _LONGEST_PAUSE_S:
                left_out = start - reached - _GAP_S
                self.pauses.append((round(self._on_scale(reached) + _GAP_S / 2, 3), round(left_out, 3)))
                self._breaks.append((reached, left_out))
            reached = max(reached, end)
        self.length_s = round(self._on_scale(reached), 3)

    def of(self, host: str) -> tuple[float | None, float | None]:
        """Return when work on a host began and ended, on the scale; None if that is not known."""
        span = self._spans.get(host)
        if span is None:
            return None, None
        end = None if span.end_s is None else round(self._on_scale(span.end_s), 3)
        return round(self._on_scale(span.start_s), 3), end

    def _on_scale(self, at_s: float) -> float:
        return at_s - sum(left_out for begin, left_out in self._breaks if at_s > begin)
