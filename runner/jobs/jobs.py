"""The work on one host, and the one result made from it.

This code runs in an executor's worker. It handles a single host, and returns a result whatever happens.
"""

from __future__ import annotations

import importlib
import pickle
import random
import socket
import time
import traceback
from collections.abc import Coroutine, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runner.connection.command import PLAIN, CommandOptions
from runner.connection.deadline import Deadline
from runner.connection.target.access import whereabouts
from runner.connection.transport.preconnected import Preconnected
from runner.errors import HostError, RunnerError
from runner.jobs.session import CommandFailed, Session
from runner.models import Host, HostResult, Phase, Status
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.connection import ConnectionOptions
    from runner.models import Endpoint
    from runner.reach import ReachOptions

__all__ = ["CommandFailed", "CommandJob", "FunctionJob", "Job", "Session", "perform", "unwrapped"]

_BACKOFF_S = 0.5
_BACKOFF_CAP_S = 8.0


class Job(Protocol):
    """The work to do on each host. It must pickle, because it is sent to workers."""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands, for reports, if they are known before the job runs; else empty."""

    def __call__(self, session: Session) -> Any:
        """Do the job on one host; the return value becomes the result's `value`."""


@dataclass(frozen=True, slots=True)
class CommandJob:
    """Run commands one after the other, up to the first that fails.

    Attributes:
        commands: The commands.
        given: Options for each command, such as input and environment.
    """

    commands: tuple[str, ...]
    given: CommandOptions = PLAIN

    def __call__(self, session: Session) -> None:
        """Run the commands."""
        for command in self.commands:
            session.run_with(command, self.given)


@dataclass(frozen=True, slots=True)
class FunctionJob:
    """Call a function with a session on the host.

    The job is sent to other processes as the function's name, which they import. The name may by now refer
    to an object that wraps the function as its attribute `function`, such as an Invoke task made by a
    decorator.

    Attributes:
        function: The function.
        arguments: Its arguments after the session, by name.
        repeatable: Whether it may be repeated on a host whose worker died, although it may be half done.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    @property
    def commands(self) -> tuple[str, ...]:
        """Empty: the commands of a function are not known before it runs."""
        return ()

    def __call__(self, session: Session) -> Any:
        """Call the function.

        Raises:
            TypeError: It is a coroutine or generator function, so calling it has done nothing.
        """
        value = self.function(session, **self.arguments)
        if isinstance(value, (Coroutine, Generator)):
            value.close()
            raise TypeError("nothing was done: a function for hosts is neither a coroutine nor a generator")
        return value

    def __reduce__(self) -> tuple[object, ...]:
        module, name = self.function.__module__, self.function.__qualname__
        try:
            found = _imported(module, name)
        except (ImportError, AttributeError):
            found = None
        if found is not self.function:
            raise pickle.PicklingError(
                f"{module}.{name} cannot be imported by another process: "
                "define it at the top of a module, or use --executor thread"
            )
        return _function_job, (module, name, dict(self.arguments))


def _imported(module: str, name: str) -> Any:
    """Import a function by its name, unwrapping a task or other wrapper."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return unwrapped(found)


def unwrapped(what: Any) -> Any:
    """Return the attribute `function` of a wrapper; return any other object unchanged."""
    return getattr(what, "function", what)


def _function_job(module: str, name: str, arguments: Mapping[str, Any]) -> FunctionJob:
    """Rebuild a pickled job from its function's name."""
    return FunctionJob(_imported(module, name), arguments)


def perform(
    host: Host,
    job: Job,
    options: ConnectionOptions,
    reached: HostResult | None = None,
    run: str = "",
    reach: ReachOptions | None = None,
) -> HostResult:
    """Do a job on one host.

    An attempt that failed for a transient reason is repeated, with full jitter, unless a command was sent.

    Args:
        host: The host.
        job: What to do on it.
        options: How to connect to it.
        reached: The result of its probe, if it was probed.
        run: Id of the run, by which it can be aborted.
        reach: How to ping it first, if this worker has to ping it.

    Returns:
        Its result, whatever happened; only `KeyboardInterrupt` is raised.
    """
    if reach is None:
        return _attempted(host, job, options, reached, run)
    with closing(Preconnected(1)) as made:
        reached = _pinged(host, options, reach, made, Deadline(run=run))
        return _attempted(host, job, options, reached, run) if reached.ok else reached


def _pinged(
    host: Host, options: ConnectionOptions, reach: ReachOptions, made: Preconnected, deadline: Deadline
) -> HostResult:
    """Ping one host from this worker; an abort of the run ends that."""
    from runner.connection.target.routes import routes  # noqa: PLC0415
    from runner.reach import probe  # noqa: PLC0415 - only workers on other machines ping

    try:
        found = probe(
            [host], reach, routes=routes(options, [host]), preconnected=made, stopped=deadline.stopped
        )
        with closing(found) as answers:
            return next(answers)
    except RunnerError as exc:
        return _unpinged(host, f"{exc} (on the worker's machine, {socket.gethostname()})")
    except Exception as exc:  # noqa: BLE001 - an error must affect only this host
        return _unpinged(host, _described(exc))


def _unpinged(host: Host, why: str) -> HostResult:
    error = f"it could not be pinged: {why}"
    return HostResult(host.name, Status.ERROR, phase=Phase.PING, reason="not-pinged", error=error)


def _attempted(
    host: Host, job: Job, options: ConnectionOptions, reached: HostResult | None, run: str
) -> HostResult:
    start = time.monotonic()
    deadline = Deadline.after(options.host_timeout_s, run)
    attempts = 0
    while True:
        attempts += 1
        result, passing = _attempt(host, job, options, deadline)
        pause = random.uniform(0, min(_BACKOFF_CAP_S, _BACKOFF_S * 2**attempts))  # noqa: S311 - jitter
        left = deadline.remaining()
        over = not passing or attempts > options.retries or deadline.stopped()
        if over or (left is not None and left <= pause):
            break
        deadline.sleep(pause)
    result = result._replace(attempts=attempts, duration_s=time.monotonic() - start)
    if reached is not None:
        result = result._replace(rtt_ms=reached.rtt_ms, method=reached.method)
    return result


def _attempt(host: Host, job: Job, options: ConnectionOptions, deadline: Deadline) -> tuple[HostResult, bool]:
    """Do the job once; return the result, and whether the job may be repeated."""
    session = Session(host, options, deadline)
    status, phase, reason, error, value, passing = Status.ERROR, None, None, None, None, False
    try:
        value = job(session)
        status = Status.OK
    except HostError as exc:
        status, phase, reason, error = exc.status, exc.phase, exc.reason, str(exc)
        passing = exc.transient and not session.sent
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a job may raise anything, even SystemExit; it must affect only this host  # noqa: BLE001
        phase, reason = Phase.COMMAND, "job-raised"
        error = _described(exc)
    finally:
        session.end(status)
    where = session.endpoint or _where(host, options)
    result = HostResult(
        host=host.name,
        status=status,
        address=where.address if where else None,
        port=where.port if where else None,
        phase=phase,
        reason=reason,
        error=error,
        sent=session.sent,
        commands=tuple(session.results),
        value=value,
        login=session.credential,
        platform=session.platform,
    )
    return result, passing


def _described(exc: BaseException) -> str:
    """Describe an exception in one line, with the place where it was raised; its `__str__` may fail."""
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001 - the `__str__` of a job's exception may fail
        text = ""
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return (f"{type(exc).__name__}: {excerpt(text)}" if text else type(exc).__name__) + place


def _where(host: Host, options: ConnectionOptions) -> Endpoint | None:
    try:
        return whereabouts(host, options)
    except HostError:
        return None
