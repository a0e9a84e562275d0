"""`host_task`: turn a function for one host into an Invoke task over many hosts, with all shared flags."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.settings import Settings
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.tasks.fleet import Call

__all__ = ["HostTask", "host_task"]


class HostTask(FleetTask):
    """An Invoke task that calls a function for each host; its return value is the result's `value`.

    Raises:
        UsageError: The function cannot be a host task, or one of its parameters cannot be a flag.
    """

    def __init__(self, function: Callable[..., Any], *, repeatable: bool = False, **options: Any) -> None:
        _check(function)
        self.function = function
        self.repeatable = repeatable
        options.setdefault("name", function.__name__.strip("_"))
        super().__init__(_body(function, repeatable=repeatable), **options)


def _check(function: Callable[..., Any]) -> None:
    """Reject, at its declaration, a function that would fail on every host or would only seem to run."""
    name = getattr(function, "__name__", None)
    if name is None:
        raise UsageError(f"host task: expected a function, found {function!r}")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise UsageError(f"host task {name}: it must be a plain function, not async and not a generator")
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise UsageError(f"host task {name}: it needs a parameter for the host")
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UsageError(f"host task {name}: {parameter} has no flag; name each parameter")
    taken = {item.name for item in parameters} & _taken()
    if taken:
        raise UsageError(
            f"host task {name}: {', '.join(sorted(taken))} is a flag that every task has; "
            "give the parameter another name"
        )


def _taken() -> set[str]:
    """Return the names of the flags that every task has, including one-letter names."""
    flags = Settings.flags()
    return {*flags, *(flag.short for flag in flags.values() if flag.short), "h", "given"}


def _body(function: Callable[..., Any], *, repeatable: bool) -> Callable[..., int]:
    def body(call: Call, **arguments: Any) -> int:
        from runner.jobs import FunctionJob  # noqa: PLC0415 - loaded only when a task runs
        from runner.tasks.over_hosts import over_hosts  # noqa: PLC0415

        return over_hosts(function.__name__, FunctionJob(function, arguments, repeatable), call)

    functools.update_wrapper(body, function)
    # Invoke reads a task's arguments from its signature and skips the first parameter (its context).
    body.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return body


def host_task(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Make an Invoke task of a function that does something on one host.

    The function's first parameter is a `runner.jobs.Session`; the other parameters become flags, in addition
    to the flags that every task over hosts has. With `--executor process` the function must be importable by
    its module's name.

    Args:
        function: The function.
        options: Options of `invoke.task` (`name`, `aliases`, `help`), and `repeatable=True` if the function
            can safely run twice: it is then repeated on hosts whose worker died.
    """
    if function is None:
        return lambda later: HostTask(later, **options)
    return HostTask(function, **options)
