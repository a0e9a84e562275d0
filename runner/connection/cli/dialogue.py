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

from runner.connection.cli.prompts import Prompt, may_be_first_prompt, may_be_new_prompt
from runner.connection.cli.screen import Screen
from runner.platforms.questions import pager_key, question
from runner.platforms.refusals import LOG_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.connection.command.process import Process
    from runner.models import Secret

__all__ = ["Dialogue", "State"]

_QUIET_S = 0.005
"""Silence after a prompt before the end is checked: the rest of the same packet is there by then."""
_FIRST_S = 0.03
"""Silence after which an unfinished line that may be the first prompt is checked."""
_LATER_S = 0.3
"""The same for another line, if the first one was only the end of a piece of a banner."""
_GLUED_S = 0.5
"""Silence after which a prompt behind other text, a last line without an end, is checked."""
_NEW_S = 3.0
"""Silence after which an unfinished line that may be a prompt with another host name is checked."""
_PAGE_S = 0.05
"""Silence after which a pager is paged on; twice as long as it takes to draw it in pieces."""
_PASSWORD_S = 0.05
"""Silence after which a prompt for a password counts as one, while a password is expected."""
_ASKED_S = 1.0
"""Silence after which an unfinished line counts as a question: data may have a pause at such a place."""
_STUCK_S = 5.0
"""Silence after which a device is asked for a new prompt if other text followed the last one."""
_LOG_S = 1.0
"""Silence after a log message that followed a prompt, before the device is asked for a new prompt."""
_AGAIN_S = 0.5
"""Silence after which the end is checked once more, if something else than a prompt came meanwhile."""

_SIMPLE = re.compile(r"[\w.:@/~<\[*!-]{1,64}[#>] ?")
"""A prompt after which session commands are typed at once, before it has been checked."""
_UNANSWERED_S = 3.0
"""Silence after which a prompt counts as the end, if the device does not answer an empty line at all."""
_MOST_READS = 4
"""Pieces of output that are read before deadlines and limits are looked at again."""
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
        expects_password: Whether a prompt for a password is expected now.
    """

    def __init__(
        self, process: Process, enter: str, opening: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        self.opened = False
        self.expects_password = False
        self._answers_enter = False
        self._echoes = True
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
        """Read the output that has come, up to a limit; return whether there may be more."""
        for _ in range(_MOST_READS):
            chunks = self._process.read()
            if not any(chunks):
                return False
            for chunk in filter(None, chunks):
                self._take(chunk)
                self.screen.feed(chunk)
            self._heard_at = time.monotonic()
        if self.prompt is None and self._mark is None and self._is_much():  # an endless banner
            del self.screen.lines[:-_HELD]
        return True

    def step(self) -> float | None:
        """Read, look at the end of the output, and set `state`; return the seconds until the next look.

        None means that only more output can change anything.
        """
        is_open = self._process.output_open
        if self.read():
            return 0.0
        tail = self.tail
        quiet_s = time.monotonic() - self._heard_at
        if not is_open:
            self.state = State.CLOSED
            return None
        if (key := pager_key(tail)) is not None:
            may_be_data = tail.strip()[:1].isalnum() or tail.strip() == ":"
            pause_s = _GLUED_S if may_be_data else _PAGE_S
            return self._after(pause_s, quiet_s, lambda: self._turn_page(key, may_be_data=may_be_data))
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
        shown = _squeezed(self.prompt.shown) if self.prompt is not None else ""
        came = ""
        for index, line in enumerate(self.screen.typed[: len(lines)] if echo and self._echoes else ()):
            text = _text(line)
            if not LOG_MESSAGE.match(text):
                came += _squeezed(text)
            if echo in (came, _squeezed(text)) or (shown and came.endswith(shown + echo)):
                return lines[index + 1 :]
        return lines

    def _look(self, tail: str, quiet_s: float) -> float | None:
        """Look for a prompt or a question at the end of the output."""
        here, prompt = len(self.screen.lines), self.prompt
        if (here, tail) == self._replied:
            return None  # the device has not read the reply yet
        if prompt is not None and (prompt.is_known(tail) or self._is_mode(prompt, tail)):
            return self._after(_QUIET_S, quiet_s, lambda: self._knock(here))
        if question(tail) is not None:
            awaited = self.expects_password and "assw" in tail
            return self._after(_PASSWORD_S if awaited else _ASKED_S, quiet_s, self._ask)
        if prompt is None:
            first = may_be_first_prompt(tail)
            return self._after(_FIRST_S, quiet_s, lambda: self._knock(here)) if first else None
        return self._look_longer(prompt, tail, quiet_s)

    def _look_longer(self, prompt: Prompt, tail: str, quiet_s: float) -> float | None:
        """Look for a prompt in a form that needs a longer silence."""
        here = len(self.screen.lines)
        if prompt.ends(tail):
            return self._after(_GLUED_S, quiet_s, lambda: self._knock(here))
        if may_be_new_prompt(tail):
            return self._after(_NEW_S, quiet_s, lambda: self._knock(here))
        if tail.strip():
            return None
        before = self._prompt_before_log(here)
        if before is not None:
            return self._after(_LOG_S, quiet_s, lambda: self._knock(before))
        if any(prompt.is_known(_text(line)) for line in self.screen.lines[-20:]):
            return self._after(_STUCK_S, quiet_s, lambda: self._knock(here))
        return None

    def _is_mode(self, prompt: Prompt, tail: str) -> bool:
        """Return whether the end of the output is the prompt in another mode, and not a question."""
        return question(tail) is None and not prompt.ends(tail) and prompt.matches(tail)

    def _after(self, seconds: float, quiet_s: float, act: Callable[[], None]) -> float | None:
        """Act if the device has been silent for so long; return how much longer it has to be."""
        if quiet_s < seconds:
            return seconds - quiet_s
        act()
        return None

    def _turn_page(self, key: str, *, may_be_data: bool) -> None:
        self.screen.drop_pager(may_be_data=may_be_data)
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
        return may_be_first_prompt(before) if self.prompt is None else self.prompt.matches(before)

    def _erase_key(self) -> None:
        self._key = ""
        self._process.write(b"\b")

    def _ask(self) -> None:
        self.state = State.ASKING

    def _knock(self, at: int) -> None:
        """Check whether the prompt at a line ends the answer: send an empty line."""
        self._mark = at
        self._knocks += 1
        self._shown = _text(self.screen.line).strip()
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
            self.opened, self._echoes = True, not silent
            self._end(self._mark, shown)
            return None
        if question(tail) is not None:
            return self._after(_ASKED_S, quiet_s, self._ask)
        is_there = tail.strip().endswith(shown) or may_be_first_prompt(tail)
        return self._after(_LOG_S, quiet_s, self._doubt_opening) if is_there else None

    def _doubt_opening(self) -> None:
        """Go on without the opening commands: the device has not read them, or shows them in another way."""
        self._ahead = 0
        self._knock(len(self.screen.lines))

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
            return self._check_other(tail, quiet_s)
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
            self._echoes = self._echoes and self.prompt is not None  # it does not echo the empty line
            self._end(self._mark, self._shown)
            return None
        if not self._is_prompt(tail):
            return self._check_other(tail, quiet_s)
        if self._answers_enter:
            return None  # it will answer when it is ready
        act = self._press_other_key if self._knocks == 1 and self.prompt is None else self._accept
        return self._after(_UNANSWERED_S, quiet_s, act)

    def _check_other(self, tail: str, quiet_s: float) -> float | None:
        """Look at the end of the output if it is not the prompt that was checked."""
        if question(tail) is not None and (len(self.screen.lines), tail) != self._replied:
            return self._after(_ASKED_S, quiet_s, self._ask)
        if self.prompt is None and tail.strip() != self._shown and may_be_first_prompt(tail):
            return self._after(_LATER_S, quiet_s, lambda: self._knock(len(self.screen.lines)))
        return None

    def _press_other_key(self) -> None:
        """Try the other character for Enter: some devices take only one of them."""
        self._enter = b"\r" if self._enter == b"\n" else b"\n"
        self._knock(len(self.screen.lines))

    def _accept(self) -> None:
        self._end(self._mark, self.tail)
        self._answers_enter = False

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
        return bool(self._shown) and text.strip() == self._shown

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
            if text.strip() and not LOG_MESSAGE.match(text):
                return None
        return None

    def _end(self, at: int | None, tail: str) -> None:
        assert at is not None  # noqa: S101 - a check has begun
        if self.prompt is None:
            self.prompt = Prompt(tail)
        self.prompt.learn(tail)
        self.state = State.READY
        self._answers_enter = True
        lines, shown = self.screen.lines, self.screen.tail.strip()
        last = lines[at].rstrip() if at < len(lines) else b""
        if last.endswith(shown) and last.strip() != shown and not self._is_prompt_line(last):
            lines[at:] = [last.removesuffix(shown)]  # a line without an end
            return
        while (earlier := self._prompt_before_log(at)) is not None:
            at = earlier
        at, owed = self._before_blanks(at), self._knocks - 1
        while owed > 0 and at > 0 and _text(lines[at - 1]).strip() == tail.strip():  # from an earlier check
            at, owed = self._before_blanks(at - 1), owed - 1
        del lines[at:]

    def _is_prompt_line(self, line: bytes) -> bool:
        assert self.prompt is not None  # noqa: S101 - the caller has set it
        text = _text(line)
        return self.prompt.is_known(text) or self._is_mode(self.prompt, text)

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
