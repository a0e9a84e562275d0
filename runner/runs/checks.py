"""Checks before a run starts: missing files, different hosts with one name, output that cannot be spilled."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.models import Host
from runner.platforms.hosts import is_device
from runner.runs import parsing
from runner.text.paths import writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.jobs import Job
    from runner.settings import Settings

__all__ = ["check", "entered_alone", "hosts", "passed_over", "unbound", "without_cli"]

logger = logging.getLogger(__name__)

_MODE = re.compile(r"enable|conf(?:ig(?:ure)?)?(?: t(?:erminal)?)?|system-view|edit|cli", re.IGNORECASE)


def check(settings: Settings, *, commands: bool = True) -> None:
    """Warn about missing files that the settings name.

    Args:
        settings: The settings.
        commands: Whether commands are run, so that output may be spilled.

    Raises:
        UsageError: The file given as `ssh_config` does not exist, or output cannot be spilled as requested.
    """
    if commands:
        parsing.check(settings)
        _check_spilling(settings)
        if settings.session_log is not None and settings.executor != "dask" and not settings.dry_run:
            writable("--session-log", settings.session_log)
    for line in (*_missing_files(settings), *passed_over()):
        logger.warning("%s", line)


def hosts(given: Iterable[Host]) -> tuple[Host, ...]:
    """Return a script's hosts.

    Raises:
        UsageError: They are not hosts, have no name, or two different ones have the same name.
    """
    found = (given,) if isinstance(given, (str, Host)) else tuple(given)
    for host in found:
        if not isinstance(host, Host):
            raise UsageError(f"expected hosts, such as inventory.select() gives, found {host!r}")
    if any(not host.name for host in found):
        raise UsageError("a host has an empty name")
    _refuse_namesakes(found)
    return found


def _missing_files(settings: Settings) -> Iterator[str]:
    """Yield a line for each file that was given for this run and does not exist.

    Raises:
        UsageError: The file given as `ssh_config` does not exist: without it, hosts may be reached by other
            routes.
    """
    given = settings.given
    if settings.ssh_config not in (None, "none") and not _is_there(settings.ssh_config or ""):
        raise UsageError(f"--ssh-config {settings.ssh_config!r}: there is no such file")
    if "private_key" in given:
        yield from _missing("--private-key", settings.private_key)
    if "known_hosts" in given and settings.host_key_policy == "strict":
        yield from _missing("--known-hosts", settings.known_hosts)


def passed_over() -> Iterator[str]:
    """Yield a line if there is an `ansible.cfg` that was not read."""
    from runner.inventory.ansible_cfg import ansible_defaults  # noqa: PLC0415 - not needed to list tasks

    found = ansible_defaults()
    if found.ignored is not None:
        yield f"{found.ignored} is not read: {found.fault}, or name it in ANSIBLE_CONFIG"


def _check_spilling(settings: Settings) -> None:
    """Refuse a run whose output cannot be spilled: commands that print much would be ended halfway.

    Raises:
        UsageError: No file can be created in the spill folder, or a flag needs `--overflow spill`.
    """
    if settings.overflow == "spill":
        folder = settings.connection_options().spill_folder
        if folder is not None and settings.executor != "dask" and not settings.dry_run:
            writable("--spill-dir", folder)  # Dask workers on other machines have their own folders
        return
    for flag in ("spill_dir", "max_spill"):
        if flag in settings.given:
            raise UsageError(f"--{flag.replace('_', '-')} goes with --overflow spill")


def unbound(settings: Settings, hosts: Sequence[Host]) -> Iterator[str]:
    """Yield a line if `--spread` names a variable that none of the hosts has."""
    spread = settings.spread
    if spread is not None and not any(spread.variable in host.variables for host in hosts):
        yield f"--spread {spread.variable}: none of these hosts has that variable; nothing is kept apart"


def without_cli(settings: Settings, hosts: Sequence[Host], job: Job | None) -> Iterator[str]:
    """Yield a line for each option for device CLIs if no host of the run uses the connection `cli`."""
    given = getattr(job, "given", None)
    names = ["--session-log"] if "session_log" in settings.given else []
    names += ["--answer"] if getattr(given, "answers", ()) else []
    if not names:
        return
    from runner.connection import uses_cli  # noqa: PLC0415 - few runs give them

    if not any(uses_cli(host, settings.connection) for host in hosts):
        yield f"{' and '.join(names)}: no host of this run uses the connection cli, so nothing comes of it"


def entered_alone(settings: Settings, hosts: Sequence[Host], commands: Sequence[str]) -> Iterator[str]:
    """Yield a line if a command only enters a mode of a device that is asked by exec requests."""
    if not any(_MODE.fullmatch(command.strip()) for command in commands):
        return
    from runner.connection import uses_cli  # noqa: PLC0415 - few commands enter a mode

    for host in hosts:
        if is_device(host.variables) and not uses_cli(host, settings.connection):
            yield (
                f"{host.name}: each command has its own session, so one that only enters a mode changes "
                "nothing; use --connection cli for one session"
            )
            return


def _missing(flag: str, paths: Sequence[str]) -> Iterator[str]:
    return (f"{flag} {path!r}: there is no such file" for path in paths if not _is_there(path))


def _is_there(path: str) -> bool:
    try:
        place = Path(path).expanduser()
        return place.exists() and not place.is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def _refuse_namesakes(hosts: Iterable[Host]) -> None:
    """Refuse two different hosts with one name, for example from two inventories: a name has one result.

    Raises:
        UsageError: There are two such hosts.
    """
    known: dict[str, Host] = {}
    for host in hosts:
        other = known.setdefault(host.name, host)
        if other is not host and dict(other.variables) != dict(host.variables):
            raise UsageError(
                f"two different hosts have the name {host.name!r}: {_told(other)}, and {_told(host)}; "
                "run on them one after the other, or rename one"
            )


def _told(host: Host) -> str:
    """Describe how a host is reached, by its variables; its name if it has none of them."""
    names = ("ansible_host", "ansible_port", "ansible_user", "ansible_connection")
    known = {name: host.variables.get(name) for name in names}
    return ", ".join(f"{name}={value}" for name, value in known.items() if value is not None) or host.name
