"""The `openssh` connection: the system's `ssh`, for hosts that Paramiko has no algorithm in common with.

It works like the `ssh` connection: the same settings, deadlines, statuses and reasons. One login serves all
commands. It also supports what Paramiko does not: `ssh` arguments about algorithms, hardware keys, and all
options of the user's `ssh_config`.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from runner.connection.auth.masking import masking
from runner.connection.command import PLAIN
from runner.connection.command.become import BECOME_METHODS, elevation, supports_become
from runner.connection.command.execution import Execution
from runner.connection.command.stream import Stream
from runner.connection.command.timeouts import CommandTimeout, late
from runner.connection.openssh.master import Master
from runner.connection.openssh.process import SessionProcess, closed
from runner.connection.ssh.orphans import warn_of_orphan
from runner.connection.ssh_config.arguments import passed_on
from runner.connection.target.access import access
from runner.connection.target.login_limiter import LoginSlot, patiently
from runner.connection.target.variables import refused
from runner.errors import HostError, run_stopped
from runner.inventory import endpoint as given_for
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.connection.command import CommandOptions, Terminal
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.connection.target.access import LoginTarget
    from runner.models import CommandResult, Host

__all__ = ["OpenSshConnection", "connect"]


@supports_become(*BECOME_METHODS)
def connect(host: Host, options: ConnectionOptions, deadline: Deadline) -> OpenSshConnection:
    """Connect and log in to a host.

    Raises:
        HostError: A step failed; the error says in which phase and why.
    """
    target = access(host, options)
    if not target.given.trust_ssh_config:  # `ssh` would run programs named in that file
        raise refused("-F", str(target.given.ssh_config))
    alias = given_for.endpoint(host).address
    slot = LoginSlot(target)
    slot.take(deadline)
    try:
        with masking(target.login.secrets):
            master = patiently(
                lambda: Master(target, alias, passed_on(host), deadline),
                target.options.connect_timeout_s,
                deadline,
            )
    finally:
        slot.give_back()
    return OpenSshConnection(target, master, deadline)


class OpenSshConnection:
    """A login on one host, on which commands run one after the other.

    Attributes:
        sent: Whether a command has been sent to the host.
    """

    def __init__(self, target: LoginTarget, master: Master, deadline: Deadline) -> None:
        self.sent = False
        self._target = target
        self._options = target.options
        self._master = master
        self._deadline = deadline

    def run(self, command: str, given: CommandOptions = PLAIN) -> CommandResult:
        """Run one command and wait for its end.

        Raises:
            HostError: The command did not end by itself; its output so far is in the error's `command`.
        """
        self._require_master()
        timeout = CommandTimeout(self._options, self._deadline)
        execution = Execution(command, self._options, given, elevation(self._target))
        process = SessionProcess(self._master)
        with closing(execution), closing(process):
            try:
                self._start(process, execution.line, execution.terminal, given.terminal_type)
                self.sent = True
                with self._deadline.guard(None, self._master.kill, execution.stop):
                    return execution.collect(process, timeout)
            except HostError as exc:
                self.sent = self.sent or self._master.was_sending()
                if exc.command is None and self.sent:
                    exc.command = execution.partial()
                if self.sent and given.terminal is None:
                    warn_of_orphan(exc, self._master.journal.server(), self._target, process.survives)
                raise

    def open_stream(self, command: str | None = None) -> Stream:
        """Start a program on the host, as the user that commands run as; None starts the SFTP server.

        Raises:
            HostError: The program cannot be started. A missing SFTP server shows only at the first request.
        """
        self._require_master()
        process = SessionProcess(self._master)
        answer_s = self._options.connect_timeout_s if command is None else None
        stream = Stream(process, command, self._options, self._deadline, self._master.kill, answer_s)
        return stream.begin(partial(self._start, process), elevation(self._target))

    def identity(self) -> tuple[str, str]:
        """Return the SSH version of the server, and the name under which its host key is on record."""
        return self._master.journal.server(), str(self._target.known_as).replace(" ", "_")

    def open_shell(self, terminal: Terminal, kind: str) -> tuple[SessionProcess, Callable[[], None]]:
        """Open an interactive shell; see `SshConnection.open_shell`."""
        self._require_master()
        process = SessionProcess(self._master)
        try:
            self._start(process, "", terminal, kind)
        except BaseException:
            process.close()
            raise
        return process, self._master.kill

    def _start(
        self, process: SessionProcess, asked: str | None, terminal: Terminal | None = None, kind: str = ""
    ) -> None:
        """Ask for a process, and wait until its channel is open."""
        limit = self._options.connect_timeout_s
        seconds, by_host = self._deadline.sooner(limit)
        with self._deadline.guard(None, self._master.kill, process.cancel) as guard:
            process.start(asked, terminal, kind)
            opened = process.open(limit if seconds is None else seconds)
        if opened:
            return
        self._master.kill()  # so that nothing more is sent
        process.lost()
        if guard.aborted:
            raise run_stopped(Phase.CHANNEL)
        raise late(Phase.CHANNEL, limit, self._options, by_host=by_host)

    def close(self) -> None:
        """End the connection at once."""
        self._master.close()

    def _require_master(self) -> None:
        if not self._master.alive():
            raise closed()
