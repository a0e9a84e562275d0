"""Which options hold for a host: read from `ssh_config`, or asked of `ssh -G` if only `ssh` can judge."""

from __future__ import annotations

import os
import pwd
import re
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.options import SSH_CONFIG
from runner.connection.ssh_config.keywords import ADD_UP, TABLE
from runner.connection.ssh_config.options import options_of
from runner.connection.ssh_config.reader import OnlySsh, config
from runner.connection.ssh_config.tokens import Obtained
from runner.connection.target.variables import refused, unusable
from runner.environment import of_child
from runner.errors import InvalidVariable
from runner.text import printable

if TYPE_CHECKING:
    from runner.connection.ssh_config.options import SshOptions
    from runner.connection.ssh_config.reader import Files
    from runner.connection.ssh_config.tokens import Given, Said

__all__ = ["KEYS", "WAYS", "config_files", "host_config", "mentions"]

_SSH_S = 10.0
_NOTHING = "/dev/null"
_SYSTEM = "/etc/ssh/ssh_config"
KEYS = frozenset({"identityfile", "certificatefile", "identityagent"})
"""The keywords that name keys."""
WAYS = frozenset({"hostname", "port", "proxyjump", "proxycommand", "canonicalizehostname"})
"""The keywords that say where a host is, or how to get there."""


def host_config(
    path: str | None, name: str, given: Given, *, trusted: bool = True
) -> tuple[SshOptions, Obtained]:
    """Return the options that hold for a host, and all that was obtained for it.

    Args:
        path: The file; behind the user's own, `~/.ssh/config`, the system's is read. None, or a file that
            does not exist, says nothing.
        name: The host as one writes it behind `ssh`.
        given: Options of a command line, by lower-case keyword; these come first.
        trusted: Whether the file may name programs to run on this machine.

    Raises:
        InvalidVariable: The file cannot be used, or would run a program and may not.
    """
    files = config_files(path)
    try:
        found = config(files).of(name, given) if files else Obtained(name, dict(given), name)
    except OnlySsh as exc:
        if not trusted:
            raise refused("-F", str(exc)) from exc
        changed = tuple(os.stat(file).st_mtime_ns for file, _ in files)  # noqa: PTH116 - asked for every host
        found = Obtained(name, _asked(str(path), name, given, changed, str(exc)), name)
    try:
        options = options_of(found.said, found)
    except ValueError as exc:
        raise unusable(str(path), f"{name}: {exc}") from exc
    if options.proxy_command and not trusted and "proxycommand" not in given:
        raise refused("-F", "ProxyCommand")
    return options, found


def mentions(path: str | None, keywords: frozenset[str]) -> bool | None:
    """Tell whether a file says any of some keywords for any host; None if only `ssh` can tell.

    A caller that asks about thousands of hosts need not ask about each.
    """
    with suppress(InvalidVariable):
        found = config(config_files(path))
        return None if found.doubt else not keywords.isdisjoint(found.mentioned)
    return None


def config_files(path: str | None) -> Files:
    """Return the files that there are, and whether each is the system's."""
    if path is None:
        return ()
    candidates = [(os.path.expanduser(path), False)]  # noqa: PTH111 - asked for every host
    if path == SSH_CONFIG:
        candidates.append((_SYSTEM, True))
    return tuple((file, system) for file, system in candidates if os.path.exists(file))  # noqa: PTH110


def _asked(path: str, name: str, given: Given, changed_ns: tuple[int, ...], why: str) -> Said:
    """Return the options of a host that differ from the defaults of `ssh`.

    A `Match exec` runs its program, so that this is only for files that may.
    """
    usual: Said = {**_ask(_NOTHING, "name.invalid", (), (), ""), "hostname": (name.lower(),)}
    said = _ask(path, name, tuple(given.items()), changed_ns, why)
    own = {option: words for option, words in said.items() if words != usual.get(option)}
    for option in own.keys() & {"hostname", "identityagent", "userknownhostsfile"}:  # tokens are filled in
        own[option] = tuple(word.replace("%", "%%") for word in own[option])
    for option in own.keys() & {"userknownhostsfile", "globalknownhostsfile"}:
        own[option] = tuple(own[option][0].split())
    return own | {option: words for option, words in given.items() if option not in ADD_UP}


@lru_cache(maxsize=16384)
def _ask(
    path: str,
    name: str,
    given: tuple[tuple[str, tuple[str, ...]], ...],
    changed_ns: tuple[int, ...],  # noqa: ARG001 - a changed file is asked about anew
    why: str,
) -> Said:
    """Return all options that `ssh` would use for a host, by lower-case keyword."""
    try:
        written = [f"{option}={TABLE[option].written(words)}" for option, words in given]
    except ValueError as exc:
        raise unusable(path, f"{name}: {exc}") from exc
    options = [word for each in written for word in ("-o", each)]
    with tempfile.TemporaryFile() as complaint:  # a pipe would stay open in what a `Match exec` leaves behind
        try:
            process = subprocess.Popen(
                ["ssh", "-G", *_file_flag(path), *options, "--", name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaint,
                env=of_child(),
                start_new_session=True,
            )
        except FileNotFoundError as exc:
            raise unusable("ssh_config", f"{why}, and there is no ssh program") from exc
        with process:
            try:
                printed, _ = process.communicate(timeout=_SSH_S)
            except subprocess.TimeoutExpired as exc:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise unusable(path, f"ssh -G did not answer within {_SSH_S:g} s") from exc
        if process.returncode != 0:
            complaint.seek(0)
            raise unusable(path, _complaint(complaint.read().decode("utf-8", "replace"), path))
    found: Said = {}
    for line in printed.decode("utf-8", "surrogateescape").splitlines():
        option, _, value = line.partition(" ")
        found[option] = (*found.get(option, ()), value)
    return found


def _complaint(said: str, path: str) -> str:
    """Return the line in which `ssh` says what is wrong: the last one that does not only count mistakes."""
    lines = [line for line in said.splitlines() if "ssuing" not in line and "terminating, " not in line]
    line = re.sub(r"\s+", " ", printable(lines[-1])) if lines else "ssh -G failed"
    return line.removeprefix(str(Path(path).expanduser())).lstrip(": ")  # our message begins with it


def _file_flag(path: str) -> list[str]:
    """Return the flag that makes `ssh` read a file; by itself it reads the user's own and the system's."""
    file = Path(path).expanduser()
    try:
        own = Path(pwd.getpwuid(os.getuid()).pw_dir, ".ssh", "config")
    except KeyError:  # a user without a name, whom `ssh` would turn away, has no file of their own
        return ["-F", str(file)]
    return [] if path == SSH_CONFIG and file == own else ["-F", str(file)]
