"""Login over a transport whose host key has been accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paramiko

from runner.connection.credentials import KeyCredential, credentials
from runner.errors import LoginRefused, Unreachable
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.connection.credentials import Credential
    from runner.connection.options import Login

__all__ = ["log_in"]


def log_in(transport: paramiko.Transport, login: Login) -> None:
    """Offer one credential after the other until the server lets the user in.

    Raises:
        LoginRefused: None was taken, or there was none.
        Unreachable: The connection ended before the server had refused any.
    """
    offered: list[str] = []
    allowed: Sequence[str] = ()
    for credential in credentials(login):
        if allowed and _method(credential) not in allowed and "keyboard-interactive" not in allowed:
            continue
        name = _name(credential)
        try:
            wanted = _offer(transport, login.user, credential)
        except paramiko.BadAuthenticationType as exc:
            allowed = exc.allowed_types
            offered.append(f"{name} (the server takes only {', '.join(allowed)})")
        except paramiko.AuthenticationException as exc:
            offered.append(name)
            _check_alive(transport, login, offered, exc)
        except (paramiko.SSHException, EOFError, OSError) as exc:
            _check_alive(transport, login, offered, exc)
            offered.append(f"{name} ({exc})")
        else:
            if transport.is_authenticated():
                return
            allowed = wanted
            offered.append(f"{name} (taken, and then the server wants {', '.join(wanted)})")
    raise _refused(login, offered)


def _offer(transport: paramiko.Transport, user: str, credential: Credential) -> Sequence[str]:
    """Try one credential; return the methods that the server still wants after it."""
    if isinstance(credential, KeyCredential):
        return transport.auth_publickey(user, credential.key)
    return transport.auth_password(user, credential.password.reveal())


def _method(credential: Credential) -> str:
    return "publickey" if isinstance(credential, KeyCredential) else "password"


def _name(credential: Credential) -> str:
    if isinstance(credential, KeyCredential):
        return f"{credential.key.get_name()} key from {credential.source}"
    return "password"


def _check_alive(transport: paramiko.Transport, login: Login, offered: list[str], exc: BaseException) -> None:
    """Tell a refusal from a dead connection: Paramiko raises the same classes for both.

    A server that has refused one credential and then hangs up has refused the login (MaxAuthTries); one that
    hangs up at once has not judged it.
    """
    if transport.is_active():
        return
    if len(offered) > 1 or (offered and str(exc) == "Authentication failed."):
        raise _refused(login, offered) from exc
    raise Unreachable(
        f"the connection ended during login as {login.user}",
        reason="closed-in-login",
        phase=Phase.LOGIN,
        transient=True,
    ) from exc


def _refused(login: Login, offered: list[str]) -> LoginRefused:
    if not offered:
        return LoginRefused(
            f"nothing to log in with as {login.user}: no key, no agent, no password "
            "(--private-key, ssh-add, --ask-pass)",
            reason="no-credential",
            phase=Phase.LOGIN,
        )
    return LoginRefused(
        f"login as {login.user} refused; offered: {', '.join(offered)}",
        reason="login-refused",
        phase=Phase.LOGIN,
    )
