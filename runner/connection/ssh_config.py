"""What the user's own `ssh_config` says about a host, as `ssh -G` reads it (ssh(1), ssh_config(5)).

Asking `ssh` is the one way to get `Include`, `Match` and tokens right. It is asked once for each name, and
not at all where there is no file.
"""

from __future__ import annotations

import logging
import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.jump import read_jumps, read_proxy_command
from runner.errors import InvalidVariable
from runner.models import Phase

if TYPE_CHECKING:
    from runner.connection.jump import Jump

__all__ = ["HostConfig", "host_config"]

logger = logging.getLogger(__name__)

_SSH_S = 10.0
_NOTHING = "/dev/null"


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What a file says about one host; None and empty are nothing.

    Attributes:
        address: What `HostName` says.
        user: What `User` says.
        port: What `Port` says.
        identities: Private key files, in order; one that does not exist is passed over.
        known_hosts: Paths of `known_hosts` files.
        jumps: The hosts to go through.
    """

    address: str | None = None
    user: str | None = None
    port: int | None = None
    identities: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    jumps: tuple[Jump, ...] = ()


def host_config(path: str | None, name: str) -> HostConfig:
    """Return what a file says about a host.

    Args:
        path: The file; None, or one that does not exist, says nothing.
        name: The host, as one would write it behind `ssh`.

    Raises:
        InvalidVariable: It cannot be read, or leads to the host in a way that we do not go.
    """
    file = Path(path).expanduser() if path is not None else None
    try:
        changed_ns = file.stat().st_mtime_ns if file is not None else None
    except OSError:
        changed_ns = None
    if file is None or changed_ns is None:
        return HostConfig()
    return _host_config(str(file), name, changed_ns)


@lru_cache(maxsize=16384)
def _host_config(path: str, name: str, changed_ns: int) -> HostConfig:  # noqa: ARG001 - a changed file is read anew
    said = _ask(path, name)
    # `ssh -G` does not tell what a file says from what holds without one.
    usual = _usual(name)
    own = {key: values for key, values in said.items() if values != usual.get(key)}
    port = own.get("port", ("",))[0]
    return HostConfig(
        address=own.get("hostname", (None,))[0],
        user=own.get("user", (None,))[0],
        port=int(port) if port.isdigit() else None,
        identities=tuple(file for file in own.get("identityfile", ()) if file != "none"),
        known_hosts=tuple(shlex.split(" ".join(own.get("userknownhostsfile", ())))),
        jumps=_jumps(path, own),
    )


def _jumps(path: str, own: dict[str, tuple[str, ...]]) -> tuple[Jump, ...]:
    try:
        if "proxyjump" in own:
            return read_jumps(own["proxyjump"][0])
        command = own.get("proxycommand", ("none",))[0]
        jumps = read_proxy_command(command)
    except ValueError as exc:
        raise _unusable(path, str(exc)) from exc
    if jumps is None:
        raise _unusable(path, f"ProxyCommand {command!r} is not supported; ProxyJump is")
    return jumps


@lru_cache(maxsize=1)
def _defaults() -> dict[str, tuple[str, ...]]:
    return _ask(_NOTHING, "name.invalid")


def _usual(name: str) -> dict[str, tuple[str, ...]]:
    return {**_defaults(), "hostname": (name.lower(),)}


def _ask(path: str, name: str) -> dict[str, tuple[str, ...]]:
    """Return every option that `ssh` would use for a host, by its lower-case name."""
    try:
        done = subprocess.run(
            ["ssh", "-G", "-F", path, "--", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SSH_S,
            check=False,
        )
    except FileNotFoundError:
        _warn_of_missing_ssh(path)
        return {}
    except subprocess.TimeoutExpired as exc:
        raise _unusable(path, f"ssh -G did not answer within {_SSH_S:g} s") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "ssuing" not in line] or ["ssh -G failed"]
        raise _unusable(path, re.sub(r"\s+", " ", lines[-1]))
    said: dict[str, tuple[str, ...]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        said[key] = (*said.get(key, ()), value)
    return said


@lru_cache(maxsize=1)
def _warn_of_missing_ssh(path: str) -> None:
    logger.warning("%s is not read: there is no ssh program, which reads it for us", path)


def _unusable(path: str, why: str) -> InvalidVariable:
    return InvalidVariable(f"{path}: {why}", reason="bad-ssh-config", phase=Phase.CONNECT)
