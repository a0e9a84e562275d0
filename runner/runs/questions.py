"""Ask the operator for secrets before any host is contacted: passwords, a one-time code, key passphrases.

Workers must not ask: many of them would ask at once, in the middle of a run.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from runner.errors import HostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.connection.options import ConnectionOptions
    from runner.models import Host, Secret
    from runner.settings import Settings

__all__ = ["Ask", "login_secrets", "nobody", "passwords"]


class Ask(Protocol):
    """Asks the operator for a secret; raises `UsageError` without an answer."""

    def __call__(self, what: str) -> Secret:
        """Return the answer."""


def nobody(what: str) -> NoReturn:
    """Refuse to ask: a script has no operator.

    Raises:
        UsageError: Always.
    """
    raise UsageError(f"a script cannot ask the operator ({what}): give the value as a keyword")


def passwords(settings: Settings, ask: Ask) -> Settings:
    """Ask for the passwords that the settings request; return the settings with them.

    Raises:
        UsageError: The operator gave no answer.
    """
    if settings.ask_pass:
        settings = settings.answered("password", ask("SSH password"))
    if settings.ask_become_pass:
        settings = settings.answered("become_password", ask("Password of --become"))
    return settings


def login_secrets(settings: Settings, ask: Ask, hosts: Iterable[Host]) -> Settings:
    """Ask for the secrets of these logins (one-time code, key passphrases); return the settings with them.

    If there is a terminal, ask for the passphrase of each named encrypted key that is neither in the agent
    nor opened by a known passphrase. An empty answer skips the key.

    Raises:
        UsageError: A passphrase does not open its key, or the operator gave no answer.
    """
    if settings.dry_run:
        return settings
    if settings.ask_code:
        settings = settings.answered("code", ask("One-time code"))
    if ask is nobody or not (sys.stdin is not None and sys.stdin.isatty()):
        return settings
    opened = list(settings.key_passphrase)
    for path in _locked(settings.connection_options(), hosts):
        passphrase = _passphrase(path, opened, ask)
        if passphrase is not None:
            opened.append(passphrase)
    return replace(settings, key_passphrase=tuple(opened))


def _passphrase(path: str, known: list[Secret], ask: Ask) -> Secret | None:
    from runner.connection.auth.key_files import is_encrypted  # noqa: PLC0415 - not needed to list tasks

    if not is_encrypted(path, known):
        return None
    answer = ask(f"Passphrase of {path}")
    if not answer:
        return None
    if is_encrypted(path, (answer,)):
        raise UsageError(f"the passphrase of {path} is not right")
    return answer


def _locked(options: ConnectionOptions, hosts: Iterable[Host]) -> list[str]:
    """Return the encrypted keys that the login of any host names and that no agent holds."""
    from runner.connection.auth.agent import agent_keys  # noqa: PLC0415 - as above
    from runner.connection.auth.key_files import is_encrypted, public_blob  # noqa: PLC0415 - as above
    from runner.connection.target.access import access  # noqa: PLC0415 - as above

    found: dict[str, str] = {}
    for host in _different(options, hosts):
        try:
            login = access(host, options).login
        except HostError:  # reported later, as the result of that host
            continue
        named = [each.key_file for each in login.named if each.key_file is not None]
        for path in named or login.identities:
            found.setdefault(path, login.agent)
    return [
        path
        for path, agent in found.items()
        if Path(path).expanduser().is_file()
        and is_encrypted(path, options.passphrases)
        and public_blob(path) not in [key.asbytes() for key in agent_keys(agent)]
    ]


def _different(options: ConnectionOptions, hosts: Iterable[Host]) -> Iterator[Host]:
    """Yield each host that may have different keys, and one representative of all others."""
    from runner.connection.ssh_config.arguments import ARGUMENTS  # noqa: PLC0415 - as above
    from runner.connection.ssh_config.host_config import KEYS, mentions  # noqa: PLC0415 - as above
    from runner.connection.target.logins import KEY_FILES  # noqa: PLC0415 - as above

    usual = mentions(options.ssh_config, KEYS) is False
    own = ARGUMENTS.union(KEY_FILES)
    other = False
    for host in hosts:
        if not usual or not own.isdisjoint(host.variables):
            yield host
        elif not other:
            other = True
            yield host
