"""Find out the platform of a device whose variables do not name it, once for each host key.

The SSH version of some devices names the platform (RFC 4253 section 4.2). The others are asked: netmiko has a
list of harmless commands with the words that identify each platform in the answer.
"""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.errors import MissingExtra
from runner.platforms import find
from runner.platforms.definition import Platform
from runner.platforms.refusals import refusal
from runner.text import reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


__all__ = ["detected", "recalled", "remember"]

logger = logging.getLogger(__name__)

_BY_VERSION = (
    ("ROSSSH", "mikrotik_routeros"),
    ("CISCO_WLC", "cisco_wlc"),
    ("Cisco-", "cisco_ios"),
    ("HUAWEI-", "huawei_vrp"),
    ("Comware-", "hp_comware"),
    ("Moxa", "moxa_nos"),
)
"""The beginning of the software version in the SSH version of a server, and its platform."""

_OURS = (("show version", "frr", ("FRRouting",)), ("show version", "vyos", (r"VyOS \d",)))
"""Answers that netmiko's list lacks: the command, the platform, and expressions for its answer."""

_ANY = Platform(name="any")
"""For refusals that are worded alike everywhere."""

_LONGEST = 64 * 1024
"""Characters of an answer that are searched."""

_LONGEST_RECORD = 4 * 2**20
"""Bytes of the record; a longer one is not read, and devices are asked again."""


def detected(version: str, ask: Callable[[str], str]) -> Platform | None:
    """Return the platform of a device; None if it is not recognised.

    Args:
        version: The SSH version of its server.
        ask: Sends a command and returns the answer.

    Raises:
        MissingExtra: netmiko is not installed, and the SSH version does not show the platform.
        HostError: The device does not answer.
    """
    software = version.removeprefix("SSH-2.0-").removeprefix("SSH-1.99-")
    for beginning, name in _BY_VERSION:
        if software.startswith(beginning):
            return find(name)
    for command, candidates in _questions():
        answer = ask(command)[:_LONGEST]
        if refusal(_ANY, answer.encode()) is not None:
            continue
        for _, name, patterns in candidates:
            if any(re.search(pattern, answer, re.IGNORECASE) for pattern in patterns):
                return find(name)
    return None


@cache
def _questions() -> tuple[tuple[str, tuple[tuple[int, str, tuple[str, ...]], ...]], ...]:
    """Return each command with the platforms that its answer can show, the surest first."""
    try:
        from netmiko.ssh_autodetect import SSH_MAPPER_DICT  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as exc:
        feature = "without ansible_network_os, finding out the platform of a device"
        raise MissingExtra(feature, "devices") from exc
    found: dict[str, list[tuple[int, str, tuple[str, ...]]]] = {}
    for command, name, patterns in _OURS:
        found.setdefault(command, []).append((100, name, patterns))
    table: dict[str, dict[str, Any]] = SSH_MAPPER_DICT
    for name, how in table.items():
        if how.get("cmd") and how.get("dispatch") == "_autodetect_std":
            known = re.sub(r"_(?:2|85)\Z", "", name)
            found.setdefault(how["cmd"], []).append((how["priority"], known, tuple(how["search_patterns"])))
    return tuple(
        (command, tuple(sorted(candidates, key=lambda each: -each[0])))
        for command, candidates in sorted(found.items(), key=lambda item: -len(item[1]))
    )


def recalled(key: str) -> Platform | None:
    """Return the platform that was found for a host key before; None if it is not on record."""
    with suppress(OSError, UnicodeDecodeError):
        for line in reading.contents(_record(), _LONGEST_RECORD).decode("utf-8").splitlines():
            known, _, name = line.partition(" ")
            if known == key:
                return find(name)
    return None


def remember(host: str, key: str, platform: Platform) -> None:
    """Put the platform of a host key on record, and say what was found."""
    logger.warning(
        "%s: its platform is %s, by its answers; ansible_network_os: %s saves the question",
        host,
        platform.name,
        platform.name,
    )
    with suppress(OSError):  # without a record, the next run asks again
        path = _record()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = writing.open_to_append(path)
        try:
            writing.append(descriptor, f"{key} {platform.name}\n".encode())
        finally:
            os.close(descriptor)


def _record() -> Path:
    from platformdirs import user_state_path  # noqa: PLC0415 - needed for few hosts

    return user_state_path("invoke-runner") / "platforms"
