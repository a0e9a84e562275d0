"""What is done on each host, and how it is turned into that host's one result.

This is the code that runs in an executor's worker: it knows one host and nothing of the others, and whatever
happens in it, it returns a result.
"""

from __future__ import annotations

import dataclasses
import importlib
import pickle
import random
import time
import traceback
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runner.connection import connector, kept
from runner.connection.access import whereabouts
from runner.connection.command import PLAIN, CommandOptions, Terminal, environment, standard_input
from runner.connection.deadline import Deadline
from runner.connection.refusals import refusal
from runner.errors import DeadlineExceeded, HostError, InvalidVariable, RequestRefused, Unreachable
from runner.models import CommandResult, Host, HostResult, Phase, Status
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from runner.connection import Connection, ConnectionOptions
    from runner.connection.scan import ShownKey
    from runner.models import Endpoint

__all__ = ["CommandFailed", "CommandJob", "FunctionJob", "Job", "Session", "perform", "unwrapped"]

_BACKOFF_S = 0.5
_BACKOFF_CAP_S = 8.0


class CommandFailed(HostError):
    """A command ended with another exit code than 0, by a signal, or was refused by the device."""

    status = Status.FAILED


class Job(Protocol):
    """What is done on each host. It travels to workers, so it pickles."""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands, where they are known beforehand; they are named in reports."""

    def __call__(self, session: Session) -> Any:
        """Do it on one host; what it returns becomes the result's `value`."""


@dataclass(frozen=True, slots=True)
class CommandJob:
    """Run these commands one after the other, up to the first that fails.

    Attributes:
        commands: The commands.
        given: What each of them is given beside its text.
    """

    commands: tuple[str, ...]
    given: CommandOptions = PLAIN

    def __call__(self, session: Session) -> None:
        """Run them."""
        for command in self.commands:
            session.run_with(command, self.given)


@dataclass(frozen=True, slots=True)
class FunctionJob:
    """Call a function with a session on the host.

    It travels to other processes by the function's name, as functions do, which they import. That name may by
    now stand for something that wraps the function and holds it as its attribute `function`: a decorator's
    result, such as an Invoke task.

    Attributes:
        function: The function.
        arguments: Its arguments beside the session, by name.
        repeatable: Whether it may be done again on a host whose worker died, where it may be half done.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    @property
    def commands(self) -> tuple[str, ...]:
        """Nothing: what a function runs is known when it has run it."""
        return ()

    def __call__(self, session: Session) -> Any:
        """Call it.

        Raises:
            TypeError: It is a coroutine or a generator function, so that calling it has done nothing.
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
    """Return the function that a module holds under a name, or that what it holds there wraps."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return unwrapped(found)


def unwrapped(what: Any) -> Any:
    """Return the function that something wraps and holds as its attribute `function`; any other as it is."""
    return getattr(what, "function", what)


def _function_job(module: str, name: str, arguments: Mapping[str, Any]) -> FunctionJob:
    """Unpickle a job whose function is found by its name."""
    return FunctionJob(_imported(module, name), arguments)


class Session:
    """One host while a job is done on it; connects when the first command is run.

    Attributes:
        host: The host.
        results: What the commands came to so far.
        sent: Whether any command has been handed to the host.
        way: What let the user in: `password 2`, `ssh-ed25519 key from agent`; None where that is not known.
        endpoint: Where the host was logged in to; None where that is not known.
    """

    def __init__(self, host: Host, options: ConnectionOptions, deadline: Deadline) -> None:
        self.host = host
        self.results: list[CommandResult] = []
        self.sent = False
        self._options = options
        self._deadline = deadline
        self.way: str | None = None
        self.endpoint: Endpoint | None = None
        self._connection: Connection | None = None
        self._left_by_another = False

    @property
    def name(self) -> str:
        """The host's name in the inventory."""
        return self.host.name

    @property
    def variables(self) -> Mapping[str, Any]:
        """The host's variables."""
        return self.host.variables

    def run(
        self,
        command: str,
        *,
        warn: bool = False,
        stdin: str | bytes | PathLike[str] = b"",
        env: Mapping[str, str] | None = None,
        chdir: str | None = None,
        pty: bool | Terminal = False,
    ) -> CommandResult:
        """Run one command on the host.

        Args:
            command: The command.
            warn: Return a command that failed instead of raising, as in Invoke.
            stdin: What it reads: a text, bytes, or a file of this machine by its `Path`.
            env: Environment variables, set by the host's POSIX shell.
            chdir: The folder that it runs in, entered by that shell.
            pty: Whether it runs on a terminal, or on which; both its streams come as one then.

        Raises:
            CommandFailed: It ended with another exit code than 0, by a signal, or was refused.
            HostError: It did not come to an end of its own.
            UsageError: What it is to be given cannot be given.
        """
        terminal = pty if isinstance(pty, Terminal) else Terminal() if pty else None
        given = CommandOptions(standard_input(stdin), environment(env or {}), chdir, terminal)
        return self.run_with(command, given, warn=warn)

    def run_with(self, command: str, given: CommandOptions, *, warn: bool = False) -> CommandResult:
        """Run one command on the host; see `run`.

        Args:
            command: The command.
            given: What it is given beside its text.
            warn: Return a command that failed instead of raising.
        """
        if given.needs_shell and self.variables.get("ansible_network_os"):
            raise InvalidVariable(
                "a device's CLI has neither environment variables nor folders",
                reason="no-shell",
                phase=Phase.CONNECT,
            )
        return self.carry_out(lambda connection, _host: connection.run(command, given), warn=warn)

    def put(
        self, source: str | PathLike[str], destination: str, *, mode: int | None = None, checksum: bool = True
    ) -> CommandResult:
        """Send a file or folder of this machine; what is there and equal is not sent.

        Args:
            source: Path on this machine.
            destination: Path on the host, or the folder for it, with a slash at its end.
            mode: Permission bits of every file; None keeps those of the file replaced, else the source's.
            checksum: Compare SHA-256 sums, before and after.

        Raises:
            HostError: It could not be sent; no file is there in part.
        """
        from runner.transfer.copying import Options  # noqa: PLC0415 - most jobs move no files
        from runner.transfer.moves import Put  # noqa: PLC0415

        return self.carry_out(Put(str(source), destination, Options(mode, checksum)))

    def get(
        self, source: str, destination: str | PathLike[str] = ".", *, checksum: bool = True
    ) -> CommandResult:
        """Fetch a file or folder to `destination/HOST/NAME` on this machine, readable by its user alone.

        Args:
            source: Path on the host.
            destination: Folder on this machine.
            checksum: Compare SHA-256 sums, before and after.

        Raises:
            HostError: It could not be fetched; no file is there in part.
        """
        from runner.transfer.copying import Options  # noqa: PLC0415
        from runner.transfer.moves import Get  # noqa: PLC0415

        return self.carry_out(Get(source, str(destination), Options(checksum=checksum, private=True)))

    def script(self, path: str | PathLike[str], *arguments: str, warn: bool = False) -> CommandResult:
        """Send a script of this machine, run it, and remove it whatever it came to.

        Args:
            path: The script.
            arguments: What it is called with.
            warn: Return what failed instead of raising, as in Invoke.

        Raises:
            CommandFailed: It ended with another exit code than 0, or by a signal.
            HostError: It did not come to an end of its own.
            UsageError: It cannot be read, or no host could run it.
        """
        from runner.transfer.script import Script  # noqa: PLC0415

        return self.carry_out(Script.of_file(path, arguments), warn=warn)

    def carry_out(
        self, work: Callable[[Connection, Host], CommandResult], *, warn: bool = False
    ) -> CommandResult:
        """Do something that is not repeated once it was sent, and keep what it came to among the results.

        Args:
            work: Does it.
            warn: Return what failed instead of raising.

        Raises:
            CommandFailed: It ended with another exit code than 0, by a signal, or was refused.
            HostError: It did not come to an end of its own.
        """
        try:
            result = self._on_connection(work)
        except HostError as exc:
            if exc.command is not None:
                self.results.append(exc.command)
            raise
        refused = refusal(self.variables.get("ansible_network_os"), result.stdout_bytes + result.stderr_bytes)
        if refused is not None:
            result = dataclasses.replace(result, refused=refused)
        self.results.append(result)
        if not result.ok and not warn:
            raise _failed(result)
        return result

    def _on_connection(self, work: Callable[[Connection, Host], CommandResult]) -> CommandResult:
        connection = self._connected()
        try:
            return work(connection, self.host)
        except (DeadlineExceeded, RequestRefused, Unreachable) as exc:
            # Much network gear serves one command a connection (paramiko #2230). What was not sent may go
            # elsewhere.
            served = self.results and not isinstance(exc, DeadlineExceeded)
            if exc.phase is not Phase.CHANNEL or not (served or self._left_by_another):
                raise
            self.close()
            connection = self._connected()
            return work(connection, self.host)
        finally:
            self.sent = self.sent or connection.sent

    def shown_keys(self) -> tuple[ShownKey, ...]:
        """Return each key that the host shows, and what is on record about it; nobody logs in for that.

        Raises:
            HostError: The host cannot be reached.
        """
        from runner.connection.scan import shown_keys  # noqa: PLC0415 - few jobs need it

        return shown_keys(self.host, self._options, self._deadline)

    def connect(self) -> None:
        """Log in, for jobs that want to know before they run anything.

        Raises:
            HostError: It cannot be done.
        """
        self._connected()

    def end(self, status: Status) -> None:
        """End the connection, if there is one; or leave it to the next job, where one is meant to find it.

        Args:
            status: How the job ended: only a connection with which nothing was wrong is left.
        """
        good = status in (Status.OK, Status.FAILED)
        if good and self._connection is not None and kept.keep(self.host, self._options, self._connection):
            self._connection = None
        self.close()

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            left = kept.taken(self.host, self._options, self._deadline)
            self._left_by_another = left is not None
            self._connection = left or connector(self.host)(self.host, self._options, self._deadline)
            self.way = getattr(self._connection, "way", None)
            self.endpoint = getattr(self._connection, "endpoint", None)
        return self._connection


def perform(
    host: Host, job: Job, options: ConnectionOptions, reached: HostResult | None = None, run: str = ""
) -> HostResult:
    """Do a job on one host.

    An attempt that failed for a passing reason is repeated, with full jitter, as long as no command was sent.

    Args:
        host: The host.
        job: What to do on it.
        options: How to connect to it.
        reached: What its probe found, where it was probed.
        run: Id of the run, by which it can be aborted.

    Returns:
        Its result, whatever happened; only `KeyboardInterrupt` is let through.
    """
    start = time.monotonic()
    deadline = Deadline.after(options.host_timeout_s, run)
    attempts = 0
    while True:
        attempts += 1
        result, passing = _attempt(host, job, options, deadline)
        pause = random.uniform(0, min(_BACKOFF_CAP_S, _BACKOFF_S * 2**attempts))  # noqa: S311 - jitter
        left = deadline.remaining()
        if (
            not passing
            or attempts > options.retries
            or deadline.stopped()
            or (left is not None and left <= pause)
        ):
            break
        deadline.sleep(pause)
    result = result._replace(attempts=attempts, duration_s=time.monotonic() - start)
    if reached is not None:
        result = result._replace(rtt_ms=reached.rtt_ms, method=reached.method)
    return result


def _attempt(host: Host, job: Job, options: ConnectionOptions, deadline: Deadline) -> tuple[HostResult, bool]:
    """Do the job once; return the result and whether it may be done again."""
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
    except BaseException as exc:  # a job may raise anything, SystemExit too, and it is this host's alone  # noqa: BLE001
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
        login=session.way,
    )
    return result, passing


def _described(exc: BaseException) -> str:
    """Return an exception in one line, with where it was raised, whatever becomes of its own text."""
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001 - an exception of a job's own may fail to describe itself
        text = ""
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return (f"{type(exc).__name__}: {excerpt(text)}" if text else type(exc).__name__) + place


def _where(host: Host, options: ConnectionOptions) -> Endpoint | None:
    try:
        return whereabouts(host, options)
    except HostError:
        return None


def _failed(result: CommandResult) -> CommandFailed:
    if result.refused is not None:
        text, reason = f"the device refused {result.command!r}: {excerpt(result.refused)}", "refused"
    elif result.signal is not None:
        text, reason = f"{result.command!r} was ended by signal {excerpt(result.signal)}", "signal"
    else:
        text, reason = f"{result.command!r} ended with exit code {result.exit_code}", "exit-code"
    return CommandFailed(text, reason=reason, phase=Phase.COMMAND)
