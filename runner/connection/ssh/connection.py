"""A login on one host through Paramiko, with a deadline on every step."""

from __future__ import annotations

import dataclasses
import logging
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import paramiko

from runner.connection.auth.login import LoginAttempt
from runner.connection.auth.masking import masking
from runner.connection.command import PLAIN
from runner.connection.command.become import BECOME_METHODS, elevation, supports_become
from runner.connection.command.execution import Execution
from runner.connection.command.requests import no_exec, no_shell
from runner.connection.command.stream import Stream, refused
from runner.connection.command.timeouts import CommandTimeout, late
from runner.connection.deadline import LONGEST
from runner.connection.host_keys.judgement import OtherTypeOnRecord
from runner.connection.ssh.orphans import warn_of_orphan
from runner.connection.ssh.process import ChannelProcess
from runner.connection.target.access import LoginTarget, access
from runner.connection.target.login_limiter import LoginSlot, patiently
from runner.connection.transport import handshake
from runner.connection.transport.dial import dial
from runner.connection.transport.faults import own_fault
from runner.connection.transport.gateway import Gateways, JumpRoute
from runner.connection.transport.paramiko_fixes import Transport
from runner.connection.transport.proxy_command import ProxySocket
from runner.errors import (
    ConnectionLost,
    HostError,
    RequestRefused,
    Unreachable,
    run_stopped,
)
from runner.models import Phase
from runner.text import because, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.connection.command import CommandOptions, Terminal
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.connection.transport.dial import PeerSocket
    from runner.models import CommandResult, Endpoint, Host

__all__ = ["SshConnection", "connect"]

logger = logging.getLogger(__name__)

# Paramiko logs every failed connection with a traceback; the result already reports the failure.
# Its log texts contain unescaped server text, so keep them from the handlers of the calling program, too.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

# How much later than the command loop the watchdog fires: the loop can still tell the remote process to end.
_BACKSTOP_S = 0.5

_IDLE_S = 30.0

# After a login, no reader thread runs for this long: most jobs are done by then.
_ALONE_S = 1.0

# A connection in the pool sends a keepalive this often: devices on the way forget a silent connection
# after a minute or more. The server then has this long to show that it is still there.
_HELD_S = 15.0
_SIGN_S = 2.0

# Bytes that a command may send before we read them: memory per host on top of the kept output.
_WINDOW = 2**20
# The same for a file stream, and its largest packet: each packet costs the same, whatever its size.
_STREAM_WINDOW, _STREAM_PACKET = 2**21, 2**17


@supports_become(*BECOME_METHODS)
def connect(host: Host, options: ConnectionOptions, deadline: Deadline) -> SshConnection:
    """Connect and log in to a host.

    Raises:
        HostError: A step failed; the error says in which phase and why.
    """
    return _opened(access(host, options), deadline)


def _opened(target: LoginTarget, deadline: Deadline) -> SshConnection:
    if target.unhonoured:
        _warn_of_unhonoured(target.unhonoured)
    connection = SshConnection(target, deadline)
    try:
        with masking(target.login.secrets):
            connection.open()
    except BaseException:
        connection.close()
        raise
    return connection


@lru_cache(maxsize=64)
def _warn_of_unhonoured(options: tuple[str, ...]) -> None:
    """Log the warning once per process, not once per host."""
    logger.warning(
        "ssh_config options not honoured: %s; hosts with ansible_connection: openssh honour them",
        ", ".join(options),
    )


def _log_in_on_jump_host(route: JumpRoute, deadline: Deadline) -> SshConnection:
    """Log in to the last jump host of a route, without a host's deadline: all hosts share the connection."""
    return _opened(LoginTarget.of_jump(route.jumps, route.options), dataclasses.replace(deadline, at=None))


_gateways = Gateways(_log_in_on_jump_host)


class SshConnection:
    """A login on one host, on which commands run one after the other.

    Attributes:
        sent: Whether a command has been sent to the host.
        credential: The accepted credential: `password 2`, `ssh-ed25519 key from agent`; None before.
        endpoint: The host's address and port.
    """

    def __init__(self, target: LoginTarget, deadline: Deadline) -> None:
        self.sent = False
        self.credential: str | None = None
        self.endpoint = target.endpoint
        self._target = target
        self._options = self._target.options
        self._deadline = deadline
        self._socket: PeerSocket | None = None
        self._transport: Transport | None = None
        self._reader_timer = ExitStack()
        self._slot = LoginSlot(target)

    def open(self) -> None:
        """Connect, agree on keys, check the host key, log in.

        Raises:
            HostError: One of these failed.
        """
        attempt = LoginAttempt(self._target.login, f"{self._deadline.run} {self._target.endpoint}")
        self._slot.take(self._deadline)
        transport = self._connect()
        while not self._authenticate(transport, attempt):
            transport = self._connect()
        self.credential = attempt.credential
        self._reader_timer.enter_context(self._deadline.errand(_ALONE_S, self._release_slot))
        if self._options.keepalive_s:
            _keep_alive(transport, self._options.keepalive_s)

    def _release_slot(self) -> None:
        """Switch to a background reader thread and release the login slot."""
        self._slot.give_back()
        if self._transport is not None:
            self._transport.attend()

    def host_key(self, types: frozenset[str]) -> paramiko.PKey:
        """Connect, and return the key that the host shows if these types are asked for first.

        Raises:
            HostError: The host cannot be reached, or its key is rejected.
        """
        self._slot.take(self._deadline)
        shown = partial(self._handshake, self._target.endpoint, types)
        transport = patiently(shown, self._options.connect_timeout_s, self._deadline)
        return transport.get_remote_server_key()

    def _connect(self) -> Transport:
        """Connect, exchange keys and check the host key, so that the login can begin."""
        return patiently(self._connect_once, self._options.connect_timeout_s, self._deadline)

    def _connect_once(self) -> Transport:
        target = self._target.endpoint
        try:
            return self._handshake(target)
        except OtherTypeOnRecord as exc:
            return self._handshake(target, exc.types)

    def _authenticate(self, transport: Transport, attempt: LoginAttempt) -> bool:
        """Log in; return False if the login has to go on over another connection."""
        seconds = self._options.connect_timeout_s
        transport.auth_timeout = LONGEST * seconds + _BACKSTOP_S
        with self._step(Phase.LOGIN, seconds):
            return attempt.over(transport)

    def _handshake(self, target: Endpoint, types: frozenset[str] = frozenset()) -> Transport:
        """Connect, exchange keys and check the host key, asking for these types of key first."""
        self._disconnect()
        seconds = self._options.connect_timeout_s
        budget, by_host = self._deadline.sooner(seconds)
        if by_host and budget is not None and budget <= 0:
            raise self._late(Phase.CONNECT, seconds, by_host=True)
        self._socket = socket = self._reach(target, seconds if budget is None else budget)
        self._transport = transport = Transport(socket)
        with self._step(Phase.HANDSHAKE, seconds):
            try:
                handshake.agree(transport, socket, self._target.known_as, self._options, types)
            except Exception as exc:  # a ProxyCommand that fails can break any step
                told = socket.explain() if isinstance(socket, ProxySocket) else None
                if told is None:
                    raise
                raise told from exc
        return transport

    def _reach(self, target: Endpoint, seconds: float) -> PeerSocket:
        if self._target.proxy_command is not None:
            return ProxySocket(self._target.proxy_command)
        if not self._target.jumps:
            return dial(target, seconds, self._deadline.stopped)
        route = JumpRoute(self._target.jumps, self._target.given, self._deadline.run)
        return _gateways.tunnel(route, target, seconds, self._deadline)

    def forward(self, target: Endpoint, seconds: float) -> paramiko.Channel:
        """Open a channel that this host connects to a target.

        Raises:
            paramiko.SSHException: This host did not open the channel.
        """
        self._logged_in.attend()
        place = (target.address, target.port)
        try:
            return self._logged_in.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=seconds)
        finally:
            self._slot.give_back()

    def alive(self) -> bool:
        """Return whether the connection is open."""
        return self._transport is not None and self._transport.is_active()

    def hold(self) -> None:
        """Wait for another job, with keepalives so that no device on the way forgets the connection."""
        self._release_slot()
        if self._transport is not None:
            _keep_alive(self._transport, min(_HELD_S, self._options.keepalive_s or _HELD_S))

    def renew(self, deadline: Deadline) -> bool:
        """Use the connection for another job with its own deadline; return whether the host still answers.

        Ask the host for a reply: after a power or network failure, a dead connection looks open.
        """
        self._deadline, self.sent = deadline, False
        try:
            with self._step(Phase.CHANNEL, _SIGN_S):
                self._logged_in.global_request("keepalive@openssh.com", wait=True)
        except HostError:
            return False
        return self.alive()

    def run(self, command: str, given: CommandOptions = PLAIN) -> CommandResult:
        """Run one command and wait for its end.

        Raises:
            HostError: The command did not end by itself; its output so far is in the error's `command`.
        """
        execution = Execution(command, self._options, given, elevation(self._target))
        process = self._process({"window_size": _WINDOW}, self._options.keepalive_s)
        try:
            if execution.has_input or execution.terminal is not None:
                with self._step(Phase.CHANNEL, self._options.connect_timeout_s):
                    self._logged_in.attend()  # a caller that waits for the host to take input cannot read
                    if execution.terminal is not None:
                        process.ask_for_terminal(execution.terminal, given.terminal_type)
            with self._step(Phase.COMMAND, self._options.connect_timeout_s):
                self.sent = True
                process.start(execution.line)
            timeout = CommandTimeout(self._options, self._deadline)
            backstop = None if timeout.seconds is None else timeout.seconds + _BACKSTOP_S
            budget = backstop, timeout.whole_host
            with self._watch(Phase.COMMAND, budget, timeout.seconds or 0.0, execution.stop):
                return execution.collect(process, timeout)
        except HostError as exc:
            if exc.command is None:
                exc.command = execution.partial()
            if given.terminal is None and self._transport is not None:
                warn_of_orphan(exc, self._transport.remote_version, self._target, process.survives)
            raise
        finally:
            execution.close()
            process.close()

    def open_stream(self, command: str | None = None) -> Stream:
        """Start a program on the host, as the user that commands run as; None starts the SFTP server.

        Raises:
            HostError: The program cannot be started; reason `no-sftp`: the host has no SFTP server.
        """
        with self._step(Phase.CHANNEL, self._options.connect_timeout_s):
            self._logged_in.attend()
        process = self._process({"window_size": _STREAM_WINDOW, "max_packet_size": _STREAM_PACKET})
        stream = Stream(process, command, self._options, self._deadline, self._hang_up)
        return stream.begin(partial(self._start, process, command), elevation(self._target))

    def identity(self) -> tuple[str, str]:
        """Return the SSH version of the server, and the fingerprint of its host key."""
        transport = self._logged_in
        return str(transport.remote_version), str(transport.get_remote_server_key().fingerprint)

    def open_shell(self, terminal: Terminal, kind: str) -> tuple[ChannelProcess, Callable[[], None]]:
        """Open an interactive shell, such as the CLI of a device.

        Args:
            terminal: The terminal that it runs on.
            kind: The terminal type (`vt100`).

        Returns:
            The shell, and a function that closes the connection without waiting, from another thread.

        Raises:
            HostError: The server refuses it.
        """
        process = self._process({"window_size": _WINDOW}, self._options.keepalive_s)
        with self._step(Phase.CHANNEL, self._options.connect_timeout_s):
            try:
                process.start_shell(terminal, kind)
            except (paramiko.SSHException, EOFError, OSError) as exc:
                if process.lost() is None:
                    raise no_shell() from exc
                raise
        return process, self._hang_up

    def _start(self, process: ChannelProcess, command: str | None, asked: str | None) -> None:
        with self._step(Phase.TRANSFER, self._options.connect_timeout_s):
            try:
                process.start(asked)
            except (paramiko.SSHException, EOFError, OSError) as exc:
                if process.lost() is None:
                    raise refused(command) from exc
                raise

    def close(self) -> None:
        """End the connection at once."""
        self._reader_timer.close()
        self._disconnect()
        self._slot.give_back()

    def _disconnect(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._socket is not None:
            self._socket.close()

    @property
    def _logged_in(self) -> Transport:
        assert self._transport is not None  # noqa: S101 - `_opened` opens it before it returns the connection
        return self._transport

    def _process(self, sizes: dict[str, int], keepalive_s: float | None = None) -> ChannelProcess:
        """Open a channel for a process."""
        seconds = self._options.connect_timeout_s
        try:
            with self._step(Phase.CHANNEL, seconds):
                limit = LONGEST * seconds + _BACKSTOP_S
                channel = self._logged_in.open_session(timeout=limit, **sizes)
        finally:  # the server now counts this connection as logged in, so the login slot is free
            self._slot.give_back()
        return ChannelProcess(channel, keepalive_s, lambda: self._deadline.guard(_BACKSTOP_S, self._hang_up))

    def _step(self, phase: Phase, seconds: float) -> AbstractContextManager[None]:
        """Watch a step of at most `seconds`, or less if the host's deadline comes sooner."""
        return self._watch(phase, self._deadline.sooner(seconds), seconds)

    @contextmanager
    def _watch(
        self,
        phase: Phase,
        budget: tuple[float | None, bool],
        seconds: float,
        stop: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Watch a step, and translate any exception into a `HostError`.

        Args:
            phase: The step's phase.
            budget: Seconds until the step is cut off, and whether the host's deadline sets that limit.
            seconds: The step's own limit, for the message.
            stop: Ends the step cleanly.
        """
        cut_off, by_host = budget
        fair = stop is None and not by_host  # the host's and a command's deadlines are never extended
        with self._deadline.guard(cut_off, self._hang_up, stop, fair=fair) as watched:
            try:
                yield
            except Exception as exc:  # a hostile peer can make Paramiko raise anything
                if watched.aborted:
                    told: HostError = run_stopped(phase)
                elif watched.expired:
                    told = self._late(phase, seconds, by_host=by_host)
                else:
                    told = self._broken(phase, exc)
                with masking(self._target.login.secrets if phase is Phase.CHANNEL else ()):
                    if told is exc:  # `raise exc from exc` would replace its cause
                        raise
                    raise told from exc
            if watched.expired:
                raise self._late(phase, seconds, by_host=by_host)

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _broken(self, phase: Phase, exc: Exception) -> HostError:
        if isinstance(exc, HostError):
            return exc
        if isinstance(exc, paramiko.ChannelException):
            return RequestRefused(
                f"the server refused a channel: {excerpt(exc.text)}", reason="channel-refused", phase=phase
            )
        fault = own_fault(exc, phase)
        if phase is Phase.COMMAND:
            if self.alive() and fault is None:
                return no_exec()
            return ConnectionLost(
                f"the connection ended after the command had been sent{because(handshake.what_broke(exc))}",
                reason="connection-lost",
                phase=phase,
            )
        if fault is not None:
            return fault
        return Unreachable(
            f"the connection ended: {excerpt(handshake.what_broke(exc)) or type(exc).__name__}",
            reason="closed-after-login" if phase is Phase.CHANNEL else "connection-lost",
            phase=phase,
            transient=True,
        )

    def _late(self, phase: Phase, seconds: float, *, by_host: bool) -> HostError:
        if phase is Phase.HANDSHAKE and self._transport and self._socket and not by_host:
            heard_banner = bool(self._transport.remote_version)
            return handshake.no_answer(seconds, self._socket.preamble, heard_banner=heard_banner)
        return late(phase, seconds, self._options, by_host=by_host)


def _keep_alive(transport: Transport, seconds: float) -> None:
    """Send a keepalive after so many seconds of silence."""
    transport.sock.settimeout(min(_IDLE_S, seconds))
    transport.set_keepalive(max(1, round(seconds)))
