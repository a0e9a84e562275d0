"""List the keys of an `ssh-agent` once per process, and ask it for signatures (draft-miller-ssh-agent).

Paramiko's own client waits forever for an agent that does not answer, and shares one connection between all
threads without a lock. This client opens a connection for each question and limits the wait.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from functools import lru_cache
from typing import Any

import paramiko

__all__ = ["agent_keys"]

logger = logging.getLogger(__name__)

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_CERTIFIED = frozenset(
    f"{name}-cert-v01@openssh.com"
    for name in ("ssh-ed25519", "ssh-rsa", *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)))
)
_LIST_S = 5.0
_SIGN_S = 60.0  # the agent may ask its owner to confirm
_LONGEST_ANSWER = 2**18  # OpenSSH's AGENT_MAX_LEN

_LEAST_KEY = 8  # minimum bytes of a key in an answer: the lengths of its blob and its comment

# With `lru_cache` alone, workers that start at the same time would each list the same keys.
_lock = threading.Lock()


def agent_keys(address: str) -> tuple[paramiko.PKey, ...]:
    """Return the keys that the agent at this socket holds, in its order.

    Return no keys without an agent, or if it does not answer within 5 seconds, which is logged once.
    """
    with _lock:
        return _list(address)


@lru_cache(maxsize=4)
def _list(address: str) -> tuple[paramiko.PKey, ...]:
    if not address:
        return ()
    agent = _Agent(address)
    try:
        answer = agent.identities()
    except (FileNotFoundError, ConnectionRefusedError):  # the agent has ended; `ssh` is silent, too
        return ()
    except (OSError, paramiko.SSHException) as exc:
        logger.warning(
            "the keys of the ssh-agent at %s are not used: %s", address, getattr(exc, "strerror", None) or exc
        )
        return ()
    keys = []
    for _ in range(min(answer.get_int(), _LONGEST_ANSWER // _LEAST_KEY)):
        blob, comment = answer.get_binary(), answer.get_string().decode("utf-8", "replace")
        keys.append(_key(agent, blob, comment))
    return tuple(key for key in keys if key is not None)


def _key(agent: _Agent, blob: bytes, comment: str) -> paramiko.PKey | None:
    """Return one of the agent's keys; None if Paramiko does not know its type.

    Before version 5.1, Paramiko could not log in with an agent that holds a key of a type it does not know.
    """
    key = paramiko.AgentKey(agent, blob, comment)  # type: ignore[arg-type]
    if key.get_name() in _CERTIFIED:
        # An agent can sign with a certificate even if it does not also list the plain key.
        certificate: Any = paramiko.pkey.PublicBlob(key.get_name(), blob, comment)
        key.public_blob = certificate
        return key
    return key if getattr(key, "inner_key", None) is not None else None


class _Agent:
    """The agent, as Paramiko's `AgentKey` calls it for signatures."""

    def __init__(self, address: str) -> None:
        self._address = address

    def _send_message(self, message: paramiko.Message) -> tuple[int, paramiko.Message]:
        """Ask for a signature; `AgentKey` calls it by this name."""
        try:
            return self.ask(message.asbytes(), _SIGN_S)
        except OSError as exc:
            raise paramiko.SSHException(f"the agent did not sign: {exc}") from exc

    def identities(self) -> paramiko.Message:
        """Return the agent's answer: the number of its keys, and the keys.

        Raises:
            OSError: The agent does not answer.
            paramiko.SSHException: The agent answers something else.
        """
        kind, answer = self.ask(bytes([_REQUEST_IDENTITIES]), _LIST_S)
        if kind != _IDENTITIES_ANSWER:
            raise paramiko.SSHException("it does not list its keys")
        return answer

    def ask(self, payload: bytes, seconds: float) -> tuple[int, paramiko.Message]:
        """Ask one question; return the type and the content of the answer."""
        end = time.monotonic() + seconds
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            try:
                connection.connect(self._address)
                connection.sendall(struct.pack(">I", len(payload)) + payload)
                (length,) = struct.unpack(">I", _read(connection, 4, end))
                if not 0 < length <= _LONGEST_ANSWER:
                    raise paramiko.SSHException("the reply is not from an ssh-agent")
                answer = _read(connection, length, end)
            except TimeoutError:
                raise TimeoutError(f"no answer within {seconds:g} s") from None
        return answer[0], paramiko.Message(answer[1:])


def _read(connection: socket.socket, size: int, end: float) -> bytes:
    """Read `size` bytes before the time `end`, however slowly they arrive."""
    received = b""
    while len(received) < size:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(size - len(received))
        if not part:
            raise paramiko.SSHException("it closed the connection")
        received += part
    return received
