"""Dask workers at two sites, each a network namespace: each pings the hosts that it dials."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner
from runner import Host, Status
from tests.connection.sshd import Sshd, temporary_sshd
from tests.executors.dask_cluster import Cluster, running_cluster
from tests.reach.network import inside, need_root

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(180)

HUB = "10.9.0.1"
SERVER = "10.50.0.1"
"""The address of a server at each site; the hub has no way there."""
_SITES = ("a", "b")


@dataclass(frozen=True)
class Sites:
    """The hub with the scheduler, and the servers of the sites."""

    hub: str
    cluster: Cluster
    servers: dict[str, Sshd]

    def run(self, hosts: list[Host], **chosen: object) -> runner.Results:
        """Run a command, as somebody who stands at the hub."""
        server = self.servers["a"]
        known = "".join(each.known_hosts.read_text() for each in self.servers.values())
        (server.folder / "all_known").write_text(known)
        with inside(self.hub):
            return runner.run(
                hosts,
                "echo $SSH_CONNECTION",
                executor="dask",
                scheduler=self.cluster.address,
                user=server.user,
                known_hosts=str(server.folder / "all_known"),
                ssh_config="none",
                **{"no_ping": False, **chosen},  # type: ignore[arg-type]
            )

    def host(self, site: str, name: str, address: str = SERVER, port: int | None = None) -> Host:
        """A host at a site, with the key that its server takes."""
        server = self.servers[site]
        variables = {
            "ansible_host": address,
            "ansible_port": port or server.port,
            "ansible_private_key_file": str(server.key),
            "runner_dask_resource": f"site-{site}",
        }
        return Host(name, variables)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _build(hub: str, site: str, number: int) -> None:
    """Lay a line from the hub to a site; packets from there to 10.51.0.0/16 get lost, to 10.52 go nowhere."""
    ip("netns", "add", site)
    ip("-n", hub, "link", "add", f"to{number}", "type", "veth", "peer", "name", "out", "netns", site)
    for words in ("link set lo up", f"addr add 10.9.{number}.2/24 dev out", "link set out up"):
        ip("-n", site, *words.split())
    ip("-n", hub, "addr", "add", f"10.9.{number}.1/24", "dev", f"to{number}")
    ip("-n", hub, "link", "set", f"to{number}", "up")
    for words in (
        f"addr add {SERVER}/32 dev lo",
        f"route add 10.51.0.0/16 via 10.9.{number}.1",
        "route add unreachable 10.52.0.0/16",
        f"route add {HUB}/32 via 10.9.{number}.1",
    ):
        ip("-n", site, *words.split())


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    need_root()
    hub, *names = (f"dask{os.getpid()}{name}" for name in ("hub", *_SITES))
    with ExitStack() as stack:
        for name in (hub, *names):
            stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=False, capture_output=True)
        ip("netns", "add", hub)
        ip("-n", hub, "link", "set", "lo", "up")
        ip("-n", hub, "addr", "add", f"{HUB}/32", "dev", "lo")
        ip("-n", hub, "route", "add", "blackhole", "10.51.0.0/16")
        ip("netns", "exec", hub, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        servers = {}
        for number, (letter, name) in enumerate(zip(_SITES, names, strict=True), 1):
            _build(hub, name, number)
            with inside(name):
                servers[letter] = stack.enter_context(temporary_sshd(address=SERVER))
        folder = Path(tmp_path_factory.mktemp("sites"))
        with inside(hub):
            cluster = stack.enter_context(running_cluster(folder, resources=(), host=HUB))
        for number, (letter, name) in enumerate(zip(_SITES, names, strict=True), 1):
            with inside(name):
                cluster.add(f"site-{letter}=1", f"10.9.{number}.2")
        cluster.wait_for_workers()
        yield Sites(hub, cluster, servers)


def test_each_site_pings_and_dials_its_own_hosts(sites: Sites) -> None:
    hosts = [
        *(sites.host(letter, f"{letter}{number}") for letter in _SITES for number in range(3)),
        *(sites.host(letter, f"{letter}-silent", "10.51.0.1") for letter in _SITES),
        sites.host("a", "a-no-route", "10.52.0.1"),
        sites.host("b", "b-closed", SERVER, 1),
    ]
    results = sites.run(hosts, ping_timeout=0.5, method="tcp")
    for letter in _SITES:
        for number in range(3):
            result = results[f"{letter}{number}"]
            assert result.ok, result.error
            assert result.stdout.split()[2:] == [SERVER, str(sites.servers[letter].port)]
            assert result.method == "tcp"
            assert (result.rtt_ms or 0) > 0
        assert sites.servers[letter].log.count("Connection from") == 3, "one connection to each, of its ping"
    down = {name: (results[name].status, results[name].reason) for name in results if not results[name].ok}
    assert down == {
        "a-silent": (Status.UNREACHABLE, "no-reply"),
        "b-silent": (Status.UNREACHABLE, "no-reply"),
        "a-no-route": (Status.UNREACHABLE, "no-route"),
        "b-closed": (Status.UNREACHABLE, "port-closed"),
    }
    assert not any(results[name].sent for name in down)


def test_an_echo_proves_a_host_there(sites: Sites) -> None:
    results = sites.run([sites.host("a", "up"), sites.host("b", "down", "10.51.0.1")], ping_timeout=0.5)
    assert (results["up"].status, results["up"].method) == (Status.OK, "icmp")
    assert (results["down"].status, results["down"].reason) == (Status.UNREACHABLE, "no-reply")


def test_without_pings_only_logins_tell(sites: Sites) -> None:
    results = sites.run([sites.host("a", "up"), sites.host("b", "closed", SERVER, 1)], no_ping=True)
    assert results["up"].ok
    assert results["up"].rtt_ms is None
    assert results["closed"].status is Status.UNREACHABLE
