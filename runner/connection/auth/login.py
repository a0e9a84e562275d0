"""Log in over transports whose host key has been accepted (RFC 4252, RFC 4256).

A server counts refusals on a connection and ends it after too many (MaxAuthTries). More credentials than that
may have been named, and for several users. So a login may take several connections; a refused credential is
not tried again on the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import paramiko

from runner.connection.auth.credentials import CodeCredential, KeyCredential, PasswordCredential, credentials
from runner.connection.auth.masking import masked_text
from runner.connection.auth.prompts import Answers, Unanswered, encoded
from runner.connection.transport.faults import own_fault
from runner.errors import LoginRefused, Unreachable
from runner.models import Phase
from runner.text import because, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.connection.auth.credentials import Credential, Login
    from runner.connection.transport.paramiko_fixes import Transport

__all__ = ["LoginAttempt", "cut_off", "quoted_banner"]

_NO_MORE_METHODS = 14  # SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE, RFC 4253 section 11.1


class LoginAttempt:
    """An attempt to log in to one host, over as many connections as needed.

    Args:
        login: The user and the credentials.
        place: Identifies the server and the run; a one-time code is sent there only once.

    Attributes:
        credential: Name of the credential that completed the login; None before that.
        user: The login name; after the login, that of the user who is logged in.
        banner: The server's last banner, which may say why it refuses (RFC 4252 section 5.4).
        secrets: Secrets to mask if the server repeats them.
    """

    def __init__(self, login: Login, place: str) -> None:
        self.credential: str | None = None
        self.user = login.user
        self.secrets = login.secrets
        self._login = login
        self._place = place
        self._users = list(login.users)
        self._judged: set[tuple[str, Credential, str]] = set()
        self._offered: dict[str, None] = {}
        self._unusable: list[LoginRefused] = []
        self._wanted: Sequence[str] = ()
        self._cut_off = False
        self.banner = ""

    def over(self, transport: Transport) -> bool:
        """Offer one credential after the other on a connection; return whether the user is logged in.

        If not, another connection is needed for the remaining credentials.

        Raises:
            LoginRefused: The server accepted no credential and none is left, or there was none.
            Unreachable: The connection ended before the server had refused any credential.
        """
        user = self._users[0]
        offers = _Offers(self, transport, user)
        try:
            taken = offers.all(credentials(self._login, user, self._unusable))
        except _Ended as exc:
            if not self._judged:
                raise exc.unreachable(user, self.banner) from exc.cause
            taken = None
        self._wanted = offers.allowed or transport.runner_methods or self._wanted
        self._cut_off = self._cut_off or offers.ended
        if taken is not None:
            self.credential, self.user = taken, user
            return True
        if not offers.ended or not self._left(user):
            self._users.pop(0)
        if not self._users:
            raise self.refused()
        return False

    @property
    def has_judged(self) -> bool:
        """Whether the server has refused any credential yet."""
        return bool(self._judged)

    def _left(self, user: str) -> bool:
        """Tell whether a credential that was named for a user has not been judged yet."""
        judged = {(who, credential) for who, credential, _ in self._judged}
        return any(
            each.named and (user, each) not in judged and set(_methods(each)) & set(self._login.methods)
            for each in credentials(self._login, user, [])
        )

    def may(self, user: str, credential: Credential, method: str) -> bool:
        """Tell whether a method is allowed and the server has not refused this credential with it."""
        return method in self._login.methods and (user, credential, method) not in self._judged

    def refuse(self, user: str, credential: Credential, method: str) -> None:
        """Note that the server has refused a credential, so that it is not tried again."""
        self._judged.add((user, credential, method))
        self._note(user, credential.name)

    def take(self, user: str, credential: Credential) -> None:
        """Note a partial success: the server accepts the credential, but a new connection needs it again."""
        self._note(user, f"{credential.name} (taken)")

    def _note(self, user: str, what: str) -> None:
        who = "" if len(self._login.users) == 1 else f"{user}'s "
        self._offered[f"{who}{what}"] = None

    def answers(self, user: str, credential: Credential) -> Answers:
        """Return the object that answers prompts with a credential."""
        password = credential.password if isinstance(credential, PasswordCredential) else None
        return Answers(user, self._place, password, self._login.code)

    def refused(self) -> LoginRefused:
        """Return the error that lists the offered credentials.

        Raises:
            LocalFault: A key could not be read because of a fault of this machine.
        """
        user = self._login.user
        for fault in filter(None, map(own_fault, self._unusable)):
            raise fault
        if self._unusable and not self._offered:
            return self._unusable[0]
        if not self._offered and not self._wanted:
            return LoginRefused(
                f"nothing to log in with as {user}: no key, no agent, no password "
                "(--private-key, ssh-add, --ask-pass)",
                reason="no-credential",
                phase=Phase.LOGIN,
            )
        tried = f"; tried: {', '.join(self._offered)}" if self._offered else ""
        tried += "".join(f"; {exc}" for exc in self._unusable)
        wanted = ", ".join(excerpt(method) for method in self._wanted if method)
        accepts = f"; the server accepts: {wanted}" if wanted else ""
        accepts += self._untried() + quoted_banner(self.banner)
        return _refused(f"login as {' and '.join(self._login.users)} refused{tried}{accepts}")

    def _untried(self) -> str:
        """Return the note about keys that were not tried (sshd_config(5), MaxAuthTries); may be empty."""
        keys = {each for each in credentials(self._login, self.user, []) if isinstance(each, KeyCredential)}
        judged = keys & {credential for _, credential, _ in self._judged}
        return cut_off(len(judged), len(keys)) if self._cut_off and judged else ""


def cut_off(tried: int, keys: int) -> str:
    """Return the note that a server ended the connection after some of the keys; empty if all were tried."""
    if tried >= keys:
        return ""
    return (
        f"; the server ended the connection after {tried} of {keys} keys (its MaxAuthTries): "
        "name the right one with --private-key, or load fewer into the agent"
    )


def quoted_banner(banner: str) -> str:
    """Return the note with the last line of a server's banner; empty if there was none."""
    lines = [line for line in banner.splitlines() if line.strip()]
    return f"; the server says: {excerpt(lines[-1])!r}" if lines else ""


class _Ended(Exception):
    """The server ended the connection during login."""

    def __init__(self, words: str, cause: BaseException) -> None:
        super().__init__(words)
        self.words = words
        self.cause = cause

    def unreachable(self, user: str, banner: str) -> Unreachable:
        """Return the error for a server that ended the connection before it refused any credential.

        OpenSSH does so if PAM does not let the user in: an expired account, or /etc/nologin. A banner may say
        why.
        """
        return Unreachable(
            f"the connection ended during login as {user}{because(self.words)}{quoted_banner(banner)}",
            reason="closed-in-login",
            phase=Phase.LOGIN,
            transient=True,
        )


class _Offers:
    """The credentials offered on one connection.

    Attributes:
        allowed: The methods that the server still allows; empty until it names some.
        ended: Whether the server has ended the connection.
    """

    def __init__(self, attempt: LoginAttempt, transport: Transport, user: str) -> None:
        self.allowed: Sequence[str] = ()
        self.ended = False
        self._attempt = attempt
        self._transport = transport
        self._user = user
        self._partial = False
        self._taken_here: set[Credential] = set()

    def all(self, offered: Iterable[Credential]) -> str | None:
        """Offer each credential; return the name of the one that completes the login, or None.

        After a partial success, also offer again the credentials that the server did not want before.
        """
        postponed: list[Credential] = []
        for credential in offered:
            for each in (credential, *postponed):
                if self._offer(each):
                    return each.name
                if not self._partial:
                    break
            postponed.append(credential)
        return None

    def _offer(self, credential: Credential) -> bool:
        """Offer one credential with each method that suits it; return whether the user is logged in."""
        for method in _methods(credential):
            if not self._may(credential, method):
                continue
            try:
                wanted = self._try(method, credential)
            except paramiko.BadAuthenticationType as exc:
                self.allowed = exc.allowed_types
            except (paramiko.SSHException, EOFError, OSError) as exc:
                self._not_taken(method, credential, exc)
                return False
            else:
                return self._taken(credential, wanted)
        return False

    def _may(self, credential: Credential, method: str) -> bool:
        return (
            credential not in self._taken_here
            and (not self.allowed or method in self.allowed)
            and self._attempt.may(self._user, credential, method)
        )

    def _taken(self, credential: Credential, wanted: Sequence[str]) -> bool:
        if self._transport.is_authenticated():
            return True
        self._attempt.take(self._user, credential)
        self._taken_here.add(credential)
        self._partial, self.allowed = True, wanted
        return False

    def _try(self, method: str, credential: Credential) -> Sequence[str]:
        """Try one method; return the methods that the server still wants after it."""
        if isinstance(credential, KeyCredential):
            return self._transport.offer_key(self._user, credential.key)
        if method == "password" and isinstance(credential, PasswordCredential):
            return self._transport.offer_password(self._user, credential.password.encoded())
        answers = self._attempt.answers(self._user, credential)
        return self._transport.auth_interactive(self._user, lambda *asked: encoded(answers(*asked)))

    def _not_taken(self, method: str, credential: Credential, exc: BaseException) -> None:
        """Distinguish a refusal from a dead connection: Paramiko raises the same classes for both.

        If the server says why it hangs up (MaxAuthTries), or hangs up after refusals, it has refused the
        login. If it hangs up at once and without a reason, it has not judged the login.
        """
        fault = own_fault(exc)
        if fault is not None:
            raise fault from exc
        banner = masked_text(self._transport.runner_banner, self._attempt.secrets)
        self._attempt.banner = banner or self._attempt.banner
        if self._transport.is_active():
            self._attempt.refuse(self._user, credential, method)
            return
        code, words = self._transport.runner_disconnect or (0, "")
        final = self._final(credential, exc)
        if final is not None:
            raise final from exc
        if code == _NO_MORE_METHODS or "authentication" in words.lower() or self._attempt.has_judged:
            self._attempt.refuse(self._user, credential, method)
        self.ended = True
        raise _Ended(words, exc)

    def _final(self, credential: Credential, exc: BaseException) -> LoginRefused | None:
        """Return the error if neither another credential nor a new connection can help."""
        user = self._user
        if isinstance(exc, Unanswered):
            text = f"login as {user}: the server asks {excerpt(exc.prompt)!r}, {exc.why}"
            return LoginRefused(text, reason=exc.reason, phase=Phase.LOGIN)
        if "Illegal info request" in str(exc):  # Paramiko's text for SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
            return LoginRefused(
                f"the password of {user} has expired: the server wants a new one",
                reason="password-expired",
                phase=Phase.LOGIN,
            )
        if "sign" in str(exc):  # the agent refused; Paramiko gets this in the connection's thread
            return _refused(f"login as {user} refused; {credential.name}: {excerpt(str(exc))}")
        return None


def _methods(credential: Credential) -> tuple[str, ...]:
    if isinstance(credential, KeyCredential):
        return ("publickey",)
    if isinstance(credential, CodeCredential):
        return ("keyboard-interactive",)
    return ("password", "keyboard-interactive")


def _refused(text: str) -> LoginRefused:
    return LoginRefused(text, reason="login-refused", phase=Phase.LOGIN)
