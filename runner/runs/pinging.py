"""Checks of `ping`: which flags fit together, and whether TCP pings alone may have missed hosts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.reach.icmp.echo_socket import icmp_permitted
from runner.reach.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models import HostResult
    from runner.settings import Settings

__all__ = ["Unheard", "check"]

logger = logging.getLogger(__name__)

_BARE_IGNORES = ("format", "diff", "ignore", "prefix", "raw")
_WATCHED_AS = ("folded", "jsonl")
_IGNORES = {
    "--alive": _BARE_IGNORES,
    "--down": _BARE_IGNORES,
    "--watch": ("diff", "ignore", "prefix", "raw", "only", "sort", "output_dir"),
}


def check(settings: Settings, chosen: Sequence[str], *, counted: bool, paced: bool = False) -> None:
    """Refuse flags that would have no effect, or warn of those that were accepted so far.

    Args:
        settings: The settings.
        chosen: The given flags among `--alive`, `--down` and `--watch`.
        counted: Whether `--count` was given.
        paced: Whether `--interval` was given.

    Raises:
        UsageError: A flag would have no effect.
    """
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other")
    rounds = "--watch" if "--watch" in chosen else "--count" if counted else None
    if rounds is None and paced:
        logger.warning("--interval does nothing without --count or --watch; the next release refuses it")
    if rounds is not None and "max_fail" in settings.given:
        raise UsageError(f"--max-fail does not fit {rounds}, which pings every host in each round")
    if settings.resume:
        raise UsageError("--resume is for runs of commands; ping again instead")
    for mode in chosen:
        _check_mode(settings, mode)


def _check_mode(settings: Settings, mode: str) -> None:
    """Refuse flags that have no effect with `--alive`, `--down` or `--watch`."""
    if mode == "--watch" and "format" in settings.given and settings.format not in _WATCHED_AS:
        raise UsageError(
            f"--format {settings.format} does not fit --watch; what fits: {', '.join(_WATCHED_AS)}"
        )
    for flag in _IGNORES[mode]:
        if flag in settings.given:
            raise UsageError(f"--{flag.replace('_', '-')} does not fit {mode}")


class Unheard:
    """Notes silent hosts that might have answered an ICMP echo."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._silent = False

    def note(self, result: HostResult) -> None:
        """Note a result."""
        self._silent = self._silent or result.reason == Reason.NO_REPLY

    def hint(self) -> str | None:
        """Return a note on how to permit ICMP, if hosts were silent and ICMP is not permitted."""
        needed = icmp_permitted() if self._silent and self._settings.method == "auto" else None
        return None if needed is None else f"note: hosts were pinged by TCP only: {needed}"
