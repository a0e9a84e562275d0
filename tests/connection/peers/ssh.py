"""An SSH server whose every answer is scripted, on asyncssh: what is tested is on Paramiko."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncssh

USER, PASSWORD = "operator", "correct horse"
MEGABYTE = 2**20
_LONG_S = 600
_CHUNK = b"x" * 1023 + b"\n"

Channel = asyncssh.SSHServerChannel[bytes]
Answer = Callable[[Channel], Awaitable[None]]


async def says_ok(channel: Channel) -> None:
    channel.write(b"ok\n")
    channel.exit(0)


@dataclass
class Script:
    """What the server does, and what it saw.

    Attributes:
        answer: What happens after a command was taken.
        password: Judges a password; a coroutine may wait, raise, or end the connection.
        questions: Rounds of keyboard-interactive prompts, instead of passwords.
        channel: `open`, `refuse` or `hang`.
        terminal: Whether terminals are given.
        execute: `accept`, `refuse`, `hang`, `early`: output comes before the answer, or `instead` of it.
        handlers: What is done with a kind of packet instead of what asyncssh does.
        commands: Every command that was handed over.
        passwords: Every password and answer that came.
    """

    answer: Answer = says_ok
    password: Callable[[asyncssh.SSHServerConnection, str], Awaitable[bool]] | None = None
    questions: tuple[tuple[str, str], ...] = ()
    channel: str = "open"
    terminal: bool = True
    execute: str = "accept"
    after_login: Callable[[asyncssh.SSHServerConnection], None] | None = None
    auth_banner: str = ""
    rekey_bytes: int = 2**30
    commands_per_connection: int = 2**30
    handlers: dict[int, Callable[[Any, int, int, Any], None]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)


async def listen(script: Script, host_key: Any) -> asyncssh.SSHAcceptor:
    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        server_factory=lambda: _Server(script),
        rekey_bytes=script.rekey_bytes,
        encoding=None,
        line_editor=False,
        login_timeout=60,
    )


class _Server(asyncssh.SSHServer):
    def __init__(self, script: Script) -> None:
        self._script = script
        self._round = 0
        self._served = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        conn._packet_handlers = {**conn._packet_handlers, **self._script.handlers}  # type: ignore[misc]

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's shape
        if self._script.auth_banner:
            self._connection.send_auth_banner(self._script.auth_banner)
        return True

    def auth_completed(self) -> None:
        if self._script.after_login:
            self._script.after_login(self._connection)

    def password_auth_supported(self) -> bool:
        return not self._script.questions

    async def validate_password(self, username: str, password: str) -> bool:
        self._script.passwords.append(password)
        if self._script.password is not None:
            return await self._script.password(self._connection, password)
        return (username, password) == (USER, PASSWORD)

    def kbdint_auth_supported(self) -> bool:
        return bool(self._script.questions)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:  # noqa: ARG002
        return self._challenge()

    def validate_kbdint_response(self, username: str, responses: Any) -> Any:  # noqa: ARG002
        self._script.passwords.extend(responses)
        expected = self._script.questions[self._round][1]
        if list(responses) != ([expected] if expected else []):
            return False
        self._round += 1
        return True if self._round == len(self._script.questions) else self._challenge()

    def session_requested(self) -> Any:
        if self._script.channel == "refuse" or self._served >= self._script.commands_per_connection:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "\x1b[2Jno sessions")
        self._served += 1
        if self._script.channel == "hang":
            return _never()
        return _Session(self._script)

    def _challenge(self) -> Any:
        prompt = self._script.questions[self._round][0]
        return "", "", "en", [(prompt, False)] if prompt else []


async def _never() -> _Session:
    await asyncio.sleep(_LONG_S)
    raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "too late")


class _Session(asyncssh.SSHServerSession[bytes]):
    def __init__(self, script: Script) -> None:
        self._script = script

    def connection_made(self, chan: Channel) -> None:
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:  # noqa: ARG002
        return self._script.terminal

    def exec_requested(self, command: str) -> bool:
        self._script.commands.append(command)
        if self._script.execute == "early":
            self._channel.write(b"before the word that it was taken\n")
        if self._script.execute == "instead":
            self._task = asyncio.ensure_future(self._play())
        if self._script.execute in ("hang", "instead"):
            self._channel._report_response = lambda result: None  # type: ignore[method-assign]  # noqa: ARG005
        return self._script.execute != "refuse"

    def session_started(self) -> None:
        self._task = asyncio.ensure_future(self._play())

    async def _play(self) -> None:
        with suppress(ConnectionError, OSError, asyncio.CancelledError, asyncssh.Error):
            await self._script.answer(self._channel)

    def eof_received(self) -> bool:
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        task = getattr(self, "_task", None)
        if task is not None:
            task.cancel()


async def drained(channel: Channel) -> None:
    """Wait until what was written has gone, as a pipe would make its writer wait."""
    while channel.get_write_buffer_size() > MEGABYTE:  # noqa: ASYNC110 - asyncssh has no event for it
        await asyncio.sleep(0.001)


def status(channel: Channel, code: int) -> None:
    channel._send_request(b"exit-status", code.to_bytes(4, "big"))


def cut(channel: Channel) -> None:
    """End the connection as a crash does."""
    channel.get_connection()._transport.abort()


# Logins ---------------------------------------------------------------------------------------------------


async def refuses(connection: asyncssh.SSHServerConnection, password: str) -> bool:  # noqa: ARG001
    return False


async def hangs(connection: asyncssh.SSHServerConnection, password: str) -> bool:  # noqa: ARG001
    await asyncio.sleep(_LONG_S)
    return True


async def too_many(connection: asyncssh.SSHServerConnection, password: str) -> bool:  # noqa: ARG001
    connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures")
    return False


async def hangs_up(connection: asyncssh.SSHServerConnection, password: str) -> bool:  # noqa: ARG001
    connection._transport.abort()  # type: ignore[union-attr]
    return False


async def wants_change(connection: asyncssh.SSHServerConnection, password: str) -> bool:  # noqa: ARG001
    raise asyncssh.PasswordChangeRequired("\x1b[31mchange it")


def drops(connection: asyncssh.SSHServerConnection) -> None:
    asyncio.get_running_loop().call_later(0.01, connection._transport.abort)  # type: ignore[union-attr]


# Answers --------------------------------------------------------------------------------------------------


async def never_ends(channel: Channel) -> None:
    channel.write(b"begun\n")
    await asyncio.sleep(_LONG_S)


async def endless_stdout(channel: Channel) -> None:
    while True:
        channel.write(_CHUNK * 64)
        await drained(channel)
        await asyncio.sleep(0)


async def endless_stderr(channel: Channel) -> None:
    while True:
        channel.write_stderr(_CHUNK * 64)
        await drained(channel)
        await asyncio.sleep(0)


async def fifty_megabytes(channel: Channel) -> None:
    for _ in range(50):
        channel.write(_CHUNK * 1024)
        await drained(channel)
    channel.exit(0)


async def dirty(channel: Channel) -> None:
    channel.write(b"\xff\xfe\x00\x1b]52;c;b3duZWQ=\x07\r\x1b[2Jok: [all]\n")
    channel.exit(0)


async def one_long_line(channel: Channel) -> None:
    channel.write(b"x" * 5 * MEGABYTE)
    channel.exit(0)


async def stderr_only(channel: Channel) -> None:
    channel.write_stderr(b"only here\n")
    channel.exit(0)


async def stderr_first(channel: Channel) -> None:
    for _ in range(8):
        channel.write_stderr(_CHUNK * 1024)
        await drained(channel)
    channel.write(b"then this\n")
    channel.exit(0)


async def killed(channel: Channel) -> None:
    channel.exit_with_signal("KILL", core_dumped=False, msg="\x1b[2J")


async def no_exit_status(channel: Channel) -> None:
    channel.write(b"some\n")
    channel.write_eof()
    channel.close()


async def instant_close(channel: Channel) -> None:
    channel.close()


def exits(code: int) -> Answer:
    async def answer(channel: Channel) -> None:
        channel.write(b"some\n")
        status(channel, code)
        channel.write_eof()
        channel.close()

    return answer


async def drops_in_the_middle(channel: Channel) -> None:
    channel.write(b"begun\n")
    await asyncio.sleep(0.1)
    cut(channel)


async def half_open(channel: Channel) -> None:
    channel.write(b"begun\n")
    channel.get_connection()._transport.pause_reading()  # type: ignore[union-attr]
    await asyncio.sleep(_LONG_S)


async def slow_drip(channel: Channel) -> None:
    while True:
        channel.write(b".")
        await asyncio.sleep(0.2)


async def status_then_open(channel: Channel) -> None:
    channel.write(b"ok\n")
    status(channel, 0)
    await asyncio.sleep(_LONG_S)


async def eof_then_hang(channel: Channel) -> None:
    channel.write(b"begun\n")
    channel.write_eof()
    await asyncio.sleep(_LONG_S)


async def stalls_in_rekey(channel: Channel) -> None:
    channel.write(b"begun\n")
    connection = channel.get_connection()
    connection._send_kexinit()
    connection._transport.pause_reading()  # type: ignore[union-attr]
    await asyncio.sleep(_LONG_S)


async def ends_and_stalls_in_rekey(channel: Channel) -> None:
    connection = channel.get_connection()
    await asyncio.sleep(0.2)
    channel.write(b"ok\n")
    status(channel, 0)
    channel.write_eof()
    connection._send_kexinit()
    connection._transport.pause_reading()  # type: ignore[union-attr]
    await asyncio.sleep(_LONG_S)


async def two_statuses(channel: Channel) -> None:
    channel.write(b"ok\n")
    status(channel, 0)
    status(channel, 7)
    channel.write_eof()
    channel.close()


async def opens_channels(channel: Channel) -> None:
    connection = channel.get_connection()
    with suppress(asyncssh.Error, OSError):
        await asyncio.wait_for(
            connection.create_connection(asyncssh.SSHTCPSession, "127.0.0.1", 22, "127.0.0.1", 1), 1
        )
    await says_ok(channel)
