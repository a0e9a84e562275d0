"""`FleetTask`: an Invoke task that takes the flags that every task over hosts takes."""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from invoke.exceptions import Exit
from invoke.program import Program
from invoke.tasks import Task

from runner.errors import RunnerError, UsageError
from runner.report.terminal import visible_line
from runner.settings import Flag, Settings
from runner.settings.heeded import HOST_TASK, Heeded
from runner.settings.invoked import running
from runner.tasks.arguments import (
    Declared,
    Numeric,
    Repeated,
    check_flags,
    flags,
    own_words,
    show_values,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from invoke.context import Context
    from invoke.parser.argument import Argument

__all__ = ["Call", "FleetTask"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a task from the command line.

    Attributes:
        context: Invoke's context.
        settings: The shared flags over the configuration.
        remainder: What followed `--`.
    """

    context: Context
    settings: Settings
    remainder: str


class FleetTask(Task):  # type: ignore[type-arg]
    """A task whose body takes a `Call` and its own arguments, and returns the exit code.

    Args:
        body: The function.
        command: Name of an argument of its own that may also be given without its flag.
        short: That argument's one-letter flag.
        then: Name of one more that may be given so, after it.
        within: Name of the collection that the task is known in.
        heeded: The settings that the task heeds.
        options: What `invoke.Task` takes.
    """

    def __init__(
        self,
        body: Callable[..., int],
        command: str | None = None,
        short: str | None = None,
        then: str | None = None,
        within: str = "",
        heeded: Heeded = HOST_TASK,
        **options: Any,
    ) -> None:
        super().__init__(body, auto_shortflags=False, positional=(), **options)
        self.heeded = heeded
        self.flags = {
            name: flag
            for name, flag in Settings.flags().items()
            if flag.on_command_line and name in heeded.accepted
        }
        self._command = command
        self._short = short
        self._loose = [name for name in (command, then) if name is not None]
        self._called = f"{within}.{self.name}" if within else str(self.name)
        self._typed = (self.name, *self.aliases, *((within,) if within and self.is_default else ()))
        self._own_help = dict(self.help)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the body's arguments and the shared ones, declared to fit this command line.

        Raises:
            ParseError: The command line gives this task a flag that it does not have.
        """
        self.help = dict(self._own_help)
        own = super().get_arguments(ignore_unknown_help)
        own = [self._refined(item) for item in own]
        helping = not {"-h", "--help"}.isdisjoint(sys.argv)
        arguments = [*own, *(self._shared(name, flag, helping) for name, flag in self.flags.items())]
        words, found = self._read(arguments) if self._is_typed() else ([], 0)
        for item in own:
            item.positional = item.name in self._loose[:found]
        if helping:
            arguments = shown(arguments, words)
            show_values(words, arguments)
        return arguments

    def _shared(self, name: str, flag: Flag, helping: bool) -> Declared:
        """Return the argument of a shared flag; help shows it if the task heeds it."""
        argument = _argument(name, flag, helping)
        argument.is_offered = name in self.heeded.settings
        return argument

    def _is_typed(self) -> bool:
        """Return whether any word of the command line can be this task: the flags of others need no look."""
        typed = {word.rpartition(".")[2].replace("_", "-") for word in sys.argv[1:]}
        return any(str(name).replace("_", "-") in typed for name in self._typed)

    def _read(self, arguments: list[Argument]) -> tuple[list[str], int]:
        """Return the words of the command line that are for this task, and how many have no flag."""
        core = _core_flags()
        words = own_words(sys.argv[1:], self._typed, flags(arguments) | core)
        return words, check_flags(words, arguments, core, self._loose, _tasks())

    def _refined(self, item: Argument) -> Argument:
        """Return one of the body's arguments as we want it read."""
        if item.name != self._command:
            if item.kind in (int, float):
                return Numeric(
                    names=item.names,
                    kind=item.kind,
                    default=item.default,
                    help=item.help,
                    attr_name=item.attr_name,
                )
            return item
        names = (*item.names, self._short) if self._short else item.names
        return Repeated(names=names, help=item.help, attr_name=item.attr_name)

    def __call__(self, context: Context, **arguments: Any) -> int:
        """Resolve the settings and call the body.

        Raises:
            Exit: Its exit code is not 0, or something was wrong that the user can mend.
        """
        from runner.runs.interruption import Interruption  # noqa: PLC0415 - tasks are listed without loading what runs them

        given = {name: arguments.pop(name, None) for name in self.flags}
        interruption = Interruption()  # what runs hosts takes the signals as long as it does
        try:
            with interruption.handled():
                given, idle = self._sorted(self._with_core(given))
                settings = _settings(context, given).heeding(self.heeded.settings)
                call = Call(context, settings, _remainder(context))
                self._warn(idle, call.settings)
                if call.remainder and self._command is None:
                    raise UsageError(f"nothing can be said to it after --: {call.remainder!r}")  # noqa: TRY301
                self._check_given(arguments)
                code = self.body(call, **arguments)
        except RunnerError as exc:
            raise Exit(visible_line(f"{self._called}: {exc}"), code=1) from exc
        except KeyboardInterrupt:
            raise Exit(code=interruption.exit_code or 128 + signal.SIGINT) from None
        except Exception as exc:  # a limit of this machine is the user's to raise
            fault = _fault(exc)
            if fault is not None:
                raise Exit(visible_line(f"{self._called}: {fault}"), code=1) from exc
            raise
        self.times_called += 1
        if code:
            raise Exit(code=code)
        return 0

    def _with_core(self, given: dict[str, Any]) -> dict[str, Any]:
        """Heed Invoke's own `--dry` and `--command-timeout`, which are about commands, too.

        What Invoke's configuration says of them is about the commands that it runs on this machine.

        Raises:
            UsageError: It was to be dry, and does something that cannot be.
        """
        if _core("dry"):
            if "dry_run" not in given:
                raise UsageError("--dry does not fit: it cannot be told beforehand what this does")
            given = {**given, "dry_run": True}
        seconds = _core("command-timeout")
        if seconds is not None and "timeout" in self.heeded.settings and given["timeout"] is None:
            given = {**given, "timeout": seconds}
        return given

    def _sorted(self, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the flags without those that do nothing here, and the names of these.

        Raises:
            UsageError: The value of a flag that does nothing here cannot be read.
        """
        idle = {
            name: value
            for name, value in given.items()
            if name in self.heeded.idle and value not in (None, False, [], ())
        }
        Settings.resolve(idle)
        return {name: value for name, value in given.items() if name not in idle}, list(idle)

    def _warn(self, idle: Iterable[str], settings: Settings) -> None:
        """Warn of flags that do nothing here; from now on, `--quiet` silences this and all other warnings."""
        from runner.report.messages import show_warnings  # noqa: PLC0415 - tasks are listed without it

        show_warnings(quiet=settings.quiet)
        for name in idle:
            logger.warning("%s", self.heeded.idle_line(name, self._called))

    def _check_given(self, arguments: dict[str, Any]) -> None:
        """Miss what the body cannot do without: Invoke does so for positional arguments only."""
        for name, parameter in self.argspec(self.body).parameters.items():
            if parameter.default is parameter.empty and arguments.get(name) is None:
                raise UsageError(f"--{name.replace('_', '-')} is needed")


def _core(flag: str) -> Any:
    """Return what one of Invoke's own flags was given; None where it was not."""
    program = running()
    return None if program is None else program.args[flag].value


def _tasks() -> set[str] | None:
    """Return the names of all tasks of the program that runs; None where it is neither Invoke's nor ours."""
    collection = getattr(running(), "collection", None)
    if collection is None:
        return None
    return {name for task, aliases in collection.task_names.items() for name in (task, *aliases)}


@cache
def _core_flags() -> dict[str, bool]:
    return flags((*Program().core_args(), *Program().task_args()))


def _argument(name: str, flag: Flag, helping: bool) -> Declared:
    dashed = name.replace("_", "-")
    names = (dashed, flag.short) if flag.short else (dashed,)
    attribute = name if "_" in name else None
    text = _described(flag) if helping else flag.help  # not shown then
    if flag.repeatable:
        return Repeated(names=names, help=text, attr_name=attribute)
    if flag.is_switch:
        return Declared(names=names, kind=bool, default=False, help=text, attr_name=attribute)
    return Declared(names=names, help=text, attr_name=attribute)


def _described(flag: Flag) -> str:
    """Return a flag's help with what is installed that it may name; looking for that takes a moment."""
    if flag.entries is None:
        return flag.description
    from runner import plugins  # noqa: PLC0415 - only for help

    return flag.described(plugins.names(flag.entries))


def _fault(exc: Exception) -> RunnerError | None:
    """Return the error of a limit of this machine that an exception tells of; None if it tells of none."""
    from runner.connection.transport.faults import own_fault  # noqa: PLC0415 - only where something is wrong

    return own_fault(exc)


def _settings(context: Context, given: dict[str, Any]) -> Settings:
    from runner.settings import configuration  # noqa: PLC0415 - tasks are listed without it

    chosen = {name: value for name, value in given.items() if value is not False}
    return Settings.resolve(chosen, *configuration.of_config(context.config))


def _remainder(context: Context) -> str:
    return str(getattr(context, "remainder", "") or "")
