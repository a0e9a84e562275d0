"""What Invoke's parser cannot be told about a task's arguments, told to it all the same.

Invoke has no optional positional arguments: one is either required or not positional. It also takes the first
word after a task that lacks one for it, `--help` included, and it names no flag when one is misspelt. A
task's arguments are asked for when the command line is already known, so they can be declared to fit it.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from invoke.exceptions import ParseError
from invoke.parser.argument import Argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Repeated", "check_flags", "own_words"]


class Repeated(Argument):
    """An argument that may be given several times; it counts as missing while it is not given at all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(kind=list, **options)

    @property
    def value(self) -> list[str] | None:
        """What was given; None where nothing was."""
        return self._value or None

    @value.setter
    def value(self, given: str) -> None:
        self.raw_value = given
        self._value = [*(self._value or []), given]


def own_words(argv: Sequence[str], names: Iterable[str]) -> list[str]:
    """Return the words of a command line that follow a task's name, up to `--`."""
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    wanted = {name.replace("_", "-") for name in names}
    for index, word in enumerate(words):
        if word.rpartition(".")[2].replace("_", "-") in wanted:
            return words[index + 1 :]
    return []


def check_flags(words: Sequence[str], arguments: Iterable[Argument], core: Iterable[str]) -> str | None:
    """Look at the words that are this task's own; return the first that is no flag and no flag's value.

    Args:
        words: What follows the task's name.
        arguments: The task's arguments.
        core: Invoke's own flags, which may stand there too.

    Raises:
        ParseError: A word is a flag of neither.
    """
    takes_value = _flags(arguments)
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-") or word == "-":
            return word
        flag, equals, _ = word.partition("=")
        if not flag.startswith("--"):
            flag, equals = word[:2], word[2:]
        if flag in takes_value:
            if takes_value[flag] and not equals:
                next(remaining, None)
        elif flag in core:
            return None
        else:
            raise ParseError(_suggest(flag, takes_value))
    return None


def _flags(arguments: Iterable[Argument]) -> dict[str, bool]:
    """Return every spelling of every flag, and whether it takes a value."""
    flags: dict[str, bool] = {}
    for argument in arguments:
        for name in argument.names:
            dashed = name.replace("_", "-")
            flags[f"-{dashed}" if len(dashed) == 1 else f"--{dashed}"] = argument.takes_value
            if argument.kind is bool and argument.default is True:
                flags[f"--no-{dashed}"] = False
    return flags


def _suggest(flag: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(flag, known, n=3)
    if near:
        return f"{flag} is not a flag here; did you mean {' or '.join(near)}?"
    return f"{flag} is not a flag here; the flags are: {' '.join(sorted(known))}"
