"""A small network of two namespaces: the operator's machine, and a router behind which much goes wrong.

`near` is where the probes run; `far` is the router 10.0.0.2 and answers for whole ranges, each with its own
way of being reachable or not. Nothing in it touches the network of the machine itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
NOBODY = 65534
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET, setns(2)

# A router refuses 5 packets of one sender in a row at most, and one a second after that, so each destination
# that it refuses is called from an address of its own.
_NEAR = """
link set lo up
addr add 10.0.0.1/30 dev out
addr add fd00::1/64 dev out nodad
link set out up
addr add 10.0.1.1/24 dev empty
link set empty up
route add 10.64.0.0/12 via 10.0.0.2
addr add 10.0.2.1/32 dev out
addr add 10.0.2.2/32 dev out
addr add 10.0.2.3/32 dev out
addr add 10.0.2.4/32 dev out
addr add 10.0.2.5/32 dev out
route add 10.68.0.1 via 10.0.0.2 src 10.0.2.1
route add 10.68.0.2 via 10.0.0.2 src 10.0.2.2
route add 10.69.0.1 via 10.0.0.2 src 10.0.2.3
route add 10.69.0.2 via 10.0.0.2 src 10.0.2.4
route add 10.69.0.3 via 10.0.0.2 src 10.0.2.5
route add prohibit 10.80.0.0/16
route add blackhole 10.81.0.0/16
-6 route add fd64::/16 via fd00::2
-6 route add prohibit fd80::/16
"""

_FAR = """
link set lo up
addr add 10.0.0.2/30 dev out
addr add fd00::2/64 dev out nodad
link set out up
rule add pref 1 lookup local
rule del pref 0 lookup local
rule add pref 0 to 10.66.0.0/16 ipproto tcp dport 22 blackhole
rule add pref 0 to 10.67.0.0/16 ipproto icmp blackhole
route add local 10.64.0.0/16 dev lo
route add blackhole 10.65.0.0/16
route add local 10.66.0.0/16 dev lo
route add local 10.67.0.0/16 dev lo
route add unreachable 10.68.0.0/16
route add prohibit 10.69.0.0/16
route add 10.70.0.0/16 via 10.0.0.1
route add 10.0.2.0/24 via 10.0.0.1
-6 route add local fd64:0::/32 dev lo
-6 route add blackhole fd64:1::/32
-6 route add unreachable fd64:2::/32
-6 route add prohibit fd64:3::/32
"""

_FAR_SETTINGS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0",
)


def why_not() -> str | None:
    """Tell why this machine cannot have the network; None where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "network namespaces need the command `ip` (Debian: iproute2)"
    return None


def need_root() -> None:
    """Skip a test that this machine cannot run; fail it where `RUNNER_REQUIRE_LAB=1` says that it has to."""
    if reason := why_not():
        if os.environ.get("RUNNER_REQUIRE_LAB") == "1":
            pytest.fail(f"the lab is required, but {reason}")
        pytest.skip(reason)


@dataclass
class Network:
    """Two namespaces and what runs in them."""

    near: str
    far: str
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ip(self, namespace: str, *arguments: str) -> None:
        subprocess.run(["ip", "-n", namespace, *arguments], check=True, capture_output=True)

    def sysctl(self, namespace: str, setting: str) -> None:
        self.run(namespace, "sysctl", "-qw", setting)

    def permit_ping(self, permitted: bool) -> None:
        """Open or close datagram ICMP sockets to everybody, as an administrator does."""
        groups = "0 2147483647" if permitted else "1 0"
        self.sysctl(self.near, f"net.ipv4.ping_group_range={groups}")

    def run(self, namespace: str, *command: str, **chosen: Any) -> subprocess.CompletedProcess[bytes]:
        arguments = ["ip", "netns", "exec", namespace, *command]
        return subprocess.run(arguments, check=True, timeout=100, **chosen)

    def serve(self, namespace: str, script: str, *arguments: str) -> None:
        """Start a server of ours in a namespace and wait until it listens."""
        command = ["ip", "netns", "exec", namespace, sys.executable, str(HERE / script), *arguments]
        server = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.servers.append(server)
        assert server.stdout
        assert server.stdout.readline() == b"listening\n"

    def probe(
        self, hosts: Sequence[str], *, user: Any = 0, files: Any = 0, stall_s: Any = 0, **options: Any
    ) -> dict[str, Any]:
        """Probe hosts from `near` in a process of its own; return its results by host, and what it cost.

        It does so as a user, with a limit of open files, and dawdles over the first result if asked to.
        """
        asked = {"hosts": list(hosts), "options": options, "user": user, "files": files, "stall_s": stall_s}
        command = (sys.executable, str(HERE / "probe_here.py"))
        answer = self.run(self.near, *command, input=json.dumps(asked).encode(), stdout=subprocess.PIPE)
        told: dict[str, Any] = json.loads(answer.stdout)
        return told

    def results(self, hosts: Sequence[str], **chosen: Any) -> dict[str, dict[str, Any]]:
        """Probe hosts from `near` and return the results by host."""
        results: dict[str, dict[str, Any]] = self.probe(hosts, **chosen)["results"]
        return results


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Have this thread, and whatever it starts, in a network namespace while the context lasts."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as here, Path("/run/netns", namespace).open() as there:
        assert libc.setns(there.fileno(), _NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(here.fileno(), _NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())


def _configure(network: Network, namespace: str, lines: str) -> None:
    for line in lines.strip().splitlines():
        network.ip(namespace, *line.split())


def _build(network: Network) -> None:
    near, far = network.near, network.far
    for namespace in (near, far):
        subprocess.run(["ip", "netns", "add", namespace], check=True)
    pairs = (("out", far, "out"), ("empty", far, "unused"))
    for name, peer, peer_name in pairs:
        network.ip(near, "link", "add", name, "type", "veth", "peer", "name", peer_name, "netns", peer)
    network.ip(far, "link", "set", "unused", "up")
    for setting in _FAR_SETTINGS:
        network.sysctl(far, setting)
    for setting in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.accept_local=1"):
        network.sysctl(near, setting)
    _configure(network, near, _NEAR)
    _configure(network, far, _FAR)
    network.permit_ping(permitted=True)
    for namespace in (near, far):
        _wait_for_carrier(namespace)


def _wait_for_carrier(namespace: str) -> None:
    """Wait until the link is up, which the kernel tells IPv6 only a while after it was asked."""
    end = time.monotonic() + 20
    while b"state UP" not in subprocess.check_output(["ip", "-n", namespace, "link", "show", "out"]):
        assert time.monotonic() < end
        time.sleep(0.02)


def _tear_down(network: Network) -> None:
    for server in network.servers:
        server.kill()
        server.wait()
        if server.stdout:
            server.stdout.close()
    for namespace in (network.near, network.far):
        subprocess.run(["ip", "netns", "delete", namespace], check=False, capture_output=True)
        shutil.rmtree(Path("/etc/netns") / namespace, ignore_errors=True)
    with contextlib.suppress(OSError):
        Path("/etc/netns").rmdir()


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Build the network, and remove it whatever happens; skip or fail where this machine cannot have it."""
    need_root()
    built = Network(f"reach{os.getpid()}near", f"reach{os.getpid()}far")
    settings = Path("/etc/netns") / built.near
    try:
        settings.mkdir(parents=True)
        (settings / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:20 attempts:1\n")
        _build(built)
        built.serve(built.far, "far_side.py")
        built.serve(built.near, "name_server.py")
        yield built
    finally:
        _tear_down(built)
