"""Workarounds that use Paramiko's private names, each with its reason; a test fails if one breaks.

* A server reports that a signal ended a command by an `exit-signal` request (RFC 4254 section 6.10). Paramiko
  reads only `exit-status` and drops it, so that "killed" and "the connection died" look the same.
* Some servers send a second `exit-status`; the first one is the command's. Paramiko reads a truncated one
  as 0, which would be a success.
* A server that refuses a credential names the methods that it accepts (RFC 4252 section 5.1). Paramiko drops
  them unless the method was not among them.
* A server that hangs up may say why in a disconnect message (RFC 4253 section 11.1). Paramiko only logs it.
* Paramiko keeps the reason for a refused channel in one place for the whole connection, without the server's
  text. If many channels are opened at once, as on a jump host, one caller gets another's reason.
* A server may send no more than a channel's window (RFC 4254 section 5.2). Paramiko accepts any amount.
* Between its check that a channel is open and the send, Paramiko releases the lock. A packet sent after the
  close makes OpenSSH end the whole connection: for a jump host, that of every host behind it.
* Before each credential Paramiko requests the authentication service again (RFC 4252 section 5). Some
  servers, asyncssh's among them, hang up at the second request. Paramiko's `ServiceRequestingTransport` asks
  once, but waits for the reply for ever. If the server has authenticated itself (RFC 4253 section 10), the
  client need not wait for the reply at all, which saves a round trip.
* A command with much input waits for the server to accept it (RFC 4254 section 5.2). Paramiko wakes only a
  thread that is inside a `send`.
* The thread that reads also answers a channel's close and sends keepalives. During a new key exchange
  Paramiko makes even this thread wait, up to 30 s, and then gives the connection up.
* A keepalive is a global request that wants a reply. Paramiko's keepalive wants none, and its requests that
  want one block until it comes.
* A server may choose a group for Diffie-Hellman so large that it blocks all other hosts of this process, and
  Paramiko's secret exponents are longer than necessary. The class of each key exchange is in a private table.
* A client asks a server to end a command by a `signal` request (RFC 4254 section 6.9). Paramiko cannot send
  one, so that a command outlives the run that gave up on it.
* Which thread reads a connection: see `on_demand`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_NEWKEYS,
    MSG_SERVICE_REQUEST,
    MSG_USERAUTH_FAILURE,
    cMSG_CHANNEL_REQUEST,
    cMSG_GLOBAL_REQUEST,
)

from runner.connection.host_keys.certificates import SUFFIX
from runner.connection.transport.diffie_hellman import affordable
from runner.connection.transport.on_demand import OnDemandTransport
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.connection.transport.dial import PeerSocket

__all__ = ["Transport", "ask_for_shell", "ask_for_sign", "close_channel", "send_signal", "sending_on"]

_EXIT_STATUS = 4  # bytes
_UNASKED = 8 * 2**20  # bytes allowed beyond the window: some servers miscount by a little
_SIGNAL_NAME = 40
_REFUSAL = 400
_NAMELESS = "unknown"
_LOOK_UP_S = 30.0
_GONE_S = 0.5
_MOST_DEFERRED = 1000

_ON_OPEN_CHANNELS = (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_WINDOW_ADJUST,
)


def _note_request(channel: Any, message: Any) -> None:
    """Handle a channel request as Paramiko does, keep the name of an exit signal, and wake the reader."""
    start = message.packet.tell()
    name = message.get_text()
    message.get_boolean()
    if name == "exit-signal":
        channel.runner_exit_signal = excerpt(message.get_string(), _SIGNAL_NAME) or _NAMELESS
    if name != "exit-status" or _is_first_status(channel, message):
        message.packet.seek(start)
        paramiko.Channel._handle_request(channel, message)  # type: ignore[attr-defined]  # noqa: SLF001
    _wake(channel)


def _is_first_status(channel: Any, message: Any) -> bool:
    return len(message.get_remainder()) >= _EXIT_STATUS and not channel.exit_status_ready()


def _within_window(take: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Handle channel data as Paramiko does, but limit how much may lie unread."""

    def taken(channel: Any, message: Any) -> None:
        take(channel, message)
        lying = len(channel.in_buffer) + len(channel.in_stderr_buffer)
        if lying > channel.in_window_size + _UNASKED:
            raise paramiko.SSHException("the server sent more than the channel's window takes")

    return taken


def _note_window(channel: Any, message: Any) -> None:
    """Handle a window adjustment as Paramiko does, and wake a thread that has input to send."""
    paramiko.Channel._window_adjust(channel, message)  # type: ignore[attr-defined]  # noqa: SLF001
    _wake(channel)


def _wake(channel: Any) -> None:
    wake = getattr(channel, "runner_wake", None)
    if wake is not None:
        wake.set()


class Transport(OnDemandTransport):
    """A transport whose channels know how their command ended.

    A channel's `runner_exit_signal` names the signal; its `runner_wake`, if set, is an event that is set at
    every request and window adjustment.

    Attributes:
        runner_sender: The channel that each thread is sending on, for `sending_on`.
        runner_disconnect: Code and text of the server's disconnect message, if one came.
        runner_methods: The methods that the server named when it last refused a login.
        runner_certificates: Whether to ask for a host's certificates before its keys.
    """

    runner_disconnect: tuple[int, str] | None = None
    runner_methods: Sequence[str] = ()
    runner_certificates = False
    server_extensions: dict[str, bytes]
    _asked_for_service = False
    sock: Any
    runner_sender: threading.local
    _opening: threading.local
    _refusals: dict[int, tuple[int, str]]
    _deferred: list[paramiko.Message]

    _channel_handler_table = {  # noqa: RUF012 - Paramiko's own shape
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # noqa: SLF001
        MSG_CHANNEL_DATA: _within_window(paramiko.Channel._feed),  # type: ignore[attr-defined]  # noqa: SLF001
        MSG_CHANNEL_EXTENDED_DATA: _within_window(paramiko.Channel._feed_extended),  # type: ignore[attr-defined]  # noqa: SLF001
        MSG_CHANNEL_REQUEST: _note_request,
        MSG_CHANNEL_WINDOW_ADJUST: _note_window,
    }

    _kex_info = affordable(paramiko.Transport._kex_info)  # type: ignore[attr-defined]  # noqa: SLF001

    def __init__(self, sock: PeerSocket) -> None:
        super().__init__(sock)
        # Paramiko wakes ten times a second to check a timer that we do not use.
        sock.settimeout(_LOOK_UP_S)
        self.runner_sender = threading.local()
        self._opening = threading.local()
        self._refusals = {}
        self._deferred = []

    def negotiate(self) -> None:
        """Exchange keys; only the end of the connection ends the wait.

        Raises:
            Exception: The error that ended the key exchange; a hostile peer can cause any exception.
        """
        self.active = True
        self.read_until(lambda: self.initial_kex_done)
        error = self.get_exception()
        if error is not None:
            raise error
        if not self.is_active():
            raise paramiko.SSHException("the connection was closed")

    @property
    def runner_banner(self) -> str:
        """The last banner of the server; Paramiko's own method returns None once the connection has ended."""
        banner = getattr(self.auth_handler, "banner", None) or b""
        return bytes(banner).decode("utf-8", "replace")

    def offer_key(self, username: str, key: paramiko.PKey) -> list[str]:
        """Log in with a key as Paramiko does, reading the reply here; return the methods still required."""
        answered = threading.Event()
        self.auth_publickey(username, key, answered)
        return self._answer(answered)

    def offer_password(self, username: str, password: bytes) -> list[str]:
        """Log in with a password likewise; return the methods still required."""
        answered = threading.Event()
        self.auth_password(username, password, answered, fallback=False)  # type: ignore[arg-type] # it takes bytes, too
        return self._answer(answered)

    def auth_interactive(self, username: str, handler: Any, submethods: str = "") -> list[str]:
        """Log in as Paramiko does, which waits for several replies: start the reader thread."""
        self.attend()
        return super().auth_interactive(username, handler, submethods)

    def _answer(self, answered: threading.Event) -> list[str]:
        self.read_until(answered.is_set)
        while not answered.wait(_GONE_S) and self.is_active():
            pass  # the reader thread, if there is one, sets the event also when the connection ends
        wanted: list[str] = self.auth_handler.wait_for_response(answered)
        return wanted

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The types of host key in the order to ask for them: Paramiko puts certificates last."""
        return _key_types(self._filter_algorithm("keys"), self.runner_certificates)

    def _filter_algorithm(self, type_: str) -> tuple[str, ...]:
        """Return the algorithms of a type; we disable none, and Paramiko would check that 16 times."""
        algorithms: tuple[str, ...] = getattr(self, f"_preferred_{type_}")
        return algorithms

    def open_channel(self, *args: Any, **options: Any) -> paramiko.Channel:
        """Open a channel as Paramiko does, but raise the refusal of this very channel."""
        self._opening.number = None
        try:
            return super().open_channel(*args, **options)
        except paramiko.SSHException:
            refusal = self._refusals.pop(self._opening.number, None)
            if refusal is not None:
                raise paramiko.ChannelException(*refusal) from None
            raise

    def _next_channel(self) -> int:
        self._opening.number = super()._next_channel()  # type: ignore[misc]
        return int(self._opening.number)

    def _parse_channel_open_failure(self, message: paramiko.Message) -> None:
        start = message.packet.tell()
        number, code = message.get_int(), message.get_int()
        if number in self.channel_events:  # a thread waits for this channel
            self._refusals[number] = code, excerpt(message.get_string(), _REFUSAL)
        message.packet.seek(start)
        super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def _send_user_message(self, data: paramiko.Message) -> None:
        """Send a packet when no key exchange is under way, and read until its reply is there."""
        if not self.clear_to_send.is_set():  # during a new key exchange Paramiko waits here
            if self.reads_here:
                self._defer(data)
                return
            self.attend()
        kind = data.packet.getbuffer()[0]
        try:
            super()._send_user_message(data)  # type: ignore[misc]
        except EOFError:
            # A window adjustment only asks for more; the data that has arrived can still be read.
            if kind != MSG_CHANNEL_WINDOW_ADJUST:
                raise
        if kind == MSG_CHANNEL_OPEN:
            number = self._opening.number
            self.read_until(lambda: number not in self.channel_events)
        elif kind == MSG_CHANNEL_REQUEST:
            self._await_answer(getattr(self.runner_sender, "channel", None))

    def _defer(self, data: paramiko.Message) -> None:
        """Keep a packet until the new keys are in use."""
        if len(self._deferred) >= _MOST_DEFERRED:
            raise paramiko.SSHException("the server keeps sending requests during a key exchange")
        self._deferred.append(data)

    def _parse_newkeys(self, message: paramiko.Message) -> None:
        """Take new keys as Paramiko does, and send the packets that waited for them."""
        super()._parse_newkeys(message)  # type: ignore[misc]
        deferred, self._deferred = self._deferred, []
        for data in deferred:
            super()._send_user_message(data)  # type: ignore[misc]

    def _await_answer(self, channel: paramiko.Channel | None) -> None:
        """Read until a channel's request is answered, if a thread waits for that."""
        if channel is None:
            return
        self.read_until(channel.event.is_set)
        # If the connection ended before the request was sent, Paramiko does not set the event.
        if not self.active:
            channel.event.set()

    def _send_message(self, data: paramiko.Message) -> None:
        kind = data.packet.getbuffer()[0]
        channel = getattr(self.runner_sender, "channel", None)
        # The thread that closes a channel marks it before it waits for the lock that is held here.
        if channel is not None and kind in _ON_OPEN_CHANNELS and channel.closed:
            return
        # Each packet that is sent alone costs both sides 0.1 ms. The login follows the first new keys;
        # another channel, or the end of the connection, follows the close of a channel.
        if kind == MSG_CHANNEL_CLOSE or (kind == MSG_NEWKEYS and not self.initial_kex_done):
            self.sock.more = True
        try:
            if kind == MSG_SERVICE_REQUEST:
                self._ask_for_service(data)
            else:
                super()._send_message(data)  # type: ignore[misc]
        except EOFError:
            # The server has hung up. If no thread reads, read its last packets here: they may say why.
            self.read_until(lambda: False)
            raise

    def _ask_for_service(self, request: paramiko.Message) -> None:
        """Request the authentication service once, and continue the login as if it had been granted."""
        handler: Any = self.auth_handler
        go_on = handler._parse_service_accept  # noqa: SLF001
        waits = not self._asked_for_service and not self.server_extensions and _depends_on_extensions(handler)
        if not waits:
            handler._parse_service_accept = _known  # noqa: SLF001 - before the answer can come
        if not self._asked_for_service:
            self._asked_for_service = True
            self.sock.more = not waits
            super()._send_message(request)  # type: ignore[misc]
        if not waits:
            accepted = paramiko.Message()
            accepted.add_string("ssh-userauth")
            accepted.rewind()
            go_on(accepted)

    def _hand_on(self, kind: int, message: paramiko.Message) -> bool:
        if kind == MSG_USERAUTH_FAILURE:
            start = message.packet.tell()
            self.runner_methods = message.get_list()
            message.packet.seek(start)
        return super()._hand_on(kind, message)

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        self.runner_disconnect = message.get_int(), message.get_string().decode("utf-8", "replace")


@lru_cache(maxsize=64)
def _key_types(plain: tuple[str, ...], certificates_first: bool) -> tuple[str, ...]:
    certificates = tuple(f"{name}{SUFFIX}" for name in plain)
    return certificates + plain if certificates_first else plain + certificates


def _depends_on_extensions(login: Any) -> bool:
    """Return whether the login depends on the extensions that the server announces after its keys.

    An RSA signature does (RFC 8308 section 3.1); the announcement comes before the service is granted.
    """
    return login.auth_method == "publickey" and "rsa" in login.private_key.get_name()


def _known(_accepted: paramiko.Message) -> None:
    """Do nothing: the login already assumed that the service is granted."""


@contextmanager
def sending_on(channel: paramiko.Channel) -> Iterator[None]:
    """Drop what this thread sends on a channel in this context once the channel is closed."""
    sender = channel.transport.runner_sender  # type: ignore[union-attr]
    sender.channel = channel
    try:
        yield
    finally:
        sender.channel = None


def send_signal(channel: paramiko.Channel, name: str) -> None:
    """Ask the server to send the signal `name` (`TERM`) to the command; servers may ignore it."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    with suppress(paramiko.SSHException, EOFError, OSError), sending_on(channel):
        channel.transport._send_user_message(message)  # type: ignore[union-attr]  # noqa: SLF001


def ask_for_shell(channel: paramiko.Channel, kind: str, columns: int, rows: int) -> None:
    """Ask for a terminal and an interactive shell at once, which saves a round trip.

    Raises:
        paramiko.SSHException: The server refuses one of them, or the connection ended.
    """
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("pty-req")
    message.add_boolean(True)
    message.add_string(kind)
    for number in (columns, rows, 0, 0):
        message.add_int(number)
    message.add_string("")
    channel.transport._send_user_message(message)  # type: ignore[union-attr]  # noqa: SLF001
    channel.invoke_shell()


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel, even if its connection has ended and no thread has noticed yet."""
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.close()


def ask_for_sign(channel: paramiko.Channel) -> None:
    """Send a keepalive: a request that the server answers in some way (as OpenSSH's clients do)."""
    message = paramiko.Message()
    message.add_byte(cMSG_GLOBAL_REQUEST)
    message.add_string("keepalive@openssh.com")
    message.add_boolean(True)
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.transport._send_user_message(message)  # type: ignore[union-attr]  # noqa: SLF001
