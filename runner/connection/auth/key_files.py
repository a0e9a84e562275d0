"""Read private keys from files or text and decrypt them, each once per process."""

from __future__ import annotations

import base64
import binascii
import copy
import io
import os
import stat
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm

from runner.errors import LoginRefused
from runner.models import Phase
from runner.text import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.models import Secret

__all__ = ["WrongPassphrase", "certified", "is_encrypted", "key_of_file", "key_of_text", "public_blob"]

_MAGIC = b"openssh-key-v1\0"  # OpenSSH's PROTOCOL.key
_LONGEST_FILE = 2**20
_KINDS: dict[str, type[paramiko.PKey]] = {
    "RSA": paramiko.RSAKey,
    "EC": paramiko.ECDSAKey,
    "Ed25519": paramiko.Ed25519Key,
}

# With `lru_cache` alone, workers that start at the same time would each read the same key.
_lock = threading.Lock()


class WrongPassphrase(ValueError):
    """A key is encrypted, and none of the given passphrases opens it."""


def key_of_file(path: str, passphrases: Iterable[Secret] = ()) -> paramiko.PKey:
    """Return the private key in a file, without any certificate.

    Args:
        path: The file; `~` is the user's home folder.
        passphrases: Passphrases to try if the key is encrypted.

    Raises:
        LoginRefused: The key cannot be used; the error says why. ssh(1) would not use it either.
    """
    try:
        status = os.stat(os.path.expanduser(path))  # noqa: PTH111, PTH116 - for each host
        _check_file(path, status)
        content = _content(path, status.st_mtime_ns)
    except FileNotFoundError as exc:
        raise _unusable(path, "does not exist", "no-key-file") from exc
    except OSError as exc:
        raise _unusable(path, f"cannot be read: {exc.strerror or exc}", "no-key-file") from exc
    if status.st_mode & 0o077 and status.st_uid == os.getuid() and not _is_public(content):
        raise _unusable(path, f"can be read by others; chmod 600 {path}", "key-permissions")
    return _read(content, tuple(passphrases), path)


def key_of_text(text: Secret, passphrases: Iterable[Secret] = ()) -> paramiko.PKey:
    """Return the private key that a text holds.

    Raises:
        LoginRefused: The text does not hold a usable private key.
    """
    return _read(text.encoded().strip() + b"\n", tuple(passphrases), "in the variables")


def _read(content: bytes, passphrases: tuple[Secret, ...], what: str) -> paramiko.PKey:
    _check_kind(content, what)
    try:
        with _lock:
            return _parse(content, passphrases)
    except WrongPassphrase as exc:
        why = "is encrypted, and the passphrase is not right" if passphrases else "is encrypted"
        text = f"{why}; load it into ssh-agent with ssh-add, or set key_passphrase"
        raise _unusable(what, text, "key-encrypted") from exc
    except (
        Exception
    ) as exc:  # each key format raises different exceptions, TypeError and IndexError among them
        text, reason = "is not a private key that can be read", "bad-key-file"
        if b"PRIVATE KEY-----" in content:
            text = f"has a form or cipher unknown here: ssh-keygen -p -Z aes256-ctr -f {what} rewrites it"
            if isinstance(exc, UnsupportedAlgorithm):
                reason = "key-unsupported"
        raise _unusable(what, text, reason) from exc


def _check_kind(content: bytes, what: str) -> None:
    """Refuse a file that is known not to be a key for Paramiko, and say how to fix it.

    This check does not open the key: `cryptography` would print a warning, and would report an encrypted FIDO
    key as one that only needs its passphrase.
    """
    kind = _public_type(content)
    if content.startswith(b"PuTTY-User-Key-File"):
        text = f"is a key of PuTTY: convert it with puttygen {what} -O private-openssh -o NEW"
    elif _is_public(content):
        text = f"is a public key: name the private one, usually {what.removesuffix('.pub')}"
    elif kind == b"ssh-dss" or b"BEGIN DSA" in content:
        text = "is a DSA key, which current servers refuse: make another one with ssh-keygen -t ed25519"
    elif kind.startswith(b"sk-"):
        text = "is a FIDO key, which only ssh can use: set ansible_connection: openssh for the host"
        raise _unusable(what, text, "key-unsupported")
    else:
        return
    raise _unusable(what, text, "bad-key-file")


def _is_public(content: bytes) -> bool:
    return not content.startswith(b"-----") and bool(_public_type(content))


def _public_type(content: bytes) -> bytes:
    """Return the type of the public half of a key (`ssh-ed25519`); empty if it cannot be read."""
    try:
        return paramiko.Message(_public_part(content) or b"").get_binary()
    except (ValueError, IndexError, paramiko.SSHException):
        return b""


def is_encrypted(path: str, passphrases: Iterable[Secret] = ()) -> bool:
    """Tell whether a file is a private key that none of these passphrases opens; False if unreadable."""
    try:
        with _lock:
            _parse(_content(path, Path(path).expanduser().stat().st_mtime_ns), tuple(passphrases))
    except WrongPassphrase:
        return True
    except Exception:  # noqa: BLE001 - the login that uses the key reports the error
        return False
    return False


def public_blob(path: str) -> bytes | None:
    """Return the public half of a key without decrypting it, from the file itself or its `.pub` file."""
    file = Path(path).expanduser()
    for candidate in (file, file.with_name(file.name + ".pub")):
        try:
            found = _public_part(_bounded(str(candidate)))
        except (OSError, ValueError, paramiko.SSHException):
            continue
        if found:
            return found
    return None


def _public_part(content: bytes) -> bytes | None:
    if content.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----"):
        body = base64.b64decode(b"".join(content.split(b"-----")[2].split()))
        if not body.startswith(_MAGIC):
            return None
        message = paramiko.Message(body[len(_MAGIC) :])
        for _ in range(3):  # cipher, key derivation, its options
            message.get_binary()
        message.get_int()
        return message.get_binary()
    words = content.split(None, 2)
    if len(words) < 2 or not words[0].startswith((b"ssh-", b"ecdsa-", b"sk-")):  # noqa: PLR2004 - type and key
        return None
    try:
        return base64.b64decode(words[1], validate=True)
    except binascii.Error:
        return None


def certified(key: paramiko.PKey, path: str) -> paramiko.PKey | None:
    """Return a copy of a key with the certificate in a file; None if the file has none for this key.

    Raises:
        LoginRefused: The file is not a certificate.
    """
    try:
        text = _bounded(os.path.expanduser(path)).decode("ascii", "replace")  # noqa: PTH111 - as above
        blob = paramiko.pkey.PublicBlob.from_string(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, paramiko.SSHException) as exc:
        raise _unusable(path, "is not a certificate that can be read", "bad-key-file") from exc
    base = blob.key_type.removesuffix("-cert-v01@openssh.com")
    if base == blob.key_type or base != key.get_name() or key.asbytes()[4 + len(base) :] not in blob.key_blob:
        return None
    other = copy.copy(key)  # the key itself is tried, too
    other.public_blob = blob
    return other


def _bounded(file: str) -> bytes:
    """Read a file whose name may come from an inventory.

    Raises:
        OSError: It cannot be read, is not a regular file, or is too large for a key.
    """
    return reading.contents(file, _LONGEST_FILE)


def _check_file(path: str, status: os.stat_result) -> None:
    """Refuse a path that is not a regular file, or a file that is too large for a key."""
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST_FILE:
        raise _unusable(path, "is not a key file", "bad-key-file")


def _unusable(what: str, why: str, reason: str) -> LoginRefused:
    return LoginRefused(f"private key {what} {why}", reason=reason, phase=Phase.LOGIN)


@lru_cache(maxsize=256)
def _content(path: str, changed_ns: int) -> bytes:  # noqa: ARG001 - a replaced key is read again
    return _bounded(os.path.expanduser(path))  # noqa: PTH111 - as above


@lru_cache(maxsize=256)
def _parse(content: bytes, passphrases: tuple[Secret, ...]) -> paramiko.PKey:
    """Read a key in any format: OpenSSH's own, PEM, PKCS#8 (RFC 5958), encrypted or not.

    `cryptography` converts each of them to OpenSSH's format without a passphrase, which every version of
    Paramiko reads in the same way.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - Paramiko has already loaded it

    key = _opened(content, passphrases)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode("ascii")
    for name, kind in _KINDS.items():
        if name in type(key).__name__:
            return kind.from_private_key(io.StringIO(text))
    raise ValueError(f"a key of type {type(key).__name__}")


def _opened(content: bytes, passphrases: tuple[Secret, ...]) -> Any:
    try:
        return _load(content, None)
    except (
        TypeError,
        ValueError,
    ) as exc:  # cryptography reports "encrypted" like this: a ValueError before version 45
        if isinstance(exc, ValueError) and "password" not in str(exc):
            raise
        for passphrase in passphrases:
            try:
                return _load(content, passphrase.encoded())
            except ValueError:
                continue
    raise WrongPassphrase


def _load(content: bytes, passphrase: bytes | None) -> Any:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    if b"BEGIN OPENSSH" in content:
        return serialization.load_ssh_private_key(content, passphrase)
    return serialization.load_pem_private_key(content, passphrase)
