"""Reads `ssh_config` files as `ssh` does: once a process, and then in no time for each host.

`ssh -G` starts a process for each host, which a fleet has many of. Where a file holds anything that only
`ssh` can judge (`Match exec`, an option of a later version, a line that is wrong), that is said, and nothing
of the file is taken.
"""

from __future__ import annotations

import glob
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.ssh_config.blocks import Obtained, host_block, match_block
from runner.connection.ssh_config.options import APPENDED, option
from runner.connection.ssh_config.words import arguments, keyword
from runner.errors import InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Unread", "mentioned", "obtain"]

_LONGEST = 2**24  # characters
_DEEPEST = 16  # READCONF_MAX_DEPTH
_SYSTEM_FOLDER = "/etc/ssh"
_USER_FOLDER = "~/.ssh"
_EITHER = {"proxyjump": "proxycommand", "proxycommand": "proxyjump"}


class Unread(ValueError):
    """A file holds what only `ssh` itself can judge; the message says what, and where."""


@dataclass(frozen=True, slots=True)
class _Say:
    """An option and its value."""

    name: str
    value: tuple[str, ...]


@dataclass(slots=True)
class _Block:
    """What stands between one `Host` or `Match` line and the next, and for whom."""

    applies: Callable[[Obtained], bool]
    steps: list[_Say | _Part] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    """What one file says, and those that it includes where it includes them.

    What stands before its first block is for whom the line is that includes it, and so is all that follows
    that line: a block ends with its file.
    """

    blocks: list[_Block] = field(default_factory=lambda: [_Block(lambda _: True)])

    def tell(self, so_far: Obtained) -> None:
        """Add what is said for a host to what has been obtained until here."""
        for block in self.blocks:
            if not block.applies(so_far):
                continue
            for step in block.steps:
                if isinstance(step, _Say):
                    _take(so_far.said, step)
                else:
                    step.tell(so_far)

    def options(self) -> Iterator[str]:
        """Yield the name of every option that is said for any host."""
        for block in self.blocks:
            for step in block.steps:
                if isinstance(step, _Say):
                    yield step.name
                else:
                    yield from step.options()


def _take(said: dict[str, tuple[str, ...]], step: _Say) -> None:
    """Add a value: the first counts; of `ProxyJump` and `ProxyCommand` the first of both, `none` included."""
    name = step.name
    if name in APPENDED:
        before = said.get(name, ())
        said[name] = before if step.value[0] in before else before + step.value
    elif name not in said and _EITHER.get(name) not in said:
        said[name] = step.value


@dataclass(slots=True)
class _Reading:
    """One reading of a file with all that it includes, and by what one sees that it has to be read again."""

    system: bool
    stamps: dict[str, tuple[int, int] | None] = field(default_factory=dict)

    def part(self, path: str, depth: int = 0) -> _Part:
        if depth > _DEEPEST:
            raise Unread(f"{path}: files include one another deeper than {_DEEPEST} levels")
        self.stamps[path] = _stamp(path)
        part = _Part()
        try:
            with Path(path).open(encoding="utf-8", errors="surrogateescape") as file:
                text = file.read(_LONGEST + 1)
        except FileNotFoundError:
            return part
        except OSError as exc:
            raise Unread(f"{path}: cannot be read: {exc.strerror}") from exc
        if len(text) > _LONGEST:  # nor is `ssh` to read a device without an end
            text = f"{path}: longer than {_LONGEST >> 20} MiB, which no ssh_config is"
            raise InvalidVariable(text, reason="bad-ssh-config", phase=Phase.CONNECT)
        for number, line in enumerate(text.split("\n"), 1):
            try:
                self._step(part, line, depth)
            except Unread:
                raise
            except ValueError as exc:
                raise Unread(f"{path} line {number}: {exc}") from exc
        return part

    def _step(self, part: _Part, line: str, depth: int) -> None:
        found = keyword(line)
        if found is None:
            return
        name, rest = found
        steps = part.blocks[-1].steps
        if name == "include":
            steps.extend(self._included(word, depth) for word in arguments(rest))
        elif name in ("host", "match"):
            part.blocks.append(_Block(host_block(arguments(rest)) if name == "host" else match_block(rest)))
        elif (value := option(name, rest)) is not None:
            steps.append(_Say(name, value))

    def _included(self, word: str, depth: int) -> _Part:
        """Read what a pattern of an `Include` stands for; a relative one stands on the file's own folder."""
        if not word.startswith(("/", "~")):
            word = f"{_SYSTEM_FOLDER if self.system else _USER_FOLDER}/{word}"
        pattern = os.path.expanduser(word)  # noqa: PTH111 - a pattern is no path
        found = sorted(glob.glob(pattern))  # noqa: PTH207 - as above
        self.stamps.update((folder, _stamp(folder)) for folder in _folders(pattern))
        together = _Part()
        together.blocks[0].steps.extend(self.part(path, depth + 1) for path in found)
        return together

    def current(self) -> bool:
        """Whether every file, and every folder in which more could be found, is still what it was."""
        return all(_stamp(path) == stamp for path, stamp in self.stamps.items())


def _folders(pattern: str) -> set[str]:
    """Return the folders whose change may change what a pattern stands for."""
    folder = os.path.dirname(pattern)  # noqa: PTH120 - as above
    return {folder, *glob.glob(folder), *(_folders(folder) if glob.has_magic(folder) else ())}  # noqa: PTH207


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - asked for every host; a Path costs more than the answer
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


_lock = threading.Lock()
_read: dict[tuple[str, bool], tuple[_Reading, _Part | Unread]] = {}


def obtain(files: tuple[tuple[str, bool], ...], name: str, given: Mapping[str, str]) -> Obtained:
    """Return what files say about a host.

    Args:
        files: Their paths, in the order in which they count, and whether each is the system's.
        name: The host, as one would write it behind `ssh`.
        given: Options that are known beforehand, as those on a command line, by lower-case keyword.

    Raises:
        Unread: One holds what only `ssh` can judge.
    """
    so_far = Obtained(name, {option_name: (value,) for option_name, value in given.items()})
    for path, system in files:
        _part(path, system).tell(so_far)
    return so_far


def mentioned(files: tuple[tuple[str, bool], ...]) -> frozenset[str]:
    """Return the names of all options that files say for any host at all, in lower case.

    Args:
        files: As `obtain` takes them.

    Raises:
        Unread: One holds what only `ssh` can judge.
    """
    return frozenset(name for path, system in files for name in _part(path, system).options())


def _part(path: str, system: bool) -> _Part:
    with _lock:
        reading, part = _read.get((path, system), (None, None))
        if reading is None or part is None or not reading.current():
            reading = _Reading(system)
            try:
                part = reading.part(path)
            except Unread as exc:
                part = exc
            _read[path, system] = reading, part
    if isinstance(part, Unread):
        raise Unread(str(part))
    return part
