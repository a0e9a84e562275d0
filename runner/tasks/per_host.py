"""`host_task`: a function for one host becomes an Invoke task over many, with all their flags."""

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
    """An Invoke task that calls a function for each host; what it returns is the result's `value`.

    Raises:
        UsageError: The function cannot be one for a host, or a parameter cannot be a flag of its own.
    """

    def __init__(self, function: Callable[..., Any], *, repeatable: bool = False, **options: Any) -> None:
        _check(function)
        self.function = function
        self.repeatable = repeatable
        options.setdefault("name", function.__name__.strip("_"))
        super().__init__(_body(function, repeatable=repeatable), **options)


def _check(function: Callable[..., Any]) -> None:
    """Refuse, where it is declared, a function that would fail on every host, or seem to be done on it."""
    name = getattr(function, "__name__", None)
    if name is None:
        raise UsageError(f"host task: expected a function, found {function!r}")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise UsageError(f"host task {name}: nothing would be done by calling it; make it a plain function")
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
    """Return the names that flags of every task have, in one letter too."""
    flags = Settings.flags()
    return {*flags, *(flag.short for flag in flags.values() if flag.short), "h", "given"}


def _body(function: Callable[..., Any], *, repeatable: bool) -> Callable[..., int]:
    def body(call: Call, **arguments: Any) -> int:
        from runner.jobs import FunctionJob  # noqa: PLC0415 - tasks are listed without loading what runs them
        from runner.tasks.carry_out import carry_out  # noqa: PLC0415

        return carry_out(function.__name__, FunctionJob(function, arguments, repeatable), call)

    functools.update_wrapper(body, function)
    # Invoke reads a task's own arguments off its signature; the first parameter is whatever Invoke passes.
    body.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return body


def host_task(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Make an Invoke task of a function that does something on one host.

    The function's first parameter is a `runner.jobs.Session`; the others become the task's own flags, beside
    those that every task over hosts takes. With `--executor process` the function must be importable by its
    module's name.

    Args:
        function: The function.
        options: What `invoke.task` takes: `name`, `aliases`, `help`; and `repeatable=True` where it does no
            harm twice: it is then done again on hosts whose worker died.
    """
    if function is None:
        return lambda later: HostTask(later, **options)
    return HostTask(function, **options)
