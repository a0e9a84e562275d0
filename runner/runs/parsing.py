"""Parse the results of a run while its other hosts are still at work."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.settings.rows import asked, how_to_parse
from runner.text import owners
from runner.text.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from runner.devices.parsing import Parser
    from runner.history import Record
    from runner.inventory import Inventory
    from runner.models import Host, HostResult
    from runner.runs.planning import Plan
    from runner.settings import Settings

__all__ = ["Parsing", "check", "parsing", "recorded"]

logger = logging.getLogger(__name__)


def check(settings: Settings) -> None:
    """Check, before a run starts, that outputs can be parsed as the settings say.

    Raises:
        UsageError: The folder of templates is not given, does not exist, or was not named for this run and
            may have been written by another user.
        MissingExtra: A package is missing.
    """
    folder = _templates(settings)
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"--templates {settings.templates!r}: there is no such folder")
        if not settings.is_named("templates"):
            owners.check_tree("the folder of templates", folder, named="name it with --templates")
    if settings.parse == "ttp" and folder is None:
        raise UsageError("--parse ttp needs TTP templates of your own: name their folder with --templates")
    if "parse" in settings.origins:
        from runner.devices import parsing as devices  # noqa: PLC0415 - few runs parse

        devices.check(settings.parse)


def parsing(plan: Plan) -> Parsing:
    """Return the stage that parses the results of a run, if its settings ask for it."""
    idle = plan.settings.dry_run or plan.job is None
    return Parsing(None if idle else _parser(plan.settings, lambda: plan.hosts))


def recorded(
    record: Record, settings: Settings, inventory: Callable[[], Inventory | None]
) -> Iterator[HostResult]:
    """Return the results of a run of the history, parsed if the settings ask for it.

    Args:
        record: The run.
        settings: The settings.
        inventory: Loads the present inventory, which names the platforms of the hosts; None if there is none.

    Raises:
        RunnerError: See `check`.
    """
    check(settings)
    parser = _parser(settings, lambda: _present(inventory(), record.hosts))
    results = (record.result(name) for name in record.hosts)
    return results if parser is None else map(parser.parsed, results)


def _parser(settings: Settings, hosts: Callable[[], Sequence[Host]]) -> Parser | None:
    """Return what parses outputs; None if they are not to be parsed, or a package is missing.

    If outputs were explicitly to be parsed, `check` has refused to go on without the package.
    """
    how = how_to_parse(settings)
    if how == "none":
        return None
    from runner.devices.parsing import Parser, installed  # noqa: PLC0415 - few runs parse

    folder = _templates(settings)
    own = None if folder is None else str(folder)
    return Parser(how, hosts(), own, only_devices=not asked(settings)) if installed(how) else None


def _present(inventory: Inventory | None, names: Collection[str]) -> list[Host]:
    """Return the hosts with these names that an inventory has."""
    found, wanted = () if inventory is None else inventory.select("all"), frozenset(names)
    return [host for host in found if host.name in wanted]


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
            if future.cancelled():
                yield result
            elif (fault := future.exception()) is None:
                yield future.result()
            else:  # such as a full disk: the result itself must not be lost
                logger.warning(
                    "%s: its output is not parsed: %s: %s", result.host, type(fault).__name__, fault
                )
                yield result


def _templates(settings: Settings) -> Path | None:
    """Return the operator's folder of templates; None if none was given."""
    return None if settings.templates is None else expanded("--templates", settings.templates)
