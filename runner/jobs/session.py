"""One host as a job sees it: commands and file transfers, on a connection that is made at first use."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.connection import connector, pool
from runner.connection.command import (
    CommandOptions,
    Terminal,
    checked_command,
    environment,
    question_answers,
    standard_input,
)
from runner.connection.target.access import check_become
from runner.connection.transport.faults import not_blamed
from runner.errors import (
    DeadlineExceeded,
    HostError,
    InvalidVariable,
    RequestRefused,
    Unreachable,
    UsageError,
)
from runner.models import CommandResult, Host, Phase, Status
from runner.platforms.hosts import found, is_device
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from runner.connection import Connection, ConnectionOptions
    from runner.connection.deadline import Deadline
    from runner.connection.host_keys.scan import ShownKey
    from runner.models import Endpoint
    from runner.platforms.definition import Platform

__all__ = ["CommandFailed", "Session"]


_MOST_JUDGED = 2**20
"""A device that refuses or ignores a command does not print more bytes than this."""


class CommandFailed(HostError):
    """A command ended with a non-zero exit code or by a signal, or the device refused it."""

    status = Status.FAILED


class Session:
    """One host while a job runs on it; connects when the first command is run.

    Attributes:
        host: The host.
        results: The results of the commands so far.
        sent: Whether any command has been sent to the host.
        credential: The accepted credential: `password 2`, `ssh-ed25519 key from agent`; None if not known.
        endpoint: The address and port of the login; None if not known.
        platform: The name of the device platform of the connection; None if it has none.
    """

    def __init__(self, host: Host, options: ConnectionOptions, deadline: Deadline) -> None:
        self.host = host
        self.results: list[CommandResult] = []
        self.sent = False
        self._options = options
        self._deadline = deadline
        self.credential: str | None = None
        self.endpoint: Endpoint | None = None
        self.platform: str | None = None
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

    def run(  # noqa: PLR0913 - one argument for each option of a command
        self,
        command: str,
        *,
        warn: bool = False,
        stdin: str | bytes | PathLike[str] = b"",
        env: Mapping[str, str] | None = None,
        chdir: str | None = None,
        pty: bool | Terminal = False,
        answers: Mapping[str, str] | None = None,
    ) -> CommandResult:
        """Run one command on the host.

        Args:
            command: The command.
            warn: Return the result of a command that failed instead of raising, as in Invoke.
            stdin: Its standard input: a text, bytes, or a file of this machine by its `Path`.
            env: Environment variables, set by the host's POSIX shell.
            chdir: The folder to run it in, set by that shell.
            pty: Whether to run it on a terminal, or the terminal's settings; stdout and stderr then arrive
                as one stream.
            answers: For questions that a device's CLI may ask: a regular expression and the reply to send.

        Raises:
            CommandFailed: It ended with a non-zero exit code or by a signal, or was refused.
            HostError: It could not be started, or did not finish.
            UsageError: An argument is invalid.
        """
        terminal = pty if isinstance(pty, Terminal) else Terminal() if pty else None
        if answers is not None and not isinstance(answers, Mapping):
            raise UsageError(f"answers is a mapping of expressions and replies, not {answers!r}")
        replies = question_answers((answers or {}).items(), "answers")
        given = CommandOptions(standard_input(stdin), environment(env or {}), chdir, terminal, replies)
        return self.run_with(command, given, warn=warn)

    def run_with(self, command: str, given: CommandOptions, *, warn: bool = False) -> CommandResult:
        """Run one command on the host; see `run`.

        Args:
            command: The command.
            given: Its options, such as input and environment.
            warn: Return the result of a command that failed instead of raising.
        """
        if given.needs_shell and is_device(self.variables):
            raise InvalidVariable(
                "a device's CLI has neither environment variables nor folders",
                reason="no-shell",
                phase=Phase.CONNECT,
            )
        checked_command(command)
        return self.do(lambda connection, _host: connection.run(command, given), warn=warn)

    def put(
        self, source: str | PathLike[str], destination: str, *, mode: int | None = None, checksum: bool = True
    ) -> CommandResult:
        """Send a file or folder of this machine; files that are equal on the host are not sent.

        Args:
            source: Path on this machine.
            destination: Path on the host; with a slash at the end, the folder to put it in.
            mode: Permission bits of every file; None keeps those of a replaced file, else the source's.
            checksum: Compare SHA-256 sums, before and after.

        Raises:
            HostError: It could not be sent; no partial file is left.
        """
        from runner.transfer.copying import Options  # noqa: PLC0415 - most jobs move no files
        from runner.transfer.moves import Put  # noqa: PLC0415

        return self.do(Put(str(source), destination, Options(mode, checksum)))

    def get(
        self, source: str, destination: str | PathLike[str] = ".", *, checksum: bool = True
    ) -> CommandResult:
        """Fetch a file or folder to `destination/HOST/NAME` on this machine, readable only by its user.

        Args:
            source: Path on the host.
            destination: Folder on this machine.
            checksum: Compare SHA-256 sums, before and after.

        Raises:
            HostError: It could not be fetched; no partial file is left.
        """
        from runner.transfer.copying import Options  # noqa: PLC0415
        from runner.transfer.moves import Get  # noqa: PLC0415

        return self.do(Get(source, str(destination), Options(checksum=checksum, private=True)))

    def script(self, path: str | PathLike[str], *arguments: str, warn: bool = False) -> CommandResult:
        """Send a script of this machine, run it, and remove it whatever its outcome.

        Args:
            path: The script.
            arguments: Its arguments.
            warn: Return the result of a script that failed instead of raising, as in Invoke.

        Raises:
            CommandFailed: It ended with a non-zero exit code or by a signal.
            HostError: It could not be started, or did not finish.
            UsageError: It cannot be read, or no host could run it.
        """
        from runner.transfer.script import Script  # noqa: PLC0415

        return self.do(Script.of_file(path, arguments), warn=warn)

    def do(self, work: Callable[[Connection, Host], CommandResult], *, warn: bool = False) -> CommandResult:
        """Do work on the connection, without repeating it once it was sent, and store its result.

        Args:
            work: Called with the connection and the host; does the work.
            warn: Return a failed result instead of raising.

        Raises:
            CommandFailed: It ended with a non-zero exit code or by a signal, or was refused.
            HostError: It could not be started, or did not finish.
        """
        try:
            result = self._on_connection(work)
        except HostError as exc:
            if exc.command is None:
                raise
            result, reason = self._judged(exc.command)
            self.results.append(result)
            if reason == "exec-ignored":
                raise _failed(result, reason) from exc
            raise
        result, reason = self._judged(result)
        self.results.append(result)
        if not result.ok and not warn:
            raise _failed(result, reason, getattr(self._connection, "advice", ""))
        return result

    def _judged(self, result: CommandResult) -> tuple[CommandResult, str]:
        """Return a result with the line in which a device refused or ignored the command, and the reason."""
        typed_into: Platform | None = getattr(self._connection, "platform", None)
        platform = typed_into or found(self.variables)
        has_codes = typed_into is None or getattr(self._connection, "has_exit_codes", False)
        if platform is None or (platform.posix and has_codes):
            return result, ""
        from runner.platforms.ignored import ignored  # noqa: PLC0415 - most hosts are not devices
        from runner.platforms.refusals import refusal  # noqa: PLC0415

        said = result.stdout_bytes + result.stderr_bytes if result.size <= _MOST_JUDGED else b""
        line, reason = refusal(platform, said), "refused"
        if line is None and typed_into is None:
            line, reason = ignored(result.command, said), "exec-ignored"
        return (result, "") if line is None else (dataclasses.replace(result, refused=line), reason)

    def _on_connection(self, work: Callable[[Connection, Host], CommandResult]) -> CommandResult:
        connection = self._connected()
        try:
            return self._once(work, connection)
        except (DeadlineExceeded, RequestRefused, Unreachable) as exc:
            # Much network gear serves one command per connection (paramiko #2230). Work that was not sent may
            # use a new connection.
            served = self.results and not isinstance(exc, DeadlineExceeded)
            unsent = exc.phase is Phase.CHANNEL and not connection.sent
            if not unsent or not (served or self._left_by_another):
                raise
            self.close()
            return self._once(work, self._connected())

    def _once(
        self, work: Callable[[Connection, Host], CommandResult], connection: Connection
    ) -> CommandResult:
        """Do work on a connection; its `sent` then says whether this work was sent."""
        connection.sent = False
        try:
            with not_blamed(lambda: connection.sent):
                return work(connection, self.host)
        finally:
            self.sent = self.sent or connection.sent

    def shown_keys(self) -> tuple[ShownKey, ...]:
        """Return each host key that the host presents, with its known_hosts status; do not log in.

        Raises:
            HostError: The host cannot be reached.
        """
        from runner.connection.host_keys.scan import shown_keys  # noqa: PLC0415 - few jobs need it

        return shown_keys(self.host, self._options, self._deadline)

    def connect(self) -> None:
        """Log in now, for jobs that need the login before the first command.

        Raises:
            HostError: The login failed.
        """
        self._connected()

    def end(self, status: Status) -> None:
        """Close the connection, if there is one, or return it to the connection pool for the next job.

        Args:
            status: How the job ended; only a connection that works goes to the pool.
        """
        good = status in (Status.OK, Status.FAILED)
        if good and self._connection is not None and pool.keep(self.host, self._options, self._connection):
            self._connection = None
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            connect = connector(self.host, self._options.connection)
            check_become(self.host, self._options, connect)
            left = pool.taken(self.host, self._options, self._deadline)
            self._left_by_another = left is not None
            with not_blamed(lambda: False):
                self._connection = left or connect(self.host, self._options, self._deadline)
            self.credential = getattr(self._connection, "credential", None)
            self.endpoint = getattr(self._connection, "endpoint", None)
            self.platform = getattr(getattr(self._connection, "platform", None), "name", None)
        return self._connection


def _failed(result: CommandResult, reason: str, advice: str = "") -> CommandFailed:
    if result.refused is not None and reason == "exec-ignored":
        text = (
            f"the device ignored {result.command!r} and showed {excerpt(result.refused)!r}; "
            "set runner_cli: shell for it, to have commands typed into its CLI"
        )
    elif result.refused is not None:
        why = excerpt(result.refused).rstrip(".") if advice else excerpt(result.refused)
        text, reason = f"the device refused {result.command!r}: {why}{advice}", "refused"
    elif result.signal is not None:
        text, reason = f"{result.command!r} was ended by signal {excerpt(result.signal)}", "signal"
    else:
        text, reason = f"{result.command!r} ended with exit code {result.exit_code}", "exit-code"
    return CommandFailed(text, reason=reason, phase=Phase.COMMAND)
