"""The command line of `ssh`: our settings as its options (ssh_config(5)).

No shell reads any of it, no part of it can be taken for a flag, and it holds no secret.
"""

from __future__ import annotations

import glob
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.command.timeouts import SIGNS
from runner.connection.host_keys.lock import LONGEST
from runner.connection.options import SSH_CONFIG, HostKeyPolicy
from runner.connection.ssh_config.keywords import TABLE, Keyword, Use
from runner.errors import InvalidVariable, LoginRefused
from runner.models import Phase
from runner.text import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.connection.options import ConnectionOptions
    from runner.connection.target.access import LoginTarget
    from runner.connection.target.jump import Jump

__all__ = ["config", "master", "passwords"]

_LONGEST_KEY = reading.MIB
_SYSTEM = "/etc/ssh/ssh_config"
_INCLUDE = Keyword("Include", Use.HONOURED, ".+", path=True)
"""Not in the table, as our reader follows it itself; its value is a pattern of glob(3)."""
_CHECKING = {HostKeyPolicy.STRICT: "yes", HostKeyPolicy.ACCEPT_NEW: "accept-new", HostKeyPolicy.OFF: "no"}


def master(access: LoginTarget, alias: str, folder: Path, extra: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the command line of the `ssh` that shares its connection.

    Args:
        access: How to reach and log in to the host.
        alias: The host as the user's `ssh_config` knows it.
        folder: The folder with the file that `config` returns; socket and log go there.
        extra: More options, by name, as `Keyword.written` gives them.

    Raises:
        LoginRefused: A private key that was named does not exist.
        InvalidVariable: A value cannot be passed to `ssh`.
    """
    words = ["ssh", "-M", "-N", "-T", "-F", str(folder / "config"), "-E", str(folder / "log")]
    words += ["-S", _percent(str(folder / "socket"))]
    options = (*_target(access), *_trust(access.options), *_way(access), *_keys(access))
    for name, value in (*extra, *(_option(*each) for each in options)):
        words += ["-o", f"{name}={value}"]
    return [*words, "--", alias]


def config(access: LoginTarget) -> str:
    """Return a configuration file: settings that also hold for jump hosts, then the user's own file.

    Of the target's settings, a jump host gets only these: it is logged in to by key, and its key is checked.

    Raises:
        InvalidVariable: A value cannot be passed to `ssh`.
    """
    options = access.options
    given = (
        ("BatchMode", "yes"),
        ("ConnectTimeout", _seconds(options.connect_timeout_s)),
        *_trust(options),
        *(("IdentityFile", _expanded(path)) for path in access.given.private_keys),
    )
    lines = [*(" ".join(_option(*each)) for each in given), "Host *"]
    if options.ssh_config is not None:
        lines.append(" ".join(_option("Include", glob.escape(_expanded(options.ssh_config)))))
        lines += [f"Include {_SYSTEM}"] if options.ssh_config == SSH_CONFIG else []
    return "\n".join(lines) + "\n"


def passwords(access: LoginTarget) -> int:
    """Return the number of passwords that can be tried."""
    return sum(1 for each in access.login.named if each.password is not None)


def _option(name: str, *values: str) -> tuple[str, str]:
    """Return an option as it is written, with its values quoted so that `ssh` takes them literally."""
    keyword = _INCLUDE if name == _INCLUDE.name else TABLE[name.lower()]
    try:
        return name, keyword.literal(*values)
    except ValueError as exc:
        raise _not_told(str(exc), "rename it, or choose another connection") from exc


def _target(access: LoginTarget) -> Iterator[tuple[str, str]]:
    options, login = access.options, access.login
    asks = passwords(access) or login.code or login.passphrases
    yield from {
        "LogLevel": "DEBUG1",
        "ControlPersist": "no",
        "HostName": access.endpoint.address,
        "Port": str(access.endpoint.port),
        "User": login.user,
        "BatchMode": "no" if asks else "yes",
        "NumberOfPasswordPrompts": str(max(1, passwords(access))),
        "PreferredAuthentications": ",".join(login.methods) or "none",
        "ConnectTimeout": _seconds(options.connect_timeout_s + 1),  # our own limit fires first and says more
        "ConnectionAttempts": "1",
        "ServerAliveInterval": "0" if options.keepalive_s is None else _seconds(options.keepalive_s),
        "ServerAliveCountMax": str(SIGNS),
        "UpdateHostKeys": "no",
        "CheckHostIP": "no",
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "PermitLocalCommand": "no",
        "RemoteCommand": "none",
        "RequestTTY": "no",
        "VisualHostKey": "no",
    }.items()
    if access.key_alias is not None:
        yield "HostKeyAlias", access.key_alias


def _trust(options: ConnectionOptions) -> Iterator[tuple[str, ...]]:
    known = () if options.host_key_policy is HostKeyPolicy.OFF else options.read_known_hosts
    for path in known:
        _check(path, "the known_hosts file", LONGEST)
    yield "StrictHostKeyChecking", _CHECKING[options.host_key_policy]
    yield "UserKnownHostsFile", *(map(_expanded, known) if known else ("/dev/null",))
    yield "GlobalKnownHostsFile", "/dev/null"
    revoked = options.read_revoked_host_keys
    if len(revoked) > 1:
        raise _not_told(
            f"RevokedHostKeys of the operator and of the inventory ({', '.join(revoked)})", "keep one"
        )
    if revoked:
        _check(revoked[0], "RevokedHostKeys", LONGEST)
        yield "RevokedHostKeys", _expanded(revoked[0])


def _way(access: LoginTarget) -> Iterator[tuple[str, str]]:
    """Yield the option for the way to the host: `access` chose jump hosts, a program or neither."""
    if access.proxy_command is not None:
        yield "ProxyCommand", access.proxy_command
    else:
        yield "ProxyJump", ",".join(map(_hop, access.jumps)) or "none"


def _hop(jump: Jump) -> str:
    """Return a jump host as `ssh -J` takes it; `ssh` makes a shell command line of it."""
    if jump.identity is not None:
        raise _not_told(f"the key {jump.identity!r} of a jump host", "name it in ssh_config")
    if "\\" in (jump.user or "") or "%" in jump.address:
        raise _not_told(f"the jump host {jump.user}@{jump.address}", "give it a name in ssh_config")
    address = f"[{jump.address}]" if ":" in jump.address else jump.address
    return f"{jump.user}@" * bool(jump.user) + address + f":{jump.port}" * bool(jump.port)


def _keys(access: LoginTarget) -> Iterator[tuple[str, str]]:
    """Yield the options for the keys to try: only the named ones, or the ones that `ssh` finds itself."""
    login = access.login
    named = [each.key_file for each in login.named if each.key_file is not None]
    if any(each.key_text is not None for each in login.named):
        raise _not_told("a private key in a variable", "give its file")
    for path in named:
        if not Path(_expanded(path)).is_file():
            text = f"private key {path} does not exist"
            raise LoginRefused(text, reason="no-key-file", phase=Phase.LOGIN)
    if named or login.identities_only:
        yield "IdentitiesOnly", "yes"
    for path in (*named, *login.identities):
        _check(path, "the private key", _LONGEST_KEY)
        yield "IdentityFile", _expanded(path)
    for path in login.certificates:
        _check(path, "the certificate", _LONGEST_KEY)
        yield "CertificateFile", _expanded(path)


def _check(path: str, what: str, limit: int) -> None:
    """Refuse a file that `ssh` would read without end: it reads some of them without a limit."""
    try:
        reading.check(Path(path).expanduser(), limit)
    except OSError as exc:
        text = f"{what} {path} cannot be used: {exc.strerror or exc}"
        raise InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT) from exc


def _seconds(seconds: float) -> str:
    return str(max(1, math.ceil(seconds)))


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _expanded(path: str) -> str:
    """Return a path with `~` expanded, so that `ssh` does not expand it itself."""
    return os.path.expanduser(path)  # noqa: PTH111 - unlike `Path`, it does not fail for an unknown user


def _not_told(what: str, instead: str) -> InvalidVariable:
    text = f"{what} cannot be passed to ssh (ansible_connection: openssh): {instead}"
    return InvalidVariable(text, reason="bad-variable", phase=Phase.CONNECT)
