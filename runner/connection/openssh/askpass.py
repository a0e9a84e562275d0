"""Give passwords to `ssh` through a program that it asks (ssh(1), SSH_ASKPASS).

The program is a few lines of shell in a private folder. It passes the question to us through one pipe and
reads the answer from another, so that no secret is in an argument, a variable or a file.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from runner.connection.auth.prompts import Answers, Unanswered, encoded
from runner.errors import LoginRefused
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from pathlib import Path

    from runner.connection.auth.credentials import Login

__all__ = ["Askpass"]

_PROGRAM = """\
#!/bin/sh
cd "${0%/*}" || exit 1
printf '%s\\0' "$1" >question
IFS= read -r answer <answer || exit 1
case $answer in y*) printf '%s\\n' "${answer#y}" ;; *) exit 1 ;; esac
"""
_LONGEST = 2**16
_WORD = re.compile(r"(?<!\S)(\S++) ")


class Askpass:
    """Answers the questions of one `ssh`.

    Args:
        folder: A private folder.
        login: The passwords, passphrases and one-time code to answer with.
        alias: The host as `ssh` calls it.
        place: The server and the login, with the run's id: a one-time code is given there only once.

    Attributes:
        refusal: Why a question was not answered, if one was not.
    """

    def __init__(self, folder: Path, login: Login, alias: str, place: str) -> None:
        self.refusal: LoginRefused | None = None
        self._login = login
        self._asked_for = f"{login.user}@{alias}"
        secrets = tuple(each.password for each in login.named if each.password is not None)
        self._answers = [Answers(login.user, place, secret, login.code) for secret in secrets or (None,)]
        self._passphrases = list(login.passphrases)
        self._heard = b""
        self._program = folder / "askpass"
        self._program.write_text(_PROGRAM)
        self._program.chmod(0o700)
        for name in ("question", "answer"):
            os.mkfifo(folder / name, 0o600)
        # Open each pipe for both directions, so that neither side waits for the other to open it.
        self.questions = os.open(folder / "question", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._reply = os.open(folder / "answer", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def environment(self) -> dict[str, str]:
        """Return the variables that make `ssh` ask; before OpenSSH 8.4 it also wants a display."""
        return {"SSH_ASKPASS": str(self._program), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none:0"}

    def take(self, data: bytes) -> None:
        """Read questions and answer them."""
        *questions, self._heard = (self._heard + data).split(b"\0")
        self._heard = self._heard[-_LONGEST:]
        for question in questions:
            answer = self._answer(question.decode("utf-8", "replace"))
            os.write(self._reply, b"n\n" if answer is None else b"y" + b"".join(encoded([answer])) + b"\n")

    def close(self) -> None:
        """Close the pipes: no more questions are answered."""
        os.close(self.questions)
        os.close(self._reply)

    def _answer(self, prompt: str) -> str | None:
        if prompt.startswith("Enter passphrase for "):
            return self._passphrases.pop(0).reveal() if self._passphrases else None
        begin = _WORD.match(prompt)
        asked_for = None if begin is None else _place(begin[1])
        if asked_for is not None and asked_for != self._asked_for:
            return None  # the question is from a jump host
        try:
            (answer,) = self._answers[0]("", "", [(prompt, False)])
        except Unanswered as exc:
            if exc.reason == "login-refused" and len(self._answers) > 1:
                self._answers.pop(0)
                return self._answer(prompt)
            asked = excerpt(_WORD.sub(lambda word: word[0] if _place(word[1]) is None else "", prompt))
            text = f"login as {self._login.user}: the server asks {asked!r}, {exc.why}"
            self.refusal = self.refusal or LoginRefused(text, reason=exc.reason, phase=Phase.LOGIN)
            return None
        return answer


def _place(word: str) -> str | None:
    """Return `user@host` from `user@host's` or `(user@host)`; None for any other word."""
    bracketed = word.startswith("(") and word.endswith(")")
    place = word[1:-1] if bracketed else word.removesuffix("'s")
    return place if place != word and "@" in place[1:-1] else None
