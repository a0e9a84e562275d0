"""Make Invoke's program end with a one-line message if a configuration file is broken."""

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
"""The methods of a configuration that Invoke's program calls after it has loaded our tasks."""


@contextmanager
def reading_in_one_line() -> Iterator[None]:
    """Turn errors in configuration files into `Exit` with a one-line message, inside this context.

    Raises:
        Exit: A configuration file cannot be read.
    """
    from runner.settings import configuration  # noqa: PLC0415 - needed only to read a configuration

    try:
        with configuration.reading():
            yield
    except UsageError as exc:
        if isinstance(exc.__cause__, Exit):  # a nested reader has already made the message
            raise exc.__cause__ from None
        raise Exit(visible_line(str(exc)), code=1) from exc


def read_in_one_line(config: Config) -> None:
    """Make a configuration raise `Exit` with a one-line message if one of its files is broken.

    Invoke's program handles `Exit`; any other exception ends in a traceback. Invoke reads the project's file
    after it has loaded the tasks, so that the tasks can still change the configuration's methods.
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
