"""Choose the transfer protocol for a connection: SFTP, SCP or local files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.connection.command.stream import Streaming
from runner.connection.local import LocalConnection
from runner.errors import HostError, RequestRefused
from runner.models import Phase
from runner.transfer.digest import on_host
from runner.transfer.local import LocalFiles
from runner.transfer.scp import ScpFiles
from runner.transfer.sftp import SftpFiles
from runner.transfer.shell import Shell, has_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.connection import Connection
    from runner.models import Host
    from runner.transfer.entries import Files

__all__ = ["files_of"]

_ENDED = ("closed-after-login", "connection-lost")
_HANGS_UP = "if the server closes the connection at an SFTP request, set ansible_ssh_transfer_method: scp"
_ONE_COMMAND = (
    "a server that allows one command per connection (tinyssh) cannot transfer files, but can run scripts"
)


@contextmanager
def files_of(connection: Connection, host: Host) -> Iterator[Files]:
    """Return a host's files: by SFTP, or by SCP if it has no SFTP server.

    With the variable `ansible_ssh_transfer_method: scp`, SFTP is not tried: some devices close the connection
    at the attempt.

    Raises:
        HostError: Neither protocol is available.
    """
    files: Files | None = None
    scp = host.variables.get("ansible_ssh_transfer_method") == "scp"
    try:
        files = _opened(connection, host, scp=scp)
        yield files
    except HostError as exc:
        if exc.reason in _ENDED and (files is None or isinstance(files, ScpFiles)):
            exc.args = ("; ".join((str(exc), *(() if scp else (_HANGS_UP,)), _ONE_COMMAND)),)
        raise
    finally:
        if files is not None:
            files.close()


def _opened(connection: Connection, host: Host, *, scp: bool) -> Files:
    if isinstance(connection, LocalConnection):
        return LocalFiles()
    if not isinstance(connection, Streaming):
        raise RequestRefused(
            f"the connection {host.variables.get('ansible_connection')!r} moves no files: ssh, openssh and "
            "local do",
            reason="no-sftp",
            phase=Phase.TRANSFER,
        )
    shell = Shell(connection, there=has_shell(host, connection))
    if scp:
        return ScpFiles(connection, shell)
    try:
        stream = connection.open_stream()
    except RequestRefused as exc:
        if exc.reason != "no-sftp":
            raise
        return ScpFiles(connection, shell)
    try:
        return SftpFiles(stream, lambda paths: on_host(shell, paths))
    except RequestRefused:
        stream.close()
        return ScpFiles(connection, shell)
    except BaseException:
        stream.close()
        raise
