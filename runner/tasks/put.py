"""`put`: send a file or folder to every host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import HostError, UsageError
from runner.settings.heeded import TASKS
from runner.tasks.files import mode_of, one_path
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["put"]


def _put(
    call: Call,
    source: list[str] | None = None,
    destination: str | None = None,
    mode: str | None = None,
    checksum: bool = True,
) -> int:
    """Send a file or folder from this machine to every host that answers a ping."""
    from runner.jobs.transfers import TransferJob  # noqa: PLC0415
    from runner.tasks.over_hosts import over_hosts  # noqa: PLC0415 - loaded only when a task runs
    from runner.transfer.copying import Options  # noqa: PLC0415
    from runner.transfer.local import LocalFiles  # noqa: PLC0415
    from runner.transfer.moves import Put  # noqa: PLC0415
    from runner.transfer.walk import walk  # noqa: PLC0415

    example = "invoke put app.conf /etc/app/"
    path = one_path(source, "source", example)
    place = one_path([destination] if destination is not None else None, "destination", example)
    options = Options(mode=mode_of(mode), checksum=checksum)
    try:  # check the source once, instead of failing in the same way on every host
        walk(LocalFiles(), LocalFiles().absolute(path))
    except HostError as exc:
        raise UsageError(str(exc)) from exc
    return over_hosts("put", TransferJob(Put(path, place, options)), call)


put = FleetTask(
    _put,
    name="put",
    heeded=TASKS["put"],
    command="source",
    then="destination",
    help={
        "source": "file or folder on this machine; the flag may be left out",
        "destination": "path on the host; with a / at its end, the folder to put the source in; "
        "the flag may be left out",
        "mode": "permission bits of every file, such as 0644; else those of the file that is replaced, "
        "else the source's",
        "checksum": "compare SHA-256 sums, before (equal files are not sent) and after",
    },
)
