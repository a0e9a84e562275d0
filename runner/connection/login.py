"""Login over a transport whose host key has been accepted (RFC 4252, RFC 4256)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import paramiko

from runner.connection.credentials import KeyCredential, credentials
from runner.errors import LoginRefused, Unreachable
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.connection.access import Login
    from runner.connection.credentials import Credential
    from runner.connection.paramiko_hooks import Transport
    from runner.models import Secret

__all__ = ["log_in"]

_NO_MORE_METHODS = 14  # SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE, RFC 4253 section 11.1

# Prompts that want something else than the password, which must not be given in its place.
_CODE = re.compile(r"code|token|otp|factor|one.?time|\bpin\b|duo|yubi|challenge", re.IGNORECASE)


def log_in(transport: Transport, login: Login) -> None:
    """Offer one credential after the other until the server lets the user in.

    Raises:
        LoginRefused: None was taken, or there was none.
        Unreachable: The connection ended before the server had refused any.
    """
    attempt = _Attempt(transport, login)
    postponed: list[Credential] = []
    for credential in credentials(login):
        if attempt.offer(credential) or (attempt.partial and _any(attempt, postponed)):
            return
        postponed.append(credential)
    raise attempt.refused()


def _any(attempt: _Attempt, postponed: Iterable[Credential]) -> bool:
    """Offer again what the server did not want before it had seen something else first."""
    return any(attempt.offer(credential) for credential in postponed)


class _Attempt:
    """One login: what was offered, and what the server still allows."""

    def __init__(self, transport: Transport, login: Login) -> None:
        self.partial = False
        self._transport = transport
        self._login = login
        self._allowed: Sequence[str] = ()
        self._offered: list[str] = []
        self._judged: set[tuple[Credential, str]] = set()

    def offer(self, credential: Credential) -> bool:
        """Offer one credential by each method that it is good for; whether the user is in now."""
        for method in _methods(credential):
            if not self._may(credential, method):
                continue
            try:
                wanted = self._try(method, credential)
            except paramiko.BadAuthenticationType as exc:
                self._allowed = exc.allowed_types
            except (paramiko.SSHException, EOFError, OSError) as exc:
                if not self._transport.is_active():
                    raise self._ended(exc, credential) from exc
                self._judged.add((credential, method))
                self._offered.append(_name(credential))
                return False
            else:
                self._judged.add((credential, method))
                if self._transport.is_authenticated():
                    return True
                self.partial, self._allowed = True, wanted
                self._offered.append(f"{_name(credential)} (taken)")
                return False
        return False

    def _may(self, credential: Credential, method: str) -> bool:
        """Whether a method is open on both sides and has not been tried with this credential."""
        return (
            method in self._login.methods
            and (not self._allowed or method in self._allowed)
            and (credential, method) not in self._judged
        )

    def refused(self) -> LoginRefused:
        """Return the error that says what was offered."""
        user = self._login.user
        if not self._offered and not self._allowed:
            return LoginRefused(
                f"nothing to log in with as {user}: no key, no agent, no password "
                "(--private-key, ssh-add, --ask-pass)",
                reason="no-credential",
                phase=Phase.LOGIN,
            )
        offered = f"; offered: {', '.join(self._offered)}" if self._offered else ""
        wants = f"; the server takes {', '.join(map(excerpt, self._allowed))}" if self._allowed else ""
        return _refused(f"login as {user} refused{offered}{wants}")

    def _try(self, method: str, credential: Credential) -> Sequence[str]:
        """Try one method; return those that the server still wants after it."""
        user = self._login.user
        if isinstance(credential, KeyCredential):
            return self._transport.auth_publickey(user, credential.key)
        if method == "password":
            return self._transport.auth_password(user, credential.password.reveal(), fallback=False)
        return self._transport.auth_interactive(user, _Answers(user, credential.password))

    def _ended(self, exc: BaseException, credential: Credential) -> LoginRefused | Unreachable:
        """Tell a refusal from a dead connection: Paramiko raises the same classes for both.

        A server that has refused one credential and then hangs up has refused the login (MaxAuthTries); one
        that hangs up at once, without a word, has not judged it.
        """
        user = self._login.user
        code, words = self._transport.runner_disconnect or (0, "")
        if isinstance(exc, _Unanswered):
            return _refused(
                f"login as {user}: the server asks {excerpt(exc.prompt)!r}, which nothing answers"
            )
        if "Illegal info request" in str(exc):  # Paramiko's words for SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
            return LoginRefused(
                f"the password of {user} has expired: the server wants a new one",
                reason="password-expired",
                phase=Phase.LOGIN,
            )
        if "sign" in str(exc):  # the agent's refusal, which Paramiko meets in the connection's own thread
            return _refused(f"login as {user} refused; {_name(credential)}: {excerpt(str(exc))}")
        if code == _NO_MORE_METHODS or "authentication" in words.lower():
            self._offered.append(_name(credential))
        if self._offered:
            return self.refused()
        said = f": {excerpt(words)}" if words else ""
        return Unreachable(
            f"the connection ended during login as {user}{said}",
            reason="closed-in-login",
            phase=Phase.LOGIN,
            transient=True,
        )


class _Unanswered(paramiko.SSHException):
    """A prompt came that the password is no answer to."""

    def __init__(self, prompt: str) -> None:
        super().__init__(prompt)
        self.prompt = prompt


class _Answers:
    """Gives the password to the first hidden prompt that can mean it, and to no other."""

    def __init__(self, user: str, password: Secret) -> None:
        self._user = user
        self._password = password
        self._given = False

    def __call__(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:  # noqa: ARG002
        """Answer one round of prompts (RFC 4256 section 3.4)."""
        return [self._answer(prompt, echo=echo) for prompt, echo in prompts]

    def _answer(self, prompt: str, *, echo: bool) -> str:
        # Prompts name the user and the host, which may be called anything.
        asked = re.sub(r"\S*@\S*", "", prompt).replace(self._user, "")
        if self._given or echo or _CODE.search(asked):
            raise _Unanswered(prompt)
        self._given = True
        return self._password.reveal()


def _methods(credential: Credential) -> tuple[str, ...]:
    return ("publickey",) if isinstance(credential, KeyCredential) else ("password", "keyboard-interactive")


def _name(credential: Credential) -> str:
    if isinstance(credential, KeyCredential):
        return f"{credential.key.get_name()} key from {credential.source}"
    return "password"


def _refused(text: str) -> LoginRefused:
    return LoginRefused(text, reason="login-refused", phase=Phase.LOGIN)
