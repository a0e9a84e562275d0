"""Optional positional arguments and better error messages for Invoke's parser.

Invoke has no optional positional arguments: a positional argument is always required, and takes the next word
even if that is `--help`. Its message for a misspelled flag suggests no other. Invoke asks a task for its
arguments after the command line is known, so the arguments can be declared to fit that command line.
"""

from __future__ import annotations

import shlex
from copy import copy
from typing import TYPE_CHECKING, Any

from invoke.exceptions import ParseError
from invoke.parser.argument import Argument

from runner.errors import UsageError
from runner.settings.heeded import nearest
from runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

__all__ = [
    "Declared",
    "Numeric",
    "Repeated",
    "check_flags",
    "flags",
    "offered",
    "own_words",
    "show_values",
    "shown",
    "value_of",
]


class Declared(Argument):
    """An argument of our tasks that is cheap to copy.

    Invoke's parser makes a deep copy of every argument of every task before it reads a command line. Our
    arguments replace their values and never change them in place, so that a shallow copy is enough.
    """

    is_offered = True
    """Whether help shows the argument, and whether it is suggested for a misspelled flag."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Argument:
        return copy(self)


class Repeated(Declared):
    """An argument that may be given several times; its value is None if it is not given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(kind=list, **options)

    @property
    def value(self) -> list[str] | None:
        """The values that were given; None if there are none."""
        return self._value or None

    @value.setter
    def value(self, given: str) -> None:
        self.raw_value = given
        self._value = [*(self._value or []), given]


def offered(arguments: Iterable[Argument]) -> list[Argument]:
    """Return the arguments that help shows."""
    return [each for each in arguments if getattr(each, "is_offered", True)]


def flags(arguments: Iterable[Argument]) -> dict[str, bool]:
    """Return every spelling of every flag, and whether it takes a value."""
    found: dict[str, bool] = {}
    for argument in arguments:
        for name in argument.names:
            dashed = name.replace("_", "-")
            found[f"-{dashed}" if len(dashed) == 1 else f"--{dashed}"] = argument.takes_value
            if argument.kind is bool and argument.default is True:
                found[f"--no-{dashed}"] = False
    return found


class Numeric(Declared):
    """An argument that must be a number; anything else is reported in one line."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        """Set the value.

        Raises:
            ParseError: The value is not a number.
        """
        try:
            super().set_value(value, cast)
        except ValueError:
            kind = "a whole number" if self.kind is int else "a number"
            raise ParseError(f"--{self.names[0]} {value!r}: expected {kind}") from None


def own_words(argv: Sequence[str], names: Iterable[str], known: Mapping[str, bool]) -> list[str]:
    """Return the words of a command line that follow a task's name, up to `--`.

    Args:
        argv: The command line.
        names: The task's name and aliases.
        known: Flags, and whether they take a value. The word after an unknown flag counts as its value: such
            a flag belongs to another task.
    """
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    wanted = {name.replace("_", "-") for name in names}
    before = ""
    for index, word in enumerate(words):
        is_value = before.startswith("-") and "=" not in before and known.get(before, True)
        if not is_value and word.rpartition(".")[2].replace("_", "-") in wanted:
            return words[index + 1 :]
        before = "" if is_value else word
    return []


def check_flags(
    words: Sequence[str],
    arguments: Iterable[Argument],
    core: Mapping[str, bool],
    loose: Sequence[str],
    tasks: Container[str] | None = None,
) -> int:
    """Check the words of this task; return how many arguments are given without a flag.

    Args:
        words: The words after the task's name.
        arguments: The task's arguments.
        core: Invoke's own flags, which are also allowed there.
        loose: Names of the arguments that may be given without their flag, in order.
        tasks: The names of all tasks, because another task may follow; None if they are not known.

    Raises:
        ParseError: A flag is unknown, lacks its value or is given twice although only one value counts; or a
            word is not the name of a task.
    """
    arguments = list(arguments)
    own = flags(arguments)
    once = _Once(arguments)
    spelt = flags(argument for argument in arguments if argument.name in loose)
    found, given = 0, False
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-") or word == "-":
            if given or found == len(loose):
                _check_task(word, tasks)  # the next task begins here
                return found
            found += 1
            continue
        flag, value = _last(word, {**core, **own})
        if flag in ("-h", "--help"):
            return found
        given = given or flag in spelt
        if flag not in own and flag not in core:
            raise ParseError(_suggest(flag, flags(offered(arguments))))
        _check(flag, value, remaining, own, core)
        once.check(flag)
    return found


class _Once:
    """Flags that may be given only once.

    For a second one, Invoke itself reports only that its value is not a task.
    """

    def __init__(self, arguments: Iterable[Argument]) -> None:
        single = [item for item in arguments if item.takes_value and item.kind is not list]
        self._names = {flag: item.name for item in single for flag in flags([item])}
        self._patterns = ("group", "limit") if "-g" in self._names else ()
        self._given: set[str] = set()

    def check(self, flag: str) -> None:
        name = self._names.get(flag)
        if name is None:
            return
        if name in self._given:
            several = f"; one pattern can name several: {flag} 'a:b'" if name in self._patterns else ""
            raise ParseError(f"{flag} is given twice, and would count once{several}")
        self._given.add(name)


def _check_task(word: str, tasks: Container[str] | None) -> None:
    """Raise an error for a word that is not a task; suggest `--group`, because it is probably a host."""
    if tasks is not None and word not in tasks:
        shown = printable(shlex.quote(word))
        raise ParseError(f"{word!r} is not a task; name hosts with --group: --group {shown}")


def show_values(words: Sequence[str], arguments: Iterable[Argument]) -> None:
    """Make Invoke's help show that repeatable flags take a value.

    Invoke shows this only for strings and integers. A flag that is given at most once is parsed the same as a
    string, so its kind is changed to `str`.
    """
    given = [_split(word)[0] for word in words]
    for item in arguments:
        if item.kind is list and sum(given.count(flag) for flag in flags([item])) <= 1:
            item.kind = str
            item.raw_value = None  # an empty list would count as given


def shown(arguments: Iterable[Argument], words: Sequence[str]) -> list[Argument]:
    """Return the arguments that help shows, and those on the command line, which must be parsed."""
    typed = {_split(word)[0] for word in words}
    listed = offered(arguments)
    return [each for each in arguments if each in listed or not typed.isdisjoint(flags([each]))]


def value_of(flag: str, read: Callable[[str], Any], value: str | None) -> Any:
    """Return the parsed value of a task's own flag; None if the flag was not given.

    Args:
        flag: The flag, as it is typed.
        read: Parses the value, and raises `ValueError` if it is not valid.
        value: The value that was given.

    Raises:
        UsageError: The value is not valid.
    """
    if value is None:
        return None
    try:
        return read(value)
    except ValueError as exc:
        raise UsageError(f"{flag} {value!r}: {exc}") from exc


def _split(word: str) -> tuple[str, str]:
    """Split a word into its flag and the text joined to it: `=` after a long flag, or the rest of `-x…`."""
    if word.startswith("--"):
        flag, equals, _ = word.partition("=")
        return flag, equals
    return word[:2], word[2:]


def _last(word: str, known: Mapping[str, bool]) -> tuple[str, str]:
    """Return the last flag of a word, which may take a value (`-g` in `-qg`), and the text joined to it."""
    flag, value = _split(word)
    while value and not flag.startswith("--") and known.get(flag) is False:
        flag, value = _split(f"-{value}")
    return flag, value


def _check(
    flag: str, joined: str, remaining: Iterator[str], own: Mapping[str, bool], core: Mapping[str, bool]
) -> None:
    known = own if flag in own else core
    if not known[flag] or joined:
        return
    value = next(remaining, None)
    if value is None:
        raise ParseError(f"{flag} needs a value")
    if value in ("-h", "--help") or _split(value)[0] in own:
        raise ParseError(f"{flag} needs a value, and {value} is a flag; if it is meant: {flag}={value}")


def _suggest(flag: str, known: Iterable[str]) -> str:
    near = nearest(flag, known)
    if near:
        return f"{flag} is not a flag here; did you mean {' or '.join(near)}?"
    return f"{flag} is not a flag here; the flags are: {' '.join(sorted(known))}"
