"""Words after `--` on the command line."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["command", "words"]


def words(call: Call) -> tuple[str, ...]:
    """Return the words that followed `--`.

    Invoke joins them with spaces, which loses the word boundaries. So the words are read from `sys.argv` if
    they match Invoke's text.

    Raises:
        UsageError: A word contains a NUL character.
    """
    if not call.remainder:
        return ()
    joined = "--" not in sys.argv or " ".join(sys.argv[sys.argv.index("--") + 1 :]) != call.remainder
    found = (call.remainder,) if joined else tuple(sys.argv[sys.argv.index("--") + 1 :])
    if any("\0" in word for word in found):
        raise UsageError("a word after -- contains a NUL character")
    return found


def command(call: Call) -> str | None:
    """Return the command that followed `--`; None if there is none.

    A single word is the whole command line, unchanged. Several words are the words of one command, as with
    `sudo` or `env`: they are quoted for a POSIX shell, so that each arrives as one word.
    """
    found = words(call)
    if len(found) > 1:
        return shlex.join(found)
    return found[0] if found else None
