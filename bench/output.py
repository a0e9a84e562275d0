"""Peak memory of `runner run` if each of many hosts prints far more than is kept, for each `--overflow`.

One real OpenSSH server on loopback plays all hosts. Every run is a separate process, as a user starts it,
with history and report; the kernel reports its memory at its end. `same`: all hosts print the same lines,
which are folded; `lines`: each host prints different lines; `bytes`: each prints random bytes, which the
report shows as marks. `python bench/output.py [MEGABYTES] [HOSTS] [--max-output SIZE …]`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench._environment import as_installed  # noqa: E402 - from the checkout
from tests.connection.sshd import running_sshd  # noqa: E402

if TYPE_CHECKING:
    from tests.connection.sshd import Sshd

MEGABYTE = 2**20
WAYS = ("end", "drop", "spill")
COMMANDS = {
    "same": "yes 0123456789abcdef | head -c {size}",
    "lines": "n=$$; yes $n 0123456789abcdef | head -c {size}",
    "bytes": "head -c {size} /dev/urandom",
}


def peak_mb(server: Sshd, folder: Path, command: str, *options: str) -> float:
    """Run a command on all hosts, and return the peak memory of the process in megabytes."""
    inventory = ["-i", str(folder / "hosts.ini"), "--known-hosts", str(server.known_hosts)]
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "run", command, "--quiet", *inventory, *options],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env=as_installed(INVOKE_RUNNER_HISTORY=str(folder / "history.db")),
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 2), process.returncode
    return usage.ru_maxrss / 1024


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    hosts = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    options = sys.argv[3:] or ["--max-output", "1M"]
    print(f"{hosts} hosts of {megabytes} MB each, {' '.join(options)}: peak memory in MB")
    print("overflow" + "".join(f"{kind:>8}" for kind in COMMANDS))
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_sshd(folder / "sshd") as server:
            login = f"ansible_user={server.user} ansible_ssh_private_key_file={server.key}"
            place = f"ansible_host={server.address} ansible_port={server.port} {login}"
            lines = [f"h{number} {place}\n" for number in range(hosts)]
            (folder / "hosts.ini").write_text("".join(lines))
            for way in WAYS:
                print(f"{way:8}", end="", flush=True)
                for command in COMMANDS.values():
                    spill = folder / "spill"
                    where = ("--spill-dir", str(spill)) if way == "spill" else ()
                    chosen = ("--overflow", way, *where, *options)
                    found = peak_mb(server, folder, command.format(size=megabytes * MEGABYTE), *chosen)
                    print(f"{found:8.0f}", end="", flush=True)
                    subprocess.run(["rm", "-rf", str(spill)], check=True)
                print()


if __name__ == "__main__":
    main()
