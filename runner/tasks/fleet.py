"""`FleetTask`: an Invoke task with the flags that all tasks over hosts share."""

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
        settings: The settings; shared flags override the configuration.
        remainder: The text after `--`.
    """

    context: Context
    settings: Settings
    remainder: str


class FleetTask(Task):  # type: ignore[type-arg]
    """A task whose body takes a `Call` and its own arguments, and returns the exit code.

    Args:
        body: The function.
        command: Name of an argument of the body that may also be given without its flag.
        short: That argument's one-letter flag.
        then: Name of a second argument that may be given without its flag, after the first.
        within: Name of the collection that the task belongs to.
        heeded: The settings that the task heeds.
        options: Options of `invoke.Task`.
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
        """Return whether a word of the command line may be this task; if not, its flags need no check."""
        typed = {word.rpartition(".")[2].replace("_", "-") for word in sys.argv[1:]}
        return any(str(name).replace("_", "-") in typed for name in self._typed)

    def _read(self, arguments: list[Argument]) -> tuple[list[str], int]:
        """Return the words of the command line that are for this task, and how many have no flag."""
        core = _core_flags()
        words = own_words(sys.argv[1:], self._typed, flags(arguments) | core)
        return words, check_flags(words, arguments, core, self._loose, _tasks())

    def _refined(self, item: Argument) -> Argument:
        """Return one of the body's arguments with our parsing rules."""
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
            Exit: The exit code is not 0, or an error occurred that the user can fix.
        """
        from runner.runs.interruption import Interruption  # noqa: PLC0415 - loaded only when a task runs

        given = {name: arguments.pop(name, None) for name in self.flags}
        interruption = Interruption()  # during a run, the run handles the signals instead
        try:
            with interruption.handled():
                given, idle = self._sorted(self._with_core(given))
                settings = _settings(context, given).heeding(self.heeded.settings)
                call = Call(context, settings, _remainder(context))
                self._warn(idle, call.settings)
                if call.remainder and self._command is None:
                    raise UsageError(f"this task takes no words after --: {call.remainder!r}")  # noqa: TRY301
                self._check_given(arguments)
                code = self.body(call, **arguments)
        except RunnerError as exc:
            raise Exit(visible_line(f"{self._called}: {exc}"), code=1) from exc
        except KeyboardInterrupt:
            raise Exit(code=interruption.exit_code or 128 + signal.SIGINT) from None
        except Exception as exc:  # the user can raise a limit of this machine
            fault = _fault(exc)
            if fault is not None:
                raise Exit(visible_line(f"{self._called}: {fault}"), code=1) from exc
            raise
        self.times_called += 1
        if code:
            raise Exit(code=code)
        return 0

    def _with_core(self, given: dict[str, Any]) -> dict[str, Any]:
        """Apply Invoke's own flags `--dry` and `--command-timeout` to this task.

        Invoke's configuration of these two is not used: it is for commands that Invoke runs on this machine.

        Raises:
            UsageError: `--dry` was given, and this task has no dry run.
        """
        if _core("dry"):
            if "dry_run" not in given:
                raise UsageError("--dry does not fit: this task has no dry run")
            given = {**given, "dry_run": True}
        seconds = _core("command-timeout")
        if seconds is not None and "timeout" in self.heeded.settings and given["timeout"] is None:
            given = {**given, "timeout": seconds}
        return given

    def _sorted(self, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the flags without those that have no effect in this task, and the names of the latter.

        Raises:
            UsageError: The value of a flag without effect is not valid.
        """
        idle = {
            name: value
            for name, value in given.items()
            if name in self.heeded.idle and value not in (None, False, [], ())
        }
        Settings.resolve(idle)
        return {name: value for name, value in given.items() if name not in idle}, list(idle)

    def _warn(self, idle: Iterable[str], settings: Settings) -> None:
        """Warn about flags without effect in this task; `--quiet` silences these and all later warnings."""
        from runner.report.messages import show_warnings  # noqa: PLC0415 - loaded only when a task runs

        show_warnings(quiet=settings.quiet)
        for name in idle:
            logger.warning("%s", self.heeded.idle_line(name, self._called))

    def _check_given(self, arguments: dict[str, Any]) -> None:
        """Check required arguments: Invoke checks only positional ones."""
        for name, parameter in self.argspec(self.body).parameters.items():
            if parameter.default is parameter.empty and arguments.get(name) is None:
                raise UsageError(f"--{name.replace('_', '-')} is needed")


def _core(flag: str) -> Any:
    """Return the value of one of Invoke's own flags; None if it was not given."""
    program = running()
    return None if program is None else program.args[flag].value


def _tasks() -> set[str] | None:
    """Return the names of all tasks of the running program; None if it is neither Invoke's nor ours."""
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
    text = _described(flag) if helping else flag.help  # without --help, the text is not shown
    if flag.repeatable:
        return Repeated(names=names, help=text, attr_name=attribute)
    if flag.is_switch:
        return Declared(names=names, kind=bool, default=False, help=text, attr_name=attribute)
    return Declared(names=names, help=text, attr_name=attribute)


def _described(flag: Flag) -> str:
    """Return a flag's help with the installed plugins it can name; looking them up takes a moment."""
    if flag.entries is None:
        return flag.description
    from runner import plugins  # noqa: PLC0415 - only for help

    return flag.described(plugins.names(flag.entries))


def _fault(exc: Exception) -> RunnerError | None:
    """Return an error about a limit of this machine if the exception means one; None otherwise."""
    from runner.connection.transport.faults import own_fault  # noqa: PLC0415 - needed only after an error

    return own_fault(exc)


def _settings(context: Context, given: dict[str, Any]) -> Settings:
    from runner.settings import configuration  # noqa: PLC0415 - loaded only when a task runs

    chosen = {name: value for name, value in given.items() if value is not False}
    return Settings.resolve(chosen, *configuration.of_config(context.config))


def _remainder(context: Context) -> str:
    return str(getattr(context, "remainder", "") or "")
