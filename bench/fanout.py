"""One command on many hosts: ours with each executor beside other tools, in turns, within one run.

    python bench/fanout.py --fleet sshd --sizes 200,1000 --peers /path/to/venv/bin/python --json found.json
    python bench/fanout.py --fleet simulated --sizes 200 --workers 200 …
    python bench/fanout.py --kex diffie-hellman-group16-sha512 --tools "runner thread,runner process"
    python bench/fanout.py --plot docs/fanout.svg found.json

`sshd` is one real OpenSSH server on loopback, on the same cores as the clients; its share of the processor is
told apart. `simulated` is a fleet of devices on loopback ports in a process of its own, each with 200 ms of
latency and half a second for a login. Every tool runs in a process of its own, start-up included, logs in by
key, and has the same number of hosts at once; only ours checks host keys, pings first and keeps a history. A
tool that is not installed has no host `ok`.
"""

# ruff: noqa: PLC0415 - what is measured imports for itself

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.peers import TOOLS, Place  # noqa: E402 - from the checkout
from tests.connection.sshd import running_sshd  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Cost:
    """What one run of one tool took; CPU is the client's with all its children, `server_s` the server's."""

    tool: str
    hosts: int
    ok: int
    wall_s: float
    cpu_s: float
    server_s: float
    peak_mb: float


def descendants(pid: int) -> list[int]:
    """A process and all that it started, as /proc tells."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def memory_mb(pid: int) -> float:
    """Proportional memory of a process and all that it started: what is shared counts once."""
    total = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


def cpu_s(pid: int) -> float:
    """Processor time of a process and of all that it ever waited for, with those that still run."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(tool: str, place: Place, python: str, server: int) -> Cost:
    file = Path(place.folder, "place.json")
    file.write_text(json.dumps(place._asdict()))
    before, began = cpu_s(server), time.monotonic()
    process = subprocess.Popen(
        [python, str(ROOT / "bench" / "peers.py"), tool, str(file)], stdout=subprocess.PIPE, text=True
    )
    peak, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.25):
            peak = max(peak, memory_mb(process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    assert process.stdout
    said = process.stdout.read().split()
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = 0
    over.set()
    watching.join()
    ok = int(said[-1]) if said else 0
    used = usage.ru_utime + usage.ru_stime
    return Cost(tool, len(place.hosts), ok, wall, used, cpu_s(server) - before, peak)


@contextlib.contextmanager
def real_server(folder: Path, kex: str | None) -> Iterator[tuple[Place, int]]:
    extra = f"KexAlgorithms {kex}\n" if kex else ""
    with running_sshd(folder, extra) as server:
        pid = int((folder / "sshd.pid").read_text())
        host = ("h", server.address, server.port)
        key, known = str(server.key), str(server.known_hosts)
        yield Place(str(folder), [host], server.user, key, known, "true", 1, "linux"), pid


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


def compare(chosen: argparse.Namespace) -> list[Cost]:
    found: list[Cost] = []
    for size in (int(word) for word in chosen.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="runner-bench-") as name, contextlib.ExitStack() as stack:
            Path(name).chmod(0o755)
            folder = Path(name, "place")
            folder.mkdir()
            if chosen.fleet == "sshd":
                place, server = stack.enter_context(real_server(folder, chosen.kex))
                hosts = [(f"h{number:05}", *place.hosts[0][1:]) for number in range(size)]
            else:
                place, server = stack.enter_context(
                    simulated_fleet(folder, size, chosen.latency, chosen.login)
                )
                hosts = place.hosts
            place = place._replace(hosts=hosts, workers=chosen.workers)
            for turn in range(chosen.rounds):
                for tool in chosen.tools.split(","):
                    python = sys.executable if tool.startswith("runner") else chosen.peers
                    cost = measure(tool, place, python, server)
                    found.append(cost)
                    print(f"  {turn + 1}: {asdict(cost)}", file=sys.stderr, flush=True)
    return found


def medians(found: Sequence[Cost]) -> list[Cost]:
    """One cost for each tool and size: the median of its runs, in the order of the first."""
    groups: dict[tuple[int, str], list[Cost]] = {}
    for cost in found:
        groups.setdefault((cost.hosts, cost.tool), []).append(cost)
    numbers = ("wall_s", "cpu_s", "server_s", "peak_mb")
    return [
        replace(
            same[0], **{name: statistics.median(getattr(cost, name) for cost in same) for name in numbers}
        )
        for same in groups.values()
    ]


def table(found: Sequence[Cost]) -> Iterator[str]:
    yield "| hosts | tool | ok | wall | of ours | client CPU | server CPU | peak memory |"
    yield "| --: | --- | --: | --: | --: | --: | --: | --: |"
    for cost in found:
        ours = [each.wall_s for each in found if each.hosts == cost.hosts and each.tool.startswith("runner")]
        times = f"{cost.wall_s / min(ours):.1f}x" if ours else ""
        times = f"{cost.wall_s:.1f} s | {times} | {cost.cpu_s:.1f} s | {cost.server_s:.1f} s"
        yield f"| {cost.hosts:,} | {cost.tool} | {cost.ok:,} | {times} | {cost.peak_mb:.0f} MB |"


def plot(target: str, sources: Sequence[str]) -> None:
    """Draw wall time over the number of hosts, a panel for each file."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "runner"  # the same picture is the same file
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(sources), figsize=(6 * len(sources), 5), squeeze=False)
    for panel, source in zip(panels[0], sources, strict=True):
        said = json.loads(Path(source).read_text())
        found = medians([Cost(**each) for each in said["costs"]])
        for tool in dict.fromkeys(cost.tool for cost in found):
            mine = [cost for cost in found if cost.tool == tool]
            style = {"linewidth": 2.5} if tool.startswith("runner") else {"linewidth": 1, "linestyle": "--"}
            panel.plot([c.hosts for c in mine], [c.wall_s for c in mine], marker="o", label=tool, **style)
        panel.set(xscale="log", yscale="log", xlabel="hosts", ylabel="wall, seconds", title=said["title"])
        panel.grid(visible=True, which="both", alpha=0.3)
        panel.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleet", choices=("sshd", "simulated"), default="sshd")
    parser.add_argument("--sizes", default="200", help="numbers of hosts, with commas")
    parser.add_argument("--workers", type=int, default=50, help="hosts at once, for every tool")
    parser.add_argument("--rounds", type=int, default=1, help="turns; the table has medians")
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument(
        "--peers", default=sys.executable, help="Python of the environment with the other tools"
    )
    parser.add_argument("--kex", help="the one key exchange that the real server offers")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds of each simulated device")
    parser.add_argument("--login", type=float, default=0.5, help="seconds that a simulated login takes")
    parser.add_argument("--json", help="write all runs to this file")
    parser.add_argument("--plot", help="draw this SVG from files that --json wrote; needs matplotlib")
    parser.add_argument("files", nargs="*")
    chosen = parser.parse_args()
    if chosen.plot:
        plot(chosen.plot, chosen.files)
        return
    found = compare(chosen)
    if chosen.json:
        title = f"{chosen.fleet}, {chosen.workers} hosts at once"
        Path(chosen.json).write_text(json.dumps({"title": title, "costs": [asdict(cost) for cost in found]}))
    print("\n".join(table(medians(found))))


if __name__ == "__main__":
    main()
