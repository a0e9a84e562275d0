"""What one can log in with: key files, the agent's keys, passwords; each loaded once a process."""

from __future__ import annotations

import io
import os
import stat
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from runner.connection.agent import agent_keys
from runner.errors import LoginRefused
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.connection.access import Login
    from runner.models import Secret

__all__ = ["Credential", "KeyCredential", "PasswordCredential", "credentials"]

_DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")

# With `lru_cache` alone, every worker that starts at once would read the same key.
_key_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A private key, and where it comes from."""

    key: paramiko.PKey
    source: str


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """A password, for password and keyboard-interactive authentication."""

    password: Secret


Credential = KeyCredential | PasswordCredential


def credentials(login: Login) -> Iterator[Credential]:
    """Yield what may be tried: what was named, what `ssh_config` names, the agent's keys, the usual files.

    Servers count refusals (MaxAuthTries, 6 in OpenSSH), so a key that was named must not wait behind an agent
    full of others.

    Raises:
        LoginRefused: The key file that was asked for cannot be used.
    """
    if login.private_key is not None:
        yield KeyCredential(_named_key(login.private_key), login.private_key)
    if login.password:
        yield PasswordCredential(login.password)
    if login.private_key is None:
        yield from _usable(login.identities)
        for key in agent_keys(os.environ.get("SSH_AUTH_SOCK", "")):
            yield KeyCredential(key, "agent")
        yield from _usable(path for path in _DEFAULT_KEYS if path not in login.identities)


def _usable(paths: Iterable[str]) -> Iterator[KeyCredential]:
    for path in paths:
        key = _default_key(path)
        if key is not None:
            yield KeyCredential(key, path)


def _named_key(path: str) -> paramiko.PKey:
    try:
        status = Path(path).expanduser().stat()
        _check_mode(path, status)
        with _key_lock:
            return _read_key(path, status.st_mtime_ns)
    except FileNotFoundError as exc:
        raise _unusable(path, "does not exist", "no-key-file") from exc
    except OSError as exc:
        raise _unusable(path, f"cannot be read: {exc.strerror or exc}", "no-key-file") from exc
    except (
        paramiko.PasswordRequiredException,
        TypeError,
    ) as exc:  # cryptography's word for "encrypted" is TypeError
        raise _unusable(path, "is encrypted; load it into ssh-agent with ssh-add", "key-encrypted") from exc
    except (
        paramiko.SSHException,
        paramiko.pkey.UnknownKeyType,
        ValueError,
        IndexError,
        StopIteration,
    ) as exc:
        raise _unusable(path, "is no private key that can be read", "bad-key-file") from exc


def _check_mode(path: str, status: os.stat_result) -> None:
    """Refuse a key that others can read, and what is no file at all, as ssh(1) does."""
    if not stat.S_ISREG(status.st_mode):
        raise _unusable(path, "is no file", "bad-key-file")
    if status.st_uid == os.getuid() and status.st_mode & 0o077:
        raise _unusable(path, f"can be read by others; chmod 600 {path}", "key-permissions")


def _unusable(path: str, what: str, reason: str) -> LoginRefused:
    return LoginRefused(f"private key {path} {what}", reason=reason, phase=Phase.LOGIN)


def _default_key(path: str) -> paramiko.PKey | None:
    """Return a key file's key; None where there is none that can be used as it is."""
    if not Path(path).expanduser().is_file():
        return None
    try:
        return _named_key(path)
    except LoginRefused:
        return None


@lru_cache(maxsize=256)
def _read_key(path: str, changed_ns: int) -> paramiko.PKey:  # noqa: ARG001 - a key that was replaced is read anew
    try:
        return paramiko.PKey.from_path(Path(path).expanduser())
    except paramiko.PasswordRequiredException:
        raise
    except paramiko.SSHException:
        return _read_portable(path)


def _read_portable(path: str) -> paramiko.PKey:
    """Read a key in PKCS#8 form (RFC 5958), which Paramiko does not read, by way of OpenSSH's own."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few keys need it

    key = serialization.load_pem_private_key(Path(path).expanduser().read_bytes(), None)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode("ascii")
    kinds: dict[str, type[paramiko.PKey]] = {
        "RSA": paramiko.RSAKey,
        "EC": paramiko.ECDSAKey,
        "Ed25519": paramiko.Ed25519Key,
    }
    for name, kind in kinds.items():
        if name in type(key).__name__:
            return kind.from_private_key(io.StringIO(text))
    raise paramiko.SSHException(f"a key of type {type(key).__name__}")
