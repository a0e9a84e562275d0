"""An asyncssh server that runs commands in the login shells of accounts; arguments: port and host key."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh


async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run one command until it ends or its channel is closed."""
    account = pwd.getpwnam(process.get_extra_info("username"))
    variables = {"HOME": account.pw_dir, "SHELL": account.pw_shell, "USER": account.pw_name}
    child = await asyncio.create_subprocess_exec(
        account.pw_shell,
        "-c",
        os.fsencode(process.command or ""),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        user=account.pw_uid,
        group=account.pw_gid,
        cwd=account.pw_dir,
        env={"PATH": "/usr/bin:/bin", **variables},
        start_new_session=True,
    )
    feeding = asyncio.ensure_future(copy(process.stdin, child.stdin))
    closing = asyncio.ensure_future(end(process, child.pid))
    await asyncio.gather(copy(child.stdout, process.stdout), copy(child.stderr, process.stderr))
    status = await child.wait()
    feeding.cancel()
    closing.cancel()
    process.exit(status)


async def copy(source: Any, target: Any) -> None:
    """Copy bytes until the source ends or the target fails."""
    with suppress(OSError, asyncssh.Error):
        while data := await source.read(2**15):
            target.write(data)
            await target.drain()
    with suppress(OSError):
        if isinstance(target, asyncio.StreamWriter):
            target.close()


async def end(process: asyncssh.SSHServerProcess[bytes], pid: int) -> None:
    """End a command when its channel is closed."""
    await process.channel.wait_closed()
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)


class Server(asyncssh.SSHServer):
    """Accepts every account with a key in its `authorized_keys`."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        home = Path(pwd.getpwnam(username).pw_dir)
        self._connection.set_authorized_keys(str(home / ".ssh" / "authorized_keys"))
        return True


async def main(port: int, host_key: str) -> None:
    await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[host_key],
        server_factory=Server,
        process_factory=serve,
        encoding=None,
        line_editor=False,
        allow_pty=False,
    )
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
