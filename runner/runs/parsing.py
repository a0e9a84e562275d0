"""Parse the results of a run while its other hosts are still at work."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.settings.rows import asked, how_to_parse
from runner.text import owners
from runner.text.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from runner.devices.parsing import Parser
    from runner.models import HostResult
    from runner.runs.planning import Plan
    from runner.settings import Settings

__all__ = ["Parsing", "check", "parsing"]


def check(settings: Settings) -> None:
    """Check, before a run starts, that outputs can be parsed as the settings say.

    Raises:
        UsageError: The folder of templates does not exist, or was not named for this run and may have been
            written by another user.
        MissingExtra: A package is missing.
    """
    folder = _templates(settings)
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"--templates {settings.templates!r}: there is no such folder")
        if not settings.is_named("templates"):
            owners.check_tree("the folder of templates", folder, named="name it with --templates")
    if "parse" in settings.origins:
        from runner.devices import parsing as devices  # noqa: PLC0415 - few runs parse

        devices.check(settings.parse)


def parsing(plan: Plan) -> Parsing:
    """Return the stage that parses the results of a run, if its settings ask for it."""
    settings = plan.settings
    how = how_to_parse(settings)
    if how == "none" or settings.dry_run or plan.job is None:
        return Parsing(None)
    from runner.devices.parsing import Parser, installed  # noqa: PLC0415 - few runs parse

    if not installed(how):  # `check` has refused it, if it was asked for
        return Parsing(None)
    folder = _templates(settings)
    own = None if folder is None else str(folder)
    return Parsing(Parser(how, plan.hosts, own, only_devices=not asked(settings)))


class Parsing:
    """Passes results on, those with output after they were parsed; it does not make the network wait.

    Args:
        parser: Parses results; None passes all of them on as they are.
    """

    def __init__(self, parser: Parser | None) -> None:
        self._parser = parser
        self._pool = None if parser is None else ThreadPoolExecutor(parser.most, "runner-parsing")
        self._left: dict[Future[HostResult], HostResult] = {}

    def through(self, results: Iterable[HostResult]) -> Iterator[HostResult]:
        """Take results in; yield those that are ready, also of earlier calls."""
        for result in results:
            if self._parser is None or self._pool is None or not result.commands:
                yield result
            else:
                self._left[self._pool.submit(self._parser.parsed, result)] = result
        yield from self._ended([future for future in self._left if future.done()])

    def rest(self, *, stopped: bool = False) -> Iterator[HostResult]:
        """Yield all results that are left.

        Args:
            stopped: Whether the run was interrupted: outputs that nothing parses yet are not parsed then.
        """
        if stopped:
            yield from self._ended([future for future in self._left if future.cancel()])
        while self._left:
            yield from self._ended(list(wait(self._left, return_when=FIRST_COMPLETED).done))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, futures: Iterable[Future[HostResult]]) -> Iterator[HostResult]:
        for future in futures:
            result = self._left.pop(future)
            yield result if future.cancelled() else future.result()


def _templates(settings: Settings) -> Path | None:
    """Return the operator's folder of templates; None if none was given."""
    return None if settings.templates is None else expanded("--templates", settings.templates)
