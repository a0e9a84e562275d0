"""The `openssh` connection: the system's `ssh`, for hosts that Paramiko has no algorithm in common with.

What it does is what the `ssh` connection does: the same settings, deadlines, statuses and reasons. One
login serves all commands. Beside it, it takes what Paramiko does not have: `ssh` arguments about algorithms,
keys on hardware, whatever stands in the user's `ssh_config`.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from runner.connection.access import access
from runner.connection.become import BECOME_METHODS, Elevation, supports_become
from runner.connection.command import PLAIN
from runner.connection.openssh.execution import OpenSshExecution
from runner.connection.openssh.master import Master
from runner.connection.openssh.session import closed
from runner.connection.openssh.stream import SessionStream
from runner.connection.patience import Patience
from runner.connection.ssh_arguments import passed_on
from runner.connection.startups import Turn, patiently
from runner.connection.variables import refused
from runner.inventory import endpoint as given_for

if TYPE_CHECKING:
    from runner.connection.access import Access
    from runner.connection.command import CommandOptions
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.models import CommandResult, Host

__all__ = ["OpenSshConnection", "connect"]


@supports_become(*BECOME_METHODS)
def connect(host: Host, options: ConnectionOptions, deadline: Deadline) -> OpenSshConnection:
    """Connect and log in to a host.

    Raises:
        HostError: It could not be done; the error says in which phase and why.
    """
    target = access(host, options)
    if not target.given.trust_ssh_config:  # `ssh` would run what that file names
        raise refused("-F", str(target.given.ssh_config))
    alias = given_for.endpoint(host).address
    turn = Turn(target)
    turn.take(deadline)
    try:
        master = patiently(
            lambda: Master(target, alias, passed_on(host), deadline),
            target.options.connect_timeout_s,
            deadline,
        )
    finally:
        turn.give_back()
    return OpenSshConnection(target, master, deadline)


class OpenSshConnection:
    """A login on one host, on which commands are run one after the other.

    Attributes:
        sent: Whether a command has been handed to the host.
    """

    def __init__(self, target: Access, master: Master, deadline: Deadline) -> None:
        self.sent = False
        self._options = target.options
        self._master = master
        self._deadline = deadline

    def run(self, command: str, given: CommandOptions = PLAIN) -> CommandResult:
        """Run one command and wait for its end.

        Raises:
            HostError: It did not come to an end of its own; what it had said is the error's `command`.
        """
        self._stand()
        seconds, whole_host = self._deadline.sooner(self._options.command_timeout_s)
        patience = Patience(seconds, self._options.idle_timeout_s, whole_host=whole_host)
        execution = OpenSshExecution(self._master, command, self._options, given, self._elevation())
        with closing(execution), self._deadline.guard(None, self._master.kill, execution.stop):
            try:
                return execution.run(patience)
            finally:
                self.sent = self.sent or execution.sent

    def open_stream(self, command: str | None = None) -> SessionStream:
        """Start a program on the host, as the user that commands run as; None is its SFTP server.

        Raises:
            HostError: It cannot be started. That the server has no SFTP shows when it is spoken to.
        """
        self._stand()
        stream = SessionStream(self._master, self._options, self._deadline)
        try:
            stream.begin(command, self._elevation())
        except BaseException:
            stream.close()
            raise
        return stream

    def close(self) -> None:
        """End the connection at once."""
        self._master.close()

    def _stand(self) -> None:
        if not self._master.alive():
            raise closed()

    def _elevation(self) -> Elevation | None:
        """Return what makes one command run as another user, where it shall."""
        if not self._options.become:
            return None
        return Elevation(self._options.become_as, lambda: secrets.token_hex(16))
