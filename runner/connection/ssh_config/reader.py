"""Read `ssh_config` files as `ssh` does, once per process, and then find each host's options quickly.

`ssh -G` would start a process for each host. If only `ssh` can judge a line (`Match exec`, a value that is
not known to be valid), `OnlySsh` names the reason and the line, and the caller runs `ssh -G` for that host.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.connection.options import SSH_CONFIG
from runner.connection.ssh_config.included import folders, included
from runner.connection.ssh_config.keywords import ADD_UP, JUDGED, TABLE, Use, find
from runner.connection.ssh_config.patterns import matches_any
from runner.connection.ssh_config.tokens import Obtained, Words
from runner.connection.ssh_config.words import arguments, criteria, keyword
from runner.connection.target.variables import unusable
from runner.connection.transport.faults import own_name
from runner.errors import InvalidVariable
from runner.text import reading
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from runner.connection.ssh_config.tokens import Given, Said

__all__ = ["JUDGE", "Config", "Files", "OnlySsh", "config", "take"]

_LONGEST = 2**24  # bytes
_DEEPEST = 16  # READCONF_MAX_DEPTH
_MOST_FILES = 1000
_MOST_BYTES = 2**25  # of all files
_MOST_NAMES = 1000
_USER_FOLDER, _SYSTEM_FOLDER = "~/.ssh", "/etc/ssh"
_KEPT = (Use.HONOURED, Use.ONLY_SSH, Use.JUDGED)
_PASSED_OVER: dict[str, Callable[[Given, tuple[str, ...]], bool]] = {
    "proxyjump": lambda said, _: "proxycommand" in said,
    "proxycommand": lambda said, _: said.get("proxyjump", ("none",))[0].lower() != "none",
    "connecttimeout": lambda _, words: words == ("none",),
    "serveraliveinterval": lambda _, words: words == ("none",),
}
JUDGE = frozenset({"ssh -G"})
"""Added to the mentioned keywords of a file if some hosts may need `ssh -G`."""
Files = tuple[tuple[str, bool], ...]
"""Paths of files in the order in which they count, and whether each is the system's."""


class OnlySsh(ValueError):
    """Only `ssh` itself can judge a line.

    Args:
        why: The reason.
        path: The file.
        line: The number of the line; 0 if no particular line is the reason.
    """

    def __init__(self, why: str, path: str = "", line: int = 0) -> None:
        super().__init__(f"{path} line {line}: {why}" if line else f"{path}: {why}" if path else why)
        self.why, self.path, self.line = why, path, line


def take(said: Said, name: str, words: tuple[str, ...]) -> None:
    """Merge one value into the options: the first value counts, but values of some keywords add up.

    Of `ProxyJump` and `ProxyCommand` together only the first counts, except for `ProxyJump none`. `ssh`
    treats a time of `none` as not given yet.
    """
    if name in ADD_UP:
        before = said.get(name, ())
        said[name] = before + tuple(word for word in words if word not in before)
    elif name not in said and (name not in _PASSED_OVER or not _PASSED_OVER[name](said, words)):
        said[name] = words


_Test = Callable[[Any], bool]  # takes the name for a `Host` line, an `Obtained` for a `Match` line
_Criterion = Callable[[Obtained, str], bool]
# The last four came with OpenSSH 9.4 and 10.0.
_ONLY_SSH = frozenset({"exec", "localnetwork", "tagged", "version", "sessiontype", "command"})
_WITHOUT_ARGUMENT: dict[str, _Criterion] = {
    "all": lambda *_: True,
    "final": lambda so_far, _: so_far.final,
    "canonical": lambda so_far, _: so_far.final,
}
_TESTS: dict[str, _Criterion] = _WITHOUT_ARGUMENT | {
    "host": lambda so_far, names: matches_any(names.lower().split(","), so_far.address),
    "originalhost": lambda so_far, names: matches_any(names.lower().split(","), so_far.name.lower()),
    "user": lambda so_far, names: matches_any(names.split(","), so_far.user),
    "localuser": lambda _, names: matches_any(names.split(","), own_name()),
}


def _is_pattern(name: str) -> bool:
    """Tell whether a word of a `Host` line is a pattern, or negated."""
    return not {"*", "?", "!"}.isdisjoint(name)


def _host_test(names: tuple[str, ...]) -> _Test:
    if any(map(_is_pattern, names)):
        return lambda host: matches_any(names, host)
    return frozenset(names).__contains__


def _match_test(text: str) -> tuple[_Test, set[str]]:
    """Return the test of a `Match` line, and its criteria; for some hosts the test raises `OnlySsh`."""
    words = list(criteria(text))
    tests: list[tuple[_Criterion, str, bool]] = []
    names: set[str] = set()
    while words:
        word = words.pop(0)
        name, wanted = word.removeprefix("!").lower(), not word.startswith("!")
        names.add(name)
        if (name == "all" and (words or len(names) > 2)) or word.lower() == "!final":  # noqa: PLR2004 - `all`, one more
            raise ValueError(f"Match {word}: its meaning depends on the version of OpenSSH")
        argument = words.pop(0) if words and name not in _WITHOUT_ARGUMENT else ""
        if name not in _TESTS.keys() | _ONLY_SSH or not (argument or name in _WITHOUT_ARGUMENT):
            raise ValueError(f"Match {word[:40]} is unknown, or needs an argument")
        if name in _TESTS:
            tests.append((_TESTS[name], argument, wanted))
    if not names:
        raise ValueError("Match needs a criterion")

    def test(so_far: Obtained) -> bool:
        passed = all(criterion(so_far, argument) is wanted for criterion, argument, wanted in tests)
        if passed and not _ONLY_SSH.isdisjoint(names):
            raise OnlySsh(f"only ssh can judge Match {' '.join(_ONLY_SSH & names)}")
        return passed

    return test, names


class _Block(NamedTuple):
    """A `Host` or `Match` line with the options after it, or the options after an `Include` in such a block.

    Attributes:
        level: How deep its file is included; the block of the file around it is one level higher.
        applies: Its test; None if it continues the block before it on its level.
        names: The words of a `Host` line.
        options: Keywords and arguments, in order.
    """

    level: int
    applies: _Test | None
    names: tuple[str, ...]
    options: list[tuple[str, Words]]


def _always(_: object) -> bool:
    return True


@dataclass(slots=True)
class Config:
    """Files that have been read, with all that they include.

    Attributes:
        mentioned: The keywords that are used for any host, in lower case; also `JUDGE`, if it applies.
        blocks: The blocks, in the order in which `ssh` reads them.
        doubt: The first line for which it is not known whether, or how, `ssh` accepts it; may be None.
    """

    mentioned: set[str] = field(default_factory=set)
    doubt: OnlySsh | None = None
    blocks: list[_Block] = field(default_factory=list)
    _places: dict[str, list[int]] = field(default_factory=dict)
    _final: bool = False
    _stamps: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    _files: int = 0
    _bytes: int = 0
    _system: bool = False
    _for_all: bool = True
    _ignored: tuple[str, ...] = ()

    def of(self, name: str, given: Given) -> Obtained:
        """Return the options of a host: those that are given, then those of the files.

        Args:
            name: The host name as it is given to `ssh`.
            given: Options of a command line.

        Raises:
            OnlySsh: Only `ssh` can judge the options of this host.
        """
        if self.doubt is not None:
            raise OnlySsh(self.doubt.why, self.doubt.path, self.doubt.line)
        so_far = Obtained(name, dict(given), name)
        self._tell(so_far)
        if self._final:
            so_far.host, so_far.final = so_far.address, True
            so_far.said["hostname"] = (so_far.host.replace("%", "%%"),)
            self._tell(so_far)
        for option in JUDGED & so_far.said.keys():
            if not TABLE[option].is_off(so_far.said[option]):
                raise OnlySsh(f"only ssh can judge {option}")
        return so_far

    def _tell(self, so_far: Obtained) -> None:
        active = [True] * (_DEEPEST + 2)
        for place in sorted({*self._places.get("", ()), *self._places.get(so_far.host, ())}):
            level, applies, names, options = self.blocks[place]
            if applies is not None:
                active[level] = active[level - 1] and applies(so_far.host if names else so_far)
            if active[level]:
                for name, words in options:
                    take(so_far.said, name, words)

    def names(self) -> dict[str, None]:
        """Return the names on `Host` lines that are not patterns, if the surrounding blocks apply to them."""
        found: dict[str, None] = {}
        around: list[_Test] = [_always] * (_DEEPEST + 2)
        for block in self.blocks:
            if block.applies is not None:
                around[block.level] = block.applies if block.names else _always
            if len(block.names) > _MOST_NAMES and any(map(_is_pattern, block.names)):
                raise unusable(block.names[0], f"more than {_MOST_NAMES} names and patterns on one line")
            for name in block.names:
                if not _is_pattern(name) and all(test(name) for test in around[: block.level + 1]):
                    found[name] = None
        return found

    def current(self) -> bool:
        """Tell whether every file, and every folder in which an `Include` searches, is unchanged."""
        return all(_stamp(path) == stamp for path, stamp in self._stamps.items())

    def read(self, files: Files) -> Config:
        """Read files; raise `InvalidVariable` if one is not a file or a limit is exceeded."""
        for path, self._system in files:
            self._for_all = True
            self._file(path, 1)
        after = [*self.blocks[1:], _Block(1, _always, (), [])]
        for place, (block, following) in enumerate(zip(self.blocks, after, strict=False)):
            alone = block.level == following.level == 1 and following.applies is not None
            names = block.names if alone and not any(map(_is_pattern, block.names)) else ()
            for name in names or ("",):  # blocks for these names only, or for any host
                self._places.setdefault(name, []).append(place)
        return self

    def _file(self, path: str, level: int) -> None:
        self._files += 1
        if level > _DEEPEST + 1 or self._files > _MOST_FILES:
            why = f"files include one another deeper than {_DEEPEST} levels, or {_MOST_FILES} times"
            raise unusable(path, why)
        self._stamps[path] = _stamp(path)
        self.blocks.append(_Block(level, _always, (), []))
        try:
            text = _text(path, included=level > 1)
        except FileNotFoundError:
            return
        except OSError as exc:
            self.doubt = self.doubt or OnlySsh(f"cannot be read: {exc.strerror}", path)
            return
        self._bytes += len(text)
        if self._bytes > _MOST_BYTES:
            raise unusable(path, f"this file and those before it hold more than {_MOST_BYTES:,} bytes")
        for number, line in enumerate(text.split("\n"), 1):
            try:
                self._line(line, level, (path, number))
            except ValueError as exc:
                self.doubt = self.doubt or OnlySsh(str(exc), path, number)

    def _line(self, line: str, level: int, place: tuple[str, int]) -> None:
        name, rest = keyword(line) or ("", "")
        if name == "include":
            for word in arguments(rest):
                self._include(word, level)
            self.blocks.append(_Block(level, None, (), []))
        elif name == "host":
            names = tuple(arguments(rest))
            self.blocks.append(_Block(level, _host_test(names), names, []))
            self._for_all = names == ("*",)
        elif name == "match":
            test, words = _match_test(rest)
            self.blocks.append(_Block(level, test, (), []))
            self.mentioned.update(JUDGE if words & _ONLY_SSH else ())
            self._final = self._final or "final" in words
            self._for_all = words == {"all"}
        elif name:
            self._option(name, rest, place)

    def _option(self, name: str, rest: str, place: tuple[str, int]) -> None:
        known = find(name)
        if known is None:
            if not matches_any(self._ignored, name):
                raise ValueError(f"the keyword {name[:40]!r} is unknown")
            arguments(rest, may_be_empty=True)
            return
        name, words = known.name.lower(), known.read(rest)
        if name == "ignoreunknown" and self._for_all and not self._ignored:
            self._ignored = tuple(words[0].lower().split(","))
        if known.use in _KEPT:
            self.mentioned.add(name)
            self.mentioned.update(JUDGE if name in JUDGED and not known.is_off(words) else ())
            placed = Words(words, Origin(Kind.SSH_CONFIG, known.name, *place))
            self.blocks[-1].options.append((name, placed))

    def _include(self, word: str, level: int) -> None:
        """Read the files that a word of an `Include` names, relative to the usual folder."""
        if "%" in word or "${" in word:
            raise ValueError("an Include with tokens, which OpenSSH has since 10.0")
        if not word.startswith(("/", "~")):
            word = f"{_SYSTEM_FOLDER if self._system else _USER_FOLDER}/{word}"
        pattern = os.path.expanduser(word)  # noqa: PTH111 - a pattern, not a path
        try:
            found, looked_in = included(pattern), folders(pattern)
        except ValueError as exc:
            raise unusable(pattern, str(exc)) from exc
        self._stamps.update((folder, _stamp(folder)) for folder in looked_in)
        for_all = self._for_all
        for path in found:
            self._file(path, level + 1)
            self._for_all = for_all


def _text(path: str, *, included: bool) -> str:
    """Return the text of a file, without waiting for a named pipe or reading a device to its end."""
    status = os.stat(path)  # noqa: PTH116 - as in `_stamp`
    if (included or path == os.path.expanduser(SSH_CONFIG)) and (  # noqa: PTH111 - as above
        status.st_uid not in (0, os.getuid()) or status.st_mode & 0o022
    ):
        raise PermissionError(0, "bad owner or permissions, which ssh does not accept either")
    try:
        return reading.contents(path, _LONGEST, pipes=not included).decode("utf-8", "surrogateescape")
    except OSError as exc:
        if exc.errno in (errno.EINVAL, errno.EFBIG):  # `ssh` cannot judge it either
            raise unusable(path, str(exc.strerror)) from exc
        raise


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - asked for every host; a Path costs more than the answer
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


_lock = threading.Lock()
_read: dict[Files, Config] = {}
_unusable: dict[Files, tuple[float, InvalidVariable]] = {}
_UNUSABLE_S = 10.0
"""Seconds before files over a limit are read again, because thousands of hosts may name them."""


def config(files: Files) -> Config:
    """Return files as they are now, and read them again only if one has changed; raise as `Config.read`."""
    with _lock:
        found = _read.get(files)
        if found is not None and found.current():
            return found
        at, error = _unusable.get(files, (-_UNUSABLE_S, None))
        if error is not None and time.monotonic() - at < _UNUSABLE_S:
            raise error
        try:
            found = _read[files] = Config().read(files)
        except InvalidVariable as exc:
            _unusable[files] = time.monotonic(), exc.with_traceback(None)
            raise
        _unusable.pop(files, None)
        return found
