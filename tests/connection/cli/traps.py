"""Devices that set a trap to each rule for the end of an answer; `TRAPS` has them by name.

@pytest.mark.parametrize("name", TRAPS)
def test_…(name, tmp_path):
    trap = TRAPS[name]
    with Device(trap.script()) as device:
        …                                   # send trap.commands in one session
    assert outputs == trap.outputs          # as far as the session came
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.connection.cli.script import Echo, Pager, Script
from tests.connection.cli.steps import (
    CLOSE,
    DISABLE,
    DROP,
    EOF,
    HANG,
    INVALID,
    PROMPT,
    SHELL,
    Answer,
    Ask,
    Enter,
    Later,
    Menu,
    Mode,
    Pause,
    ShellLogin,
    Slowly,
    Unlock,
    confirm,
)
from tests.connection.peers.ssh import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = "whole"  # every command is answered, and each answer is whole
REFUSED = "refused"  # the device refuses the last of `outputs`
QUESTION = "question"  # the device asks, and waits for the reply
LOST = "lost"  # the session ends in the middle of the answer
SILENT = "silent"  # nothing more comes, and no prompt
NO_PROMPT = "no prompt"  # the login ends without a prompt that takes commands

COMMAND, NEXT = "show trap", "show clock"
CLOCK = "12:00:00.000 UTC Tue Dec 1 2026"
LINES = "line 1\nline 2\nline 3\n"
SYSLOG = "*Dec  1 12:00:00.123: %SYS-5-CONFIG_I: Configured from console by vty0\n"
SECRET = "s3cret-of-enable"
PAGERS = {
    "backspaces": Pager(),
    "carriage return": Pager(more="---(more)---", erase=b"\r" + b" " * 12 + b"\r"),
    "escape codes": Pager(more="\x1b[7m--More--\x1b[m", erase=b"\r\x1b[K"),
    "cursor left": Pager(more="  ---- More ----", erase=b"\x1b[16D" + b" " * 16 + b"\x1b[16D"),
    "at the end, too": Pager(more="---(more)---", erase=b"\r\x1b[K", at_end="---(more 100%)---"),
}
PROMPTS = {
    "HA pair": "fw/pri/act#",
    "forty characters": "core-router-07.pop3.ams.example.net-re0#",
    "at sign": "admin@fw-01.example.net>",
    "blank after it": "[edit]\nadmin@r1# ",
    "brackets": "[admin@MikroTik] > ",
    "angles": "<HUAWEI-S5700>",
    "slot": "RP/0/RSP0/CPU0:asr9k-1#",
    "letter and asterisk": "\n*A:sr-1# ",
    "colours": "\x1b[1;32mr1\x1b[0m\x1b[1m#\x1b[0m ",
    "bracketed paste": "\x1b[?2004hr1# ",
    "regular expression": "r1(a+b)[x].*$#",
}


@dataclass(frozen=True)
class Trap:
    """A device, the commands to send to it, and their true outcome.

    Attributes:
        script: Returns its script, a new one each time.
        outputs: The true output of each command that ends, without the last line end; with an ending other
            than `WHOLE`, the last is what came before that end.
        ending: How the session ends: `WHOLE`, `REFUSED`, `QUESTION`, `LOST`, `SILENT` or `NO_PROMPT`.
        commands: The commands to send, in one session.
    """

    script: Callable[[], Script]
    outputs: tuple[str, ...] = (LINES.rstrip("\n"), CLOCK)
    ending: str = WHOLE
    commands: tuple[str, ...] = (COMMAND, NEXT)


def device_that(answer: Answer = LINES, **changes: Any) -> Script:
    """Return a device with this answer to `show trap`, and an ordinary one to `show clock`."""
    commands = {COMMAND: answer, NEXT: f"{CLOCK}\n"}
    return replace(Script(commands=commands), **changes)


def answers(answer: Answer, output: str, **changes: Any) -> Trap:
    """Return a trap in an answer that is whole in the end."""
    return Trap(lambda: device_that(answer, **changes), (output, CLOCK))


def ends(answer: Answer, output: str, ending: str, **changes: Any) -> Trap:
    """Return a trap in an answer after which no other command must be sent."""
    return Trap(lambda: device_that(answer, **changes), (output,), ending)


def ordinary(**changes: Any) -> Trap:
    """Return a device that differs in its login, its prompt or its echo, and answers as usual."""
    return Trap(lambda: device_that(**changes))


# The end of an answer -------------------------------------------------------------------------------------


def prompt_inside_a_line(pause_s: float = 0.5) -> Trap:
    """The prompt's text is in the output, which comes in two parts."""
    answer = ("line 1\nneighbor r1# is up\nline 3\n", Pause(pause_s), "line 4\n")
    return answers(answer, "line 1\nneighbor r1# is up\nline 3\nline 4")


def prompt_at_a_part_end(pause_s: float = 0.5) -> Trap:
    """The first of two parts ends with the prompt's text, but in the middle of a line."""
    return answers(
        ("line 1\nneighbor r1#", Pause(pause_s), " is up\nline 3\n"), "line 1\nneighbor r1# is up\nline 3"
    )


def prompt_line(pause_s: float = 0.5) -> Trap:
    """A line is equal to the prompt; the rest comes after a pause."""
    return answers(("line 1\nr1#\n", Pause(pause_s), "line 3\n"), "line 1\nr1#\nline 3")


def prompt_line_in_two_packets(pause_s: float = 0) -> Trap:
    """A line is equal to the prompt, and its line end comes in the next packet."""
    return answers(("line 1\nr1#", Pause(pause_s), "\nline 3\n"), "line 1\nr1#\nline 3")


def prompt_in_two_packets(pause_s: float = 0.5) -> Trap:
    """The prompt after the answer comes in two parts."""
    return Trap(lambda: _halved_prompt(pause_s))


def _halved_prompt(pause_s: float) -> Script:
    class Halved:
        async def play(self, session: Any) -> None:
            session.prompted = True
            await session.play((b"r", Pause(pause_s), b"1#"))

    return device_that((LINES, Halved()))


def no_last_line_end() -> Trap:
    """The prompt follows the last line without a line end.

    It is not in `TRAPS`: only a longer wait can distinguish it from `prompt_at_a_part_end`.
    """
    return answers("line 1\nline 2", "line 1\nline 2")


def silence(seconds: float = 2) -> Trap:
    """Nothing comes for a while in the middle of the answer."""
    return answers(("line 1\n", Pause(seconds), "line 2\n"), "line 1\nline 2")


def silence_before_the_answer(seconds: float = 2) -> Trap:
    """Nothing comes for a while between the echo and the answer."""
    return answers((Pause(seconds), LINES), LINES.rstrip("\n"))


def utf_8_in_parts(pause_s: float = 0.02) -> Trap:
    """Characters are split over reads."""
    text = "Zürich €uro 東京 😀"
    return answers((Slowly(text.encode(), pause_s), "\n"), text)


def syslog_in_the_answer(pause_s: float = 0.2) -> Trap:
    """A line of syslog comes in the middle of the answer; nothing distinguishes it from the answer."""
    return answers(("line 1\n", Pause(pause_s), SYSLOG, "line 2\n"), f"line 1\n{SYSLOG}line 2")


def syslog_at_once(*, redraws: bool = True) -> Trap:
    """A line of syslog comes at once after the prompt; then the prompt again, if the device redraws it."""
    steps = (LINES, PROMPT, f"\n{SYSLOG}", *([PROMPT] if redraws else []))
    return answers(steps, LINES.rstrip("\n"))


def syslog_later(seconds: float = 0.5, *, redraws: bool = True) -> Trap:
    """A line of syslog comes some time after the prompt, whatever the client does by then."""
    late = Later(seconds, (f"\n{SYSLOG}", *([PROMPT] if redraws else [])))
    return answers((LINES, late), LINES.rstrip("\n"))


def syslog_line_after_line(number: int = 25, every_s: float = 0.02) -> Trap:
    """Many lines of syslog come after the prompt, with short pauses; it is not in `TRAPS`."""
    late = [Later(count * every_s, (f"\n{SYSLOG}", PROMPT)) for count in range(1, number + 1)]
    return answers((LINES, *late), LINES.rstrip("\n"))


# Questions ------------------------------------------------------------------------------------------------


def question(text: str = "Proceed? (y/n) ", *, by_key: bool = False, yes: Answer = "done\n") -> Trap:
    """The device asks; `y` goes on, another reply ends the command. `Device.questions` has the reply."""
    asks = confirm(text, yes) if by_key else Ask(text, {"y": yes, "yes": yes, "Y": yes})
    return ends(("line 1\n", asks), f"line 1\n{text}".rstrip(), QUESTION)


# Logins ---------------------------------------------------------------------------------------------------


def slow_login(seconds: float = 10) -> Trap:
    """The shell shows nothing for a while after the login."""
    return ordinary(login=Pause(seconds))


def menu() -> Trap:
    """The login lands in a menu: nothing that looks like a prompt takes commands."""
    return Trap(lambda: device_that(login=Menu()), (), NO_PROMPT)


def password_change() -> Trap:
    """The login asks whether to change the password, as Huawei's does."""
    question = "The password needs to be changed. Change now? [Y/N]:"
    return Trap(lambda: device_that(login=Ask(question)), (), NO_PROMPT)


def second_login(user: str = USER, password: str = PASSWORD) -> Trap:
    """The SSH login takes anyone; user and password are asked for in the shell, as by a WLC."""
    return ordinary(login=ShellLogin(user, password), password=None, prompt="(Cisco Controller) >")


# Modes ----------------------------------------------------------------------------------------------------


def privileged(secret: str | None = SECRET) -> Script:
    """Return an IOS-like device with user mode, `enable`, and configuration mode.

    `show clock` is answered in user mode, `show trap` after `enable` (with this secret; None: without one).
    `hostname NAME` in configuration mode changes nothing but is accepted, `bogus` is refused.
    """
    config = Mode("r1(config)#", {"bogus": INVALID}, otherwise=())
    exec_commands: dict[str, Answer] = {
        COMMAND: LINES,
        NEXT: f"{CLOCK}\n",
        "configure terminal": (
            "Enter configuration commands, one per line.  End with CNTL/Z.\n",
            Enter(config),
        ),
        "enable": (),
        "disable": DISABLE,
    }
    enabled = Mode("r1#", exec_commands, is_privileged=True)
    enable: Answer = Enter(enabled) if secret is None else Unlock(secret, enabled)
    return Script("r1>", {NEXT: f"{CLOCK}\n", "enable": enable})


# Exec -----------------------------------------------------------------------------------------------------


def exec_ignored(banner: str = "Welcome to r1\n") -> Script:
    """Return a device that takes any exec, ignores the command, and shows a banner and nothing else."""
    return device_that(execute=banner)


def exec_opens_a_shell() -> Script:
    """Return a device that takes any exec, ignores the command, and runs its interactive shell."""
    return device_that(execute=("Welcome to r1\n", SHELL))


TRAPS: dict[str, Trap] = {
    "plain": ordinary(),
    "prompt inside a line": prompt_inside_a_line(),
    "prompt at the end of a part": prompt_at_a_part_end(),
    "line equal to the prompt": prompt_line(),
    "line equal to the prompt in two packets": prompt_line_in_two_packets(),
    "prompt in two packets": prompt_in_two_packets(),
    "silence": silence(),
    "silence before the answer": silence_before_the_answer(),
    "empty answer": answers((), ""),
    "UTF-8 in parts": utf_8_in_parts(),
    "syslog in the answer": syslog_in_the_answer(),
    "syslog at once": syslog_at_once(),
    "syslog at once, no prompt after it": syslog_at_once(redraws=False),
    "syslog later": syslog_later(),
    "syslog later, no prompt after it": syslog_later(redraws=False),
    "syslog in the echo": ordinary(echo=Echo(noise=f"\n{SYSLOG}")),
    "syslog in the echo, line shown again": ordinary(echo=Echo(noise=f"\n{SYSLOG}", redraws=True)),
    "slow echo": ordinary(echo=Echo(pause_s=0.05)),
    "no echo": ordinary(echo=None),
    "wrapped echo": ordinary(echo=Echo(columns=10)),
    "echo of the command in the answer": answers(f"{COMMAND}\n{LINES}", f"{COMMAND}\n{LINES}".rstrip("\n")),
    "other line ends": ordinary(newline="\n\r"),
    "banner instead of an answer": answers("Welcome to r1\n", "Welcome to r1"),
    "banner like a prompt": ordinary(login="#####\nr1#\nAuthorized users only >\n\n"),
    "slow login": slow_login(3),
    "menu": menu(),
    "password change": password_change(),
    "second login": second_login(),
    "session commands refused": ordinary(session_commands="refuse"),
    "refused": ends(INVALID, "       ^\n% Invalid input detected at '^' marker.", REFUSED),
    "confirm": question("Proceed with reload? [confirm]", by_key=True),
    "yes or no": question(),
    "file name": question("Destination filename [startup-config]? "),
    "end of file": ends(("line 1\n", EOF), "line 1", LOST),
    "closed channel": ends(("line 1\n", CLOSE), "line 1", LOST),
    "closed channel after a whole line of the prompt": ends(("line 1\nr1#\n", CLOSE), "line 1\nr1#", LOST),
    "dropped connection": ends(("line 1\n", Pause(0.2), DROP), "line 1", LOST),
    "hanging": ends(("line 1\n", HANG), "line 1", SILENT),
    **{f"prompt: {name}": ordinary(prompt=prompt) for name, prompt in PROMPTS.items()},
    **{
        f"pager that stays: {name}": answers(
            "".join(f"line {number}\n" for number in range(1, 13)),
            "\n".join(f"line {number}" for number in range(1, 13)),
            pager=pager,
            session_commands="ignore",
        )
        for name, pager in PAGERS.items()
    },
}
"""Every trap by its name; the functions of this module make variants with other pauses."""
