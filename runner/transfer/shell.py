"""Query and change a host's files through its POSIX shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.connection.command.shells import line, quoted
from runner.errors import HostError, RequestRefused, Unreachable
from runner.models import Phase
from runner.platforms.hosts import is_device
from runner.transfer.errors import reworded

if TYPE_CHECKING:
    from runner.connection import Connection
    from runner.models import CommandResult, Host

__all__ = ["BEGUN", "Shell", "has_shell"]

BEGUN = "[runner] begun"
"""The line before the answer; output before this line comes from shell start-up files."""


def has_shell(host: Host, connection: Connection) -> bool:
    """Return whether a host has a POSIX shell: a network device is assumed to have none."""
    return not is_device(host.variables) and getattr(connection, "platform", None) is None


class Shell:
    """The POSIX shell of the user that commands run as.

    Args:
        connection: The connection to the host.
        there: Whether the host has a POSIX shell.
    """

    def __init__(self, connection: Connection, *, there: bool) -> None:
        self.there = there
        self._connection = connection

    def ask(self, script: str, *words: str) -> str | None:
        """Run a script that changes nothing; return its output, or None if it failed.

        It does not count as sent, because repeating it is harmless.

        Raises:
            HostError: The script did not finish.
        """
        if not self.there:
            return None
        before = self._connection.sent
        try:
            result = self._run(f"echo {quoted(BEGUN)}\n{script}", words)
        finally:
            self._connection.sent = before
        return result.stdout.partition(f"{BEGUN}\n")[2] if result is not None and result.ok else None

    def do(self, script: str, *words: str) -> CommandResult | None:
        """Run a script; return its result, or None without a shell.

        Raises:
            HostError: The script did not finish.
        """
        return self._run(script, words) if self.there else None

    def _run(self, script: str, words: tuple[str, ...]) -> CommandResult | None:
        asked = line("sh", "-c", script, "sh", *words)
        try:
            return self._connection.run(asked)
        except (RequestRefused, Unreachable) as exc:
            if exc.phase in (Phase.CHANNEL, Phase.COMMAND) and isinstance(exc, RequestRefused):
                return None  # a server may allow only SFTP, or only one channel
            raise
        except HostError as exc:
            error = reworded(exc, repr(asked), "the query about the host's files")
            error.command = None
            raise error from exc
