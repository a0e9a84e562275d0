"""`FleetTask`: an Invoke task that takes the flags that every task over hosts takes."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.program import Program
from invoke.tasks import Task

from runner.errors import RunnerError, UsageError
from runner.report.terminal import visible_line
from runner.settings import Flag, Settings
from runner.tasks.arguments import Repeated, check_flags, flags, own_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from invoke.context import Context

__all__ = ["Call", "FleetTask"]

_PATHS = ("inventory", "known_hosts", "private_key", "vault_password_file", "output_dir")
_PATH_LISTS = ("known_hosts", "vault_password_file")


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
        options: What `invoke.Task` takes.
    """

    flags: ClassVar[dict[str, Flag]] = {
        name: flag for name, flag in Settings.flags().items() if flag.on_command_line
    }

    def __init__(
        self, body: Callable[..., int], command: str | None = None, short: str | None = None, **options: Any
    ) -> None:
        super().__init__(body, auto_shortflags=False, positional=(), **options)
        self._command = command
        self._short = short
        self._own_help = dict(self.help)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the body's arguments and the shared ones, declared to fit this command line.

        Raises:
            ParseError: The command line gives this task a flag that it does not have.
        """
        self.help = dict(self._own_help)
        own = super().get_arguments(ignore_unknown_help)
        own = [self._as_command(item) if item.name == self._command else item for item in own]
        arguments = [*own, *(_argument(name, flag) for name, flag in self.flags.items())]
        core = _core_flags()
        words = own_words(sys.argv[1:], (self.name, *self.aliases), flags(arguments) | core)
        loose = check_flags(words, arguments, core, self._command)
        for item in own:
            item.positional = item.name == self._command and loose
        return arguments

    def _as_command(self, item: Argument) -> Argument:
        names = (*item.names, self._short) if self._short else item.names
        return Repeated(names=names, help=item.help, attr_name=item.attr_name)

    def __call__(self, context: Context, **arguments: Any) -> int:
        """Resolve the settings and call the body.

        Raises:
            Exit: Its exit code is not 0, or something was wrong that the user can mend.
        """
        given = {name: arguments.pop(name, None) for name in self.flags}
        try:
            call = Call(context, _settings(context, given), _remainder(context))
            if call.remainder and self._command is None:
                raise UsageError(f"nothing can be said to it after --: {call.remainder!r}")
            code = self.body(call, **arguments)
        except RunnerError as exc:
            raise Exit(visible_line(f"{self.name}: {exc}"), code=1) from exc
        except KeyboardInterrupt:
            raise Exit(code=128 + signal.SIGINT) from None
        self.times_called += 1
        if code:
            raise Exit(code=code)
        return 0


@cache
def _core_flags() -> dict[str, bool]:
    return flags((*Program().core_args(), *Program().task_args()))


def _argument(name: str, flag: Flag) -> Argument:
    dashed = name.replace("_", "-")
    names = (dashed, flag.short) if flag.short else (dashed,)
    attribute = name if "_" in name else None
    if flag.repeatable:
        return Repeated(names=names, help=flag.description, attr_name=attribute)
    if flag.is_switch:
        return Argument(names=names, kind=bool, default=False, help=flag.description, attr_name=attribute)
    return Argument(names=names, help=flag.description, attr_name=attribute)


def _settings(context: Context, given: dict[str, Any]) -> Settings:
    chosen = {name: value for name, value in given.items() if value is not False}
    configured = context.config.get("runner") or {}
    if not hasattr(configured, "items"):
        raise UsageError("`runner:` in the configuration must be a mapping of settings")
    from runner.inventory.ansible_cfg import ansible_defaults  # noqa: PLC0415 - tasks are listed without it

    ours = {name: value for name, value in configured.items() if value is not None}
    theirs = _default(context) | Settings.of_ansible(ansible_defaults())
    return Settings.resolve(chosen, theirs | _rooted(_environment(ours) | ours, context))


def _environment(configured: Mapping[str, Any]) -> dict[str, str]:
    """Return what the environment says of what is not configured.

    Invoke itself puts the environment over keys that the configuration has. Were it to be told of the others
    beforehand, a section that is no mapping would end in its traceback.
    """
    named = {name: f"INVOKE_RUNNER_{name.upper()}" for name in Settings.flags() if name not in configured}
    return {name: os.environ[variable] for name, variable in named.items() if variable in os.environ}


def _default(context: Context) -> dict[str, Any]:
    """Return the project's folder of inventories, for who stands below it."""
    from runner.runs import DEFAULT_SOURCE  # noqa: PLC0415 - tasks are listed without loading what runs them

    root = getattr(context.config, "_project_prefix", None)
    folder = Path(root or "", DEFAULT_SOURCE)
    elsewhere = bool(root) and folder.exists() and not Path(DEFAULT_SOURCE).exists()
    return {"inventory": str(folder)} if elsewhere else {}


def _rooted(configured: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the configuration with its relative paths standing on the folder of the project.

    Invoke looks for the project upwards of the current folder and keeps where it found it to itself.
    """
    root = getattr(context.config, "_project_prefix", None)
    if not root:
        return configured
    for name in _PATHS:
        value = configured.get(name)
        if isinstance(value, str) and name in _PATH_LISTS:
            configured[name] = [_root(root, item) for item in value.split(os.pathsep)]
        elif isinstance(value, str):
            configured[name] = _root(root, value)
        elif isinstance(value, (list, tuple)):
            configured[name] = [_root(root, str(item)) for item in value]
    return configured


def _root(root: str, path: str) -> str:
    if "," in path or path.startswith("~"):
        return path
    full = Path(root) / path
    try:
        return str(full.relative_to(Path.cwd()))
    except ValueError:
        return str(full)


def _remainder(context: Context) -> str:
    return str(getattr(context, "remainder", "") or "")
