"""What one stream of a command has given, up to a limit."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Output"]


@dataclass(slots=True)
class Output:
    """Bytes as they came, up to a limit.

    Attributes:
        limit: Bytes that are kept.
        size: Bytes that are kept so far.
        truncated: Whether more than that came.
    """

    limit: int
    size: int = 0
    truncated: bool = False
    _chunks: list[bytes] = field(default_factory=list)

    def add(self, chunk: bytes) -> None:
        """Take in what came next."""
        kept = chunk[: self.limit - self.size]
        self.truncated = self.truncated or len(kept) < len(chunk)
        if kept:
            self._chunks.append(kept)
            self.size += len(kept)

    def kept(self) -> bytes:
        """Return what was kept."""
        return b"".join(self._chunks)
