"""The lab's OpenSSH servers: keys, configuration, start, and what they answer with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import topology
from tests.lab.accounts import LOGIN_ID
from tests.lab.errors import LabError
from tests.lab.processes import command_line, run, wait_until
from tests.lab.state import Lab, write
from tests.lab.topology import LOGIN, Node, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["inside", "main_process", "make_key", "start", "write_configuration", "write_known_hosts"]

_BOOT = Path(__file__).with_name("node.sh")
_HOST_KEY = "ssh_host_ed25519_key"
_CONFIGURATION = f"""\
# Every path is as the node sees it: its folder is /run/lab there.
Port 22
ListenAddress 0.0.0.0
ListenAddress ::
HostKey /run/lab/{_HOST_KEY}
PidFile /run/lab/sshd.pid
AuthorizedKeysFile /run/lab/authorized_keys
AllowUsers {LOGIN}
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
PrintMotd no
UseDNS no
Subsystem sftp internal-sftp
# One client logs in to hundreds of the hosts that this one server plays.
MaxStartups 4096
MaxSessions 256
"""


def make_key(path: Path, comment: str) -> str:
    """Make an Ed25519 key pair without a passphrase and return the public half as one line."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
    return path.with_name(f"{path.name}.pub").read_text(encoding="ascii").strip()


def write_configuration(lab: Lab, node: Node, login_key: str) -> str:
    """Write all that a node's sshd needs, and return the node's public host key.

    Args:
        lab: Where to.
        node: The node.
        login_key: The public key that it lets in.
    """
    folder = lab.node(node)
    write(folder / "authorized_keys", f"{login_key}\n")
    host_key = make_key(folder / _HOST_KEY, node.name)
    write(folder / "sshd_config", _CONFIGURATION + _penalties(folder / _HOST_KEY))
    return host_key


def _penalties(host_key: Path) -> str:
    """Return the option that stops OpenSSH 9.8 and later from banning a client whose logins often fail.

    Older servers refuse to start when they read it, and `sshd_config(5)` has no way to say "where known".
    """
    option = "PerSourcePenalties no"
    try:
        run("sshd", "-t", "-f", "/dev/null", "-h", str(host_key), "-o", option)
    except LabError as exc:
        if "onfiguration option" in str(exc):
            return ""
    return f"{option}\n"


def write_known_hosts(lab: Lab, host_keys: dict[Node, str]) -> None:
    """Write the host key of every address at which a node answers, one a line as `ssh-keyscan` does."""
    lines = (
        f"{address} {' '.join(key.split()[:2])}\n"
        for node, key in host_keys.items()
        for address in _addresses(node)
    )
    write(lab.known_hosts, "".join(lines), mode=0o600)


def _addresses(node: Node) -> Iterator[object]:
    yield node.address
    if node == topology.SERVERS:
        yield from topology.SERVER_RANGE


def start(lab: Lab, node: Node) -> None:
    """Make a machine of a node's namespace, with its sshd as the first process.

    Raises:
        LabError: It did not come up; the message has the last words of its log.
    """
    folder = lab.node(node)
    where = ("ip", "netns", "exec", namespace_of(node.name), "unshare", "--mount", "--uts")
    run(*where, "sh", "-eu", str(_BOOT), node.name, str(folder), str(LOGIN_ID))
    try:
        wait_until(lambda: main_process(lab, node) is not None, f"sshd of {node.name}", seconds=30)
    except LabError as exc:
        log = (folder / "sshd.log").read_text(encoding="utf-8", errors="replace").splitlines()
        raise LabError(
            f"sshd of {node.name} did not start: {log[-1] if log else 'its log is empty'}"
        ) from exc


def main_process(lab: Lab, node: Node) -> int | None:
    """Return the process id of a node's sshd, or None where it does not run.

    The pid file alone is no proof: the number may be another program's by now.
    """
    try:
        pid = int((lab.node(node) / "sshd.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if "/run/lab/sshd_config" in command_line(pid) else None


def inside(lab: Lab, node: Node, *argv: str) -> str:
    """Run a program on a node, as root, and return what it printed.

    Raises:
        LabError: The node is down, or the program failed.
    """
    pid = main_process(lab, node)
    if pid is None:
        raise LabError(f"{node.name} is down: its sshd does not run")
    return run("nsenter", "--target", str(pid), "--mount", "--uts", "--net", "--", *argv)
