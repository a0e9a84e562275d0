"""The two places where Paramiko offers no public way, each with its reason; tests notice when one breaks.

* A server tells that a signal ended a command by an `exit-signal` request (RFC 4254 section 6.10). Paramiko
reads only
  `exit-status` and drops it, so that "killed" and "the connection died" look the same.
* A client asks a server to end a command by a `signal` request (RFC 4254 section 6.9). Paramiko cannot send
one, so
  that a command outlives the run that gave up on it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST

if TYPE_CHECKING:
    from runner.connection.dial import SshSocket

__all__ = ["Transport", "send_signal"]


def _note_request(channel: Any, message: Any) -> None:
    """Handle a channel request as Paramiko does, keep the name of an exit signal, and wake whoever reads."""
    start = message.packet.tell()
    name = message.get_text()
    message.get_boolean()
    if name == "exit-signal":
        channel.runner_exit_signal = message.get_text()
    message.packet.seek(start)
    paramiko.Channel._handle_request(channel, message)  # type: ignore[attr-defined]  # noqa: SLF001
    wake = getattr(channel, "runner_wake", None)
    if wake is not None:
        wake.set()


class Transport(paramiko.Transport):
    """A transport whose channels know what ended their command.

    A channel's `runner_exit_signal` names the signal; its `runner_wake`, where one is put, is set at every
    request.
    """

    _channel_handler_table = {  # noqa: RUF012 - Paramiko's own shape
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # noqa: SLF001
        MSG_CHANNEL_REQUEST: _note_request,
    }

    def __init__(self, sock: SshSocket) -> None:
        super().__init__(sock)  # type: ignore[arg-type]


def send_signal(channel: paramiko.Channel, name: str) -> None:
    """Ask the server to send the signal `name` (`TERM`) to the command; servers may ignore it."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.transport._send_user_message(message)  # type: ignore[union-attr]  # noqa: SLF001
