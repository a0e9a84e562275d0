"""Find a host's keys: ask for each type on a separate connection, without a login (ssh-keyscan(1))."""

from __future__ import annotations

import base64
import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.connection.host_keys import known_hosts
from runner.connection.host_keys.certificates import authority_of, fault
from runner.connection.host_keys.known_hosts import fingerprint
from runner.connection.options import HostKeyPolicy
from runner.connection.ssh import SshConnection
from runner.connection.target.access import access

if TYPE_CHECKING:
    import paramiko

    from runner.connection.deadline import Deadline
    from runner.connection.host_keys.known_hosts import KnownHosts
    from runner.connection.options import ConnectionOptions
    from runner.connection.target.access import LoginTarget
    from runner.models import Endpoint, Host

__all__ = ["ShownKey", "shown_keys"]

_FAMILIES = (
    frozenset({"ssh-ed25519"}),
    frozenset(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)),
    frozenset({"ssh-rsa"}),
)


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key that a host has shown, compared with the keys on record.

    Attributes:
        name: How `known_hosts` names the host.
        file: The file in which new keys of this host are recorded; None if there is none.
        key_type: The key's type.
        blob: The key, in base64.
        known: `new`, `same`, `changed`, `revoked`, or `certificate` if an authority vouches for it.
        places: The lines with other keys of this host, which it did not show.
        replaces: Types of the keys on these lines.
    """

    name: str
    file: str | None
    key_type: str
    blob: str
    known: str
    places: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Its fingerprint, as OpenSSH prints it."""
        return fingerprint(base64.b64decode(self.blob))


def shown_keys(host: Host, options: ConnectionOptions, deadline: Deadline) -> tuple[ShownKey, ...]:
    """Ask a host for each of its keys.

    This logs in to the jump hosts on the way, whose keys must be known.

    Raises:
        HostError: The host cannot be reached.
    """
    target = access(host, options)
    known = known_hosts.load(target.options.read_known_hosts)
    keys = _keys(target, deadline)
    return tuple(_judged(keys, known, target))


def _keys(target: LoginTarget, deadline: Deadline) -> list[paramiko.PKey]:
    # No file is checked here, so that revoked keys are shown, too; `_judged` checks them.
    guard = dataclasses.replace(target.options.guard, known_hosts=())
    unchecked = dataclasses.replace(
        target.options, host_key_policy=HostKeyPolicy.OFF, known_hosts=(), guard=guard
    )
    found: dict[bytes, paramiko.PKey] = {}
    for family in _FAMILIES:
        if {key.get_name() for key in found.values()} & family:
            continue  # the host showed it before, in place of a type that it does not have
        connection = SshConnection(dataclasses.replace(target, options=unchecked), deadline)
        try:
            key = connection.host_key(family)
        finally:
            connection.close()
        if getattr(found.get(key.asbytes()), "public_blob", None) is None:
            found[key.asbytes()] = key
    return list(found.values())


def _judged(keys: list[paramiko.PKey], known: KnownHosts, target: LoginTarget) -> list[ShownKey]:
    place = target.known_as
    on_record = known.places(place.address, place.port)
    shown = {base64.b64encode(key.asbytes()).decode(): key for key in keys}
    proven = any(entry.blob in shown for entry in on_record)
    found = []
    for blob, key in shown.items():
        others = [
            entry
            for entry in on_record
            if entry.blob not in shown and (entry.key_type == key.get_name() or not proven)
        ]
        found.append(
            ShownKey(
                name=known_hosts.host_pattern(place.address, place.port),
                file=next(iter(target.options.read_known_hosts), None),
                key_type=key.get_name(),
                blob=blob,
                known=_verdict(key, blob, known, place, changed=bool(others)),
                places=tuple(sorted({entry.place for entry in others})),
                replaces=tuple(sorted({entry.key_type for entry in others})),
            )
        )
    return found


def _verdict(key: paramiko.PKey, blob: str, known: KnownHosts, place: Endpoint, *, changed: bool) -> str:
    certificate = getattr(key, "public_blob", None)
    signer = None if certificate is None else authority_of(certificate.key_blob)
    if any(known.revoked(place.address, place.port, each) for each in (blob, signer) if each):
        return "revoked"
    verdict, _ = known.check(place.address, place.port, blob)
    if verdict is known_hosts.Verdict.KNOWN:
        return "same"
    authorities = {entry.blob for entry in known.authorities(place.address, place.port)}
    if certificate is not None and not fault(certificate.key_blob, place.address, authorities, time.time()):
        return "certificate"
    return "changed" if changed else "new"
