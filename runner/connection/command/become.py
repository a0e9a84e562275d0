"""Run commands as another user: by `sudo`, `su` or `doas`.

The password is given once, and never after the command has begun: the output of a command cannot ask for it,
and a wrong password does not count twice against the account. Programs that run earlier as the login's own
user, such as `~/.bashrc`, see the whole command line and can imitate the prompt.

For `sudo` we set the prompt, a random text for this one command. `su` and `doas` have their own prompts, in
any language, and BusyBox's `su` prompts on standard output. So both streams are marked right before the
program starts and when the command itself begins; prompts before the first and after the second mark do not
count.
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
# What the programs print if they refuse for a reason other than the password.
_NO_TERMINAL = re.compile(rb"must have a tty|must be run from a terminal")
_OTHERWISE = re.compile(
    rb"not allowed|may not run|not in the sudoers|not permitted|unknown user|does not exist|not enabled"
    rb"|must be s(?:et)?uid|not installed setuid|no new privileges|" + _NO_TERMINAL.pattern,
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Become:
    """Privilege escalation settings: the user that commands run as, and the program.

    Attributes:
        method: The program: `sudo`, `su` or `doas`; or another name, which connections refuse.
        user: The user.
        password: The answer to the prompt of the program; None without a password.
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
    """Return the `Elevation` of one command on a host; None if its options do not ask for another user."""
    if not access.options.become:
        return None
    return Elevation(access.options.become_as, lambda: secrets.token_hex(16), access.login.secrets)


class Elevation:
    """One command as another user: the command line to run, and the answers to prompts.

    Args:
        become: The user, and the program.
        nonce: Returns a random text.
        known: Secrets that were sent to the host before; neither these nor the password get into `said`.
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
        """Return the command line that makes a POSIX shell run a script as the other user.

        Args:
            script: The script.
            terminal: Whether it runs on a terminal, where both streams are one.
        """
        user, method = self._become.user, self._become.method
        begin = _said_on(self._begun, terminal=terminal)
        if self.needs_terminal:  # the password is given: the command's output must come unchanged
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
        """Handle the next bytes of a stream, 0 or 1; return the part that is the output of the command."""
        return self._streams[stream].own(chunk)

    def answer(self) -> bytes | None:
        """Return what to write to the program now; None if nothing."""
        if self._answered or self._become.password is None or not self._asks():
            return None
        self._answered = True
        for stream in self._streams:
            stream.unanswered = b""
        return self._become.password.encoded() + b"\n"

    @property
    def denied(self) -> bool:
        """Whether the program prompts without a password to answer it, or prompts again after it."""
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
        """Return the error of a program that refuses to change the user.

        Args:
            exit_code: The exit code of the program, if it has ended.
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
            text += "; a command gets a terminal with --pty, a file transfer has none"
        return LoginRefused(text, reason=reason, phase=Phase.COMMAND)

    def _reason(self) -> bytes:
        """Return the line that says why the program refuses; prefer a line that starts with its name."""
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
    """One of the two streams: the program's output on it before the command begins.

    Args:
        asking: The mark before a prompt, or the prompt itself.
        begun: The mark before the output of the command.
        secrets: Secrets to mask before the text is cut: a part of one would not be recognised any more.
        program: The program's name, which begins its messages; an unfinished message ends with a colon.
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
        """Handle the next bytes; return the part that is the output of the command."""
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
    """Return the shell commands that print a mark on each stream."""
    said = f"echo {quoted(mark)} >&2"
    return said if terminal else f"echo {quoted(mark)}; {said}"


def _line(mark: bytes, heard: bytes) -> re.Match[bytes] | None:
    return re.search(re.escape(mark) + rb"\r?\n", heard)
