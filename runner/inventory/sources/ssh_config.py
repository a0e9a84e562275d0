"""The hosts of an OpenSSH client configuration, such as `~/.ssh/config`.

Each name on a `Host` line that is no pattern is a host. What `ssh_config(5)` says of it (the first value
obtained counts, patterns included) becomes its connection variables. `Match` blocks, some of which run
programs, are passed over, but for `Match all`.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InventoryError
from runner.inventory.graph import UNGROUPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.inventory.loading import Loading

__all__ = ["SSH_CONFIG", "SshConfig"]

_VARIABLES = {
    "hostname": "ansible_host",
    "port": "ansible_port",
    "user": "ansible_user",
    "identityfile": "ansible_ssh_private_key_file",
    "proxyjump": "ansible_ssh_common_args",
}
_WILD = frozenset("*?!")
_MAX_DEPTH = 16
_MAX_FILES = 1000
_MAX_COMPARED = 10_000_000


class _Option(NamedTuple):
    """One option: the patterns of the block that it stands in, and where."""

    patterns: tuple[str, ...]
    keyword: str
    value: str
    path: str
    line: int


class SshConfig:
    """A file `config` in a folder `.ssh`, or one named `ssh_config`."""

    order = 35

    def claims(self, source: str) -> bool:
        """Take a file by its name."""
        folder, name = os.path.split(source)
        return (name == "ssh_config" or (name == "config" and os.path.basename(folder) == ".ssh")) and (  # noqa: PTH119
            os.path.isfile(source)  # noqa: PTH113
        )

    def read(self, source: str, loading: Loading) -> None:
        """Add a host for each name.

        Raises:
            InventoryError: A line cannot be read, or files include one another without end.
        """
        options = _Options(loading)
        options.read(source, 0)
        graph = loading.graph
        graph.source = source
        for name in options.names():
            graph.add_host(name, graph.groups[UNGROUPED])
            for variable, option in options.of(name).items():
                value = _translated(name, option)
                graph.set_variables(name, {variable: value}, option.line, path=option.path)


class _Options:
    """The options of a file and of those that it includes, in the order in which they count."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._files = 0
        self._all: list[_Option] = []
        self._by_name: dict[str, list[int]] = {}
        self._by_pattern: list[int] = []

    def read(self, path: str, depth: int, outer: tuple[str, ...] = ("*",)) -> None:
        """Read a file, and what it includes where it includes it.

        Args:
            path: The file.
            depth: How many files include it.
            outer: The patterns of the block that includes it.

        Raises:
            InventoryError: A line cannot be read, or files include one another without end.
        """
        self._files += 1
        if depth > _MAX_DEPTH or self._files > _MAX_FILES:
            message = f"files that include one another deeper than {_MAX_DEPTH} levels, or {_MAX_FILES} times"
            raise InventoryError(message, path=path)
        patterns = outer
        for number, raw in enumerate(self._loading.read_text(path).splitlines(), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            keyword, words = _words(line, path, number)
            if keyword in ("host", "match"):
                patterns = self._block(keyword, words)
            elif keyword == "include":
                for included in _included(words, path):
                    self.read(included, depth + 1, patterns)
            else:
                self._add(_Option(patterns, keyword, " ".join(words), path, number))

    def _block(self, keyword: str, words: list[str]) -> tuple[str, ...]:
        """Begin a block, and return the patterns that it is for."""
        if keyword == "match":
            return ("*",) if [word.lower() for word in words] == ["all"] else ()
        for name in words:
            if not _WILD & set(name):
                self._by_name.setdefault(name, [])
        return tuple(words)

    def _add(self, option: _Option) -> None:
        """Remember an option by the names that it is for, and apart if it is for patterns."""
        position = len(self._all)
        self._all.append(option)
        if any(_WILD & set(pattern) for pattern in option.patterns):
            self._by_pattern.append(position)
        for name in option.patterns:
            if not _WILD & set(name):
                self._by_name.setdefault(name, []).append(position)

    def names(self) -> list[str]:
        """Return every name that is no pattern.

        Raises:
            InventoryError: There are too many for so many patterns.
        """
        if len(self._by_name) * len(self._by_pattern) > _MAX_COMPARED:
            raise InventoryError(
                f"{len(self._by_name)} hosts and {len(self._by_pattern)} options for patterns are too many",
                path=self._all[0].path,
            )
        return list(self._by_name)

    def of(self, name: str) -> dict[str, _Option]:
        """Return for each variable the first option that gives it."""
        found: dict[str, _Option] = {}
        for position in sorted({*self._by_name[name], *self._by_pattern}):
            option = self._all[position]
            variable = _VARIABLES.get(option.keyword)
            if variable and variable not in found and _matches(name, option.patterns):
                found[variable] = option
        return found


def _words(line: str, path: str, number: int) -> tuple[str, list[str]]:
    """Split a line into its keyword and arguments, with `=` between them or without."""
    keyword = re.split(r"[\s=]", line, maxsplit=1)[0]
    rest = line[len(keyword) :].strip().removeprefix("=")
    try:
        words = shlex.split(rest, comments=False)
    except ValueError as exc:
        raise InventoryError("a quotation mark is not closed", path=path, line=number, text=line) from exc
    if not words:
        raise InventoryError(f"{keyword} needs a value", path=path, line=number, text=line)
    return keyword.lower(), words


def _included(words: list[str], path: str) -> Iterator[str]:
    """Yield the files that an `Include` names; a relative one is sought in the folder of this one."""
    for word in words:
        pattern = os.path.join(os.path.dirname(path), os.path.expanduser(word))  # noqa: PTH111, PTH118, PTH120
        yield from sorted(glob.glob(pattern))  # noqa: PTH207


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a block is for a host: one pattern has to match, and none that begins with `!` may."""
    refused = any(fnmatch.fnmatchcase(name, each[1:]) for each in patterns if each.startswith("!"))
    return not refused and any(
        fnmatch.fnmatchcase(name, each) for each in patterns if not each.startswith("!")
    )


def _translated(name: str, option: _Option) -> str | int:
    """Turn an option's value into the variable's."""
    if option.keyword == "hostname":
        return option.value.replace("%h", name).replace("%%", "%")
    if option.keyword == "port" and option.value.isascii() and option.value.isdigit():
        return int(option.value[:6])
    if option.keyword == "proxyjump":
        return f"-o ProxyJump={option.value}"
    return option.value


SSH_CONFIG = SshConfig()
