"""What the program that our tasks run in does if a configuration is broken."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from invoke.exceptions import Exit

from runner.errors import UsageError
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from invoke.config import Config

__all__ = ["read_in_one_line", "reading_in_one_line"]

_READERS = ("load_project", "load_runtime", "load_shell_env", "merge")
"""The methods of a configuration that Invoke's program calls when it has our tasks."""


@contextmanager
def reading_in_one_line() -> Iterator[None]:
    """Have whatever cannot be read of configurations end the program with one line.

    Raises:
        Exit: Something cannot be read.
    """
    from runner.settings import configuration  # noqa: PLC0415 - tasks are listed without it

    try:
        with configuration.reading():
            yield
    except UsageError as exc:
        if isinstance(exc.__cause__, Exit):  # one reader called another, which has said what is wrong
            raise exc.__cause__ from None
        raise Exit(visible_line(str(exc)), code=1) from exc


def read_in_one_line(config: Config) -> None:
    """Have a configuration end the program with one line where a file of it is broken.

    Invoke's program knows `Exit` for that, and ends in a traceback over anything else. It reads the project's
    file after the tasks, so that these can still see to it.
    """
    from runner.settings.configuration_files import bound  # noqa: PLC0415 - as above

    bound(config)
    for name in _READERS:
        setattr(config, name, _in_one_line(getattr(config, name)))


def _in_one_line(read: Callable[..., None]) -> Callable[..., None]:
    @wraps(read)
    def reading(*arguments: Any, **options: Any) -> None:
        with reading_in_one_line():
            read(*arguments, **options)

    return reading
