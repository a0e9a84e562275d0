"""The `cli` connection: commands typed into the interactive CLI of a network device.

It works like the SSH connection that it runs over, which is `ssh`, or `openssh` if the variable
`runner_cli_over` says so: the same host keys, jump hosts, logins, deadlines and statuses. One session serves
all commands of a host.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from runner.connection import platform_of
from runner.connection.auth.masking import masking
from runner.connection.cli.session import CliSession
from runner.connection.cli.session_log import SessionLog
from runner.connection.command import PLAIN, Terminal
from runner.connection.command.become import supports_become
from runner.connection.pool import Lasting
from runner.connection.target.access import access
from runner.connection.target.variables import invalid
from runner.errors import BecomeUnsupported, InvalidVariable, MissingExtra
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.connection.command import CommandOptions
    from runner.connection.command.process import Process
    from runner.connection.command.stream import Stream
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.connection.target.access import LoginTarget
    from runner.models import CommandResult, Endpoint, Host
    from runner.platforms.definition import Platform

__all__ = ["CliConnection", "connect"]

logger = logging.getLogger(__name__)

OVER = "runner_cli_over"
"""The variable that names the SSH connection: `ssh`, or `openssh` for old devices."""

_EXIT_CODE = re.compile(r"\d{1,3}")
_TERMINAL = Terminal(511, 1000)
_KIND = "vt100"


class _Ssh(Protocol):
    """The SSH connection below."""

    def open_shell(self, terminal: Terminal, kind: str) -> tuple[Process, Callable[[], None]]: ...
    def open_stream(self, command: str | None = None) -> Stream: ...
    def identity(self) -> tuple[str, str]: ...
    def close(self) -> None: ...


@supports_become("enable")
def connect(host: Host, options: ConnectionOptions, deadline: Deadline) -> CliConnection:
    """Connect and log in to a device, and open its CLI.

    Raises:
        HostError: A step failed; the error says in which phase and why.
    """
    platform = platform_of(host)
    target = access(host, options)
    below = cast("_Ssh", _below(host)(host, options, deadline))
    try:
        connection = CliConnection(below, host, target, deadline, platform)
        connection.open()
    except BaseException:
        below.close()
        raise
    return connection


def _below(host: Host) -> Callable[[Host, ConnectionOptions, Deadline], object]:
    name = str(host.variables.get(OVER) or "ssh")
    if name == "ssh":
        from runner.connection.ssh import connection as ssh  # noqa: PLC0415 - only one of them is needed

        return ssh.connect
    if name == "openssh":
        from runner.connection.openssh import connection as openssh  # noqa: PLC0415

        return openssh.connect
    raise invalid(f"{OVER} {name!r} is neither ssh nor openssh")


class CliConnection:
    """A login on one device, on which commands run one after the other.

    Args:
        below: The SSH connection.
        host: The device.
        target: How it was logged in to.
        deadline: Its deadline.
        platform: The platform of the device; None if it has to be found out.

    Attributes:
        sent: Whether a command has been sent to the device.
        platform: The platform of the device; None before `open`.
        has_exit_codes: Whether it is a POSIX shell, and told the exit code of the last command.
    """

    has_exit_codes = False

    def __init__(
        self, below: _Ssh, host: Host, target: LoginTarget, deadline: Deadline, platform: Platform | None
    ) -> None:
        self.sent = False
        self.platform = platform
        self._below = below
        self._host = host
        self._target = target
        self._deadline = deadline
        self._become = target.options.become_as if target.options.become else None
        password = None if self._become is None else self._become.password
        self._secrets = (*target.login.secrets, *filter(None, (password,)))
        self._log = SessionLog.of(target.options.session_log, host.name, self._secrets)
        self._process, hang_up = below.open_shell(_TERMINAL, _KIND)
        self._session = CliSession(self._process, platform, target.options, hang_up, self._log.received)

    def open(self) -> None:
        """Wait for the prompt, switch paging off, and enter privileged mode if that is wanted.

        Raises:
            HostError: One of these failed.
        """
        login, become = self._target.login, self._become
        with masking(self._secrets):
            self._session.begin(self._deadline, login.user, login.password)
            self.platform = platform = self.platform or self._found_out()
            self._session.prepare(self._deadline, platform)
            if become is None:
                return
            if platform.enable is None:
                text = f"no command for more privileges is known for {platform.name}: run it without become"
                raise BecomeUnsupported(text, reason="become-unsupported", phase=Phase.CONNECT)
            self._session.enable(self._deadline, platform.enable, platform.privileged, become.password)

    def _found_out(self) -> Platform:
        """Return the platform of the device, from the record or by its answers."""
        from runner.connection.cli import detection  # noqa: PLC0415 - inventories name most platforms

        version, key = self._below.identity()
        platform = detection.recalled(key)
        if platform is None:
            try:
                platform = detection.detected(version, partial(self._session.ask, self._deadline))
            except MissingExtra as exc:
                raise invalid(str(exc)) from exc
            if platform is None:
                raise invalid("its platform is not recognised: set ansible_network_os to it")
            detection.remember(self._host.name, key, platform)
        return platform

    @property
    def credential(self) -> str | None:
        """The credential that logged in; None if it is not known."""
        return cast("str | None", getattr(self._below, "credential", None))

    @property
    def advice(self) -> str:
        """What to try if the device refuses a command; empty if nothing is known."""
        platform = self.platform
        if platform is None or platform.enable is None or not self._session.shows(">"):
            return ""
        return f"; the session is at user level, --become types {platform.enable!r}"

    @property
    def endpoint(self) -> Endpoint:
        """The device's address and port."""
        return self._target.endpoint

    def run(self, command: str, given: CommandOptions = PLAIN) -> CommandResult:
        """Run one command and wait for the prompt after its answer.

        Raises:
            HostError: The answer did not end with the prompt; the output so far is in the error's `command`.
        """
        self._check(command, given)
        self.sent = True
        result = self._session.run(command, given, self._deadline)
        if self.platform is None or not self.platform.posix:
            return result
        code = self._session.ask(self._deadline, "echo $?").strip()  # a POSIX shell has exit codes
        self.has_exit_codes = _EXIT_CODE.fullmatch(code) is not None
        return replace(result, exit_code=int(code)) if self.has_exit_codes else result

    def _check(self, command: str, given: CommandOptions) -> None:
        """Refuse a command that would do something else if it was typed into a CLI."""
        if given.stdin or given.needs_shell or given.terminal is not None:
            text = "--stdin, --env, --chdir and --pty do not work in a device's CLI"
            raise InvalidVariable(text, reason="no-shell", phase=Phase.COMMAND)
        if command.rstrip().endswith("?"):
            text = f"{command!r} is not sent: a CLI shows its help for ?, then would run the rest of the line"
            raise InvalidVariable(text, reason="bad-command", phase=Phase.COMMAND)
        if not command.isprintable():
            text = f"{command!r} is not sent: it holds a control character, a key in a CLI; give one line"
            raise InvalidVariable(text, reason="bad-command", phase=Phase.COMMAND)

    def open_stream(self, command: str | None = None) -> Stream:
        """Start a program on the device, for file transfers; None starts its SFTP server.

        Raises:
            HostError: The program cannot be started.
        """
        if self._become is not None:
            text = "file transfers cannot use the privileges of enable: run it without become"
            raise BecomeUnsupported(text, reason="become-unsupported", phase=Phase.TRANSFER)
        return self._below.open_stream(command)

    def alive(self) -> bool:
        """Return whether the connection is open, and the device waits for a command."""
        return isinstance(self._below, Lasting) and self._session.is_ready and self._below.alive()

    def hold(self) -> None:
        """Wait for another job; raise an error unless the session is as it was at its beginning."""
        self._leave()
        if not self._session.is_home:
            raise invalid("the session is in another mode than at its beginning")
        cast("Lasting", self._below).hold()

    def renew(self, deadline: Deadline) -> bool:
        """Use the connection for another job with its own deadline; return whether the device answers."""
        self._deadline, self.sent = deadline, False
        return cast("Lasting", self._below).renew(deadline)

    def _leave(self) -> None:
        asked = self._session.leave(self._deadline)
        if asked is not None:
            logger.warning(
                "%s asks %r when configuration mode is left: it was not answered, and changes may be pending",
                self._host.name,
                excerpt(asked),
            )

    def close(self) -> None:
        """Leave configuration mode, and end the connection."""
        self._leave()
        self._process.close()
        self._log.close()
        self._below.close()
