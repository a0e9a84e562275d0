"""Banner, key exchange and host key: everything up to the point where something secret may be sent."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import paramiko

from runner.connection import known_hosts
from runner.connection.known_hosts import Verdict, fingerprint
from runner.connection.offer import read_offer
from runner.connection.options import HostKeyPolicy
from runner.connection.visible import visible
from runner.errors import HostKeyRejected, Unreachable
from runner.models import Phase

if TYPE_CHECKING:
    from runner.connection.dial import SshSocket
    from runner.connection.known_hosts import Entry
    from runner.connection.options import ConnectionOptions
    from runner.connection.paramiko_hooks import Transport
    from runner.models import Endpoint

__all__ = ["agree", "no_answer"]

logger = logging.getLogger(__name__)

# A recorded `ssh-rsa` key is shown under these names since SHA-1 signatures are gone (RFC 8332).
_RSA = ("rsa-sha2-512", "rsa-sha2-256")
_SHOWN = 80
_WITHOUT_SHA1 = 5  # the major version of Paramiko that removed SHA-1 key exchange and `ssh-rsa` signatures
_PARTS = {"kex": "key_exchange", "host key": "host_key", "cipher": "cipher", "mac": "mac"}


def agree(transport: Transport, socket: SshSocket, target: Endpoint, options: ConnectionOptions) -> None:
    """Exchange keys and accept or reject the host key.

    Raises:
        Unreachable: What answers is no SSH server that we can talk to.
        HostKeyRejected: Its key is not the one that is known, or not known and the policy is strict.
    """
    known = known_hosts.load(options.known_hosts)
    _prefer_known_types(transport, known.entries(target.address, target.port))
    transport.banner_timeout = options.connect_timeout_s + 1
    try:
        transport.start_client(timeout=options.connect_timeout_s + 1)
    except Exception as exc:  # whatever its thread ran into is raised here
        raise _no_handshake(transport, socket, exc) from exc
    socket.settle()
    _judge(transport.get_remote_server_key(), known, target, options)


def _prefer_known_types(transport: Transport, entries: list[Entry]) -> None:
    """Ask for a key of a type that is on record: a server shows only one of the keys it has."""
    recorded = {entry.key_type for entry in entries}
    if "ssh-rsa" in recorded:
        recorded.update(_RSA)
    security = transport.get_security_options()
    offered = tuple(security.key_types)
    security.key_types = tuple(sorted(offered, key=lambda name: name not in recorded))


def _judge(
    key: paramiko.PKey, known: known_hosts.KnownHosts, target: Endpoint, options: ConnectionOptions
) -> None:
    policy = options.host_key_policy
    if policy is HostKeyPolicy.OFF:
        return
    blob = base64.b64encode(key.asbytes()).decode()
    verdict, entries = known.check(target.address, target.port, key.get_name(), blob)
    if verdict is Verdict.KNOWN:
        return
    if verdict is Verdict.UNKNOWN and policy is HostKeyPolicy.ACCEPT_NEW:
        _record(target, key.get_name(), blob, options)
        return
    raise _rejected(verdict, key, entries)


def _record(target: Endpoint, key_type: str, blob: str, options: ConnectionOptions) -> None:
    path = options.known_hosts[0]
    try:
        known_hosts.record(path, target.address, target.port, key_type, blob)
    except OSError as exc:
        logger.warning("%s: the new key of %s was not recorded: %s", path, target, exc.strerror)


def _rejected(verdict: Verdict, key: paramiko.PKey, entries: list[Entry]) -> HostKeyRejected:
    shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
    where = ", ".join(sorted({entry.place for entry in entries}))
    if verdict is Verdict.REVOKED:
        return HostKeyRejected(
            f"the host key is revoked in {where}: {shown}",
            reason="hostkey-revoked",
            phase=Phase.HANDSHAKE,
        )
    if verdict is Verdict.CHANGED:
        return HostKeyRejected(
            f"the host key is not the one on record in {where}: it shows {shown}; if the host was "
            "reinstalled, delete that line and record the new key, else somebody may be listening",
            reason="hostkey-changed",
            phase=Phase.HANDSHAKE,
        )
    return HostKeyRejected(
        f"the host key is not known: {shown}; after checking it, record it with --host-key-policy accept-new",
        reason="hostkey-unknown",
        phase=Phase.HANDSHAKE,
    )


def _no_handshake(transport: Transport, socket: SshSocket, exc: Exception) -> Unreachable:
    """Say what answered instead of a usable SSH server."""
    heard = socket.preamble
    if isinstance(exc, paramiko.ssh_exception.IncompatiblePeer):
        reason, text, passing = _incompatible(transport.remote_version, heard, exc)
    elif not heard:
        reason, text, passing = "closed-early", "closed the connection without an SSH banner", True
    elif not transport.remote_version:
        passing = b"MaxStartups" in heard or b"Not allowed at this time" in heard
        reason = "busy" if passing else "no-banner"
        text = f"no SSH banner, but {visible(heard, _SHOWN)!r}"
    else:
        _, words = transport.runner_disconnect or (0, str(exc))
        reason, passing = "kex-failed", True
        text = f"key exchange failed: {visible(words) or 'connection closed'}"
    return Unreachable(text, reason=reason, phase=Phase.HANDSHAKE, transient=passing)


def no_answer(transport: Transport, socket: SshSocket, seconds: float) -> Unreachable:
    """Return the error of a server that stopped before keys were agreed."""
    if transport.remote_version:
        return Unreachable(
            f"the key exchange stalled: nothing within {seconds:g} s",
            reason="kex-stalled",
            phase=Phase.HANDSHAKE,
        )
    heard = f", but {visible(socket.preamble, _SHOWN)!r}" if socket.preamble else ""
    return Unreachable(
        f"no SSH banner within {seconds:g} s{heard}", reason="no-banner", phase=Phase.HANDSHAKE
    )


def _incompatible(version: str, heard: bytes, exc: Exception) -> tuple[str, str, bool]:
    """Name what the server has, so that one can see what to turn on there or here."""
    if version.startswith("SSH-1.") and not version.startswith("SSH-1.99"):
        return "ssh1", f"speaks only SSH 1, which is not safe: {visible(version, _SHOWN)!r}", False
    offer = read_offer(heard)
    part = next((name for name in _PARTS if name in str(exc)), None)
    if offer is None or part is None:
        return "no-common-algorithm", f"no algorithm in common: {visible(str(exc))}", False
    offered = visible(", ".join(getattr(offer, _PARTS[part])))
    text = f"no {_PARTS[part].replace('_', ' ')} algorithm in common; the server offers only {offered}"
    if int(paramiko.__version__.partition(".")[0]) >= _WITHOUT_SHA1:
        text += " (older ones: pip install 'paramiko<5')"
    return "no-common-algorithm", text, False
