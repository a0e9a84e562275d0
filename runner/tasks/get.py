"""`get`: fetch a file or folder from every host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.settings.heeded import TASKS
from runner.tasks.arguments import value_of
from runner.tasks.files import mode_of, one_path
from runner.tasks.fleet import FleetTask
from runner.text.quantities import size

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["get"]


def _get(
    call: Call,
    source: list[str] | None = None,
    destination: str | None = None,
    mode: str | None = None,
    checksum: bool = True,
    max_size: str = "10G",
) -> int:
    """Fetch a file or folder from every host that answers a ping, to DESTINATION/HOST/NAME."""
    from runner.jobs.transfers import TransferJob  # noqa: PLC0415
    from runner.tasks.over_hosts import over_hosts  # noqa: PLC0415 - loaded only when a task runs
    from runner.transfer.copying import Options  # noqa: PLC0415
    from runner.transfer.moves import Get  # noqa: PLC0415

    example = "invoke get /etc/hostname fetched/"
    path = one_path(source, "source", example)
    place = one_path(["." if destination is None else destination], "destination", example)
    most = value_of("--max-size", size, max_size)
    options = Options(mode=mode_of(mode), checksum=checksum, max_size=most, private=True)
    return over_hosts("get", TransferJob(Get(path, place, options)), call)


get = FleetTask(
    _get,
    name="get",
    heeded=TASKS["get"],
    command="source",
    then="destination",
    help={
        "source": "file or folder on the hosts; the flag may be left out",
        "destination": "folder on this machine, with a subfolder per host (default: the current folder); "
        "the flag may be left out",
        "mode": "permission bits of every file, such as 0644; else 0600",
        "checksum": "compare SHA-256 sums, before (equal files are not fetched) and after",
        "max-size": "most bytes to fetch from one host",
    },
)
