"""Credentials in the order in which a login tries them: keys, certificates, passwords, one-time codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.auth.agent import agent_keys
from runner.connection.auth.key_files import certified, key_of_file, key_of_text, public_blob
from runner.errors import LoginRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import paramiko

    from runner.connection.auth.named import Named
    from runner.models import Secret

__all__ = [
    "CodeCredential",
    "Credential",
    "KeyCredential",
    "Login",
    "PasswordCredential",
    "credentials",
]

_DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")


@dataclass(frozen=True, slots=True)
class Login:
    """The user of a login and the credentials to try.

    Attributes:
        user: Login name.
        named: Credentials that were named explicitly, in the order in which they are tried.
        identities: Private key files to try if no key was named; a file that cannot be used is skipped.
        certificates: Certificate files for any of these keys, in addition to each key's own `-cert.pub` file.
        identities_only: Whether to try neither the agent's other keys nor the keys in the usual files.
        agent: Socket of the agent; empty means no agent.
        passphrases: Passphrases to try on encrypted private keys.
        code: A one-time code, for prompts that ask for one.
        methods: Authentication methods that may be used.
    """

    user: str
    named: tuple[Named, ...] = ()
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    agent: str = ""
    passphrases: tuple[Secret, ...] = ()
    code: Secret | None = None
    methods: tuple[str, ...] = ("publickey", "password", "keyboard-interactive")

    @property
    def password(self) -> Secret | None:
        """The password that is tried first, or None."""
        return next((each.password for each in self.named if each.password), None)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets that a host could repeat to us, except a password that equals a login name."""
        found = (*(each.password for each in self.named), self.code)
        return tuple(each for each in found if each and each.reveal() not in self.users)

    @property
    def private_key(self) -> str | None:
        """The named private key file that is tried first, or None."""
        return next((each.key_file for each in self.named if each.key_file), None)

    @property
    def users(self) -> tuple[str, ...]:
        """The login names, in the order in which they are tried.

        Each connection is for one user: OpenSSH ends a connection on which the user changes.
        """
        return tuple(dict.fromkeys(each.user or self.user for each in self.named)) or (self.user,)


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A private key.

    Attributes:
        blob: Its public half or its certificate, which identifies it.
        key: The key.
        name: Its name in messages.
        named: Whether it was named explicitly; then it is worth another connection.
    """

    blob: bytes
    key: paramiko.PKey = field(compare=False)
    name: str = field(compare=False)
    named: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """A password, for password and keyboard-interactive authentication."""

    password: Secret
    name: str = field(default="password", compare=False)
    named: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class CodeCredential:
    """The one-time code alone, for servers that ask for no password in addition."""

    name: str = field(default="one-time code", compare=False)
    named: bool = field(default=True, compare=False)


Credential = KeyCredential | PasswordCredential | CodeCredential


def credentials(login: Login, user: str, unusable: list[LoginRefused]) -> Iterator[Credential]:
    """Yield a user's credentials: named ones, those of `ssh_config`, the agent's keys, the usual files.

    Servers count refusals (MaxAuthTries, 6 in OpenSSH), so a named key must not wait behind an agent that
    holds many other keys. If a key was named, no other key is tried.

    Args:
        login: The login with its credentials.
        user: The login name.
        unusable: List to which the error of each named key that cannot be used is added.
    """
    for each in login.named:
        if (each.user or login.user) != user:
            continue
        if each.is_key:
            try:
                yield from _named_key(each, login)
            except LoginRefused as exc:
                unusable.append(exc)
        if each.password:
            yield PasswordCredential(each.password, each.name)
    if user == login.user and not any(each.is_key for each in login.named):
        yield from _found(login)
    if login.code is not None:
        yield CodeCredential()


def _named_key(named: Named, login: Login) -> Iterator[KeyCredential]:
    if named.key_text is not None:
        yield from _with_certificates(key_of_text(named.key_text, login.passphrases), named.name, (), True)
        return
    path = str(named.key_file)
    try:
        key = key_of_file(path, login.passphrases)
    except LoginRefused as exc:
        held = None if exc.reason != "key-encrypted" else _held(login, path)
        if held is None:
            raise
        yield held
        return
    yield from _with_certificates(key, path, (f"{path}-cert.pub", *login.certificates), True)


def _held(login: Login, path: str) -> KeyCredential | None:
    """Return the agent's key that matches an encrypted key file; None if there is none."""
    blob = public_blob(path)
    for key in agent_keys(login.agent):
        if key.asbytes() == blob:
            return KeyCredential(blob, key, f"{key.get_name()} key from {path} in the agent")
    return None


def _found(login: Login) -> Iterator[KeyCredential]:
    """Yield the keys that were not named for this run: from `ssh_config`, the agent and the usual files.

    With `identities_only`, an agent's key is tried only if one of the key or certificate files matches it.
    """
    held = agent_keys(login.agent)
    files = login.identities or (() if login.identities_only else _DEFAULT_KEYS)
    yield from _usable(login.identities, login)
    meant = {public_blob(path) for path in (*files, *login.certificates)}
    for key in held:
        if not login.identities_only or _blob(key) in meant or key.asbytes() in meant:
            yield KeyCredential(_blob(key), key, f"{key.get_name()} key from agent", named=False)
    if not login.identities:
        yield from _usable(files, login)


def _usable(paths: Iterable[str], login: Login) -> Iterator[KeyCredential]:
    """Yield the keys in files; skip a file that is missing or cannot be used."""
    for path in paths:
        if not Path(path).expanduser().is_file():
            continue
        try:
            key = key_of_file(path, login.passphrases)
        except LoginRefused:
            continue
        yield from _with_certificates(key, path, (f"{path}-cert.pub", *login.certificates), False)


def _with_certificates(
    key: paramiko.PKey, source: str, files: Iterable[str], named: bool
) -> Iterator[KeyCredential]:
    """Yield a key with each of its certificates, then the key alone, as ssh(1) does."""
    for path in files:
        other = certified(key, path)
        if other is not None:
            name = f"{key.get_name()} certificate from {path}"
            yield KeyCredential(_blob(other), other, name, named)
    yield KeyCredential(key.asbytes(), key, f"{key.get_name()} key from {source}", named)


def _blob(key: paramiko.PKey) -> bytes:
    certificate = getattr(key, "public_blob", None)
    return key.asbytes() if certificate is None else bytes(certificate.key_blob)
