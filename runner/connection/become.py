"""Commands as another user: `sudo`, and where no password is needed `su` and `doas`.

The password is given to nothing but a prompt that we made up for this one command (`sudo -p`), and once: what
a command prints can never look like it, and a wrong password does not count twice against the account.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import InvalidVariable, LoginRefused
from runner.models import Phase, Secret
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BECOME_METHODS", "Become", "Elevation"]

BECOME_METHODS = ("sudo", "su", "doas")
"""Programs that run a command as another user."""


@dataclass(frozen=True, slots=True)
class Become:
    """As whom commands run, and how.

    Attributes:
        method: The program: `sudo`, `su` or `doas`.
        user: The user.
        password: What the program asks for, where it asks.
    """

    method: str = "sudo"
    user: str = "root"
    password: Secret | None = None


class Elevation:
    """One command as another user: what to ask the host for, and what to answer.

    Args:
        become: As whom, and how.
        nonce: Makes a word that nobody can guess.

    Attributes:
        done: Whether the command itself has begun.
    """

    def __init__(self, become: Become, nonce: Callable[[], str]) -> None:
        if become.method != "sudo" and become.password is not None:
            raise InvalidVariable(
                f"{become.method} asks for its password in its own words, which is not supported; use sudo",
                reason="bad-variable",
                phase=Phase.COMMAND,
            )
        self.done = False
        self._become = become
        self._prompt = f"[runner {nonce()}] password: "
        self._begun = f"[runner {nonce()}] begun"
        self._answered = False

    def wrap(self, command: str) -> str:
        """Return the command line that runs a command, by a POSIX shell, as the user."""
        user = shlex.quote(self._become.user)
        shell = shlex.quote(f"echo '{self._begun}' >&2\n{command}")
        if self._become.method == "su":
            return f"su {user} -c {shell}"
        if self._become.method == "doas":
            return f"doas -n -u {user} -- /bin/sh -c {shell}"
        ask = "-n" if self._become.password is None else f"-S -p {shlex.quote(self._prompt)}"
        return f"sudo -H {ask} -u {user} -- /bin/sh -c {shell}"

    def answer(self, stderr: bytes) -> bytes | None:
        """Return what to write to the program's standard input; None is nothing.

        Args:
            stderr: Standard error so far; everything of this module's own is said there.
        """
        self.done = self.done or self._begun.encode() in stderr
        if self.done or self._answered or self._become.password is None:
            return None
        if self._prompt.encode() not in stderr:
            return None
        self._answered = True
        return f"{self._become.password.reveal()}\n".encode()

    def no_more(self, stderr: bytes) -> bool:
        """Whether nothing will be asked any more: the command has begun, or the answer was not taken."""
        asked = stderr.count(self._prompt.encode())
        return self.done or self._become.password is None or asked > 1

    def own(self, stderr: bytes) -> bytes:
        """Return what the command itself said on standard error; before it began, what the program said."""
        before, begun, after = stderr.partition(f"{self._begun}\n".encode())
        return after if begun else before.replace(self._prompt.encode(), b"")

    def refused(self, stderr: bytes) -> LoginRefused:
        """Return the error of a user that may not do this."""
        lines = [line for line in re.split(rb"[\r\n]+", self.own(stderr)) if line.strip()]
        said = f": {excerpt(lines[-1])}" if lines else ""
        return LoginRefused(
            f"{self._become.method} to {self._become.user} refused{said}",
            reason="become-refused",
            phase=Phase.COMMAND,
        )
