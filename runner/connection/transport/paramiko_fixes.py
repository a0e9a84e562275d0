"""The places where Paramiko offers no public way, each with its reason; tests notice when one breaks.

* A server tells that a signal ended a command by an `exit-signal` request (RFC 4254 section 6.10). Paramiko
  reads only `exit-status` and drops it, so that "killed" and "the connection died" look the same.
* Some servers send a second `exit-status`. What the command ended with is the first. One that is cut off is
  0 to Paramiko, which would be a success.
* A server that refuses a credential names the methods that it accepts (RFC 4252 section 5.1). Paramiko drops
  them unless the method was not among them.
* A server that hangs up may say why in a disconnect message (RFC 4253 section 11.1). Paramiko only logs it.
* Why a server refuses to open a channel is kept in one place for the whole connection, without the server's
  words. Where many channels are opened at once, as on a jump host, one gets the other's reason.
* A server may send no more than a channel's window (RFC 4254 section 5.2). Paramiko takes in whatever comes.
* Between looking whether a channel is closed and sending on it, Paramiko lets go of the lock. What is sent
  after the close makes OpenSSH end the whole connection: for a jump host, that of every host behind it.
* Before each credential Paramiko asks anew for the authentication service (RFC 4252 section 5). Some servers,
  asyncssh's among them, hang up at the second time. Its `ServiceRequestingTransport` asks once, but waits for
  the answer for ever. Nobody has to wait for it at all where the server has proven who it is (RFC 4253
  section 10), and a round trip is saved.
* A command that is given much to read waits for the server to take it (RFC 4254 section 5.2). Paramiko
  wakes nobody but who is in the middle of sending.
* Who reads answers a channel's close, and sends signs of life. While keys are exchanged anew Paramiko has
  even that thread wait until they are, for 30 s, after which it gives the connection up.
* A client asks a server for a sign of life by a global request that wants an answer. Paramiko's keepalive
  wants none, and its requests that want one wait for it.
* A server may choose a group for Diffie-Hellman that is so large that nobody else in this process gets on,
  and Paramiko's secret exponents are longer than they have to be. Which class does a key exchange is
  Paramiko's own table.
* A client asks a server to end a command by a `signal` request (RFC 4254 section 6.9). Paramiko cannot send
  one, so that a command outlives the run that gave up on it.
* Who reads a connection is a matter of its own: see `on_demand`.
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

__all__ = ["Transport", "ask_for_sign", "close_channel", "send_signal", "sending_on"]

_EXIT_STATUS = 4  # bytes
_UNASKED = 8 * 2**20  # bytes beyond the window: servers that miscount by a little are left alone
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
    """Handle a channel request as Paramiko does, keep the name of an exit signal, and wake whoever reads."""
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
    """Take in what a channel brings as Paramiko does, but no more than may lie there unread."""

    def taken(channel: Any, message: Any) -> None:
        take(channel, message)
        lying = len(channel.in_buffer) + len(channel.in_stderr_buffer)
        if lying > channel.in_window_size + _UNASKED:
            raise paramiko.SSHException("the server sent more than the channel's window takes")

    return taken


def _note_window(channel: Any, message: Any) -> None:
    """Take in how much more may be sent as Paramiko does, and wake whoever has something to send."""
    paramiko.Channel._window_adjust(channel, message)  # type: ignore[attr-defined]  # noqa: SLF001
    _wake(channel)


def _wake(channel: Any) -> None:
    wake = getattr(channel, "runner_wake", None)
    if wake is not None:
        wake.set()


class Transport(OnDemandTransport):
    """A transport whose channels know what ended their command.

    A channel's `runner_exit_signal` names the signal; its `runner_wake`, where one is put, is set at every
    request, and when more may be sent.

    Attributes:
        runner_sender: The channel that each thread is sending on, for `sending_on`.
        runner_disconnect: Code and words of the server's disconnect message, where one came.
        runner_methods: The methods that the server named when it last refused a login.
        runner_certificates: Whether a host's certificates are asked for before its keys.
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
        # Paramiko looks up ten times a second for a timer that runs out, which is none of ours.
        sock.settimeout(_LOOK_UP_S)
        self.runner_sender = threading.local()
        self._opening = threading.local()
        self._refusals = {}
        self._deferred = []

    def negotiate(self) -> None:
        """Exchange keys, for as long as the socket stands.

        Raises:
            Exception: Whatever ended that; anything may come out of what a hostile peer sends.
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
        """The last banner of the server; Paramiko's own method returns none once the connection has ended."""
        banner = getattr(self.auth_handler, "banner", None) or b""
        return bytes(banner).decode("utf-8", "replace")

    def offer_key(self, username: str, key: paramiko.PKey) -> list[str]:
        """Log in with a key as Paramiko does, reading the answer here; return the methods still wanted."""
        answered = threading.Event()
        self.auth_publickey(username, key, answered)
        return self._answer(answered)

    def offer_password(self, username: str, password: bytes) -> list[str]:
        """Log in with a password likewise."""
        answered = threading.Event()
        self.auth_password(username, password, answered, fallback=False)  # type: ignore[arg-type] # it takes bytes, too
        return self._answer(answered)

    def auth_interactive(self, username: str, handler: Any, submethods: str = "") -> list[str]:
        """Log in as Paramiko does, which waits for several answers and has a thread read them."""
        self.attend()
        return super().auth_interactive(username, handler, submethods)

    def _answer(self, answered: threading.Event) -> list[str]:
        self.read_until(answered.is_set)
        while not answered.wait(_GONE_S) and self.is_active():
            pass  # a thread reads, which sets it at its end, too, if it is there by then
        wanted: list[str] = self.auth_handler.wait_for_response(answered)
        return wanted

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The types of host key in the order in which they are asked for: Paramiko has certificates last."""
        return _key_types(self._filter_algorithm("keys"), self.runner_certificates)

    def _filter_algorithm(self, type_: str) -> tuple[str, ...]:
        """Return the algorithms of a type, of which none is disabled: Paramiko looks for that 16 times."""
        algorithms: tuple[str, ...] = getattr(self, f"_preferred_{type_}")
        return algorithms

    def open_channel(self, *args: Any, **options: Any) -> paramiko.Channel:
        """Open a channel as Paramiko does, but raise what its own refusal said."""
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
        if number in self.channel_events:  # somebody asked for it
            self._refusals[number] = code, excerpt(message.get_string(), _REFUSAL)
        message.packet.seek(start)
        super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def _send_user_message(self, data: paramiko.Message) -> None:
        """Send what a user asks for, outside of a key exchange, and read until the answer is there."""
        if not self.clear_to_send.is_set():  # keys are exchanged anew, for which Paramiko waits
            if self.reads_here:
                self._defer(data)
                return
            self.attend()
        kind = data.packet.getbuffer()[0]
        try:
            super()._send_user_message(data)  # type: ignore[misc]
        except EOFError:
            # That one only asks for more, and what has come is still to be had.
            if kind != MSG_CHANNEL_WINDOW_ADJUST:
                raise
        if kind == MSG_CHANNEL_OPEN:
            number = self._opening.number
            self.read_until(lambda: number not in self.channel_events)
        elif kind == MSG_CHANNEL_REQUEST:
            self._await_answer(getattr(self.runner_sender, "channel", None))

    def _defer(self, data: paramiko.Message) -> None:
        """Keep what is to be sent with new keys."""
        if len(self._deferred) >= _MOST_DEFERRED:
            raise paramiko.SSHException("the server asks on and on in the middle of a key exchange")
        self._deferred.append(data)

    def _parse_newkeys(self, message: paramiko.Message) -> None:
        """Take new keys as Paramiko does, and send what could not be sent without them."""
        super()._parse_newkeys(message)  # type: ignore[misc]
        deferred, self._deferred = self._deferred, []
        for data in deferred:
            super()._send_user_message(data)  # type: ignore[misc]

    def _await_answer(self, channel: paramiko.Channel | None) -> None:
        """Read until a channel's request is answered, if somebody waits for that."""
        if channel is None:
            return
        self.read_until(channel.event.is_set)
        # It may have ended before anything was sent, which Paramiko passes over in silence.
        if not self.active:
            channel.event.set()

    def _send_message(self, data: paramiko.Message) -> None:
        kind = data.packet.getbuffer()[0]
        channel = getattr(self.runner_sender, "channel", None)
        # Whoever closes a channel marks it before waiting for the lock that is held here.
        if channel is not None and kind in _ON_OPEN_CHANNELS and channel.closed:
            return
        # Each packet that is sent alone costs both sides a tenth of a millisecond. Behind the first new keys
        # comes the login; behind the close of a channel another, or the end of the connection.
        if kind == MSG_CHANNEL_CLOSE or (kind == MSG_NEWKEYS and not self.initial_kex_done):
            self.sock.more = True
        try:
            if kind == MSG_SERVICE_REQUEST:
                self._ask_for_service(data)
            else:
                super()._send_message(data)  # type: ignore[misc]
        except EOFError:
            # The other side has hung up. Where nobody reads, what it said before is still to be heard: why.
            self.read_until(lambda: False)
            raise

    def _ask_for_service(self, request: paramiko.Message) -> None:
        """Ask for the authentication service once, and go on with the login as if it had been granted."""
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
    """Whether what is sent to log in depends on what the server says, after its keys, that it understands.

    That is how an RSA key signs (RFC 8308 section 3.1); it has come before the service is granted.
    """
    return login.auth_method == "publickey" and "rsa" in login.private_key.get_name()


def _known(_accepted: paramiko.Message) -> None:
    """Do nothing: the service has been taken for granted."""


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


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel, also one whose connection has ended and nobody has noticed yet."""
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.close()


def ask_for_sign(channel: paramiko.Channel) -> None:
    """Ask the server of a channel for an answer, whatever it is (as OpenSSH's clients do)."""
    message = paramiko.Message()
    message.add_byte(cMSG_GLOBAL_REQUEST)
    message.add_string("keepalive@openssh.com")
    message.add_boolean(True)
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.transport._send_user_message(message)  # type: ignore[union-attr]  # noqa: SLF001
