"""Banner, key exchange and host key: everything up to the point where something secret may be sent."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import paramiko

from runner.connection import known_hosts
from runner.connection.known_hosts import Verdict, fingerprint, host_pattern
from runner.connection.options import HostKeyPolicy
from runner.errors import HostKeyRejected, Unreachable
from runner.models import Phase

if TYPE_CHECKING:
    from runner.connection.dial import SshSocket
    from runner.connection.known_hosts import Entry
    from runner.connection.options import ConnectionOptions
    from runner.models import Endpoint

__all__ = ["agree"]

logger = logging.getLogger(__name__)

# A recorded `ssh-rsa` key is shown under these names since SHA-1 signatures are gone (RFC 8332).
_RSA = ("rsa-sha2-512", "rsa-sha2-256")
_SHOWN = 80


def agree(
    transport: paramiko.Transport, socket: SshSocket, target: Endpoint, options: ConnectionOptions
) -> None:
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
    _judge(transport.get_remote_server_key(), known, target, options)


def _prefer_known_types(transport: paramiko.Transport, entries: list[Entry]) -> None:
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
    raise _rejected(verdict, key, target, entries)


def _record(target: Endpoint, key_type: str, blob: str, options: ConnectionOptions) -> None:
    path = options.known_hosts[0]
    try:
        known_hosts.record(path, target.address, target.port, key_type, blob)
    except OSError as exc:
        logger.warning("%s: the new key of %s was not recorded: %s", path, target, exc.strerror)


def _rejected(
    verdict: Verdict, key: paramiko.PKey, target: Endpoint, entries: list[Entry]
) -> HostKeyRejected:
    name = host_pattern(target.address, target.port)
    shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
    where = ", ".join(sorted({entry.place for entry in entries}))
    if verdict is Verdict.REVOKED:
        return HostKeyRejected(
            f"the key that {target} shows is revoked in {where}: {shown}",
            reason="hostkey-revoked",
            phase=Phase.HANDSHAKE,
        )
    if verdict is Verdict.CHANGED:
        return HostKeyRejected(
            f"the key of {target} is not the one on record in {where}: it shows {shown}; if the host was "
            f"reinstalled, ssh-keygen -R '{name}' and record the new key, else somebody may be listening",
            reason="hostkey-changed",
            phase=Phase.HANDSHAKE,
        )
    return HostKeyRejected(
        f"the key of {target} is not known: {shown}; after checking it, record it with "
        f"--host-key-policy accept-new or ssh-keyscan -p {target.port} {target.address}",
        reason="hostkey-unknown",
        phase=Phase.HANDSHAKE,
    )


def _no_handshake(transport: paramiko.Transport, socket: SshSocket, exc: Exception) -> Unreachable:
    """Say what answered instead of a usable SSH server."""
    heard = socket.preamble
    if isinstance(exc, paramiko.ssh_exception.IncompatiblePeer):
        reason, text, passing = "no-common-algorithm", f"no algorithm in common: {exc}", False
    elif not heard:
        reason, text, passing = "closed-early", "closed the connection without an SSH banner", True
    elif not transport.remote_version:
        shown = heard[:_SHOWN].decode("utf-8", "replace")
        passing = b"MaxStartups" in heard or b"Not allowed at this time" in heard
        reason = "busy" if passing else "no-banner"
        text = f"no SSH banner, but {shown!r}"
    else:
        reason, text, passing = "kex-failed", f"key exchange failed: {exc or 'connection closed'}", True
    return Unreachable(text, reason=reason, phase=Phase.HANDSHAKE, transient=passing)
