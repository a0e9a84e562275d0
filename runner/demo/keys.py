"""Host keys of the demo devices, derived from public values on purpose.

A demo should not ask a new user to switch host key checking off. If it generated keys at the first run, it
could not come with a `known_hosts` file. So each device's Ed25519 key is derived from a phrase in this file
and the device's name. These keys are not secret: any reader of this file can impersonate a demo device, but
the devices listen only on loopback and hold no data.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["known_hosts_line", "private_key", "public_key"]

_PHRASE = "invoke-runner demo fleet: this key is public"


def private_key(name: str) -> bytes:
    """Return the host key of the device called `name`, in OpenSSH's private key format."""
    return _derive(name).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def public_key(name: str) -> str:
    """Return the public key as `ssh-ed25519 AAAA…`."""
    encoded = (
        _derive(name)
        .public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    )
    return encoded.decode("ascii")


def known_hosts_line(name: str, address: str, port: int) -> str:
    """Return the line of a `known_hosts` file for a device, as sshd(8) describes it under SSH_KNOWN_HOSTS."""
    place = address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004 - known_hosts omits the default port
    return f"{place} {public_key(name)}"


def _derive(name: str) -> Ed25519PrivateKey:
    seed = hashlib.sha256(f"{_PHRASE}\n{name}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)
