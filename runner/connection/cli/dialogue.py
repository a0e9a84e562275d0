"""Send one line to a device's CLI and read the answer, up to the prompt that really ends it.

A text that looks like the prompt may be part of an answer, even with a pause after it. So the end
is checked: an empty line is sent, and only a device that waits for a command answers it with nothing but
another prompt. If anything else comes, the device was still answering, and reading goes on.

The empty line is sent after the prompt has come, never together with a command: it would be the reply to a
question, and even commands that only read may ask one.
"""

from __future__ import annotations

import re
import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from runner.connection.cli.prompts import Prompt, looks_like_prompt
from runner.connection.cli.screen import Screen
from runner.platforms.questions import pager_key, question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.connection.command.process import Process
    from runner.models import Secret

__all__ = ["Dialogue", "State"]

_QUIET_S = 0.005
"""Silence after a prompt before the end is checked: the rest of the same packet is there by then."""
_STRANGE_S = 0.5
"""Silence after which an unfinished line that only looks like a prompt is checked."""
_FIRST_S = 0.03
"""The same, before the prompt has been learned."""
_ASKED_S = 0.3
"""Silence after which an unfinished line counts as a question."""
_LOG_S = 1.0
"""Silence after a log message that followed a prompt, before the device is asked for a new prompt."""
_AGAIN_S = 0.5
"""Silence after which the end is checked once more, if something else than a prompt came meanwhile."""

_LOG = re.compile(r"[*.:]?(?:<\d+>)?[^%]{0,80}%[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*-\d-\w+ ?:")
"""A log message of a device: `*Mar  1 00:00:01.000: %SYS-5-CONFIG_I: ...` (RFC 5424 names no text form)."""
_SIMPLE = re.compile(r"[\w.:@/~()<\[*!-]{1,64}[#>] ?")
"""A prompt after which session commands are typed at once, before it has been checked."""
_UNANSWERED_S = 3.0
"""Silence after which a prompt counts as the end, if the device does not answer an empty line at all."""
_MOST_LINES, _MOST_BYTES, _HELD = 2000, 2**20, 200
"""An answer is handed on in pieces of so many lines or bytes; so many of the last lines are held back."""


class State(Enum):
    """The state of the device, as its output shows it."""

    ANSWERING = auto()
    """It may print more."""
    READY = auto()
    """It waits for a command."""
    ASKING = auto()
    """It waits for a reply to a question."""
    CLOSED = auto()
    """The session has ended."""


class Dialogue:
    """One question to the device at a time; see the module.

    Args:
        process: The interactive shell.
        enter: The character of the Enter key.
        opening: Commands for the beginning of the session, such as those that switch paging off.
        take: Called with the bytes that the device has sent.

    Attributes:
        prompt: The prompt; None before it has been learned.
        screen: The output of the device since the last line was sent.
        state: The state of the device.
        opened: Whether the device has answered the opening commands.
    """

    def __init__(
        self, process: Process, enter: str, opening: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        self.opened = False
        self._opening = opening
        self._ahead = 0
        self.prompt: Prompt | None = None
        self.screen = Screen()
        self.state = State.ANSWERING
        self._process = process
        self._enter = enter.encode()
        self._take = take
        self._heard_at = time.monotonic()
        self._mark: int | None = None
        self._knocks = 0
        self._shown = ""
        self._between: list[str] = []
        self._decorations: set[str] = set()
        self._echo: str | None = None
        self._replied = (-1, "")
        self._key = ""

    @property
    def tail(self) -> str:
        """The unfinished last line."""
        return _text(self.screen.tail)

    @property
    def heard_at(self) -> float:
        """When the device last sent something, on the monotonic clock."""
        return self._heard_at

    def send(self, line: str) -> None:
        """Send a line; the output from now on is the answer to it."""
        self.read()  # a late message belongs to no answer
        self.screen = Screen()
        self._echo = line.strip()
        self._mark = None
        self._key = ""
        self._knocks = self._ahead = 0
        self._between = []
        self._heard_at = time.monotonic()
        self.reply(line)

    def reply(self, line: str | Secret, *, enter: bool = True) -> None:
        """Send a line as part of the present answer: a reply to a question, or a password.

        Args:
            line: The line.
            enter: Whether to press Enter after it.
        """
        self.state = State.ANSWERING
        self._replied = len(self.screen.lines), self.tail
        text = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line.encoded()
        self._process.write(text + self._enter if enter else text)

    def read(self) -> bool:
        """Read what has come; return whether there was anything."""
        heard = False
        while any(chunks := self._process.read()):
            heard = True
            for chunk in filter(None, chunks):
                self._take(chunk)
                self.screen.feed(chunk)
        if heard:
            self._heard_at = time.monotonic()
        return heard

    def step(self) -> float | None:
        """Read, look at the end of the output, and set `state`; return the seconds until the next look.

        None means that only more output can change anything.
        """
        is_open = self._process.output_open
        self.read()
        tail = self.tail
        quiet_s = time.monotonic() - self._heard_at
        if not is_open:
            self.state = State.CLOSED
            return None
        if (key := pager_key(tail)) is not None:
            return self._after(_QUIET_S, quiet_s, lambda: self._turn_page(key))
        if self._mark is not None:
            return self._check(tail, quiet_s)
        if self._has_stray_key(tail):
            return self._after(_QUIET_S, quiet_s, self._erase_key)
        return self._look(tail, quiet_s)

    def lines(self) -> list[bytes]:
        """Return the next lines of the answer, without the echo; the last ones only when it is complete."""
        lines = self.screen.lines
        if self.state is State.ANSWERING:
            if self._mark is not None or not self._is_much():
                return []
            held = _HELD if sum(map(len, lines[-_HELD:])) <= _MOST_BYTES else 0
            ready, lines[:] = lines[: len(lines) - held], lines[len(lines) - held :]
        else:
            ready, lines[:] = lines[:], []
        return self._without_echo(ready)

    def _is_much(self) -> bool:
        lines = self.screen.lines
        return len(lines) >= _MOST_LINES or sum(map(len, lines)) > _MOST_BYTES

    def _without_echo(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines after the echo of the command; earlier lines belong to no answer.

        A device may wrap the echo, shift it to the left or break it by a log message, so the characters are
        compared as they came.
        """
        echo, self._echo = _squeezed(self._echo or ""), None
        came = ""
        for index, text in enumerate(self.screen.typed[: len(lines)] if echo else ()):
            if not _LOG.match(_text(text)):
                came += _squeezed(_text(text))
            if came.endswith(echo):
                return lines[index + 1 :]
        return lines

    def _look(self, tail: str, quiet_s: float) -> float | None:
        """Look for a prompt or a question at the end of the output."""
        here = len(self.screen.lines)
        if (here, tail) == self._replied:
            return None  # the device has not read the reply yet
        exactly = self.prompt is not None and self.prompt.is_known(tail)
        if not exactly and question(tail) is not None:
            return self._after(_ASKED_S, quiet_s, self._ask)
        if self.prompt is not None and self.prompt.matches(tail):
            return self._after(_QUIET_S, quiet_s, lambda: self._knock(here))
        if self.prompt is not None and tail.endswith(self.prompt.shown):  # after a line without an end
            return self._after(_STRANGE_S, quiet_s, lambda: self._knock(here))
        if looks_like_prompt(tail):
            silence_s = _FIRST_S if self.prompt is None else _STRANGE_S
            return self._after(silence_s, quiet_s, lambda: self._knock(here))
        before = self._prompt_before_log(here) if not tail.strip() else None
        return None if before is None else self._after(_LOG_S, quiet_s, lambda: self._knock(before))

    def _after(self, seconds: float, quiet_s: float, act: Callable[[], None]) -> float | None:
        """Act if the device has been silent for so long; return how much longer it has to be."""
        if quiet_s < seconds:
            return seconds - quiet_s
        act()
        return None

    def _turn_page(self, key: str) -> None:
        self.screen.drop_pager()
        self._key = key
        self._process.write(key.encode())

    def _has_stray_key(self, tail: str) -> bool:
        """Return whether a prompt shows the key that was pressed in a pager.

        more(1) may draw `--More--` and then `(END)` in its place: the key for the first ends it, and the key
        for the second is typed at the prompt.
        """
        key, before = self._key.strip(), tail[:-1]
        if not key or not tail.endswith(key):
            return False
        return looks_like_prompt(before) if self.prompt is None else self.prompt.matches(before)

    def _erase_key(self) -> None:
        self._key = ""
        self._process.write(b"\b")

    def _ask(self) -> None:
        self.state = State.ASKING

    def _knock(self, at: int) -> None:
        """Check whether the prompt at a line ends the answer: send an empty line."""
        self._mark = at
        self._knocks += 1
        self._shown = self.tail.strip()
        self._heard_at = time.monotonic()
        keys = self._enter
        if self.prompt is None and self._knocks == 1 and _SIMPLE.fullmatch(self._shown):
            self._ahead = len(self._opening)
            keys += b"".join(command.encode() + self._enter for command in self._opening)
        self._process.write(keys)

    def _check_opening(self, tail: str, quiet_s: float) -> float | None:
        """Look for one prompt for the empty line, and one for each opening command typed after it."""
        shown = self._shown
        lines = [_text(line).strip() for line in self.screen.lines[self._mark :]]
        prompts = sum(line.startswith(shown) for line in lines)
        silent = not lines and _squeezed(tail) == _squeezed(shown) * (self._ahead + 2)
        if silent or (prompts > self._ahead and tail.strip() == shown):
            self.opened = True
            self._end(self._mark, shown)
            return None
        if question(tail) is not None:
            return self._after(_ASKED_S, quiet_s, self._ask)
        return self._after(_LOG_S, quiet_s, self._doubt_opening) if tail.strip() == shown else None

    def _doubt_opening(self) -> None:
        """Go on without the opening commands: the device has not read them all."""
        self._ahead = 0

    def _check(self, tail: str, quiet_s: float) -> float | None:
        """Look at what came after the empty line."""
        assert self._mark is not None  # noqa: S101 - the caller has checked it
        if self._ahead:
            return self._check_opening(tail, quiet_s)
        lines = [_text(line) for line in self.screen.lines[self._mark :]]
        if len(lines) > 1 and self._is_much():
            self._mark = None  # it was not the end: read on
        elif not lines:
            return self._check_line(tail, quiet_s)
        elif not self._is_prompt(tail):
            asks = question(tail) is not None and (len(self.screen.lines), tail) != self._replied
            return self._after(_ASKED_S, quiet_s, self._ask) if asks else None
        elif not (between := self._others(lines)):
            self._end(self._mark, tail)
        elif (run := self._run_of_prompts(tail)) is not None:
            self._end(run, tail)
        else:
            return self._after(_AGAIN_S, quiet_s, lambda: self._check_again(between))
        return None

    def _check_line(self, tail: str, quiet_s: float) -> float | None:
        """Look at a line that the empty line has not ended."""
        if _squeezed(tail) == 2 * _squeezed(self._shown):
            self._end(self._mark, self._shown)  # a device that does not echo the empty line
            return None
        if not self._is_prompt(tail):
            return None
        act = self._press_other_key if self._knocks == 1 and self.prompt is None else self._accept
        return self._after(_UNANSWERED_S, quiet_s, act)

    def _press_other_key(self) -> None:
        """Try the other character for Enter: some devices take only one of them."""
        self._enter = b"\r" if self._enter == b"\n" else b"\n"
        self._knock(len(self.screen.lines))

    def _accept(self) -> None:
        self._end(self._mark, self.tail)

    def _check_again(self, between: list[str]) -> None:
        if between == self._between:  # it comes with every prompt
            self._decorations.update(line.strip() for line in between)
        self._between = between
        self._knock(len(self.screen.lines))

    def _others(self, lines: list[str]) -> list[str]:
        """Return the lines after the prompt that are neither empty nor a prompt."""
        first = [] if lines[0].strip() == self._shown else [lines[0]]
        return [
            line
            for line in (*first, *lines[1:])
            if line.strip() and not self._is_prompt(line) and line.strip() not in self._decorations
        ]

    def _is_prompt(self, text: str) -> bool:
        if self.prompt is not None and self.prompt.matches(text):
            return True
        return text.strip() == self._shown and looks_like_prompt(text)

    def _run_of_prompts(self, tail: str) -> int | None:
        """Return the line of the first of several prompts at the end; None if there is only one."""
        lines, shown = self.screen.lines, tail.strip()
        first = None
        for index in range(len(lines) - 1, -1, -1):
            text = _text(lines[index]).strip()
            if text == shown:
                first = index
            elif text and text not in self._decorations:
                break
        return first

    def _prompt_before_log(self, end: int) -> int | None:
        """Return the line of a prompt after which only log messages came; None if there is none."""
        lines = self.screen.lines
        for index in range(end - 1, max(-1, end - 20), -1):
            text = _text(lines[index])
            if self.prompt is not None and self.prompt.matches(text):
                return index if index < end - 1 else None
            if text.strip() and not _LOG.match(text):
                return None
        return None

    def _end(self, at: int | None, tail: str) -> None:
        assert at is not None  # noqa: S101 - a check has begun
        if self.prompt is None:
            self.prompt = Prompt(tail)
        self.prompt.learn(tail)
        self.state = State.READY
        lines, shown = self.screen.lines, tail.strip().encode()
        last = lines[at].rstrip() if at < len(lines) else b""
        if last.endswith(shown) and not self.prompt.matches(_text(last)):  # a line without an end
            lines[at:] = [last.removesuffix(shown)]
            return
        while (earlier := self._prompt_before_log(at)) is not None:
            at = earlier
        at, owed = self._before_blanks(at), self._knocks - 1
        while owed > 0 and at > 0 and _text(lines[at - 1]).strip() == tail.strip():  # from an earlier check
            at, owed = self._before_blanks(at - 1), owed - 1
        del lines[at:]

    def _before_blanks(self, at: int) -> int:
        """Return the index after the last line before this one that belongs to the answer."""
        lines = self.screen.lines
        while at > 0 and (not lines[at - 1].strip() or _text(lines[at - 1]).strip() in self._decorations):
            at -= 1
        return at


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
