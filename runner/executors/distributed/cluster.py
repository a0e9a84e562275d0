"""Connect to an existing Dask cluster, or start one on this machine for the duration of the run."""

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

# A local cluster is for this run alone. It serves no web pages, and Dask reruns no task of a dead worker.
_PRIVATE = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.allowed-failures": 0,
    # Dask measures this by the wall clock: setting it forward by five minutes would end every worker.
    "distributed.scheduler.worker-ttl": None,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "1h",
    "distributed.worker.multiprocessing-method": "spawn",
    # Applies to replacement workers too. As a separate key, it does not replace Dask's other variables.
    f"distributed.nanny.pre-spawn-environ.{SAFE_PATH}": "1",
}


class Cluster:
    """A connection to a scheduler, with the local cluster if this process started one.

    Attributes:
        client: The connection.
        local: Whether this process started the cluster, on this machine.
        processes: The number of workers at the start.
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
        """Return the addresses of the present workers."""
        return list(self.client.nthreads())

    def introduction(self, address: str) -> lane.Introduction | Exception:
        """Ask a worker for its introduction, without a time limit; return the exception if that fails."""
        found: dict[str, Any] = self.client.run(lane.introduce, workers=[address], on_error="return")
        if self.local:
            self.client.run(lane.keep_quiet, workers=[address], on_error="ignore")
            self.client.run(keep_back, *kept_back(), workers=[address], on_error="ignore")
        said: lane.Introduction | Exception = found.get(address, ConnectionError("it is gone"))
        return said

    def tell(self, fn: Callable[..., object], *arguments: object) -> None:
        """Call a function in every worker while its calls run; do not wait for the result."""
        briefly(lambda: self.client.run(lane.told, fn, *arguments, wait=False, on_error="ignore"))

    def close(self) -> None:
        """Disconnect from the cluster; end it if this process started it."""
        with suppress(Exception), _silent():
            self.client.close(timeout=_CLOSE_S)
        if self._owned is not None:
            with suppress(Exception), _silent():
                self._owned.close(timeout=_CLOSE_S)
        if self._scratch is not None:
            self._scratch.cleanup()


def briefly(do: Callable[[], object]) -> None:
    """Run a cluster call in a thread and wait briefly: a dead cluster must not delay the end of a run."""

    def attempt() -> None:
        with suppress(Exception):
            do()

    thread = threading.Thread(target=attempt, name="runner-dask-ask", daemon=True)
    thread.start()
    thread.join(_ASK_S)


def connect(address: str) -> Cluster:
    """Connect to a scheduler.

    Certificates are configured in Dask's own configuration (`distributed.comm.tls`).

    Raises:
        UsageError: The scheduler cannot be reached, or has no workers.
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
    """Start a cluster on this machine: one process per core, protected by a certificate made for it.

    Without the certificate, every user of this machine could run code in the workers as the operator. The
    folder for Dask's files is private: Python imports modules from it, and another user may have created the
    default folder first.

    Raises:
        Exception: The cluster cannot be started.
    """
    import dask  # noqa: PLC0415 - only for those who use Dask
    from distributed import Client, LocalCluster  # noqa: PLC0415

    # Threads and processes started here keep Ctrl-C blocked: only this process handles it.
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
    """Refuse an invalid address; warn if the connection is not encrypted."""
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
        return "no worker has connected to this scheduler; start some with `dask worker`"
    return text


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress Dask's log messages: this module reports errors in one line."""
    log = logging.getLogger("distributed")
    before, log.level = log.level, logging.CRITICAL + 1
    try:
        yield
    finally:
        log.level = before
