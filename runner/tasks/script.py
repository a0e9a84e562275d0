"""`script`: run a script from this machine on every host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.tasks.files import one_path
from runner.tasks.fleet import FleetTask
from runner.tasks.passthrough import words

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["script"]


def _script(call: Call, file: list[str] | None = None) -> int:
    """Send a script to every host that answers a ping, run it, and remove it; its arguments follow --."""
    from runner.jobs.transfers import TransferJob  # noqa: PLC0415
    from runner.tasks.over_hosts import over_hosts  # noqa: PLC0415 - loaded only when a task runs
    from runner.transfer.script import Script  # noqa: PLC0415

    path = one_path(file, "script", "invoke script deploy.sh -- --now")
    return over_hosts("script", TransferJob(Script.of_file(path, words(call))), call)


script = FleetTask(
    _script,
    name="script",
    command="file",
    help={"file": "the script; the flag may be left out; its first line names its interpreter"},
)
