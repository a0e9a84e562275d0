"""Find the line in which a device refused a command.

A CLI that refuses a command prints a line about it but ends as if all was well, so that only the text shows
the refusal.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.platforms.definition import Platform

__all__ = ["LOG_MESSAGE", "LONGEST_BYTES", "refusal"]

LONGEST_BYTES = 2000
"""Length, in bytes, up to which every line of an output is searched; of a longer one, only its beginning."""

# A refusal is the device's whole output. In a longer output, such a line is part of the data that was asked
# for, for example a log.
_LONGEST_LINES = 6

# The words of the parsers of most device CLIs.
_WRONG = "%{0,2} {0,2}(?:invalid|incomplete|ambiguous|unknown|unrecognized|unrecognised|illegal|bad|wrong)"
_PARSER = (
    rf"{_WRONG} (?:input|command|syntax|entry|parameter|argument|keyword|token|host or address)\b",
    r"%{0,2} {0,2}command (?:not found|incomplete|rejected|authorization fail|is not complete|parse error)",
    r"(?:%{0,2} {0,2}|error: {0,2})(?:syntax|parse|parsing) error\b",
    r"(?:error: {0,2})?no such command\b",
    r"parsing error\b",
    r"(?:-?\w*sh: )?(?:line \d+: |\d+: )?[^\s:]+: (?:command )?not found\b",  # a shell, as its CLI is left
)
_ERROR = (
    r"error ?: ",
    r"permission denied\b",
    r"insufficient privileges?\b",
    r"(?:this )?command (?:is )?not (?:authori[sz]ed|supported|allowed)\b",
    r"failed to commit\b",
    r"bad (?:mask|filename|ip address)\b",
    r"\?bad filename\b",
    r"\.{0,20}% ?connection timed out\b",
)

_FAILED = (
    r"error: ",
    r"%{0,2} ?error (?:opening|reading|writing|copying)\b",
    r"failed to commit\b",
    r"commit failed\b",
)

LOG_MESSAGE = re.compile(r"[*.:]?(?:<\d{1,3}>)?[^%\n]{0,80}%\w{1,40}(?:-\w{1,40}){0,3}-\d-\w{1,40} ?:")
"""A log message of a device: `*Mar  1 00:00:01.000: %SYS-5-CONFIG_I: ...` (RFC 5424 names no text form)."""

# A parser points at the fault with a caret below the command; Viptela draws a line up to it.
_CARET = re.compile(r"[-~ \t]*\^[-~^ \t]*\Z")


def refusal(platform: Platform, output: bytes) -> str | None:
    """Return the line in which a device refused a command; None if it accepted it.

    A POSIX shell that commands are typed into is judged as a device is: its exit codes are not known.

    Args:
        platform: The platform of the device.
        output: The device's answer without echo and prompt.
    """
    lines = _lines(output[: LONGEST_BYTES + 1])
    if len(output) > LONGEST_BYTES or len(lines) > _LONGEST_LINES:
        found = _at_the_beginning(platform, lines)
        return found or _at_the_end(_lines(output[-LONGEST_BYTES:]))
    return next((line for line in lines if _refuses(platform, line)), None)


def _lines(output: bytes) -> list[str]:
    """Return the lines of an output that are neither empty nor log messages."""
    lines = map(str.strip, output.decode("utf-8", "replace").splitlines())
    return [line for line in lines if line and not LOG_MESSAGE.match(line)]


def _at_the_end(lines: list[str]) -> str | None:
    """Return the failure with which a long output ends, such as that of a commit or of a copy."""
    return next((line for line in lines[-1:] if _pattern(_FAILED).match(line)), None)


def _at_the_beginning(platform: Platform, lines: list[str]) -> str | None:
    """Return the refusal with which a long output begins.

    Junos lists the possible completions after it, and a syslog line may follow. The data of an accepted
    command does not begin with a parser's words, nor with a caret and a refusal below it.
    """
    if not lines:
        return None
    if _CARET.match(lines[0]):
        return next((line for line in lines[1:2] if _refuses(platform, line)), None)
    return lines[0] if _pattern(_PARSER).match(lines[0]) else None


def _refuses(platform: Platform, line: str) -> bool:
    if not _pattern(platform.refusals + _PARSER + _ERROR).match(line):
        return False
    return not (platform.harmless and _pattern(platform.harmless).match(line))


@cache
def _pattern(alternatives: tuple[str, ...]) -> re.Pattern[str]:
    """Compile once per family of platforms: platforms of one family share their tuples."""
    return re.compile("|".join(f"(?:{each})" for each in alternatives), re.IGNORECASE)
