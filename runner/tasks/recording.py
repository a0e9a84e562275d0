"""A run's place in the history, taken when there is something to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.tasks.earlier import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.history import Recorder
    from runner.models import HostResult

__all__ = ["Recording"]


class Recording:
    """Begins with the first host that is handed to a worker, or the first result.

    A run that was refused before that (a misspelt executor, a folder that cannot be written) is none, and
    must not be what `--failed last` finds.

    Args:
        begin: Begins to keep the run; None where it is not to be kept.
    """

    def __init__(self, begin: Callable[[], Recorder | None]) -> None:
        self._begin = begin
        self._begun = False
        self._recorder: Recorder | None = None

    def start(self, names: Sequence[str]) -> None:
        """Keep that hosts are about to be handed to workers; return when a power cut cannot undo that."""
        recorder = self._open()
        if recorder is not None:
            recorder.start(names)

    def add(self, result: HostResult, show: Callable[[HostResult], None]) -> None:
        """Keep a result, unless it says that there is one already; then show it.

        Args:
            result: The result.
            show: Called with it when it outlasts the program; where there is something to be kept, in another
                thread and in the order of results.
        """
        recorder = self._open()
        if recorder is None:
            show(result)
        elif result.reason == KEPT:
            recorder.pass_on(result, show)
        else:
            recorder.add(result, show)

    def finish(self) -> None:
        """Return when everything is kept and shown, and that the run has ended is kept, too."""
        if self._recorder is not None:
            self._recorder.finish()

    def _open(self) -> Recorder | None:
        if not self._begun:
            self._begun = True
            self._recorder = self._begin()
        return self._recorder
