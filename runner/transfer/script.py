"""A script of this machine's, run on a host.

It travels as the standard input of the shell that makes its file, runs it, and removes it: a host whose shell
does not start never has the file, and one session is enough.
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
# The file is removed also when the connection is gone. It is run only if all of it has come: the end of the
# input may be the end of the connection. The script itself reads nothing. The shell passes on the signal that
# asks for its end: Dropbear sends it to the shell alone. A later one to the process group must not end `rm`.
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
    """A script, and what it is called with.

    Attributes:
        name: Its path on this machine.
        content: What is in it, so that it can be run where it cannot be read.
        arguments: Its arguments.
    """

    name: str
    content: bytes = field(repr=False)
    arguments: tuple[str, ...] = ()

    @classmethod
    def of_file(cls, path: str | os.PathLike[str], arguments: tuple[str, ...] = ()) -> Script:
        """Read a script.

        Raises:
            UsageError: It cannot be read, or no host could run it.
        """
        name = checked("script", str(path))
        try:
            content = reading.beginning(Path(path).expanduser(), _LARGEST + 1, pipes=True)
        except (OSError, RuntimeError, ValueError) as exc:
            raise UsageError(f"{shown(name)}: {getattr(exc, 'strerror', None) or exc}") from exc
        first = content.partition(b"\n")[0]
        if first.removeprefix(_MARK).startswith(b"#!") and (first.endswith(b"\r") or first.startswith(_MARK)):
            raise UsageError(
                f"{shown(name)}: its first line ends or begins as on Windows, so that no host finds its "
                "interpreter: save it with the line ends of Unix and without a byte order mark"
            )
        if len(content) > _LARGEST:
            raise UsageError(f"{shown(name)}: larger than {_LARGEST:,} bytes, which is no script")
        return cls(name, content, arguments)

    def __str__(self) -> str:
        return " ".join(("script", self.name, *map(shlex.quote, self.arguments)))

    @property
    def identity(self) -> Mapping[str, object]:
        """What tells it from another script of the same name."""
        return {"sha256": hashlib.sha256(self.content).hexdigest()}

    def __call__(self, connection: Connection, host: Host) -> CommandResult:
        """Send it, run it, remove it; return its result.

        It is a program of its own, for which its first line names the interpreter; without one it is the
        shell's. One that a signal ended has the exit code that a shell gives it: 128 and the signal's number.

        Raises:
            HostError: It did not come to an end of its own.
        """
        if not has_shell(host):
            raise failed("a device with a CLI runs no scripts", "no-shell")
        path = f"/tmp/.runner-{secrets.token_hex(16)}"  # noqa: S108 - a name that nobody can guess
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
    """Remove a script whose shell was killed; return whether that could be done."""
    try:
        return connection.run(line("rm", "-f", "--", path)).ok
    except HostError:
        return False
