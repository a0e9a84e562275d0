"""Check whether an authority on record certifies a host's key (OpenSSH's PROTOCOL.certkeys).

Paramiko negotiates a certificate and checks that the host holds its key. This module checks who signed it,
for which hosts, and when it is valid.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["SUFFIX", "authority_of", "fault"]

SUFFIX = "-cert-v01@openssh.com"
"""The suffix of the type names of certificates."""

_STRONG_RSA = (b"rsa-sha2-256", b"rsa-sha2-512")


def authority_of(blob: bytes) -> str | None:
    """Return the authority's key in a certificate, in base64; None if this is not a certificate."""
    try:
        return _authority(_read(blob))
    except Exception:  # noqa: BLE001 - data from a hostile server may fail in any way
        return None


def fault(blob: bytes, host: str, authorities: Collection[str], now: float) -> str | None:
    """Return why a host's certificate does not vouch for it; None if it does.

    Args:
        blob: The certificate that the host has shown.
        host: The host's name, without a port.
        authorities: The keys of the authorities that may sign for the host, in base64.
        now: Seconds since 1970.
    """
    try:
        certificate = _read(blob)
        authority = _authority(certificate)
        why = _signature_fault(certificate, blob)
    except Exception:  # noqa: BLE001 - as above
        return "it cannot be read, or its signature is not right"
    if authority not in authorities:
        return "its authority is not on record"
    return why or _scope_fault(certificate, host, now)


def _read(blob: bytes) -> Any:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few hosts have certificates

    size = int.from_bytes(blob[:4], "big")
    text = blob[4 : 4 + size] + b" " + base64.b64encode(blob)
    certificate = serialization.load_ssh_public_identity(text)
    if not isinstance(certificate, serialization.SSHCertificate):
        raise TypeError("a key, not a certificate")
    return certificate


def _authority(certificate: Any) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    line = certificate.signature_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return str(line.split()[1].decode())


def _signature_fault(certificate: Any, blob: bytes) -> str | None:
    """Check the authority's signature; raise if it is wrong, return a fault if it uses SHA-1."""
    certificate.verify_cert_signature()
    bits = getattr(certificate.signature_key(), "key_size", 0)
    if "RSA" in type(certificate.signature_key()).__name__:
        kind = blob[: -(4 + (bits + 7) // 8)]
        if not kind.endswith(_STRONG_RSA):
            return "it is signed with SHA-1"
    return None


def _scope_fault(certificate: Any, host: str, now: float) -> str | None:
    """Return why it is not valid for this host now; one without principals is for every host."""
    principals = [name.decode("utf-8", "replace") for name in certificate.valid_principals]
    if certificate.type.name != "HOST":
        return "it is a user's, not a host's"
    if certificate.critical_options:
        return "it has critical options, which are not supported here"
    if now < certificate.valid_after:
        return "it is not valid yet"
    if now >= certificate.valid_before:
        return "it has expired"
    if principals and host.lower() not in principals:
        return f"it is for {excerpt(', '.join(principals))}, not for {host}"
    return None
