"""Run a script of this machine on a host.

The script is sent as the standard input of a shell that writes it to a file, runs it, and removes it. So one
session is enough, and if the shell does not start, no file is left.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.command import CommandOptions
from runner.connection.command.shells import line
from runner.connection.command.timeouts import STILL_RUNS
from runner.errors import ConnectionLost, HostError, UsageError
from runner.text import reading
from runner.text.paths import checked
from runner.transfer.errors import failed, reworded, shown
from runner.transfer.shell import has_shell

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from runner.connection import Connection
    from runner.models import CommandResult, Host

__all__ = ["Script"]

_LARGEST = 2**24
# The file is removed even if the connection is lost. It is run only if it is complete: the input also ends
# when the connection does. The script's own stdin is empty. The shell passes a termination signal on to the
# script, because Dropbear signals only the shell. A later signal to the process group must not stop `rm`.
_RUN = """\
mask=$(umask); umask 077; set -C; size=$1; shift; trap : HUP INT PIPE TERM; \
if cat >"$0" && [ "$(wc -c <"$0")" -eq "$size" ] && chmod 700 "$0"; \
then umask "$mask"; "$0" "$@" </dev/null & child=$!; trap 'kill "$child" 2>/dev/null' INT TERM; \
while wait "$child"; status=$?; kill -0 "$child" 2>/dev/null; do :; done; \
else echo "the script did not arrive whole" >&2; status=126; fi; \
trap "" HUP INT PIPE TERM; rm -f -- "$0"; exit "$status"\
"""
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Script:
    """A script and its arguments.

    Attributes:
        name: Its path on this machine.
        content: Its content, because workers on other machines cannot read the file.
        arguments: Its arguments.
    """

    name: str
    content: bytes = field(repr=False)
    arguments: tuple[str, ...] = ()

    @classmethod
    def of_file(cls, path: str | os.PathLike[str], arguments: tuple[str, ...] = ()) -> Script:
        """Read a script.

        Raises:
            UsageError: The script cannot be read, or no host could run it.
        """
        name = checked("script", str(path))
        try:
            content = reading.beginning(Path(path).expanduser(), _LARGEST + 1, pipes=True)
        except (OSError, RuntimeError, ValueError) as exc:
            raise UsageError(f"{shown(name)}: {getattr(exc, 'strerror', None) or exc}") from exc
        first = content.partition(b"\n")[0]
        if first.removeprefix(_MARK).startswith(b"#!") and (first.endswith(b"\r") or first.startswith(_MARK)):
            raise UsageError(
                f"{shown(name)}: the first line has a Windows line end or a byte order mark, so that "
                "no host finds its interpreter: save it with Unix line ends and without a byte order mark"
            )
        if len(content) > _LARGEST:
            raise UsageError(f"{shown(name)}: larger than {_LARGEST:,} bytes, the limit for a script")
        return cls(name, content, arguments)

    def __str__(self) -> str:
        return " ".join(("script", self.name, *map(shlex.quote, self.arguments)))

    @property
    def identity(self) -> Mapping[str, object]:
        """The script's checksum, which identifies it among scripts of the same name."""
        return {"sha256": hashlib.sha256(self.content).hexdigest()}

    def __call__(self, connection: Connection, host: Host) -> CommandResult:
        """Send the script, run it, remove it; return its result.

        It runs as a program, with the interpreter that its first line names, or else the shell. If a signal
        ends it, its exit code is that of a shell: 128 plus the signal's number.

        Raises:
            HostError: It could not be started, or did not finish.
        """
        if not has_shell(host, connection):
            raise failed("a device's CLI cannot run scripts", "no-shell")
        path = f"/tmp/.runner-{secrets.token_hex(16)}"  # noqa: S108 - the name cannot be guessed
        asked = line("sh", "-c", _RUN, path, str(len(self.content)), *self.arguments)
        try:
            result = connection.run(asked, CommandOptions(stdin=self.content))
        except HostError as exc:
            if exc.command is not None:
                exc.command = self._called(exc.command)
            error = reworded(exc, repr(asked), repr(str(self)))
            if isinstance(exc, ConnectionLost):
                error.args = (f"{error}; {path} may be left there",)
            elif STILL_RUNS in str(exc):
                error.args = (f"{error}; {path} is left there until it ends",)
            raise error from exc
        if result.exit_code is None and not _removed(connection, path):
            error = failed(f"{str(self)!r} was killed, and {path} is left on the host", "script-left")
            error.command = self._called(result)
            raise error
        return self._called(result)

    def _called(self, result: CommandResult) -> CommandResult:
        return dataclasses.replace(result, command=str(self))


def _removed(connection: Connection, path: str) -> bool:
    """Remove a script whose shell was killed; return whether that succeeded."""
    try:
        return connection.run(line("rm", "-f", "--", path)).ok
    except HostError:
        return False
