"""`settings`: show the values in force and their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.settings import Settings
    from runner.tasks.fleet import Call

__all__ = ["say_settings", "settings"]

_FORMATS = ("text", "json")


def _settings(call: Call, all: bool = False) -> int:  # noqa: A002 - the flag's name
    """Show each setting that was given, with its flag, environment variable, or file and line."""
    import json  # noqa: PLC0415 - loaded only when the task runs

    from runner.report.messages import say  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415
    from runner.report.terminal import visible_line  # noqa: PLC0415
    from runner.runs.checks import passed_over  # noqa: PLC0415
    from runner.settings import listing  # noqa: PLC0415

    chosen = call.settings
    shape = chosen.format if "format" in chosen.given else "text"
    if shape not in _FORMATS:
        raise UsageError(f"--format {shape}: settings are shown as {', '.join(_FORMATS)}")
    for line in () if chosen.quiet else passed_over():
        say(f"warning: {line}")
    found = listing.entries(chosen, everything=all)
    configured = listing.ssh_config_entries(chosen)
    if shape == "json":
        write([json.dumps(listing.document(found, configured), indent=2, ensure_ascii=False), "\n"])
    else:
        write(f"{visible_line(line)}\n" for line in listing.lines([*found, *configured]))
    return 0


def say_settings(chosen: Settings) -> None:
    """Print each setting that was given, with its source, to stderr, if `--verbose` is on."""
    if not chosen.verbose or chosen.quiet:
        return
    from runner.report.messages import say  # noqa: PLC0415
    from runner.settings import listing  # noqa: PLC0415 - only with --verbose

    for line in listing.lines([*listing.entries(chosen), *listing.ssh_config_entries(chosen)]):
        say(line)


settings = FleetTask(
    _settings,
    name="settings",
    heeded=TASKS["settings"],
    help={"all": "also show the settings that were not given"},
)
