"""A script of this machine's, run on a host: sent, run, removed."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import shlex
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import HostError, LoginRefused, RequestRefused, UsageError
from runner.transfer.entries import Entry, Kind
from runner.transfer.errors import failed, reworded, shown
from runner.transfer.places import files_of
from runner.transfer.shell import has_shell

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from runner.connection import Connection
    from runner.models import CommandResult, Host

__all__ = ["Script"]

_LARGEST = 2**24
# Removes the script when it ends, also where nobody is there any more to ask for it, or to read what is said.
_RUN = 'trap : HUP INT PIPE TERM; "$0" "$@"; status=$?; rm -f -- "$0"; exit $status'
_NOT_FOUND = 127  # also the shell itself, which then removes nothing
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
        name = str(path)
        try:
            with Path(path).expanduser().open("rb") as file:
                content = file.read(_LARGEST + 1)
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
        """Send it, run it, remove it; return what it came to.

        It is a program of its own, for which its first line names the interpreter; without one it is the
        shell's. One that a signal ended has the exit code that a shell gives it: 128 and the signal's number.

        Raises:
            HostError: It did not come to an end of its own.
        """
        if not has_shell(host):
            raise failed("a device with a CLI runs no scripts", "no-shell")
        path = f"/tmp/.runner-{secrets.token_hex(16)}"  # noqa: S108 - a name that nobody can guess
        with files_of(connection, host) as files:
            files.write(path, (self.content,), Entry(Kind.FILE, len(self.content), 0o700))
        line = shlex.join(("sh", "-c", _RUN, path, *self.arguments))
        try:
            result = connection.run(line)
        except HostError as exc:
            if isinstance(exc, (RequestRefused, LoginRefused)):
                _remove(connection, host, path)
            if exc.command is not None:
                exc.command = self._called(exc.command)
            raise reworded(exc, repr(line), repr(str(self))) from exc
        if result.exit_code == _NOT_FOUND:
            _remove(connection, host, path)
        return self._called(result)

    def _called(self, result: CommandResult) -> CommandResult:
        return dataclasses.replace(result, command=str(self))


def _remove(connection: Connection, host: Host, path: str) -> None:
    """Remove a script that may never have run, and so could not remove itself."""
    with suppress(HostError), files_of(connection, host) as files:
        files.remove(path)
