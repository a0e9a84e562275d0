"""The cluster: one that stands somewhere, or one on this machine for as long as the run lasts."""

from __future__ import annotations

import ipaddress
import logging
import threading
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runner.environment import SAFE_PATH, keep_back, kept_back
from runner.errors import UsageError
from runner.executors.cores import cores
from runner.executors.distributed import lane
from runner.executors.interrupts import sigint_blocked
from runner.executors.safe_path import safe_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client, LocalCluster

__all__ = ["Cluster", "briefly", "connect", "start"]

logger = logging.getLogger(__name__)

_CONNECT_S = 10.0
_WORKERS_S = 10.0
_CLOSE_S = 1.0
_ASK_S = 2.0

# A local cluster is nobody else's: it serves no pages, and a worker that died is not run again by Dask.
_PRIVATE = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.allowed-failures": 0,
    # By the clock on the wall: one that is set forward by five minutes would end every worker with its hosts.
    "distributed.scheduler.worker-ttl": None,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "1h",
    "distributed.worker.multiprocessing-method": "spawn",
    # Also for a worker that takes the place of another one later. As a key of its own it is added to others.
    f"distributed.nanny.pre-spawn-environ.{SAFE_PATH}": "1",
}


class Cluster:
    """A connection to a scheduler, and the local cluster behind it, where there is one.

    Attributes:
        client: The connection.
        local: Whether the cluster is ours and on this machine.
        processes: How many workers it has at first.
    """

    def __init__(
        self,
        client: Client,
        owned: LocalCluster | None = None,
        scratch: TemporaryDirectory[str] | None = None,
    ) -> None:
        self.client = client
        self.local = owned is not None
        self.processes = len(client.nthreads())
        self._owned = owned
        self._scratch = scratch

    def workers(self) -> list[str]:
        """Return the addresses of the workers that there are now."""
        return list(self.client.nthreads())

    def introduction(self, address: str) -> lane.Introduction | Exception:
        """Ask a worker who it is, for as long as that takes; one that cannot tell answers with the reason."""
        found: dict[str, Any] = self.client.run(lane.introduce, workers=[address], on_error="return")
        if self.local:
            self.client.run(lane.keep_quiet, workers=[address], on_error="ignore")
            self.client.run(keep_back, *kept_back(), workers=[address], on_error="ignore")
        said: lane.Introduction | Exception = found.get(address, ConnectionError("it is gone"))
        return said

    def tell(self, fn: Callable[..., object], *arguments: object) -> None:
        """Call a function in every worker, beside what it does; wait for nothing."""
        briefly(lambda: self.client.run(lane.told, fn, *arguments, wait=False, on_error="ignore"))

    def close(self) -> None:
        """Leave the cluster; end it where it is ours."""
        with suppress(Exception), _silent():
            self.client.close(timeout=_CLOSE_S)
        if self._owned is not None:
            with suppress(Exception), _silent():
                self._owned.close(timeout=_CLOSE_S)
        if self._scratch is not None:
            self._scratch.cleanup()


def briefly(do: Callable[[], object]) -> None:
    """Ask something of a cluster that may be gone or stand still: whoever ends a run does not wait."""

    def attempt() -> None:
        with suppress(Exception):
            do()

    thread = threading.Thread(target=attempt, name="runner-dask-ask", daemon=True)
    thread.start()
    thread.join(_ASK_S)


def connect(address: str) -> Cluster:
    """Connect to a scheduler.

    What Dask's own configuration says of certificates holds (`distributed.comm.tls`).

    Raises:
        UsageError: It cannot be reached, or has no workers that can do our work.
    """
    _check(address)
    from distributed import Client  # noqa: PLC0415 - only for those who use Dask

    try:
        with _silent():
            client = Client(address, timeout=_CONNECT_S, set_as_default=False, name="runner")
            client.wait_for_workers(1, timeout=_WORKERS_S)
    except Exception as exc:
        raise UsageError(f"--scheduler {address}: {_reason(exc)}") from exc
    return Cluster(client)


def start(workers: int) -> Cluster:
    """Start a cluster on this machine: a process a core, reachable with a certificate made for it only.

    Without one, every user of this machine could have the workers run anything as us. The folder for Dask's
    files is private: Python imports modules from it, and another user may have made the usual one first.

    Raises:
        Exception: It cannot be started.
    """
    import dask  # noqa: PLC0415 - only for those who use Dask
    from distributed import Client, LocalCluster  # noqa: PLC0415

    # The threads and processes started here keep Ctrl-C blocked: it is for the process that the user sees.
    scratch = TemporaryDirectory(prefix="runner-dask-", ignore_cleanup_errors=True)
    with safe_path(), sigint_blocked(), dask.config.set({**_PRIVATE, "temporary-directory": scratch.name}):
        owned = LocalCluster(
            n_workers=max(1, min(cores(), workers)),
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            local_directory=scratch.name,
            security=True,
            protocol="tls://",
            silence_logs=logging.CRITICAL,
            memory_limit=0,
        )
        client = Client(owned, set_as_default=False, name="runner")
    return Cluster(client, owned, scratch)


def _check(address: str) -> None:
    """Refuse what is no address; warn where what is sent could be read on the way."""
    parts = urlsplit(address)
    try:
        usable = parts.scheme in ("tcp", "tls") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"--scheduler {address!r}: expected tcp://HOST:PORT or tls://HOST:PORT")
    if parts.scheme == "tcp" and not _loopback(str(parts.hostname)):
        logger.warning(
            "%s is not encrypted: passwords and other variables of hosts, commands and their output "
            "can be read on the way to it; use tls://",
            address,
        )


def _loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _reason(exc: BaseException) -> str:
    text = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
    if isinstance(exc, TimeoutError) and "worker" in text.lower():
        return "no worker has come to this scheduler; start some with `dask worker`"
    return text


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask from logging what is told in one line here."""
    log = logging.getLogger("distributed")
    before, log.level = log.level, logging.CRITICAL + 1
    try:
        yield
    finally:
        log.level = before
