"""Peers for the conformance suite: each understands the same commands, in its own words.

`ssh` and `openssh` log in to a real OpenSSH server, `cli` logs in to a scripted device, and `local` uses this
machine.
"""

from __future__ import annotations

import itertools
import os
import signal
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runner.models import Host
from tests.connection.cli.device import Device
from tests.connection.cli.script import Script
from tests.connection.cli.steps import DROP, HANG
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.connection.cli.session import Session
    from tests.connection.sshd import Sshd

__all__ = ["COMMANDS", "LOUD_BYTES", "PASSWORD", "PEERS", "Peer"]

PASSWORD = "right"
"""The password of every login."""
COMMANDS = ("one", "two", "bad", "hang", "hang-first", "loud", "drop")
"""What the commands do.

`one` and `two` print this line; `bad` is refused, or fails; `hang` prints `begun` and does not end;
`hang-first` does that only once, and then prints `again`; `loud` prints `LOUD_BYTES` bytes; `drop` prints
`begun`, and the connection breaks.
"""
_LINE, _LINES = "0123456789abcde\n", 10_000
LOUD_BYTES = len(_LINE) * _LINES
_numbers = itertools.count()


@dataclass
class Peer:
    """A host to log in to.

    Attributes:
        variables: Its variables in an inventory.
        command: Returns the command that does one of `COMMANDS`.
        ran: Returns how often the peer has begun to carry out such a command.
        is_left: Returns whether the client soon leaves the peer alone: no connection, or no program, is left.
        logins: Returns the number of logins so far.
        programs: Returns the processes of `hang` that run on this machine.
        key: Its host key, as `known_hosts` has it; empty if there is no login.
        refusal: The reason of the result of `bad`.
        lasts: Whether its connection can wait in the pool for another job.
    """

    variables: dict[str, Any]
    command: Callable[[str], str]
    ran: Callable[[str], int]
    is_left: Callable[[], bool]
    logins: Callable[[], int] = lambda: 0
    programs: Callable[[], list[int]] = list
    key: str = ""
    refusal: str = "exit-code"
    lasts: bool = False

    def host(self, name: str = "peer", **changes: object) -> Host:
        """Return it as a host of an inventory."""
        return Host(name, self.variables | changes)


class _Sshd(Protocol):
    """Returns the server of the tests, which knows `PASSWORD`."""

    def __call__(self) -> Sshd: ...


@contextmanager
def _device(over: str) -> Iterator[Peer]:
    with Device(_script()) as device:
        login = {"ansible_user": device.script.user, "ansible_password": PASSWORD}
        kind = {"ansible_connection": "network_cli", "ansible_network_os": "ios", "runner_cli_over": over}
        yield Peer(
            device.host().variables | login | kind,
            command="show {}".format,
            ran=lambda name: device.commands.count(f"show {name}"),
            is_left=lambda: comes_true(lambda: device.open_connections == 0),
            logins=lambda: device.logins,
            key=" ".join(device.known_host.split()[1:]),
            refusal="refused",
            lasts=over == "ssh",
        )


def _script() -> Script:
    hang = ("begun\n", HANG)
    answers = {
        "one": "one\n",
        "two": "two\n",
        "hang": hang,
        "hang-first": (_First(hang), "again\n"),
        "loud": _LINE * _LINES,
        "drop": ("begun\n", DROP),
    }
    return Script(commands={f"show {name}": answer for name, answer in answers.items()}, password=PASSWORD)


class _First:
    """Play an answer only once."""

    def __init__(self, answer: tuple[Any, ...]) -> None:
        self._answers = [answer]

    async def play(self, session: Session) -> None:
        if self._answers:
            await session.play(self._answers.pop())


def _shell(folder: Path, variables: dict[str, Any], **others: Any) -> Peer:
    """Return a POSIX shell that notes each command in a file of a folder."""
    ran, mark = folder / "ran", f"600.{os.getpid()}{next(_numbers):04}"
    hang = f"echo begun; exec sleep {mark}"
    lines = {
        "one": "echo one",
        "two": "echo two",
        "bad": "exit 3",
        "hang": hang,
        "hang-first": f"mkdir {folder}/first 2>/dev/null || {{ echo again; exit; }}; {hang}",
        "loud": f"yes {_LINE.strip()} | head -n {_LINES}",
        "drop": "echo begun; sleep 1; kill -9 $PPID",
    }
    return Peer(
        variables,
        command=lambda name: f"echo {name} >>{ran}; {lines[name]}",
        ran=lambda name: ran.read_text().split().count(name) if ran.exists() else 0,
        is_left=lambda: comes_true(lambda: not _programs(mark)),
        programs=lambda: _programs(mark),
        **others,
    )


def _programs(mark: str) -> list[int]:
    """Return the processes that have this argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@contextmanager
def _server(sshd: Sshd, connection: str) -> Iterator[Peer]:
    for path in sshd.home.iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    login = {"ansible_user": sshd.user, "ansible_password": PASSWORD, "ansible_connection": connection}
    before = sshd.log.count("Accepted ")
    yield _shell(
        sshd.home,
        sshd.host().variables | login,
        logins=lambda: sshd.log.count("Accepted ") - before,
        key=sshd.public_key("ed25519"),
        lasts=connection == "ssh",
    )


@contextmanager
def _machine(folder: Path) -> Iterator[Peer]:
    peer = _shell(folder, {"ansible_connection": "local"})
    yield peer
    for process in peer.programs():  # of a client that was killed
        os.kill(process, signal.SIGKILL)


PEERS: dict[str, Callable[[_Sshd, Path], Any]] = {
    "ssh": lambda sshd, _: _server(sshd(), "ssh"),
    "openssh": lambda sshd, _: _server(sshd(), "openssh"),
    "local": lambda _, folder: _machine(folder),
    "cli": lambda *_: _device("ssh"),
    "cli over openssh": lambda *_: _device("openssh"),
}
"""How each connection's peer is made: a context, from the server and a folder."""
