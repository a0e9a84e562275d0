"""Read a large inventory with `runner` and with Ansible, in one run, on the same files.

10,000 hosts in 200 groups nested three deep, `group_vars` for every group and `host_vars` for a tenth of the
hosts; as INI and as YAML; and with templates for the address, user and port of each host.

`python bench/inventory.py [HOSTS [ROUNDS]]` prints one line for each measurement: the medians of rounds in
which both take turns, in seconds of wall time and megabytes of the process, and their ratio.
"""

from __future__ import annotations

import filecmp
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench._environment import as_installed  # noqa: E402 - from the checkout
from runner.inventory.parsing.documents import DocumentReader  # noqa: E402

GROUPS = 200
LEVELS = 3
HOST_VARS_SHARE = 10
SEED = 20
PATTERN = "t0:&m00"
TEMPLATES = {
    "ansible_host": "10.{{ unit }}.{{ rack | regex_replace('^r', '') | int // 2 }}.{{ serial_number[-2:] }}",
    "ansible_user": "{{ managed | ternary('netops', 'admin') }}",
    "ansible_port": "{{ ssh_port | default(22 if unit < 40 else 2222) }}",
}
"""Templates for the address, user and port of a host, computed from its other variables."""


@dataclass(frozen=True)
class Measured:
    """One run of one command."""

    wall_s: float
    memory_mb: float
    bytes_out: float


def variables(prefix: str, count: int, random_source: random.Random) -> dict[str, object]:
    """Make variables like those of real fleets: addresses, flags, lists of servers, small tables."""
    made: dict[str, object] = {}
    for number in range(count):
        kind = number % 5
        made[f"{prefix}_{number}"] = (
            f"10.{random_source.randrange(256)}.{random_source.randrange(256)}.1",
            random_source.randrange(65536),
            bool(random_source.randrange(2)),
            [f"ntp{index}.example.com" for index in range(3)],
            {"name": f"site{random_source.randrange(50)}", "vlan": random_source.randrange(4096)},
        )[kind]
    return made


def write(folder: Path, hosts: int) -> None:
    """Write the inventory as INI and as YAML, with the variable files that both use."""
    source = random.Random(SEED)
    (folder / "group_vars").mkdir()
    (folder / "host_vars").mkdir()
    leaves = [f"g{number:03}" for number in range(GROUPS - 40)]
    middles = [f"m{number:02}" for number in range(32)]
    tops = [f"t{number}" for number in range(8)]
    below = {middle: leaves[index::32] for index, middle in enumerate(middles)}
    below |= {top: middles[index::8] for index, top in enumerate(tops)}
    for group in [*leaves, *middles, *tops, "all"]:
        (folder / "group_vars" / f"{group}.yml").write_text(yaml.safe_dump(variables(group, 24, source)))
    members: dict[str, dict[str, dict[str, object]]] = {leaf: {} for leaf in leaves}
    for number in range(hosts):
        own = {
            "ansible_host": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "ansible_port": 22 + number % 3,
            "rack": f"r{number % 400}",
            "unit": number % 42,
            "serial_number": f"SN{number:08}",
            "managed": number % 2 == 0,
        }
        name = f"host{number:05}.example.com"
        members[leaves[number % len(leaves)]][name] = own
        if number % HOST_VARS_SHARE == 0:
            (folder / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(variables("own", 8, source)))
    write_ini(folder / "hosts.ini", members, below)
    groups = {leaf: {"hosts": content} for leaf, content in members.items()}
    groups |= {parent: {"children": dict.fromkeys(children)} for parent, children in below.items()}
    (folder / "hosts.yml").write_text(yaml.dump({"all": {"children": groups}}, Dumper=yaml.CSafeDumper))


def write_ini(
    path: Path, members: dict[str, dict[str, dict[str, object]]], below: dict[str, list[str]]
) -> None:
    """Write the same hosts and groups as INI."""
    lines: list[str] = []
    for leaf, content in members.items():
        lines.append(f"[{leaf}]")
        lines += [
            " ".join([name, *(f"{key}={value}" for key, value in own.items())])
            for name, own in content.items()
        ]
    for parent, children in below.items():
        lines += [f"[{parent}:children]", *children]
    path.write_text("\n".join(lines) + "\n")


def measure(command: list[str], folder: Path, output: Path) -> Measured:
    """Run a command once; the memory is the largest resident size of the process, without its children."""
    begin = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=as_installed(), stdout=file, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Measured(wall, usage.ru_maxrss / 1024, output.stat().st_size)


def median(runs: list[Measured]) -> Measured:
    """Return the median of each figure."""
    return Measured(*(statistics.median(values) for values in zip(*map(astuple, runs), strict=True)))


def yaml_parsers(path: Path, rounds: int) -> tuple[float, float]:
    """Return the seconds of PyYAML's C loader and of our reader for the same text: medians of turns."""
    text = path.read_text()
    theirs, ours = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        expected = yaml.load(text, Loader=yaml.CSafeLoader)
        theirs.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        found = DocumentReader().read(text, str(path))
        ours.append(time.perf_counter() - begin)
        assert expected == found
        del expected, found
    return statistics.median(theirs), statistics.median(ours)


def program(name: str) -> str:
    """Find a command in the folder of this Python interpreter, or else in PATH."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        raise SystemExit(f"{name} is not installed")
    return found


def main() -> None:
    """Measure and print."""
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    if sys.argv[3:4] == ["--write"]:
        write(Path(sys.argv[2]), hosts)
        return
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    ours, theirs, theirs_adhoc = program("runner"), program("ansible-inventory"), program("ansible")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a separate process: the peak memory of this one would count for every command that it starts.
        subprocess.run([sys.executable, __file__, str(hosts), name, "--write"], check=True)
        print(f"{hosts} hosts, {GROUPS} groups, {LEVELS} deep; medians of {rounds} rounds", flush=True)
        for kind in ("ini", "yml"):
            source = ["-i", f"hosts.{kind}"]
            both = [ours, "inventory", "--list", *source], [theirs, *source, "--list"]
            compare(f"{kind} --list", both, folder, rounds)
            same = filecmp.cmp(folder / "ours", folder / "theirs", shallow=False)
            print(f"    the documents are {'the same' if same else 'NOT THE SAME'}", flush=True)
            both = (
                [ours, "inventory", "--hosts", PATTERN, *source],
                [theirs_adhoc, PATTERN, *source, "--list-hosts"],
            )
            compare(f"{kind} --hosts PATTERN", both, folder, rounds)
        templates(folder, rounds)
        loader_s, reader_s = yaml_parsers(folder / "hosts.yml", rounds)
        print(f"YAML text: CSafeLoader {loader_s:.2f} s, ours {reader_s:.2f} s, {reader_s / loader_s:.2f}x")


def templates(folder: Path, rounds: int) -> None:
    """Compare the rendering of the templates for address, user and port of every host, in `group_vars`."""
    (folder / "group_vars" / "all.yml").write_text(yaml.safe_dump(TEMPLATES))
    (folder / "hosts.templates.ini").write_text(
        re.sub(r" ansible_(host|port)=\S+", "", (folder / "hosts.ini").read_text())
    )
    source = ["-i", "hosts.templates.ini"]
    names = "{{ ansible_host }} {{ ansible_user }} {{ ansible_port }}"
    both = (
        [program("runner"), "ping", "--dry-run", "--format", "jsonl", "--no-history", *source],
        [program("ansible"), "all", *source, "-m", "debug", "-a", f"msg='{names}'", "-o"],
    )
    compare("templates", both, folder, rounds)


def compare(what: str, commands: tuple[list[str], list[str]], folder: Path, rounds: int) -> None:
    """Measure our command and Ansible's in turns, and print the medians."""
    runs: tuple[list[Measured], list[Measured]] = ([], [])
    measure(commands[0], folder, folder / "ours")  # writes byte code; Ansible was installed with it
    for _ in range(rounds):
        for command, found, output in zip(commands, runs, ("ours", "theirs"), strict=True):
            found.append(measure(command, folder, folder / output))
    ours, theirs = map(median, runs)
    print(
        f"{what:18} ours {ours.wall_s:6.2f} s {ours.memory_mb:5.0f} MB"
        f"   ansible {theirs.wall_s:6.2f} s {theirs.memory_mb:5.0f} MB"
        f"   1/{theirs.wall_s / ours.wall_s:.1f} of the time,"
        f" {ours.memory_mb / theirs.memory_mb:.2f} of the memory"
        f"   ({ours.bytes_out / 1e6:.0f} MB of text)",
        flush=True,
    )


if __name__ == "__main__":
    main()
