"""What the user's own `ssh_config` says about a host (ssh(1), ssh_config(5)).

It is read here, once a process, and `ssh -G` is asked only about what nobody but `ssh` can judge: it costs a
process for each host, and a fleet has many. Either way the answer is that of `ssh`.
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.jump import read_jumps, read_proxy_command
from runner.connection.options import METHODS, SSH_CONFIG, HostKeyPolicy
from runner.connection.ssh_config.options import seconds
from runner.connection.ssh_config.reader import Unread, mentioned, obtain
from runner.connection.ssh_config.tokens import Tokens
from runner.errors import InvalidVariable
from runner.models import Phase
from runner.text import printable

if TYPE_CHECKING:
    from runner.connection.jump import Jump

__all__ = ["HostConfig", "host_config", "tells_keys", "tells_ways"]

_SSH_S = 10.0
_NOTHING = "/dev/null"
_SYSTEM = "/etc/ssh/ssh_config"
_KEYS = frozenset({"identityfile", "certificatefile", "identityagent"})
_WAYS = frozenset({"hostname", "port", "proxyjump", "proxycommand"})
# What changes where one connects from, or how safely, and is not done here.
_UNHONOURED = {
    name.lower(): name
    for name in (
        "AddressFamily",
        "BindAddress",
        "BindInterface",
        "CASignatureAlgorithms",
        "Ciphers",
        "HostKeyAlgorithms",
        "KexAlgorithms",
        "KnownHostsCommand",
        "MACs",
        "PKCS11Provider",
        "PubkeyAcceptedAlgorithms",
        "RequiredRSASize",
    )
}
_Said = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What files say about one host, its tokens filled in; None and empty are nothing.

    Attributes:
        address: What `HostName` says.
        user: What `User` says.
        port: What `Port` says.
        identities: Private key files, in order; one that does not exist is passed over.
        certificates: Certificates of such keys.
        identities_only: Whether no other key is tried, not the agent's and not those in the usual files.
        agent: Socket of the agent; empty is no agent, None is the environment's.
        known_hosts: Paths of the user's `known_hosts` files.
        global_known_hosts: Paths of the system's.
        key_alias: The name under which host keys are on record.
        revoked: Path of a file with keys that no host may show.
        policy: What is done about unknown host keys.
        connect_timeout_s: Seconds for connecting.
        keepalive_s: Seconds between signs of life.
        methods: Ways to log in, in the order of preference.
        jumps: The hosts to go through.
        proxy_command: The program that leads to the host.
        unhonoured: Names of options that would change where one connects from, or how safely, and that only
            `ssh` itself honours.
    """

    address: str | None = None
    user: str | None = None
    port: int | None = None
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    known_hosts: tuple[str, ...] = ()
    global_known_hosts: tuple[str, ...] = ()
    key_alias: str | None = None
    revoked: str | None = None
    policy: HostKeyPolicy | None = None
    connect_timeout_s: float | None = None
    keepalive_s: float | None = None
    methods: tuple[str, ...] | None = None
    jumps: tuple[Jump, ...] = ()
    proxy_command: str | None = None
    unhonoured: tuple[str, ...] = ()


_NOTHING_SAID = HostConfig()


def host_config(path: str | None, name: str, user: str | None = None, port: int | None = None) -> HostConfig:
    """Return what a file says about a host.

    Args:
        path: The file; the user's own, `~/.ssh/config`, stands before the system's. None, or one that does
            not exist, says nothing.
        name: The host, as one would write it behind `ssh`.
        user: Who logs in, where something else says that already, as `ssh -l` does.
        port: The port, likewise.

    Raises:
        InvalidVariable: It cannot be read.
    """
    files = _files(path)
    if path is None or not files:
        return _NOTHING_SAID
    given = {"user": user, "port": str(port) if port else None}
    known = {option: value for option, value in given.items() if value is not None}
    try:
        said = obtain(files, name, known).said
    except Unread as exc:
        said = _asked(path, name, tuple(known.items()), _changed(files), str(exc))
    try:
        return _config(said, Tokens(said, name))
    except ValueError as exc:
        raise _unusable(files[0][0], f"{name}: {exc}") from exc


def tells_ways(path: str | None) -> bool | None:
    """Tell whether a file says of any host where it is, or how to get there.

    So who asks about thousands of hosts need not ask about each. None is that only `ssh` itself could tell.

    Args:
        path: As `host_config` takes it.
    """
    return _tells(path, _WAYS)


def tells_keys(path: str | None) -> bool | None:
    """Tell whether a file says of any host with which keys one logs in; None as with `tells_ways`.

    Args:
        path: As `host_config` takes it.
    """
    return _tells(path, _KEYS)


def _tells(path: str | None, options: frozenset[str]) -> bool | None:
    try:
        return not options.isdisjoint(mentioned(_files(path)))
    except (Unread, InvalidVariable):
        return None


def _files(path: str | None) -> tuple[tuple[str, bool], ...]:
    """Return the files that there are, and whether each is the system's."""
    if path is None:
        return ()
    candidates = [(os.path.expanduser(path), False)]  # noqa: PTH111 - asked for every host
    if path == SSH_CONFIG:
        candidates.append((_SYSTEM, True))
    return tuple((file, system) for file, system in candidates if os.path.exists(file))  # noqa: PTH110


def _changed(files: tuple[tuple[str, bool], ...]) -> tuple[int, ...]:
    return tuple(os.stat(file).st_mtime_ns for file, _ in files)  # noqa: PTH116 - as above


def _config(written: _Said, tokens: Tokens) -> HostConfig:
    said = {
        option: tuple(tokens.fill(option, value) for value in values) for option, values in written.items()
    }

    def first(option: str) -> str | None:
        value = said.get(option, (None,))[0]
        return None if value is None or value.lower() == "none" else value

    timeout, keepalive = first("connecttimeout"), first("serveraliveinterval")
    config = HostConfig(
        address=first("hostname"),
        user=first("user"),
        port=int(first("port") or 0) or None,
        identities=said.get("identityfile", ()),
        certificates=tuple(file for file in said.get("certificatefile", ()) if file.lower() != "none"),
        identities_only=first("identitiesonly") == "yes",
        agent=_agent(said.get("identityagent", (None,))[0]),
        known_hosts=_known_hosts(said.get("userknownhostsfile", ())),
        global_known_hosts=_known_hosts(said.get("globalknownhostsfile", ())),
        key_alias=first("hostkeyalias"),
        revoked=first("revokedhostkeys"),
        policy=_POLICIES.get(first("stricthostkeychecking") or ""),
        connect_timeout_s=(seconds(timeout) if timeout else None) or None,
        keepalive_s=(seconds(keepalive) if keepalive else None) or None,
        methods=_methods(said),
        unhonoured=tuple(name for option, name in _UNHONOURED.items() if first(option) is not None),
    )
    return _on_the_way(config, said, tokens)


_POLICIES = {
    "yes": HostKeyPolicy.STRICT,
    "true": HostKeyPolicy.STRICT,
    "no": HostKeyPolicy.OFF,
    "off": HostKeyPolicy.OFF,
    "false": HostKeyPolicy.OFF,
    "accept-new": HostKeyPolicy.ACCEPT_NEW,
}


def _agent(said: str | None) -> str | None:
    if said is None or said == "SSH_AUTH_SOCK":
        return None
    if said.startswith("$"):
        return os.environ.get(said[1:], "")
    return "" if said.lower() == "none" else said


def _known_hosts(said: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files; `none` is one that holds nothing and takes nothing."""
    return tuple(_NOTHING if path.lower() == "none" else path for path in said)


def _methods(said: _Said) -> tuple[str, ...] | None:
    """Return the ways to log in that are left, where anything is said of them."""
    switches = {
        "pubkeyauthentication": "publickey",
        "passwordauthentication": "password",
        "kbdinteractiveauthentication": "keyboard-interactive",
    }
    off = {method for option, method in switches.items() if said.get(option, ("yes",))[0] in ("no", "false")}
    preferred = said.get("preferredauthentications", (",".join(METHODS),))[0].split(",")
    left = tuple(method for method in preferred if method in METHODS and method not in off)
    return None if left == METHODS else left


def _on_the_way(config: HostConfig, said: _Said, tokens: Tokens) -> HostConfig:
    """Add the hosts to go through, or the program that leads to the host."""
    if "proxyjump" in said:
        jumps = read_jumps(said["proxyjump"][0])
        if jumps and _is_target(jumps[-1], tokens):
            raise ValueError(f"jump host loop via {jumps[-1]}")
        return dataclasses.replace(config, jumps=jumps)
    command = said.get("proxycommand", ("none",))[0]
    known = read_proxy_command(tokens.but_target(command))
    if known is not None:
        return dataclasses.replace(config, jumps=known)
    if said.get("proxyusefdpass") == ("yes",):
        raise ValueError("ProxyUseFdpass is not supported")
    return dataclasses.replace(config, proxy_command=tokens.command(command))


def _is_target(jump: Jump, tokens: Tokens) -> bool:
    """Whether a jump host is the host itself, as `ssh` looks at it."""
    user, port = jump.user or tokens.values["r"], jump.port or 22
    return (jump.address, str(port), user) == tuple(tokens.values[letter] for letter in "hpr")


@lru_cache(maxsize=16384)
def _asked(
    path: str,
    name: str,
    known: tuple[tuple[str, str], ...],
    changed_ns: tuple[int, ...],  # noqa: ARG001 - a changed file is read anew
    why: str,
) -> _Said:
    said = _ask(path, name, known, why)
    # `ssh -G` does not tell what a file says from what holds without one.
    usual = {**_defaults(), "hostname": (name.lower(),)}
    own = {option: values for option, values in said.items() if values != usual.get(option)}
    for option in ("userknownhostsfile", "globalknownhostsfile"):
        if option in own:
            own[option] = tuple(own[option][0].split())
    return own


@lru_cache(maxsize=1)
def _defaults() -> _Said:
    return _ask(_NOTHING, "name.invalid", (), "")


def _ask(path: str, name: str, known: tuple[tuple[str, str], ...], why: str) -> _Said:
    """Return every option that `ssh` would use for a host, by its lower-case name."""
    given = [word for option, value in known for word in ("-o", f"{option}={value}")]
    try:
        done = subprocess.run(
            ["ssh", "-G", *_file_flag(path), *given, "--", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_SSH_S,
            check=False,
        )
    except FileNotFoundError as exc:
        raise _unusable("ssh_config", f"{why}, and there is no ssh program") from exc
    except subprocess.TimeoutExpired as exc:
        raise _unusable(path, f"ssh -G did not answer within {_SSH_S:g} s") from exc
    if done.returncode != 0:
        file = str(Path(path).expanduser())  # with which `ssh` begins its lines, and we ours
        raise _unusable(path, _complaint(done.stderr).removeprefix(file).lstrip(": "))
    said: _Said = {}
    for line in done.stdout.splitlines():
        option, _, value = line.partition(" ")
        said[option] = (*said.get(option, ()), value)
    return said


def _complaint(said: str) -> str:
    """Return the line in which `ssh` says what is wrong: the last one but for how many of them there are."""
    lines = [line for line in said.splitlines() if "ssuing" not in line and "terminating, " not in line]
    return re.sub(r"\s+", " ", printable(lines[-1])) if lines else "ssh -G failed"


def _file_flag(path: str) -> list[str]:
    """Return the flag that makes `ssh` read a file; by itself it reads the user's own and the system's."""
    file = Path(path).expanduser()
    own = Path(pwd.getpwuid(os.getuid()).pw_dir, ".ssh", "config")
    return [] if path == SSH_CONFIG and file == own else ["-F", str(file)]


def _unusable(path: str, why: str) -> InvalidVariable:
    return InvalidVariable(f"{path}: {why}", reason="bad-ssh-config", phase=Phase.CONNECT)
