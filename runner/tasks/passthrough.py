"""What follows `--` on the command line."""

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

    Invoke joins them with spaces, so that nobody can tell any more where a word ended.

    Raises:
        UsageError: One holds a NUL character.
    """
    if not call.remainder:
        return ()
    joined = "--" not in sys.argv or " ".join(sys.argv[sys.argv.index("--") + 1 :]) != call.remainder
    found = (call.remainder,) if joined else tuple(sys.argv[sys.argv.index("--") + 1 :])
    if any("\0" in word for word in found):
        raise UsageError("what follows -- holds a NUL character")
    return found


def command(call: Call) -> str | None:
    """Return the command that followed `--`; None where nothing did.

    One word is the command line as it stands. Several are the words of one command, each of which arrives as
    one word, as with `sudo` or `env`; POSIX shells understand how they are quoted.
    """
    found = words(call)
    if len(found) > 1:
        return shlex.join(found)
    return found[0] if found else None
