"""The source of a value: a flag, an environment variable, a line of a file."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

__all__ = ["Kind", "Origin", "shortened"]


class Kind(StrEnum):
    """The ways to give a value, in order of precedence."""

    FLAG = "flag"
    KEYWORD = "keyword"
    ANSWER = "answer"
    VARIABLE = "inventory"
    ENVIRONMENT = "environment"
    FILE = "file"
    CODE = "code"
    ANSIBLE_ENVIRONMENT = "ansible-environment"
    ANSIBLE_CFG = "ansible.cfg"
    PROJECT = "project"
    SSH_CONFIG = "ssh_config"


_OF_THIS_RUN = frozenset({Kind.FLAG, Kind.KEYWORD, Kind.ANSWER})
_WORDS = {
    Kind.KEYWORD: "keyword {}",
    Kind.ANSWER: "answered at the terminal",
    Kind.VARIABLE: "variable {} of the inventory",
    Kind.CODE: "the collection's configuration in tasks.py",
    Kind.PROJECT: "the project's folder",
}


class Origin(NamedTuple):
    """The source of a value.

    Attributes:
        kind: The way in which it was given.
        name: The name used there: `--user`, `INVOKE_RUNNER_USER`, `user`, `StrictHostKeyChecking`.
        path: The file that gives it, if a file does.
        line: The 1-based line in the file, if known.
    """

    kind: Kind
    name: str
    path: str | None = None
    line: int | None = None

    @property
    def is_of_this_run(self) -> bool:
        """Whether the value was given for this run only, and so overrides the variables of a host."""
        return self.kind in _OF_THIS_RUN

    @property
    def rank(self) -> int:
        """Place in the order of precedence, the lowest wins; flags, keywords and answers are equal."""
        return 0 if self.is_of_this_run else tuple(Kind).index(self.kind)

    def __str__(self) -> str:
        """Return the place as an editor or a shell understands it: `invoke.yaml:3`, `--user`."""
        if self.path is not None:
            place = shortened(self.path)
            return place if self.line is None else f"{place}:{self.line}"
        return _WORDS.get(self.kind, "{}").format(self.name)


def shortened(path: str) -> str:
    """Return a path as a person would type it: below the current folder, else below `~`, else in full."""
    full = Path(os.path.normpath(path))
    for base, prefix in ((Path.cwd(), ""), (Path(os.path.expanduser("~")), "~/")):  # noqa: PTH111 - it may be unknown
        if full.is_relative_to(base) and base.parent != base:
            return f"{prefix}{full.relative_to(base)}"
    return str(full)
