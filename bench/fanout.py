"""One command on many hosts: our executors compared with other tools, in turns, within one run.

    python bench/fanout.py --sizes 200,1000 --rounds 3,1 --peers other-tools/bin/python --json a.json
    python bench/fanout.py --fleet simulated --sizes 200 --workers 200 …
    python bench/fanout.py --kex diffie-hellman-group16-sha512 --tools "runner thread,runner process" …
    python bench/fanout.py --page docs/benchmarks.md --plot docs/fanout.svg a.json …

`sshd` is one real OpenSSH server on loopback, on the same cores as the clients; its processor time is shown
separately. `simulated` is a fleet of devices on loopback ports in a separate process, each with 200 ms of
latency and half a second for a login. Every tool runs in a separate process, start-up included, logs in by
key, and has the same number of hosts at once, or its default with `--workers 0`; only ours checks host keys,
pings first and records a history. A tool that is not installed has no host `ok`. One that takes longer than
`--most` is killed, shown with `>`, and not run again at that size or a larger one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import _measuring, _tables  # noqa: E402 - from the checkout
from bench._peers import AS_THEY_COME, TOOLS, Place, runner_says  # noqa: E402
from runner.reach import icmp_permitted  # noqa: E402
from tests.connection.sshd import running_sshd  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def real_server(folder: Path, kex: str | None) -> Iterator[tuple[Place, int]]:
    extra = f"KexAlgorithms {kex}\n" if kex else ""
    with running_sshd(folder, extra) as server:
        pid = int((folder / "sshd.pid").read_text())
        host = ("h", server.address, server.port)
        key, known = str(server.key), str(server.known_hosts)
        yield Place(str(folder), [host], server.user, key, known, "echo up", 1, "linux"), pid


SIMULATED = """
import sys, time
from runner.demo import Device, Fleet, replicas
count, latency, login, key = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
model = Device("m", latency_s=latency, login_delay_s=login, authorized_keys=(open(key).read().strip(),))
devices = replicas(model, count)
with Fleet(devices) as fleet:
    open(sys.argv[5], "w").write(fleet.known_hosts())
    print(*[f"{device.name}:{fleet.endpoint(device.name).port}" for device in devices], flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def simulated_fleet(
    folder: Path, count: int, latency_s: float, login_s: float
) -> Iterator[tuple[Place, int]]:
    key, known = folder / "key", folder / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    arguments = [str(count), str(latency_s), str(login_s), f"{key}.pub", str(known)]
    with subprocess.Popen(
        [sys.executable, "-c", SIMULATED, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout
        places = [word.split(":") for word in process.stdout.readline().split()]
        hosts = [(name, "127.0.0.1", int(port)) for name, port in places]
        place = Place(str(folder), hosts, "demo", str(key), str(known), "show version", 1, "cisco_ios")
        try:
            yield place, process.pid
        finally:
            process.kill()


@contextlib.contextmanager
def fleet(chosen: argparse.Namespace, size: int) -> Iterator[tuple[Place, int]]:
    """Serve a number of hosts during the context; yield them and the process id of their server."""
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        Path(name).chmod(0o755)
        folder = Path(name, "place")
        folder.mkdir()
        if chosen.fleet == "sshd":
            with real_server(folder, chosen.kex) as (place, server):
                hosts = [(f"h{number:05}", *place.hosts[0][1:]) for number in range(size)]
                # All hosts are one server, and each TCP probe would be one more client for it. Hosts that are
                # not on loopback are pinged by ICMP, which costs their SSH servers nothing.
                method = "auto" if icmp_permitted() else "icmp"
                yield place._replace(hosts=hosts, workers=chosen.workers, method=method), server
        else:
            with simulated_fleet(folder, size, chosen.latency, chosen.login) as (place, server):
                yield place._replace(workers=chosen.workers), server


def alone_s(place: Place) -> float:
    """Return the seconds that one host alone takes."""
    one = place._replace(hosts=place.hosts[:1], workers=1)
    return min(float(runner_says(one, "thread")[0]["duration_s"]) for _ in range(3))


def measure(tool: str, place: Place, server: int, chosen: argparse.Namespace) -> _tables.Cost:
    """Run one tool over a fleet."""
    file = Path(place.folder, "place.json")
    file.write_text(json.dumps(place._asdict()))
    python = sys.executable if tool.startswith("runner") else chosen.peers
    _measuring.settle(server)
    before = _measuring.cpu_s(server)
    spent = _measuring.run([python, str(ROOT / "bench" / "_peers.py"), tool, str(file)], chosen.most)
    served = _measuring.cpu_s(server) - before
    said = spent.said.split()
    ok = int(said[-1]) if said and spent.exit_code == 0 else None
    ended = spent.exit_code is None
    size = len(place.hosts), place.workers
    return _tables.Cost(tool, *size, ok, spent.wall_s, spent.cpu_s, served, spent.peak_mb, ended)


def compare(chosen: argparse.Namespace) -> _tables.Found:
    """Run every tool at every size, in turns; write the measurements so far after each run."""
    found = _tables.Found(chosen.label or chosen.fleet, 0.0, ())
    sizes = [int(word) for word in chosen.sizes.split(",")]
    rounds = [int(word) for word in chosen.rounds.split(",")][: len(sizes)]
    too_slow: set[str] = set()
    for size, times in zip_longest(sizes, rounds, fillvalue=rounds[-1]):
        with fleet(chosen, size) as (place, server):
            alone = alone_s(place)  # this also warms up the server
            ideal = chosen.fleet == "simulated" and chosen.workers
            own_s = found.own_s or (alone if ideal else 0.0)
            found = _tables.Found(found.label, own_s, found.costs)
            for tool in _measuring.turns(chosen.tools.split(","), times):
                if tool in too_slow:
                    continue
                cost = measure(tool, place, server, chosen)
                found = _tables.Found(found.label, found.own_s, (*found.costs, cost))
                print(f"  {cost}", file=sys.stderr, flush=True)
                if cost.ended:
                    too_slow.add(tool)
                if chosen.json:
                    found.write(chosen.json)
    return found


def main() -> None:
    """Measure, or show earlier measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleet", choices=("sshd", "simulated"), default="sshd")
    parser.add_argument("--sizes", default="200", help="numbers of hosts, with commas")
    parser.add_argument(
        "--workers",
        type=int,
        default=50,
        help="hosts at once, for every tool; 0 is the default of each",
    )
    parser.add_argument(
        "--rounds", default="1", help="turns of each size, with commas; the table has medians"
    )
    parser.add_argument("--most", type=float, default=600, help="seconds after which a tool is killed")
    parser.add_argument("--tools", help="with commas; by default all that take --workers")
    parser.add_argument(
        "--peers", default=sys.executable, help="Python of the environment with the other tools"
    )
    parser.add_argument("--kex", help="the one key exchange that the real server offers")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds of each simulated device")
    parser.add_argument("--login", type=float, default=0.5, help="seconds that a simulated login takes")
    parser.add_argument("--label", help="name of the table; the fleet by default")
    parser.add_argument("--json", help="write all runs to this file")
    parser.add_argument("--page", help="put the tables of files that --json wrote into this page")
    parser.add_argument("--plot", help="draw this SVG from files that --json wrote; needs matplotlib")
    parser.add_argument("files", nargs="*", help="show the tables of these --json files, without measuring")
    chosen = parser.parse_args()
    chosen.tools = chosen.tools or ",".join(TOOLS if chosen.workers else AS_THEY_COME)
    found = [_tables.Found.read(file) for file in chosen.files] or [compare(chosen)]
    if chosen.page:
        _tables.put_on_page(chosen.page, found)
    if chosen.plot:
        _tables.plot(chosen.plot, found)
    for each in _tables.merged(found).values():
        print("\n".join(_tables.table(each)))


if __name__ == "__main__":
    main()
