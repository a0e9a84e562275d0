"""Find the options for a host: read `ssh_config`, or run `ssh -G` if only `ssh` can judge them."""

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

__all__ = ["KEYS", "ROUTE_KEYWORDS", "config_files", "host_config", "mentions"]

_SSH_S = 10.0
_NOTHING = "/dev/null"
_SYSTEM = "/etc/ssh/ssh_config"
KEYS = frozenset({"identityfile", "certificatefile", "identityagent"})
"""The keywords that name keys."""
ROUTE_KEYWORDS = frozenset({"hostname", "port", "proxyjump", "proxycommand", "canonicalizehostname"})
"""The keywords that decide the address of a host, or the way there."""


def host_config(
    path: str | None, name: str, given: Given, *, trusted: bool = True
) -> tuple[SshOptions, Obtained]:
    """Return the options for a host, and everything that was obtained for it.

    Args:
        path: The file; after the user's own, `~/.ssh/config`, the system's file is read, too. None, or a
            file that does not exist, gives no options.
        name: The host name as it is given to `ssh`.
        given: Options of a command line, by lower-case keyword; these take precedence.
        trusted: Whether the file may name programs to run on this machine.

    Raises:
        InvalidVariable: The file cannot be used, or would run a program without permission.
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
    """Tell whether a file uses any of these keywords for any host; None if only `ssh` can tell.

    If it does not, a caller with thousands of hosts need not look up each of them.
    """
    with suppress(InvalidVariable):
        found = config(config_files(path))
        return None if found.doubt else not keywords.isdisjoint(found.mentioned)
    return None


def config_files(path: str | None) -> Files:
    """Return the files that exist, and whether each is the system's."""
    if path is None:
        return ()
    candidates = [(os.path.expanduser(path), False)]  # noqa: PTH111 - asked for every host
    if path == SSH_CONFIG:
        candidates.append((_SYSTEM, True))
    return tuple((file, system) for file, system in candidates if os.path.exists(file))  # noqa: PTH110


def _asked(path: str, name: str, given: Given, changed_ns: tuple[int, ...], why: str) -> Said:
    """Return the options of a host that differ from the defaults of `ssh`.

    A `Match exec` runs its program, so call this only for files that may run programs.
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
    changed_ns: tuple[int, ...],  # noqa: ARG001 - a changed file is looked up again
    why: str,
) -> Said:
    """Return all options that `ssh` would use for a host, by lower-case keyword."""
    try:
        written = [f"{option}={TABLE[option].written(words)}" for option, words in given]
    except ValueError as exc:
        raise unusable(path, f"{name}: {exc}") from exc
    options = [word for each in written for word in ("-o", each)]
    # Not a pipe: a process that a `Match exec` leaves behind would keep it open.
    with tempfile.TemporaryFile() as complaint:
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
    """Return the error message of `ssh`: the last line that does not only count errors."""
    lines = [line for line in said.splitlines() if "ssuing" not in line and "terminating, " not in line]
    line = re.sub(r"\s+", " ", printable(lines[-1])) if lines else "ssh -G failed"
    return line.removeprefix(str(Path(path).expanduser())).lstrip(": ")  # our message begins with the path


def _file_flag(path: str) -> list[str]:
    """Return the flag that makes `ssh` read a file; none for the user's own, which `ssh` reads by default."""
    file = Path(path).expanduser()
    try:
        own = Path(pwd.getpwuid(os.getuid()).pw_dir, ".ssh", "config")
    except KeyError:  # a user without a name, whom `ssh` rejects, has no such file
        return ["-F", str(file)]
    return [] if path == SSH_CONFIG and file == own else ["-F", str(file)]
