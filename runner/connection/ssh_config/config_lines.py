"""Find the line of `ssh_config` that gives an option, for messages that name it."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.connection.ssh_config.host_config import config_files
from runner.connection.ssh_config.keywords import TABLE
from runner.connection.ssh_config.reader import config
from runner.errors import InvalidVariable
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from runner.connection.ssh_config.tokens import Words

__all__ = ["config_origin", "given_options"]


def given_options(path: str | None) -> list[Words]:
    """Return the arguments of each option that a file, or an included file, gives for any host.

    Args:
        path: The file, as `host_config` takes it. A file that cannot be read gives nothing.
    """
    try:
        blocks = config(config_files(path)).blocks
    except InvalidVariable:  # the run reports it as the result of each host
        return []
    return [words for block in blocks for _, words in block.options]


@lru_cache(maxsize=256)
def config_origin(keyword: str, path: str | None) -> Origin:
    """Return the origin of an option that a line of a file gives, by the lower-case keyword."""
    return Origin(Kind.SSH_CONFIG, TABLE[keyword].name, os.path.expanduser(path or ""))  # noqa: PTH111 - as in `config_files`
