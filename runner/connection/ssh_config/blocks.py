"""For which hosts a block of `ssh_config` is: `Host` and `Match` (ssh_config(5))."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.connection.patterns import matches_any
from runner.connection.ssh_config.words import criteria

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Obtained", "host_block", "match_block"]


@dataclass(slots=True)
class Obtained:
    """What has been obtained for one host so far.

    Attributes:
        name: The host as one writes it behind `ssh`.
        said: Every option by its lower-case keyword; for most of them the first value counts.
    """

    name: str
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The host's name as the options until here have it."""
        written = self.said.get("hostname", ("%h",))[0]
        return written.replace("%%", "\0").replace("%h", self.name).replace("\0", "%")

    @property
    def user(self) -> str:
        """Who logs in, as the options until here have it."""
        return self.said.get("user", (getpass.getuser(),))[0]


_TESTS: dict[str, Callable[[Obtained, list[str]], bool]] = {
    "host": lambda so_far, names: _matches_host(names, so_far.address),
    "originalhost": lambda so_far, names: _matches_host(names, so_far.name),
    "user": lambda so_far, names: matches_any(names, so_far.user),
    "localuser": lambda _, names: matches_any(names, getpass.getuser()),
}


def _matches_host(names: list[str], host: str) -> bool:
    return matches_any([name.lower() for name in names], host.lower())


def host_block(names: list[str]) -> Callable[[Obtained], bool]:
    """Return what tells whether a `Host` line is for a host."""
    if any(set("*?!") & set(name) for name in names):
        return lambda so_far: matches_any(names, so_far.name)
    literal = frozenset(names)
    return lambda so_far: so_far.name in literal


def match_block(text: str) -> Callable[[Obtained], bool]:
    """Return what tells whether a `Match` line is for a host.

    Raises:
        ValueError: It holds a criterion that only `ssh` itself can judge, such as `exec`.
    """
    words = list(criteria(text))
    if [word.lower() for word in words] in (["all"], ["!all"]):
        everybody = words[0].lower() == "all"
        return lambda _: everybody
    tests: list[tuple[bool, str, list[str]]] = []
    for word, argument in zip(words[::2], [*words[1::2], ""], strict=False):
        name = word.removeprefix("!").lower()
        if name not in _TESTS or not argument:
            raise ValueError(f"Match {name[:40]}: only ssh itself can judge that")
        tests.append((word.startswith("!"), name, argument.split(",")))
    if not tests:
        raise ValueError("Match: a criterion is missing")
    return lambda so_far: all(_TESTS[name](so_far, names) is not negated for negated, name, names in tests)
