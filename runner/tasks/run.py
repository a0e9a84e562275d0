"""`run`: what do hosts say to a command?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["run"]


def _run(call: Call, cmd: list[str] | None = None) -> int:
    """Run commands on every host that answers a ping, and gather what each says."""
    from runner.jobs import CommandJob  # noqa: PLC0415 - tasks are listed without loading what runs them
    from runner.tasks.carry_out import carry_out  # noqa: PLC0415
    from runner.tasks.earlier import commands_to_resume  # noqa: PLC0415

    commands = tuple(cmd or ()) + ((call.remainder,) if call.remainder else ())
    for command in commands:
        _check(command)
    if call.settings.resume:
        commands = commands_to_resume(call.settings, "run", commands)
    if not commands:
        raise UsageError("no command: give one as --cmd 'show version', or after --")
    return carry_out("run", CommandJob(commands), call)


def _check(command: str) -> None:
    if not command.strip():
        raise UsageError("a command is empty")
    if "\0" in command:
        raise UsageError("a command holds a NUL character")


run = FleetTask(
    _run,
    name="run",
    command="cmd",
    short="c",
    help={"cmd": "command to run (repeatable); the flag may be left out for one"},
)
