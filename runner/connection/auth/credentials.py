"""What one can log in with, in the order in which it is tried: keys, certificates, passwords, codes."""

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
    """Who logs in, and with what.

    Attributes:
        user: Login name.
        named: What was named to log in with, in the order in which it is tried.
        identities: Private key files to try where no key was named; one that cannot be used is passed over.
        certificates: Files of certificates for any of these keys, beside those that stand next to them.
        identities_only: Whether neither the agent's other keys nor those in the usual files are tried.
        agent: Socket of the agent; empty is no agent.
        passphrases: What may open private keys.
        code: A one-time code, for prompts that ask for one.
        methods: Ways to log in that may be used.
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
        """The password that is tried first, where there is one."""
        return next((each.password for each in self.named if each.password), None)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets of a login that a host could repeat, except a password that is the user's name."""
        found = (*(each.password for each in self.named), self.code)
        return tuple(each for each in found if each and each.reveal() not in self.users)

    @property
    def private_key(self) -> str | None:
        """The private key file that is tried first, where one was named."""
        return next((each.key_file for each in self.named if each.key_file), None)

    @property
    def users(self) -> tuple[str, ...]:
        """Everybody who may log in, in the order in which they are tried.

        A connection is one user's (OpenSSH ends one on which the user changes).
        """
        return tuple(dict.fromkeys(each.user or self.user for each in self.named)) or (self.user,)


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A private key.

    Attributes:
        blob: Its public half, or its certificate: what it is known by.
        key: The key.
        name: What it is called in messages.
        named: Whether somebody named it, so that a further connection is worth it.
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
    """Nothing but the one-time code, for servers that ask for no password beside it."""

    name: str = field(default="one-time code", compare=False)
    named: bool = field(default=True, compare=False)


Credential = KeyCredential | PasswordCredential | CodeCredential


def credentials(login: Login, user: str, unusable: list[LoginRefused]) -> Iterator[Credential]:
    """Yield what a user may try: what was named, what `ssh_config` names, the agent's keys, the usual files.

    Servers count refusals (MaxAuthTries, 6 in OpenSSH), so a key that was named must not wait behind an agent
    full of others. Where one was named, no other is tried.

    Args:
        login: What there is to log in with.
        user: Who is to log in.
        unusable: Is given why a key that was named cannot be used.
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
    """Return the agent's key that is the same as that of an encrypted file."""
    blob = public_blob(path)
    for key in agent_keys(login.agent):
        if key.asbytes() == blob:
            return KeyCredential(blob, key, f"{key.get_name()} key from {path} in the agent")
    return None


def _found(login: Login) -> Iterator[KeyCredential]:
    """Yield what nobody named for this run, the agent's keys that `ssh_config` means first among its own."""
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
    """Yield the keys of files; one that is missing, or cannot be opened, is passed over."""
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
    """Yield a key with each certificate of it, and then the key itself, as ssh(1) does."""
    for path in files:
        other = certified(key, path)
        if other is not None:
            name = f"{key.get_name()} certificate from {path}"
            yield KeyCredential(_blob(other), other, name, named)
    yield KeyCredential(key.asbytes(), key, f"{key.get_name()} key from {source}", named)


def _blob(key: paramiko.PKey) -> bytes:
    certificate = getattr(key, "public_blob", None)
    return key.asbytes() if certificate is None else bytes(certificate.key_blob)
