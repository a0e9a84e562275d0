"""Find the user and the credentials for a host in flags, variables, `ssh` arguments and settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runner.connection.auth.credentials import Login
from runner.connection.auth.named import Named
from runner.connection.target.variables import named_text, pick, variable
from runner.connection.transport.faults import own_name
from runner.models import Secret

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from runner.connection.ssh_config.options import SshOptions
    from runner.connection.target.jump import Jump
    from runner.models import Host

__all__ = ["KEY_FILES", "login_of", "login_of_jump"]

_PASSWORDS = ("ansible_password", "ansible_ssh_password", "ansible_ssh_pass")
KEY_FILES = ("ansible_private_key_file", "ansible_ssh_private_key_file")
"""The variables that name a private key file."""

_KEY_TEXTS = ("ansible_private_key", "ansible_ssh_private_key")
_PASSPHRASES = ("ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase")


def login_of(host: Host, options: ConnectionOptions, arguments: SshOptions, config: SshOptions) -> Login:
    """Return the user and the credentials for a host.

    A password or key file in the inventory may be a list: its items are tried in order, for example while a
    password is being changed.

    Raises:
        InvalidVariable: A variable has an invalid value.
    """
    files = pick(options, "private_keys", _items(host, KEY_FILES), arguments.identities) or ()
    secrets = _items(host, _PASSWORDS)
    if options.is_forced("password") or secrets is None:
        secrets = (options.password,) if options.password else ()
    keys = [Named("", key_file=named_text("private key", file)) for file in files]
    inline = variable(host, _KEY_TEXTS) if not options.is_forced("private_keys") else None
    if inline is not None:
        keys.append(Named("the variables", key_text=_secret(inline)))
    names = (
        ["password"] if len(secrets) == 1 else [f"password {place}" for place in range(1, len(secrets) + 1)]
    )
    passwords = [Named(name, password=_secret(each)) for name, each in zip(names, secrets, strict=True)]
    passphrase = variable(host, _PASSPHRASES)
    return Login(
        user=config.user or own_name(),
        named=(*keys, *passwords, *options.credentials),
        identities=tuple(
            file for file in config.identities or () if file not in (arguments.identities or ())
        ),
        certificates=config.certificates or (),
        identities_only=bool(config.identities_only),
        agent=_agent(config),
        passphrases=(*options.passphrases, *(() if passphrase is None else (_secret(passphrase),))),
        code=options.code,
        methods=options.methods,
    )


def login_of_jump(jump: Jump, given: ConnectionOptions, config: SshOptions) -> Login:
    """Return the user and the credentials for a jump host.

    As with `ssh -J`, the target's user, password and options do not apply. This run's keys do, unless a key
    file was named for the jump host itself.
    """
    files = (jump.identity,) if jump.identity else given.private_keys
    return Login(
        user=jump.user or config.user or own_name(),
        named=tuple(Named("", key_file=file) for file in files),
        identities=config.identities or (),
        certificates=config.certificates or (),
        identities_only=bool(config.identities_only),
        agent=_agent(config),
        passphrases=given.passphrases,
        code=given.code,
        methods=config.methods or given.methods,
    )


def _agent(config: SshOptions) -> str:
    return os.environ.get("SSH_AUTH_SOCK", "") if config.agent is None else config.agent


def _items(host: Host, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return the items of a variable that may be a list; None if it is not set."""
    value = variable(host, names)
    if value is None:
        return None
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(str(value))
