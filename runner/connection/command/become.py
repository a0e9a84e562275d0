"""Commands as another user: by `sudo`, `su` or `doas`.

The password is given once, and never after the command has begun: the output of a command cannot ask for it,
and a wrong password does not count twice against the account. What runs as the login's own user before the
program, such as `~/.bashrc`, sees the whole command line and can ask as the program does.

`sudo` is told its prompt, a random text for this one command. `su` and `doas` prompt in their own words, in
any language, and BusyBox's `su` does so on standard output. So both streams are marked right before the
program starts and when the command itself begins; what is asked before and after does not count.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runner.connection.auth.masking import masked
from runner.connection.command.shells import line, quoted, shell
from runner.errors import LoginRefused
from runner.models import Phase, Secret
from runner.text import because

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from runner.connection.target.access import LoginTarget

__all__ = ["BECOME_METHODS", "Become", "Elevation", "elevation", "supports_become"]

BECOME_METHODS = ("sudo", "su", "doas")
"""Programs that run a command as another user."""

_Connect = TypeVar("_Connect", bound="Callable[..., object]")

_MOST_SAID = 2**16
_STDERR = 1
# An unfinished line that ends with a colon, which may be a full-width one.
_PROMPT = re.compile(rb"(?::|\xef\xbc\x9a)[ \t]*\Z")
# Exit codes of a shell that cannot run a program (POSIX, Shell Command Language, 2.8.2).
_NOT_RUN = (126, 127)
# What the programs say if they refuse whatever the password is, or none.
_NO_TERMINAL = re.compile(rb"must have a tty|must be run from a terminal")
_OTHERWISE = re.compile(
    rb"not allowed|may not run|not in the sudoers|not permitted|unknown user|does not exist|not enabled"
    rb"|must be s(?:et)?uid|not installed setuid|no new privileges|" + _NO_TERMINAL.pattern,
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Become:
    """As whom commands run, and how.

    Attributes:
        method: The program: `sudo`, `su` or `doas`; or another name, which connections refuse.
        user: The user.
        password: The answer to the prompt of the program; None if there is no password.
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


def elevation(access: LoginTarget) -> Elevation | None:
    """Return what makes one command on a host run as another user; None if its options ask for none."""
    if not access.options.become:
        return None
    return Elevation(access.options.become_as, lambda: secrets.token_hex(16), access.login.secrets)


class Elevation:
    """One command as another user: what to ask the host for, and what to answer.

    Args:
        become: As which user, and by which program.
        nonce: Makes a random text.
        known: Secrets that the host was told before; neither these nor the password are ever part of `said`.
    """

    def __init__(self, become: Become, nonce: Callable[[], str], known: Collection[Secret] = ()) -> None:
        self._become = become
        self._asking = f"[runner {nonce()}] password: "
        self._begun = f"[runner {nonce()}] begun"
        self._script = ""
        self._secrets = (*known, *filter(None, (become.password,)))
        self._answered = False
        announced = become.method == "sudo"
        self._streams = tuple(
            _Stream(self._asking, self._begun, self._secrets, become.method, announced=announced)
            for _ in range(2)
        )

    @property
    def done(self) -> bool:
        """Whether the command itself has begun."""
        return any(stream.begun for stream in self._streams)

    @property
    def needs_terminal(self) -> bool:
        """Whether the program takes a password from a terminal only, as `doas` does (readpassphrase(3))."""
        return self._become.method == "doas" and self._become.password is not None

    def wrap(self, script: str, *, terminal: bool = False) -> str:
        """Return the command line that has a POSIX shell run a script as the other user.

        Args:
            script: The script.
            terminal: Whether it runs on a terminal, where both streams are one.
        """
        user, method = self._become.user, self._become.method
        begin = _said_on(self._begun, terminal=terminal)
        if self.needs_terminal:  # the terminal has served; the output of the command is to come as it is
            begin = f"stty -opost -echo; {begin}"
        self._script = f"{begin}; eval {quoted(script)}"
        command = ("/bin/sh", "-c", self._script)
        if method == "sudo":
            ask = ("-n",) if self._become.password is None else ("-S", "-p", self._asking)
            return line("sudo", "-H", *ask, "-u", user, "--", *command)
        if method == "su":
            program = line("su", user, "-c", f"exec {line(*command)}")
        elif self.needs_terminal:
            program = line("doas", "-u", user, "--", *command)
        else:
            return line("doas", "-n", "-u", user, "--", *command)
        return shell(f"{_said_on(self._asking, terminal=terminal)}; exec {program}")

    def own(self, chunk: bytes, stream: int = _STDERR) -> bytes:
        """Take what came next on a stream, 0 or 1; return the part that is the output of the command."""
        return self._streams[stream].own(chunk)

    def answer(self) -> bytes | None:
        """Return what to write to the program now; None is nothing."""
        if self._answered or self._become.password is None or not self._asks():
            return None
        self._answered = True
        for stream in self._streams:
            stream.unanswered = b""
        return self._become.password.encoded() + b"\n"

    @property
    def denied(self) -> bool:
        """Whether the program prompts and there is no password, or prompts again after it was given."""
        return (self._answered or self._become.password is None) and self._asks()

    @property
    def said(self) -> bytes:
        """The output of the program itself, without our marks and secrets."""
        said = b"".join(masked(stream.said, self._secrets, whole=True) for stream in self._streams)
        said = said.replace(self._asking.encode(), b"")
        if self._script:
            said = said.replace(self._script.encode("utf-8", "surrogateescape"), b"...")
        said = masked(said, self._secrets)
        return said if self._become.method == "sudo" else said.lstrip(b"\r\n")

    def refused(self, exit_code: int | None = None) -> LoginRefused:
        """Return the error of a user who may not do this.

        Args:
            exit_code: What the program ended with, if it has ended.
        """
        method, why = self._become.method, self._reason()
        text, reason = f"{method} to {self._become.user} refused{because(why)}", "become-refused"
        if exit_code in _NOT_RUN:
            text, reason = f"{method} cannot be run{because(why)}", "become-missing"
        elif self._become.password is None and not _OTHERWISE.search(why):
            text = f"{method} to {self._become.user} wants a password and none was given{because(why)}"
            text, reason = f"{text}; see --ask-become-pass", "become-password"
        elif not self._answered:  # no password was tried, which could lock the account
            reason = "become-denied"
        if _NO_TERMINAL.search(why):
            text += "; a command has a terminal with --pty, files travel on none"
        return LoginRefused(text, reason=reason, phase=Phase.COMMAND)

    def _reason(self) -> bytes:
        """Return the line in which the program says why it refuses: its own rather than another's."""
        own = re.compile(rb"(?:^|:|\xef\xbc\x9a)\s*(" + self._become.method.encode() + rb": .*)")
        lines = [line.strip() for line in re.split(rb"[\r\n]+", self.said)]
        told = [line for line in lines if line and not _PROMPT.search(line)]
        found = [match[1] for match in map(own.search, told) if match is not None]
        lines = found or told or [b""]
        return next(filter(_OTHERWISE.search, lines), lines[-1])

    def _asks(self) -> bool:
        """Whether the program waits for an answer."""
        return not self.done and any(stream.asks for stream in self._streams)


class _Stream:
    """One of the two streams: what the program says on it before the command begins.

    Args:
        asking: The text before a prompt, or of the prompt itself.
        begun: The text before the output of the command.
        secrets: What is not to be cut in two: the rest of it would not be recognised any more.
        program: Begins the messages of the program, which end with a colon while they are unfinished.
        announced: Whether `asking` is the prompt itself.
    """

    def __init__(
        self, asking: str, begun: str, secrets: Collection[Secret], program: str, *, announced: bool
    ) -> None:
        self.begun = False
        self.said = b""
        self.unanswered = b""
        self._asking = asking.encode()
        self._begun = begun.encode()
        self._secrets = secrets
        self._message = f"{program}:".encode()
        self._own_prompt = announced
        self._announced = announced

    def own(self, chunk: bytes) -> bytes:
        """Take what came next; return the part that is the output of the command."""
        if self.begun:
            return chunk
        # Cut only after the search: one chunk may hold our mark and more output than is kept.
        self.said += chunk
        self.unanswered += chunk
        if not self._announced:
            announced = _line(self._asking, self.unanswered)
            if announced is not None:
                self._announced, self.unanswered = True, self.unanswered[announced.end() :]
        begun = _line(self._begun, self.said)
        if begun is None:
            if len(self.said) > _MOST_SAID:
                self.said = masked(self.said, self._secrets)[-_MOST_SAID:]
            self.unanswered = self.unanswered[-_MOST_SAID:]
            return b""
        self.begun = True
        self.said, rest = self.said[: begun.start()], self.said[begun.end() :]
        return rest

    @property
    def asks(self) -> bool:
        """Whether the program waits for an answer on this stream."""
        if not self._announced:
            return False
        if self._own_prompt:
            return self._asking in self.unanswered
        last = self.unanswered.rpartition(b"\n")[2].lstrip(b"\r")
        return bool(_PROMPT.search(last)) and not last.startswith(self._message)


def _said_on(mark: str, *, terminal: bool) -> str:
    """Return the shell's commands that print a mark on each stream that there is."""
    said = f"echo {quoted(mark)} >&2"
    return said if terminal else f"echo {quoted(mark)}; {said}"


def _line(mark: bytes, heard: bytes) -> re.Match[bytes] | None:
    return re.search(re.escape(mark) + rb"\r?\n", heard)
