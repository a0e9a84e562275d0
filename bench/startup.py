"""Measure the start-up time of our tasks: Invoke with them compared with Invoke with an empty tasks.py.

The runs take turns in pairs, so that other load on the machine affects both. `python bench/startup.py [RUNS]`
prints the medians and their ratios; the aim is at most 1.3.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench._environment import as_installed  # noqa: E402 - from the checkout

AIM = 1.3
EMPTY = "from invoke import Collection\nnamespace = Collection()\n"
ONE_TASK = "from invoke import task\n@task\ndef run(ctx, cmd=''):\n    pass\n"
OURS = "from runner.tasks import namespace\n"

PAIRS = {
    "invoke --list": (("--list",), EMPTY),
    "invoke run --help": (("run", "--help"), ONE_TASK),
}


def seconds(folder: Path, words: tuple[str, ...]) -> float:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    begin = time.perf_counter()
    # No check of the exit code: Invoke treats an empty list of tasks as an error.
    subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=folder,
        env=as_installed(PYTHONPATH=path),
        capture_output=True,
        check=False,
    )
    return time.perf_counter() - begin


def compare(words: tuple[str, ...], plain: str, runs: int) -> tuple[float, float]:
    """Return the median seconds of a plain tasks.py and of ours."""
    with tempfile.TemporaryDirectory() as name:
        folders = []
        for label, text in (("plain", plain), ("ours", OURS)):
            folder = Path(name, label)
            folder.mkdir()
            (folder / "tasks.py").write_text(text)
            folders.append(folder)
        times: tuple[list[float], list[float]] = ([], [])
        for turn in range(runs + 1):
            for taken, folder in zip(times, folders, strict=True):
                spent = seconds(folder, words)
                if turn:  # the first turn writes byte code and fills caches
                    taken.append(spent)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    worst = 0.0
    for label, (words, plain) in PAIRS.items():
        theirs, ours = compare(words, plain, runs)
        worst = max(worst, ours / theirs)
        print(
            f"{label:18}  empty tasks.py {theirs * 1000:5.0f} ms  ours {ours * 1000:5.0f} ms"
            f"  ratio {ours / theirs:.2f} (median of {runs})"
        )
    return int(worst > AIM)


if __name__ == "__main__":
    sys.exit(main())
