"""One interactive session on a device: from its first prompt to its last command."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.connection.cli.dialogue import Dialogue, State
from runner.connection.command.output import Output
from runner.connection.command.timeouts import CommandTimeout, connection_lost
from runner.errors import DeadlineExceeded, HostError, LoginRefused, RequestRefused, Unreachable, run_stopped
from runner.models import CommandResult, Phase, Status
from runner.platforms.questions import question
from runner.platforms.refusals import refusal
from runner.platforms.terminals import enter
from runner.text import because, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.connection.command.options import CommandOptions
    from runner.connection.command.process import Process
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.models import Secret
    from runner.platforms.definition import Platform

__all__ = ["CliSession", "Question"]

_LOGIN_S = 30.0
"""Seconds that a device may take from the login to its first prompt, or --connect-timeout if that is more."""
_LEAVE_S = 3.0
_WAKE_S = 3.0
"""Some devices show their first prompt only after a key was pressed."""
_LAST_LINES = 3
_ONE_KEY = re.compile(r"\[confirm\]\s*\Z", re.IGNORECASE)
"""A question that takes one key: more keys would be the next command."""
_USER = re.compile(r"(?:^|\s)(?:user ?name|user|login) ?: ?\Z", re.IGNORECASE)
_PASSWORD = re.compile(r"pass(?:word|code|phrase)[^\n]{0,40}: ?\Z", re.IGNORECASE)


class Question(HostError):
    """A device asks a question to which no answer was given."""

    status = Status.FAILED


class CliSession:
    """The session.

    Args:
        process: The interactive shell.
        platform: The platform of the device; None if it is not known yet.
        options: The limits of commands.
        hang_up: Closes the connection, from another thread, without waiting.
        take: Called with the bytes that the device has sent, for a log.
    """

    def __init__(
        self,
        process: Process,
        platform: Platform | None,
        options: ConnectionOptions,
        hang_up: Callable[[], None],
        take: Callable[[bytes], None],
    ) -> None:
        self._process = process
        self._platform = platform
        self._options = options
        self._hang_up = hang_up
        self._dialogue = Dialogue(process, enter(platform), platform.session if platform else (), take)
        self._stopped = False
        self._home = ""

    def begin(self, deadline: Deadline, user: str, password: Secret | None) -> None:
        """Wait for the first prompt.

        Args:
            deadline: The host's deadline.
            user: The name for a CLI that asks for a second login.
            password: The password for it.

        Raises:
            HostError: No prompt came in time, or the device asks for something else.
        """
        with self._watched(deadline):
            self._log_in(deadline, user, password)
            self._home = self._dialogue.tail

    def prepare(self, deadline: Deadline, platform: Platform) -> None:
        """Switch paging off; a device that refuses that is paged through.

        Raises:
            HostError: The device does not answer, or asks for something else.
        """
        self._platform = platform
        for command in () if self._dialogue.opened else platform.session:
            self.ask(deadline, command)

    def ask(self, deadline: Deadline, command: str) -> str:
        """Send a harmless command that the operator did not give, and return the answer.

        Raises:
            HostError: The device does not answer, or asks for something else.
        """
        with self._watched(deadline):
            self._dialogue.send(command)
            self._settle(deadline, f"the answer to {command!r}")
        return b"\n".join(self._dialogue.lines()).decode("utf-8", "replace")

    def _log_in(self, deadline: Deadline, user: str, password: Secret | None) -> None:
        dialogue, given = self._dialogue, set[str]()
        for tail in self._until_ready(deadline, "a prompt"):
            silent_s = time.monotonic() - dialogue.heard_at
            if _USER.search(tail) and "user" not in given:
                given.add("user")
                dialogue.reply(user)
            elif _PASSWORD.search(tail) and "user" in given and "password" not in given and password:
                given.add("password")
                dialogue.reply(password)
            elif dialogue.state is State.ASKING:
                raise self._unexpected(tail)
            elif not tail and not dialogue.screen.lines and silent_s >= _WAKE_S and "wake" not in given:
                given.add("wake")
                dialogue.reply("")

    @property
    def _login_s(self) -> float:
        return max(_LOGIN_S, self._options.connect_timeout_s)

    def enable(self, deadline: Deadline, command: str, sign: str, password: Secret | None) -> None:
        """Enter privileged mode, unless the prompt shows that the session has it already.

        Args:
            deadline: The host's deadline.
            command: The command for it, `enable`.
            sign: The end of the prompt in that mode; empty if the prompt does not show it.
            password: The answer, if the device asks for a password.

        Raises:
            LoginRefused: The device refuses it.
        """
        if sign and self.shows(sign):
            return
        dialogue = self._dialogue
        with self._watched(deadline):
            dialogue.send(command)
            dialogue.expects_password, answered = True, False
            try:
                for tail in self._until_ready(deadline, f"the answer to {command!r}"):
                    if dialogue.state is State.ASKING:
                        if answered or password is None or not _PASSWORD.search(tail):
                            break
                        answered = True
                        dialogue.reply(password)
            except Unreachable as exc:
                exc.transient = exc.transient and not answered  # a wrong password must not be given again
                raise
        dialogue.expects_password = False
        asks = dialogue.tail if dialogue.state is State.ASKING else None
        said = b"\n".join(dialogue.lines())
        no_sign = bool(sign) and not self.shows(sign)
        line = refusal(self._platform, said) if self._platform is not None else None
        if asks is not None or no_sign or line is not None:
            raise self._not_enabled(command, line or _last(said), asks, answered=answered)
        self._home = self._dialogue.tail

    def _not_enabled(self, command: str, said: str, asks: str | None, *, answered: bool) -> LoginRefused:
        reason = "become-refused"
        text = f"the device refused {command!r}{because(said)}"
        if asks is not None and not answered and _PASSWORD.search(asks):
            text = f"the device wants a password for {command!r} and none was given; see --ask-become-pass"
            reason = "become-password"
        elif asks is not None and not answered:
            text = f"the device asks {excerpt(asks.strip())!r} after {command!r}"
        else:
            text += "; check the password (--ask-become-pass, ansible_become_password)"
        return LoginRefused(text, reason=reason, phase=Phase.COMMAND)

    def shows(self, sign: str) -> bool:
        """Return whether the prompt ends with a sign."""
        return self._dialogue.prompt is not None and self._dialogue.prompt.shown.rstrip().endswith(sign)

    @property
    def is_ready(self) -> bool:
        """Whether the device waits for a command."""
        return self._dialogue.state is State.READY

    def run(self, command: str, given: CommandOptions, deadline: Deadline) -> CommandResult:
        """Send one command and read its answer.

        Raises:
            Question: The device asks something to which no answer was given.
            HostError: The answer did not end with the prompt.
        """
        timeout = CommandTimeout(self._options, deadline)
        output = Output(self._options, "stdout")
        begun = time.monotonic()

        def result(exit_code: int | None) -> CommandResult:
            rest = [self._dialogue.screen.line] if exit_code is None else []
            output.add(_joined([*self._dialogue.lines(), *filter(None, rest)]))
            took = time.monotonic() - begun
            found = CommandResult(
                command,
                exit_code,
                duration_s=took,
                truncated=output.truncated,
                stdout_file=output.file,
            )
            return found.with_outputs(output.kept(), b"")

        try:
            with self._watched(deadline):
                self._dialogue.send(command)
                self._answer(command, given, timeout, output)
            return result(0)
        except HostError as exc:
            if exc.command is None:
                self._dialogue.state = State.CLOSED
                exc.command = result(None)
            raise
        finally:
            output.close()

    def _answer(self, command: str, given: CommandOptions, timeout: CommandTimeout, output: Output) -> None:
        dialogue = self._dialogue
        while True:
            nap = dialogue.step()
            output.add(_joined(dialogue.lines()))
            if dialogue.state is State.READY:
                return
            if dialogue.state is State.ASKING:
                reply = self._reply(command, given)
                dialogue.reply(reply, enter=not reply or _ONE_KEY.search(dialogue.tail) is None)
            timeout.heard_at = max(timeout.heard_at, dialogue.heard_at)
            error = self._limit(command, timeout, output)
            if error is not None:
                raise error
            self._nap(nap, timeout.left())

    def _limit(self, command: str, timeout: CommandTimeout, output: Output) -> HostError | None:
        """Return why the answer has to be given up; None if it may go on."""
        if self._dialogue.state is State.CLOSED:
            return connection_lost(command, self._process.lost() or "the device closed the session")
        if self._stopped:
            return run_stopped(Phase.COMMAND)
        if output.full:
            return output.overrun(command)
        late = timeout.over(command)
        return None if late is None else self._explained(late)

    def _reply(self, command: str, given: CommandOptions) -> str:
        """Return the reply that was given for the question at the end of the output."""
        tail = self._dialogue.tail.strip()
        asked = excerpt(question(tail) or tail)
        one_key = _ONE_KEY.search(tail) is not None
        for pattern, reply in given.answers:
            if not pattern.over().search(tail):
                continue
            if one_key and len(reply) > 1:
                text = f"{command!r} asks {asked!r}, which takes one key, so the longer answer was not typed"
                raise Question(text, reason="question", phase=Phase.COMMAND)
            return reply
        text = f"{command!r} asks {asked!r} and no answer was given; see --answer"
        if _PASSWORD.search(tail):
            text = f"{command!r} asks {asked!r}; for more privileges use --become"
        raise Question(text, reason="question", phase=Phase.COMMAND)

    def leave(self, deadline: Deadline) -> str | None:
        """Leave configuration mode, if a command has entered it; do nothing if the session is broken.

        Returns:
            The question that the device asks instead, such as one about changes that are not committed.
        """
        dialogue = self._dialogue
        platform = self._platform
        if dialogue.state is not State.READY or platform is None or not self._is_configuring(platform):
            return None
        with suppress(HostError), self._watched(deadline):
            for command in platform.leave_config:
                dialogue.send(command)
                self._settle(deadline, "the prompt", _LEAVE_S)
        return dialogue.tail.strip() if self._asks else None

    @property
    def _asks(self) -> bool:
        return self._dialogue.state is State.ASKING

    @property
    def is_home(self) -> bool:
        """Whether the prompt is that of the beginning: neither configuration mode nor other privileges."""
        return self.is_ready and self.shows(self._home.strip())

    def _is_configuring(self, platform: Platform) -> bool:
        tail, pattern = self._dialogue.tail, platform.config_prompt
        if self.shows(self._home.strip()):
            return False
        return pattern is None or re.search(rf"{pattern}|\([^()\n]+\)[#>] ?\Z", tail) is not None

    def _settle(self, deadline: Deadline, awaited: str, seconds: float | None = None) -> None:
        """Wait until the device waits for a command; a question is left unanswered."""
        for tail in self._until_ready(deadline, awaited, seconds):
            if self._dialogue.state is State.ASKING:
                raise self._unexpected(tail)

    def _until_ready(self, deadline: Deadline, awaited: str, seconds: float | None = None) -> Iterator[str]:
        """Yield the unfinished last line whenever it may have changed, until the device waits for a command.

        Args:
            deadline: The host's deadline.
            awaited: The awaited output, for the message.
            seconds: Seconds that this may take; None: as long as a login.
        """
        end = time.monotonic() + (self._login_s if seconds is None else seconds)
        while True:
            nap = self._dialogue.step()
            if self._dialogue.state is State.READY:
                return
            error = self._failure(deadline, end, awaited)
            if error is not None:
                raise error
            yield self._dialogue.tail
            by_host = deadline.remaining()
            self._nap(nap, _WAKE_S, end - time.monotonic(), by_host)

    def _failure(self, deadline: Deadline, end: float, awaited: str) -> HostError | None:
        """Return why the session cannot go on, before any command was sent; None if it can."""
        if self._stopped:
            return run_stopped(Phase.CHANNEL)
        if self._dialogue.state is State.CLOSED:
            why = self._process.lost() or self._last_lines()
            text = f"the device ended the session before its first command{because(why)}"
            return Unreachable(text, reason="closed-after-login", phase=Phase.CHANNEL, transient=True)
        by_host = deadline.remaining() == 0
        if not by_host and time.monotonic() < end:
            return None
        text = f"the device did not show {awaited} in time{because(self._last_lines())}"
        reason = "host-deadline" if by_host else "no-prompt"
        return DeadlineExceeded(text, reason=reason, phase=Phase.CHANNEL)

    def _nap(self, *seconds: float | None) -> None:
        known = [nap for nap in seconds if nap is not None]
        self._process.wait(max(0.0, min(known)) if known else None)

    def _unexpected(self, tail: str) -> RequestRefused:
        text = f"the device asks {excerpt(question(tail) or tail)!r} instead of showing a prompt"
        return RequestRefused(text, reason="question", phase=Phase.CHANNEL)

    def _explained(self, error: DeadlineExceeded) -> DeadlineExceeded:
        """Return the error of a deadline with the last lines of the output."""
        shown = self._last_lines()
        if not shown:
            return error
        text = f"{error}; no prompt came, the last lines were: {shown}"
        return DeadlineExceeded(text, reason=error.reason, phase=error.phase)

    def _last_lines(self) -> str:
        screen = self._dialogue.screen
        lines = [line.decode("utf-8", "replace").strip() for line in (*screen.lines[-10:], screen.tail)]
        return " | ".join(excerpt(line, 80) for line in [line for line in lines if line][-_LAST_LINES:])

    @contextmanager
    def _watched(self, deadline: Deadline) -> Iterator[None]:
        with deadline.guard(None, self._hang_up, self._stop):
            yield

    def _stop(self) -> None:
        self._stopped = True
        self._process.wake()


def _last(said: bytes) -> str:
    """Return the last line of an answer that is not a prompt for a password."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line and not _PASSWORD.search(line)), "")


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join([*lines, b""])
