"""`run`: run commands on hosts and show their output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.tasks.arguments import value_of
from runner.tasks.fleet import FleetTask
from runner.text.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.connection.command import Terminal
    from runner.tasks.fleet import Call

__all__ = ["commands_of", "run"]


def _run(  # noqa: PLR0913 - one argument per flag
    call: Call,
    cmd: list[str] | None = None,
    *,
    stdin: str | None = None,
    env: list[str] | None = None,
    chdir: str | None = None,
    pty: bool = False,
    pty_size: str | None = None,
    cmds_file: str | None = None,
    answer: list[str] | None = None,
) -> int:
    """Run commands on every host that answers a ping, and show the output of each."""
    from runner.connection.command import (  # noqa: PLC0415 - loaded only when a task runs
        CommandOptions,
        commands_of_file,
        question_answers,
    )
    from runner.jobs import CommandJob  # noqa: PLC0415
    from runner.tasks.over_hosts import over_hosts  # noqa: PLC0415

    listed = commands_of_file(expanded("--cmds-file", cmds_file)) if cmds_file else ()
    commands = commands_of(call, (*(cmd or ()), *listed))
    replies = question_answers(_pairs("--answer", "REGEX=REPLY", answer or []), "--answer")
    size = _terminal(pty_size, wanted=pty)
    given = CommandOptions(_input(stdin), _environment(env or []), chdir or None, size, replies)
    return over_hosts("run", CommandJob(commands, given), call)


def commands_of(call: Call, flagged: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands that were given on the command line.

    Args:
        call: The call; a command may also follow its `--`.
        flagged: The commands given with `--cmd`, or without the flag.

    Raises:
        UsageError: No command was given, or one cannot be sent.
    """
    from runner.connection.command import checked_command  # noqa: PLC0415
    from runner.runs.resume import commands_to_resume  # noqa: PLC0415
    from runner.tasks.passthrough import command as rest  # noqa: PLC0415

    last = rest(call)
    commands = flagged if last is None else (*flagged, last)
    for command in commands:
        checked_command(command)
    if call.settings.resume:
        commands = commands_to_resume(call.settings, "run", commands)
    if not commands:
        raise UsageError("no command: give one as --cmd 'show version', or after --")
    return commands


def _input(stdin: str | None) -> bytes:
    from runner.connection.command import standard_input  # noqa: PLC0415

    if stdin is None:
        return b""
    if stdin != "-":
        return standard_input(expanded("--stdin", stdin))
    if sys.stdin is None:
        raise UsageError("--stdin -: standard input is closed")
    return standard_input(sys.stdin.buffer.read())


def _environment(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    from runner.connection.command import environment  # noqa: PLC0415

    return environment(dict(_pairs("--env", "NAME=VALUE", given)))


def _pairs(flag: str, expected: str, given: Sequence[str]) -> list[tuple[str, str]]:
    parts = [item.partition("=") for item in given]
    for name, equals, _ in parts:
        if not equals:
            raise UsageError(f"{flag} {name!r}: expected {expected}")
    return [(name, value) for name, _, value in parts]


def _terminal(size: str | None, *, wanted: bool) -> Terminal | None:
    from runner.connection.command import Terminal, terminal  # noqa: PLC0415

    given: Terminal | None = value_of("--pty-size", terminal, size)
    return Terminal() if given is None and wanted else given


run = FleetTask(
    _run,
    name="run",
    command="cmd",
    short="c",
    iterable=["env", "answer"],
    help={
        "cmd": "command to run (repeatable); the flag may be left out for one",
        "stdin": "file that each command reads; - is standard input, read once",
        "env": "environment variable NAME=VALUE (repeatable), set by the host's POSIX shell",
        "chdir": "folder on the host to run in, entered by its POSIX shell",
        "pty": "run on a terminal; output and errors come as one stream then",
        "cmds-file": "file of commands, one a line; they run after those of --cmd",
        "answer": "REGEX=REPLY for questions of a device's CLI (repeatable); others end the command",
        "pty-size": "columns and rows of that terminal (default: 80x24)",
    },
)
