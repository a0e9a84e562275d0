"""A real OpenSSH server for tests: on loopback, on a free port, as the user who runs the tests."""

from __future__ import annotations

import getpass
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from runner.connection.options import ConnectionOptions
from runner.models import Host
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONFIGURATION = """\
ListenAddress 0.0.0.0:{port}
HostKey "{folder}/host_ed25519"
HostKey "{folder}/host_rsa"
HostKey "{folder}/host_ecdsa"
PidFile "{folder}/sshd.pid"
AuthorizedKeysFile "{folder}/authorized_keys"
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UseDNS no
LogLevel VERBOSE
MaxStartups {startups}
MaxSessions 100
PermitUserEnvironment no
Subsystem sftp internal-sftp
"""


# OpenSSH does not pass signals on to commands of root (`session_signal_req` in its session.c). So if root
# runs the tests, they log in as another user, who exists only in the server's mount namespace.
_ORDINARY = "ordinary"
_ORDINARY_ID = 61000


@dataclass(frozen=True)
class Sshd:
    """A running server: address, port, and the folder with its keys, its log and the client key `login`."""

    folder: Path
    port: int
    address: str = "127.0.0.1"
    ways: tuple[str, ...] = ("ssh", "openssh")
    """The connections that have algorithms in common with the server."""

    @property
    def user(self) -> str:
        return _ORDINARY if os.geteuid() == 0 else getpass.getuser()

    @property
    def home(self) -> Path:
        """The home folder of the account that logs in."""
        return self.folder / "home"

    @property
    def key(self) -> Path:
        return self.folder / "login"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def host(self, name: str = "real", **variables: object) -> Host:
        return Host(name, {"ansible_host": self.address, "ansible_port": self.port, **variables})

    def options(self, *, private_key: str | None = "", **changes: object) -> ConnectionOptions:
        """Return options to log in with the key `login`, with another key, or without a key."""
        key = str(self.key) if private_key == "" else private_key
        chosen: dict[str, object] = {
            "user": self.user,
            "private_keys": () if key is None else (key,),
            "known_hosts": (str(self.known_hosts),),
            "retries": 0,
            "ssh_config": None,
            **changes,
        }
        return ConnectionOptions(**chosen)  # type: ignore[arg-type]

    def public_key(self, kind: str) -> str:
        """The host's public key of a kind (`ed25519`) as `type base64`."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def let_in(self, public_key: Path) -> None:
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(public_key.read_text())


def required_program(name: str) -> str:
    """Return the path of a program, which may be in root's PATH only; skip the test if it is missing."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        go_without(f"{name} is not installed (Debian: see .ci/run)")
    return found


def go_without(what: str) -> NoReturn:
    """Skip the test because something is missing; fail it if RUNNER_REQUIRE_LAB=1."""
    if os.environ.get("RUNNER_REQUIRE_LAB") == "1":
        pytest.fail(f"{what}, and RUNNER_REQUIRE_LAB=1")
    pytest.skip(what)


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> Path:
    """Make a key pair; return the private key's path."""
    subprocess.run(
        [required_program("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-f", str(path), *options],
        check=True,
    )
    return path


@cache
def _rsa_pair() -> tuple[str, str]:
    """Make one RSA host key, private and public, for all servers of this process: it takes 0.8 s."""
    with tempfile.TemporaryDirectory() as folder:
        key = make_key(Path(folder) / "key", "rsa")
        return key.read_text(), key.with_suffix(".pub").read_text()


def worker_number() -> int:
    """Return the number of this test worker, which gives each worker its own ports and user ids."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def free_port() -> int:
    """Return a free port: outside the kernel's ephemeral ports and the ranges of the other workers."""
    first = 11_000 + worker_number() % 16 * 1_300
    while True:
        port = random.randrange(first, first + 1_300)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def temporary_sshd(*extra: str, **machine: Any) -> Iterator[Sshd]:
    """Run a server by `running_sshd` in a temporary folder while the context lasts."""
    # The account must be able to read its authorized_keys; only the owner can read pytest's folders.
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        with running_sshd(Path(folder), *extra, **machine) as server:
            yield server


@contextmanager
def running_sshd(  # noqa: PLR0913 - all properties of a machine
    folder: Path,
    extra: str = "",
    address: str = "127.0.0.1",
    *,
    password_hash: str = "*",
    sudoers: str = "",
    doas: str = "",
    sftp: bool = True,
    startups: int = 1000,
    shells: Mapping[str, str] | None = None,
) -> Iterator[Sshd]:
    """Start a server; end it and its descendants with the context.

    `password_hash` is for the accounts and for root; `sudoers` and `doas` are the rules of these programs.
    `shells` adds accounts if root runs the tests: name to login shell.
    """
    folder.mkdir(exist_ok=True)
    server = Sshd(folder, free_port(), address)
    for kind in ("ed25519", "ecdsa"):
        make_key(folder / f"host_{kind}", kind)
    for name, content in zip(("host_rsa", "host_rsa.pub"), _rsa_pair(), strict=True):
        (folder / name).touch(0o600)
        (folder / name).write_text(content)
    make_key(server.key)
    server.let_in(server.key.with_suffix(".pub"))
    known = f"[{address}]:{server.port} {server.public_key('ed25519')}\n"
    server.known_hosts.write_text(known)
    configuration = extra + _CONFIGURATION.format(port=server.port, folder=folder, startups=startups)
    configuration = configuration.replace("ListenAddress 0.0.0.0", f"ListenAddress {address}")
    if not sftp:
        configuration = configuration.replace("Subsystem sftp internal-sftp\n", "")
    server.home.mkdir(exist_ok=True)
    if os.geteuid() != 0:  # the account is the user's own, but its start-up files must not influence a test
        configuration += f'SetEnv "HOME={server.home}"\n'
    (folder / "sshd_config").write_text(configuration)
    with serving(server, password_hash, sudoers, doas, shells):
        yield server


@contextmanager
def serving(
    server: Sshd,
    password_hash: str = "*",
    sudoers: str = "",
    doas: str = "",
    shells: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Start or restart a configured server; end it with the context."""
    program = required_program("sshd")
    with (server.folder / "log").open("ab") as log:
        before = len(server.log)
        process = subprocess.Popen(
            [
                *as_a_machine(server.folder, password_hash, sudoers, doas, shells),
                program,
                "-D",
                "-e",
                "-f",
                str(server.folder / "sshd_config"),
            ],
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait_until_it_listens(server, process, before)
        yield
    finally:
        process.terminate()
        process.wait(10)


def as_a_machine(
    folder: Path,
    password_hash: str = "*",
    sudoers: str = "",
    doas: str = "",
    shells: Mapping[str, str] | None = None,
    home_there: str = "",
) -> list[str]:
    """Return the words before a server's command; for root, they make a mount namespace with the accounts.

    `home_there` is another path for the accounts' home folder; only root may write to the folders above it.
    """
    if os.geteuid() != 0:
        return []
    home = folder / "home"
    home.mkdir(exist_ok=True)
    os.chown(home, _ORDINARY_ID, _ORDINARY_ID)
    # A copy of /etc, not single bind mounts: these disappear when another process adds an account.
    etc = folder / "etc"
    if not etc.exists():
        _copy_etc(etc, folder / "etc-of-the-machine")
        _write_accounts(etc, home_there or str(home), password_hash, {_ORDINARY: "/bin/sh", **(shells or {})})
    for name, rules in (("sudoers", sudoers), ("doas.conf", doas)):
        if rules:
            (etc / name).write_text(f"root ALL=(ALL:ALL) ALL\n{rules}" if name == "sudoers" else rules)
            (etc / name).chmod(0o400)
    script = (
        'mount --bind /etc "$1/etc-of-the-machine" && mount --bind "$1/etc" /etc && '
        "mount -t tmpfs -o mode=0755 tmpfs /run && mkdir -m 0755 /run/sshd && "
        'if [ -n "$2" ]; then mkdir "$2" && mount --bind "$1/home" "$2"; fi && shift 2 && exec "$@"'
    )
    unshare = [required_program("unshare"), "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        go_without("this machine lets root make no mount namespaces")
    return [*unshare, "sh", "-eu", "-c", script, "sshd", str(folder), home_there]


def _copy_etc(etc: Path, machine: Path) -> None:
    """Copy the files of /etc; its folders become links to the original ones, which are bound to `machine`."""
    etc.mkdir()
    machine.mkdir()
    files = []
    for entry in os.scandir("/etc"):
        if entry.is_dir(follow_symlinks=False):
            (etc / entry.name).symlink_to(machine / entry.name)
        else:
            files.append(entry.path)
    # A file may vanish meanwhile, such as a lock file of `useradd`: `cp` reports it and copies the rest.
    subprocess.run(["cp", "-a", *files, str(etc)], check=False, capture_output=True)


def _write_accounts(etc: Path, home: str, password_hash: str, shells: Mapping[str, str]) -> None:
    """Add an account for each login shell to a copy of /etc; all share one home folder and one user id."""
    shadow = (etc / "shadow").read_text()
    if password_hash != "*":
        shadow = re.sub(r"^root:[^:]*", lambda _: f"root:{password_hash}", shadow, flags=re.MULTILINE)
    with (etc / "passwd").open("a") as passwd, (etc / "shells").open("a") as allowed:
        for name, shell in shells.items():
            passwd.write(f"{name}:x:{_ORDINARY_ID}:{_ORDINARY_ID}::{home}:{shell}\n")
            shadow += f"{name}:{password_hash}:19000:0:99999:7:::\n"
            allowed.write(f"{shell}\n")
    (etc / "shadow").write_text(shadow)


def _wait_until_it_listens(server: Sshd, process: subprocess.Popen[bytes], before: int) -> None:
    """Wait for the line in the log after `before` characters, without connecting: tests count connections."""
    comes_true(lambda: "Server listening on" in server.log[before:] or process.poll() is not None)
    assert "Server listening on" in server.log[before:], server.log
