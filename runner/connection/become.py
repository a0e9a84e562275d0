"""Commands as another user: by `sudo`, `su` or `doas`.

A password is given to nothing but the program that was asked to change the user, and once: what a command
prints can never ask for it, and a wrong password does not count twice against the account. `sudo` is told
what to ask with, a word made up for this one command. `su` and `doas` ask in their own words, in whatever
language; but between a word of ours that is said right before them and one that is said when the command
itself begins, there is nobody else who could ask.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runner.errors import LoginRefused
from runner.models import Phase, Secret
from runner.text import because

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BECOME_METHODS", "Become", "Elevation", "supports_become"]

BECOME_METHODS = ("sudo", "su", "doas")
"""Programs that run a command as another user."""

_Connect = TypeVar("_Connect", bound="Callable[..., object]")

_MOST_SAID = 2**16
# An unfinished line that ends as a question does; the colon may be a full-width one.
_PROMPT = re.compile(rb"(?::|\xef\xbc\x9a)[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Become:
    """As whom commands run, and how.

    Attributes:
        method: The program: `sudo`, `su` or `doas`; or another name, which connections refuse.
        user: The user.
        password: What the program asks for, where it asks.
    """

    method: str = "sudo"
    user: str = "root"
    password: Secret | None = None


def supports_become(*methods: str) -> Callable[[_Connect], _Connect]:
    """Declare the become methods that a connection supports; decorates its `connect`.

    A connection without this declaration supports none.
    """

    def declare(connect: _Connect) -> _Connect:
        setattr(connect, "become_methods", methods)  # noqa: B010 - a plain assignment does not type-check
        return connect

    return declare


class Elevation:
    """One command as another user: what to ask the host for, and what to answer.

    Args:
        become: As whom, and how.
        nonce: Makes a word that nobody can guess.

    Attributes:
        done: Whether the command itself has begun.
    """

    def __init__(self, become: Become, nonce: Callable[[], str]) -> None:
        self.done = False
        self._become = become
        self._asking = f"[runner {nonce()}] password: "
        self._begun = f"[runner {nonce()}] begun"
        self._said = b""
        self._unanswered = b""
        self._alone = become.method == "sudo"
        self._answered = False

    @property
    def needs_terminal(self) -> bool:
        """Whether the program takes a password from a terminal only, as `doas` does (readpassphrase(3))."""
        return self._become.method == "doas" and self._become.password is not None

    def wrap(self, command: str) -> str:
        """Return the command line that runs a command, by a POSIX shell, as the user."""
        user = shlex.quote(self._become.user)
        begun = f"echo {shlex.quote(self._begun)} >&2"
        if self.needs_terminal:  # it has done its work; what the command prints is to come as it is
            begun = f"stty -opost -echo\n{begun}"
        shell = f"/bin/sh -c {shlex.quote(f'{begun}{chr(10)}{command}')}"
        if self._become.method == "su":
            return self._announced(f"su {user} -c {shlex.quote(f'exec {shell}')}")
        if self._become.method == "doas":
            line = f"-u {user} -- {shell}"
            return f"doas -n {line}" if self._become.password is None else self._announced(f"doas {line}")
        ask = "-n" if self._become.password is None else f"-S -p {shlex.quote(self._asking)}"
        return f"sudo -H {ask} -u {user} -- {shell}"

    def _announced(self, line: str) -> str:
        """Return a command line that says our word, and is nothing but the program from there on."""
        return f"/bin/sh -c {shlex.quote(f'echo {shlex.quote(self._asking)} >&2; exec {line}')}"

    def own(self, chunk: bytes) -> bytes:
        """Take in what came next where the programs speak; return what of it is the command's own."""
        if self.done:
            return chunk
        # Cut only after the search: one chunk may hold our mark and more output than is kept.
        self._said += chunk
        self._unanswered += chunk
        if not self._alone:
            announced = self._line(self._asking, self._unanswered)
            if announced is not None:
                self._alone, self._unanswered = True, self._unanswered[announced.end() :]
        begun = self._line(self._begun, self._said)
        if begun is None:
            self._said, self._unanswered = self._said[-_MOST_SAID:], self._unanswered[-_MOST_SAID:]
            return b""
        self.done = True
        self._said, rest = self._said[: begun.start()], self._said[begun.end() :]
        return rest

    def answer(self) -> bytes | None:
        """Return what to write to the program's standard input now; None is nothing."""
        if self._answered or self._become.password is None or not self._asks():
            return None
        self._answered = True
        self._unanswered = b""
        return f"{self._become.password.reveal()}\n".encode()

    @property
    def no_more(self) -> bool:
        """Whether nothing is answered any more: the command has begun, or there is no answer."""
        return self.done or self.denied

    @property
    def denied(self) -> bool:
        """Whether the program waits for an answer that there is not, or asks once more after it was given."""
        return (self._answered or self._become.password is None) and self._asks()

    @property
    def said(self) -> bytes:
        """What the program itself has said, but for our words in it."""
        said = self._said.replace(self._asking.encode(), b"")
        return said if self._become.method == "sudo" else said.lstrip(b"\r\n")

    def refused(self) -> LoginRefused:
        """Return the error of a user that may not do this."""
        lines = [line for line in re.split(rb"[\r\n]+", self.said) if line.strip()]
        why = because(lines[-1] if lines else b"")
        return LoginRefused(
            f"{self._become.method} to {self._become.user} refused{why}",
            reason="become-refused",
            phase=Phase.COMMAND,
        )

    def _asks(self) -> bool:
        """Whether the program waits for an answer."""
        if self.done or not self._alone:
            return False
        if self._become.method == "sudo":
            return self._asking.encode() in self._unanswered
        return _PROMPT.search(self._unanswered) is not None

    @staticmethod
    def _line(word: str, heard: bytes) -> re.Match[bytes] | None:
        return re.search(re.escape(word.encode()) + rb"\r?\n", heard)
