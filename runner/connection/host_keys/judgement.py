"""Check a host's key against the keys on record, and apply the policy for unknown keys."""

from __future__ import annotations

import base64
import logging
import shlex
import time
from typing import TYPE_CHECKING

from runner.connection.host_keys import known_hosts
from runner.connection.host_keys.certificates import authority_of, fault
from runner.connection.host_keys.known_hosts import Verdict, fingerprint
from runner.connection.host_keys.revoked_keys import UnreadableList, revoked
from runner.connection.options import HostKeyPolicy
from runner.errors import HostKeyRejected
from runner.models import Phase

if TYPE_CHECKING:
    import paramiko

    from runner.connection.host_keys.known_hosts import KnownHosts
    from runner.connection.host_keys.lines import Entry
    from runner.connection.options import ConnectionOptions
    from runner.models import Endpoint

__all__ = ["OtherTypeOnRecord", "judge"]

logger = logging.getLogger(__name__)


class OtherTypeOnRecord(HostKeyRejected):
    """The host showed a key of a type that is not on record; it was not asked for the types on record.

    Attributes:
        types: The types on record.
    """

    types: frozenset[str] = frozenset()


def judge(
    key: paramiko.PKey,
    known: KnownHosts,
    target: Endpoint,
    options: ConnectionOptions,
    asked: frozenset[str],
) -> None:
    """Accept or reject the key that a host has shown.

    Args:
        key: The key.
        known: The keys on record.
        target: The host.
        options: The options, with the policy for a key that is not on record.
        asked: The types of key that the host was asked for first.

    Raises:
        HostKeyRejected: The key is revoked, not the one on record, or unknown while the policy is strict.
        OtherTypeOnRecord: The host must first be asked for the types on record.
    """
    _look_for_revoked(key, options)
    blob = base64.b64encode(key.asbytes()).decode()
    entry = known.revoked(target.address, target.port, blob)
    if entry is not None:
        raise _rejected(Verdict.REVOKED, key, [entry], target)
    policy = options.host_key_policy
    if policy is HostKeyPolicy.OFF:
        return
    certified = _certified(key, known, target)
    if certified is None:
        return
    verdict, against = known.check(target.address, target.port, blob)
    if verdict is Verdict.KNOWN:
        return
    if verdict is Verdict.UNKNOWN and policy is HostKeyPolicy.ACCEPT_NEW:
        _record(target, key.get_name(), blob, options)
        return
    types = frozenset(entry.key_type for entry in against)
    if verdict is Verdict.CHANGED and key.get_name() not in types and types != asked:
        other = OtherTypeOnRecord(
            "another type is on record", reason="hostkey-changed", phase=Phase.HANDSHAKE
        )
        other.types = types
        raise other
    raise _rejected(verdict, key, against, target, certified)


def _look_for_revoked(key: paramiko.PKey, options: ConnectionOptions) -> None:
    """Refuse a key in a list of revoked keys, whatever is on record, even if the policy is `off`.

    Raises:
        HostKeyRejected: The key or its authority is revoked, or a list cannot be read.
    """
    certificate = getattr(key, "public_blob", None)
    authority = authority_of(certificate.key_blob) if certificate is not None else None
    shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
    for file in options.read_revoked_host_keys:
        try:
            if not revoked(file, key.asbytes(), base64.b64decode(authority or "")):
                continue
            text = f"the host key is revoked in {file}: {shown}"
        except UnreadableList as exc:
            text = f"no host key is accepted, because RevokedHostKeys cannot be checked: {exc}"
        raise HostKeyRejected(text, reason="hostkey-revoked", phase=Phase.HANDSHAKE)


def _certified(key: paramiko.PKey, known: KnownHosts, target: Endpoint) -> str | None:
    """Return why the certificate of a key does not vouch for it, empty if it has none; None if it does.

    A certificate that does not vouch for the key is ignored: as with OpenSSH, the key may still be on record
    by itself.

    Raises:
        HostKeyRejected: The authority is revoked.
    """
    certificate = getattr(key, "public_blob", None)
    if certificate is None:
        return ""
    entry = known.revoked(target.address, target.port, authority_of(certificate.key_blob) or "")
    if entry is not None:
        raise _rejected(Verdict.REVOKED, key, [entry], target)
    authorities = {entry.blob for entry in known.authorities(target.address, target.port)}
    return fault(certificate.key_blob, target.address, authorities, time.time())


def _record(target: Endpoint, key_type: str, blob: str, options: ConnectionOptions) -> None:
    try:
        path = options.read_known_hosts[0]
        known_hosts.record(path, target.address, target.port, key_type, blob)
    except IndexError:
        logger.warning("the new key of %s was not recorded: no known_hosts file is set", target)
    except OSError as exc:
        logger.warning("%s: the new key of %s was not recorded: %s", path, target, exc.strerror)


def _rejected(
    verdict: Verdict, key: paramiko.PKey, against: list[Entry], target: Endpoint, certificate: str = ""
) -> HostKeyRejected:
    shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
    where = ", ".join(sorted({entry.place for entry in against}))
    name = known_hosts.host_pattern(target.address, target.port)
    if verdict is Verdict.REVOKED:
        text, reason = f"the host key is revoked in {where}: {shown}", "hostkey-revoked"
    elif verdict is Verdict.CHANGED:
        reason = "hostkey-changed"
        text = (
            f"remote host identification has changed, an attacker may be listening: it shows {shown}, "
            f"{where} has another; if the host was reinstalled: runner trust --replace-changed, or "
            f"ssh-keygen -f {shlex.quote(against[0].place.rpartition(':')[0])} -R {shlex.quote(name)}"
        )
    elif certificate:
        reason = "hostkey-certificate"
        text = f"the host's certificate does not vouch for it, {certificate}; its key {shown} is not known"
    else:
        reason = "hostkey-unknown"
        text = (
            f"the host key is not known: {shown}; after checking it, record it with "
            "`runner trust`, or connect with --host-key-policy accept-new"
        )
    return HostKeyRejected(text, reason=reason, phase=Phase.HANDSHAKE)
