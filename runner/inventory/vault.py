"""Ansible Vault: decrypt values and files that were encrypted with a password (formats 1.1 and 1.2).

The format is documented under "Format of files encrypted with Ansible Vault": PBKDF2-HMAC-SHA256 with 10,000
rounds derives a cipher key, a check key and a counter from the password and the salt; AES-256 in counter mode
encrypts the text.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import Error as HexError
from binascii import unhexlify
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import InventoryError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.models import Secret

__all__ = ["DEFAULT_ID", "Vault"]

DEFAULT_ID = "default"
"""The vault id of a password that was given without one."""

_ROUNDS = 10_000
_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Vault:
    """The passwords of one load.

    Attributes:
        passwords: Returns the password of each vault id; called at most once, when a text must be decrypted.
    """

    passwords: Mapping[str, Callable[[], Secret]]
    _told: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def decrypt(self, envelope: str, where: str) -> bytes:
        """Decrypt a text: try the password of its label first, then the others.

        Args:
            envelope: The text that begins with `$ANSIBLE_VAULT;`.
            where: The file or variable, for messages.

        Raises:
            InventoryError: It is damaged, or no password decrypts it.
            MissingExtra: `cryptography` is not installed.
        """
        header, _, body = envelope.strip().partition("\n")
        label = _label(header, where)
        salt, digest, ciphertext = _payload(body, where)
        for vault_id in sorted(self.passwords, key=lambda each: each != label):
            keys = hashlib.pbkdf2_hmac("sha256", self._password(vault_id), salt, _ROUNDS, 80)
            if hmac.compare_digest(hmac.new(keys[32:64], ciphertext, hashlib.sha256).digest(), digest):
                return _decipher(keys[:32], keys[64:], ciphertext)
        tried = ", ".join(self.passwords) or "none"
        raise InventoryError(f"no vault password opens this (label {label!r}; tried: {tried})", path=where)

    def _password(self, vault_id: str) -> bytes:
        if vault_id not in self._told:
            self._told[vault_id] = self.passwords[vault_id]().reveal().encode()
        return self._told[vault_id]


def _label(header: str, where: str) -> str:
    """Read the vault id of a header `$ANSIBLE_VAULT;1.2;AES256;label`."""
    parts = [part.strip() for part in header.split(";")]
    if len(parts) not in (3, 4) or parts[0] != "$ANSIBLE_VAULT":
        raise InventoryError("not a vault: expected $ANSIBLE_VAULT;1.1;AES256", path=where, text=header[:40])
    if parts[1] not in ("1.1", "1.2") or parts[2] != "AES256":
        message = (
            f"vault version {parts[1]} with {parts[2]} is not supported; use version 1.1 or 1.2 with AES256"
        )
        raise InventoryError(message, path=where)
    return parts[3] if len(parts) == 4 else DEFAULT_ID  # noqa: PLR2004


def _payload(body: str, where: str) -> tuple[bytes, bytes, bytes]:
    """Split the text after the header into salt, digest and ciphertext; each is hex-encoded twice."""
    try:
        inner = unhexlify("".join(body.split()))
        salt, digest, ciphertext = (unhexlify(part) for part in inner.split(b"\n", 2))
    except (HexError, ValueError) as exc:
        raise InventoryError(
            "a damaged vault: expected hexadecimal digits after the header", path=where
        ) from exc
    return salt, digest, ciphertext


def _decipher(key: bytes, counter: bytes, ciphertext: bytes) -> bytes:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
    except ImportError as exc:
        raise MissingExtra("an encrypted inventory", "vault") from exc
    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return padded[: -padded[-1]] if padded and padded[-1] <= _BLOCK else padded
