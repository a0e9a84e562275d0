"""Answer keyboard-interactive prompts with the secret that each of them asks for (RFC 4256).

The server chooses the text of a prompt. A prompt that is not recognised gets no answer: neither a password
nor a one-time code may be sent to a server that asks for something else.
"""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.models import Secret

__all__ = ["Answers", "Unanswered"]

# The usual prompts of PAM, RADIUS and devices, above all `Password:`, also in other languages.
_PASSWORD = re.compile(
    r"pass ?word|passwort|kennwort|mot de passe|contrase|senha|has[łl]o|wachtwoord|l[öo]senord|salasana"
    r"|parol|пароль|密码|密碼|口令|パスワード|암호|비밀번호",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"code|token|otp|factor|one.?time|einmal|\bpin\b|duo|yubi|challenge|authenticator|2fa|mfa", re.IGNORECASE
)
_CHANGE = re.compile(
    r"\bnew\b|retype|re-?enter|again|confirm|current|\bold\b|\bchange|neues|nouveau", re.IGNORECASE
)

_WORD = re.compile(r"\S+")
_LONGEST = 4096
"""Maximum characters of a prompt: a person has to be able to read it."""


class Unanswered(paramiko.SSHException):
    """The server sent a prompt that cannot be answered.

    Attributes:
        prompt: The prompt, as the server wrote it.
        reason: The fixed reason code.
        why: The reason in words.
    """

    def __init__(self, prompt: str, reason: str, why: str) -> None:
        super().__init__(prompt)
        self.prompt = prompt
        self.reason = reason
        self.why = why


_spent: set[bytes] = set()
_lock = threading.Lock()


def _spend(place: str, code: Secret) -> bool:
    """Note that a code is sent to this place; return False if it was sent there before."""
    mark = hashlib.sha256(f"{place}\0{code.reveal()}".encode("utf-8", "surrogateescape")).digest()
    with _lock:
        if mark in _spent:
            return False
        _spent.add(mark)
        return True


def encoded(answers: Iterable[str]) -> list[bytes]:
    """Encode answers for the server; a byte that is not UTF-8 is sent as it was given."""
    return [answer.encode("utf-8", "surrogateescape") for answer in answers]


class Answers:
    """Answers the prompts of one login attempt.

    Args:
        user: Login name, which is ignored in prompts: it may contain any word.
        place: Identifies the server, the run and the login; a code is sent there only once.
        password: The password.
        code: The one-time code.
    """

    def __init__(self, user: str, place: str, password: Secret | None, code: Secret | None) -> None:
        self._user = user
        self._place = place
        self._password = password
        self._code = code
        self._given = False

    def __call__(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:  # noqa: ARG002
        """Answer one round of prompts (RFC 4256 section 3.4).

        Raises:
            Unanswered: A prompt is not recognised, or the secret for it was not given.
        """
        return [self._answer(prompt, echo=echo) for prompt, echo in prompts]

    def _answer(self, prompt: str, *, echo: bool) -> str:
        if len(prompt) > _LONGEST:
            raise Unanswered(prompt[:_LONGEST], "login-refused", f"a prompt of {len(prompt)} characters")
        words = _WORD.sub(lambda word: "" if "@" in word[0] else word[0], prompt)
        asked = re.sub(rf"(?<!\w){re.escape(self._user)}(?!\w)", "", words)
        if _CODE.search(asked):
            return self._answer_code(prompt)
        if echo or not _PASSWORD.search(asked):
            raise Unanswered(prompt, "login-refused", "which this run cannot answer")
        if _CHANGE.search(asked):
            raise Unanswered(prompt, "password-expired", "so the password has expired")
        if self._password is None or self._given:
            raise Unanswered(prompt, "login-refused", "and there is no other password")
        self._given = True
        return self._password.reveal()

    def _answer_code(self, prompt: str) -> str:
        if self._code is None:
            raise Unanswered(prompt, "code-needed", "a one-time code: give it with --ask-code")
        if not _spend(self._place, self._code):
            raise Unanswered(prompt, "code-spent", "and the one-time code was given there before")
        return self._code.reveal()
