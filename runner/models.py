"""The values that all modules share: immutable, and they can be pickled.

This module imports only `text`, so that a value means the same in a worker process and in the process that
reports it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.text.spill import Kept, keep
from runner.text.translation import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CommandResult", "Endpoint", "Host", "HostResult", "Phase", "Run", "Secret", "Status"]


class Status(StrEnum):
    """The outcome of one host. It is `OK` only if success was proven."""

    # A status equals its text, so it can use the fast hash of str; Enum's hash is a Python function.
    __hash__ = str.__hash__

    OK = "ok"
    """Every command was accepted and ended with exit code 0."""
    FAILED = "failed"
    """A command ended with another exit code, by a signal, or was refused by the device's CLI."""
    UNREACHABLE = "unreachable"
    """No usable SSH before login."""
    HOSTKEY = "hostkey"
    """The host key is unknown, changed or revoked; nothing secret was sent."""
    AUTH = "auth"
    """The login was refused, or there was no usable credential."""
    TIMEOUT = "timeout"
    """A deadline passed after the connection was established."""
    LOST = "lost"
    """A command had been sent and its outcome is unknown."""
    ERROR = "error"
    """Any other error of this host: an invalid variable, a refused channel, a job that raised."""
    CANCELLED = "cancelled"
    """Stopped before it had finished."""
    SKIPPED = "skipped"
    """Intentionally not started."""


class Phase(StrEnum):
    """The phase that a host had reached when its result was decided."""

    RESOLVE = "resolve"
    PING = "ping"
    CONNECT = "connect"
    HANDSHAKE = "handshake"
    LOGIN = "login"
    CHANNEL = "channel"
    COMMAND = "command"
    TRANSFER = "transfer"
    CLOSE = "close"


class Secret:
    """A text that no log, `repr` or JSON document shows; code that logs in calls `reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def encoded(self) -> bytes:
        """Return the bytes to send; bytes that are not UTF-8 are kept as given."""
        return self._text.encode("utf-8", "surrogateescape")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __str__(self) -> str:
        return "********"

    def __repr__(self) -> str:
        return "Secret('********')"


@dataclass(frozen=True, slots=True)
class Host:
    """One machine or device of an inventory, with its variables resolved.

    Attributes:
        name: Its name in the inventory; hosts with the same name are equal.
        variables: All its variables by name, after the inventory's precedence rules.
        groups: All its groups, parents included, without `all`.
    """

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    groups: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return self.name


class Endpoint(NamedTuple):
    """Where a host's SSH server listens: an address or name, and a TCP port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Run:
    """The description of one run: its task, its hosts, and how it was executed.

    Attributes:
        id: Unique; sorts by time.
        task: `ping`, `run`, or the name of a host task.
        commands: The commands for each host, if known beforehand.
        pattern: The host pattern, if the hosts were selected by one.
        inventory: The inventory's sources.
        executor: Name of the executor.
        workers: Hosts in flight at once.
        started: When it started, in UTC.
        finished: When it finished, in UTC; None while it is running.
    """

    id: str
    task: str
    started: datetime
    commands: tuple[str, ...] = ()
    pattern: str | None = None
    inventory: tuple[str, ...] = ()
    executor: str = "thread"
    workers: int = 0
    finished: datetime | None = None
    _began_s: float = field(default_factory=time.monotonic, compare=False, repr=False)

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end; None while it is running."""
        return None if self.finished is None else max(0.0, (self.finished - self.started).total_seconds())

    def ended(self) -> Run:
        """Return this run as finished now, by the monotonic clock: the system clock may have jumped."""
        if self.finished is not None:
            return self
        took = timedelta(seconds=time.monotonic() - self._began_s)
        return replace(self, finished=self.started + took)


@dataclass(frozen=True)
class CommandResult:
    """The result of one command on one host.

    Its outputs may be in a temporary file: each use of `stdout_bytes` or `stdout` reads it, `size` does not.

    Attributes:
        command: The command as it was sent.
        exit_code: The exit status that the host reported; None if it reported none.
        stdout_bytes: Standard output, unchanged.
        stderr_bytes: Standard error, unchanged.
        duration_s: Seconds from sending the command to its end.
        truncated: Whether output beyond the limit is missing here.
        signal: Name of the signal that ended the command (`KILL`), if the host reported one.
        refused: The line in which the device's CLI refused the command, if it did.
        stdout_file: Path of the file with the complete standard output, if it exceeded the limit and was
            spilled.
        stderr_file: The same for standard error.
        parse: The outcome of parsing the output: `rows`, `no-template` or `no-match`; None: not parsed.
        parse_error: For `no-match`, the line of the output at which the template stopped.
        rows_bytes: The rows, as JSON; `rows` reads them.
    """

    command: str
    exit_code: int | None = None
    stdout_bytes: bytes = field(default=b"", repr=False)
    stderr_bytes: bytes = field(default=b"", repr=False)
    duration_s: float = 0.0
    truncated: bool = False
    signal: str | None = None
    refused: str | None = None
    stdout_file: str | None = None
    stderr_file: str | None = None
    parse: str | None = None
    parse_error: str | None = None
    rows_bytes: bytes = field(default=b"", repr=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows that the output was parsed to (see `parse`): each a mapping of names to values."""
        found: list[dict[str, Any]] = json.loads(self.rows_bytes or b"[]")
        return found

    @property
    def outputs(self) -> tuple[bytes | Kept, bytes | Kept]:
        """Both outputs as stored, to pass them on without reading them."""
        return self.__dict__["stdout_bytes"], self.__dict__["stderr_bytes"]

    def with_outputs(self, stdout: bytes | Kept, stderr: bytes | Kept) -> CommandResult:
        """Return the same result with other outputs, or with equal outputs that are stored elsewhere."""
        copy = replace(self, stdout_bytes=b"", stderr_bytes=b"")
        copy.__dict__.update(stdout_bytes=stdout, stderr_bytes=stderr)
        return copy

    def with_rows(self, parse: str, error: str | None = None, rows: bytes = b"") -> CommandResult:
        """Return the same result with the outcome of parsing its output; the outputs are not read for it."""
        bare = replace(self.with_outputs(b"", b""), parse=parse, parse_error=error, rows_bytes=rows)
        return bare.with_outputs(*self.outputs)

    @property
    def size(self) -> int:
        """Total size of both outputs, in bytes."""
        return sum([len(item) if isinstance(item, bytes) else item.size for item in self.outputs])

    @property
    def ok(self) -> bool:
        """Whether the command was accepted and ended with exit code 0, not by a signal.

        If a server reports both a status and a signal, assume failure.
        """
        return self.exit_code == 0 and self.signal is None and self.refused is None

    @property
    def stdout(self) -> str:
        r"""Standard output as text; a byte that is not UTF-8 is shown as `\\xNN`."""
        return decoded(self.stdout_bytes)

    @property
    def stderr(self) -> str:
        r"""Standard error as text; a byte that is not UTF-8 is shown as `\\xNN`."""
        return decoded(self.stderr_bytes)


class _Output:
    """A descriptor that loads the value of a field from memory or a file.

    Args:
        name: The name of the field.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, item: CommandResult | None, kind: type | None = None) -> Any:
        if item is None:
            return self
        value = item.__dict__[self._name]
        return value if isinstance(value, bytes) else value.read()

    def __set__(self, item: CommandResult, value: bytes | Kept) -> None:
        item.__dict__[self._name] = keep(value)


for _name in ("stdout_bytes", "stderr_bytes", "rows_bytes"):
    setattr(CommandResult, _name, _Output(_name))


class HostResult(NamedTuple):
    """The result of one host in one run.

    A named tuple, because ten thousand of them are created while answers arrive, and creating a frozen
    dataclass with so many fields takes five times as long.

    Attributes:
        host: The host's name in the inventory.
        status: The outcome.
        address: The address that was used to reach it; None if unknown.
        port: The TCP port of its SSH server.
        rtt_ms: Round-trip time of the probe that proved it reachable, in milliseconds.
        rtts_ms: Round-trip time of each probe if there were several, None for a probe without an answer;
            empty if one answer was enough.
        method: How it was probed: `icmp`, `tcp` or `ssh`; None if it was not probed.
        attempts: How many connection attempts were started.
        duration_s: Seconds spent on this host, from its start to its result.
        phase: The phase that it had reached, if it did not end `ok`.
        reason: A short fixed code such as `no-route`, if it did not end `ok`.
        error: One line for people, if it did not end `ok`.
        sent: Whether a command was sent to the host; after that, a failed attempt is not retried.
        commands: The results of the commands that were sent, in order.
        value: The return value of a host task.
        login: The credential that logged in (`password 2`, `ssh-ed25519 key from agent`), if known.
        platform: The device platform that the connection used or found out, by its name; None if it has none.
    """

    host: str
    status: Status
    address: str | None = None
    port: int | None = None
    rtt_ms: float | None = None
    method: str | None = None
    attempts: int = 0
    duration_s: float = 0.0
    phase: Phase | None = None
    reason: str | None = None
    error: str | None = None
    sent: bool = False
    commands: tuple[CommandResult, ...] = ()
    value: Any = None
    rtts_ms: tuple[float | None, ...] = ()
    login: str | None = None
    platform: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the host did everything that was requested."""
        return self.status is Status.OK

    @property
    def stdout(self) -> str:
        """Standard output of all commands, in order."""
        return "".join(command.stdout for command in self.commands)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows that the outputs of all commands were parsed to, in order; see `parse=`."""
        return [row for command in self.commands for row in command.rows]

    @property
    def stderr(self) -> str:
        """Standard error of all commands, in order."""
        return "".join(command.stderr for command in self.commands)
