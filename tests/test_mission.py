"""The mission as a whole: ping, then fan-out, over 200 real hosts, with every executor, and with many faults.

Twenty hosts are silent, five die between ping and login, five are behind a relay that loses packets.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.connection.sshd import Sshd, required_program, temporary_sshd
from tests.mission_far import DYING, RELAY
from tests.reach.network import Network, inside, network

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(300)]

EXECUTORS = ("serial", "thread", "process", "dask")
PORT = 2300
COMMAND = 'case $(echo "$SSH_CONNECTION" | cut -d " " -f 3) in *[37]) echo odd;; *) echo even;; esac'
HERE = Path(__file__).parent
_UP, _SILENT, _FEW = 170, 20, 5


@dataclass(frozen=True)
class Place:
    """The network, and the server that answers on all its addresses."""

    network: Network
    server: Sshd

    def ask(self, hosts: dict[str, Any], *, icmp: bool, **settings: Any) -> dict[str, Any]:
        """Run the command from the near namespace; without `icmp`, the process may not send ICMP echo."""
        asked = {
            "hosts": hosts,
            "command": COMMAND,
            "settings": {
                "user": self.server.user,
                "private_key": [str(self.server.key)],
                "known_hosts": [str(self.server.folder / "all")],
                "ssh_config": "none",
                "ping_timeout": 0.5,
                **settings,
            },
        }
        without = [required_program("setpriv"), "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
        command = [*([] if icmp else without), sys.executable, "-m", "tests.mission_here"]
        self.network.permit_ping(permitted=icmp)
        answer = self.network.run(
            self.network.near,
            *command,
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            cwd=HERE.parent,
        )
        told: dict[str, Any] = json.loads(answer.stdout)
        return told


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with network() as built, ExitStack() as stack:
        with inside(built.far):
            extra = f"Port {PORT}\nListenAddress ::\n"
            server = stack.enter_context(temporary_sshd(extra, address="0.0.0.0"))
        (server.folder / "all").write_text(f"* {server.public_key('ed25519')}\n")
        built.serve(built.far, "../mission_far.py", str(server.port))
        yield Place(built, server)


def fleet(place: Place, version: int, silent: str) -> dict[str, dict[str, Any]]:
    """Return the variables of 200 hosts by name."""

    def address(network: int, number: int) -> str:
        return f"10.64.{network}.{number}" if version == 4 else f"fd64:0:{network}::{number:x}"

    port = place.server.port if version == 4 else PORT
    hosts = {f"up{n}": {"ansible_host": address(1, n), "ansible_port": port} for n in range(1, _UP + 1)}
    hosts |= {
        f"silent{n}": {"ansible_host": f"{silent}{n}", "ansible_port": port} for n in range(1, _SILENT + 1)
    }
    hosts |= {f"dying{n}": {"ansible_host": address(2, n), "ansible_port": DYING} for n in range(1, _FEW + 1)}
    hosts |= {f"lossy{n}": {"ansible_host": address(3, n), "ansible_port": RELAY} for n in range(1, _FEW + 1)}
    return hosts


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("icmp", [True, False], ids=["icmp", "tcp"])
def test_every_host_has_one_true_result_whatever_the_executor(place: Place, version: int, icmp: bool) -> None:
    # Where echo decides, IPv4 hosts that let in SSH and no echo show that what is down is not dialled.
    silent = "fd64:1::" if version == 6 else "10.67.0." if icmp else "10.65.0."
    hosts = fleet(place, version, silent)
    came = {}
    for executor in EXECUTORS:
        before = len(place.server.log)
        method = "icmp" if icmp else "auto"
        told = came[executor] = place.ask(hosts, icmp=icmp, executor=executor, method=method)
        log = place.server.log[before:]
        assert sorted(told["hosts"]) == sorted(hosts)
        assert (told["icmp"] is None) == icmp
        assert log.count("Accepted publickey") == _UP + _FEW, executor
        assert " on 10.67." not in log
    for executor, told in came.items():
        for name, (status, reason, sent, said, method) in told["results"].items():
            what = (executor, name, status, reason)
            if name.startswith(("up", "lossy")):
                assert (status, sent, method) == ("ok", True, "icmp" if icmp else "tcp"), what
                assert said in ("odd\n", "even\n"), what
            elif name.startswith("silent"):
                assert (status, reason, sent) == ("unreachable", "no-reply", False), what
            else:
                assert (status, sent, said) == ("unreachable", False, ""), what
        assert told["folded"] == came["serial"]["folded"], executor
