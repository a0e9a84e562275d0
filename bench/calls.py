"""Count how much of our code runs for one command on one host: functions, files, depth, hops of the result.

`python bench/calls.py` starts the demo fleet, runs `runner run --cmd "show clock" -g r1` in this process with
a profile function in every thread, and counts the functions under `runner/` that are called, except those of
the fleet. A hop is a function that returns or yields the host's result, alone or in a list. `--verbose` shows
the deepest chain of calls and the hops.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from runner.demo import DEMO_DEVICES, Fleet  # noqa: E402 - from the checkout
from tests.demo.clients import anywhere  # noqa: E402
from tests.projects import project  # noqa: E402

if TYPE_CHECKING:
    from types import CodeType, FrameType

OURS = f"{ROOT}/runner/"
FLEET = f"{ROOT}/runner/demo/"


class Profile:
    """Records the calls in the starting thread and in every thread that begins after `start`."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()
        self.hops: dict[CodeType, None] = {}
        self.deepest: list[str] = []

    def start(self) -> None:
        threading.setprofile(self._called)
        sys.setprofile(self._called)

    def stop(self) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _called(self, frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not _is_ours(code):
            return
        if event == "call":
            self.codes.add(code)
            chain = _chain(frame)
            if len(chain) > len(self.deepest):
                self.deepest = chain
        elif _is_result(value) or (isinstance(value, list) and any(map(_is_result, value))):
            self.hops[code] = None


def _is_ours(code: CodeType) -> bool:
    if not code.co_flags & inspect.CO_OPTIMIZED:  # the body of a module or class
        return False
    return code.co_filename.startswith(OURS) and not code.co_filename.startswith(FLEET)


def _is_result(value: object) -> bool:
    return type(value).__name__ == "HostResult"


def _chain(frame: FrameType | None) -> list[str]:
    found = []
    while frame is not None:
        if _is_ours(frame.f_code):
            found.append(f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return found[::-1]


def main() -> None:
    verbose = "--verbose" in sys.argv
    profile = Profile()
    with tempfile.TemporaryDirectory() as folder, Fleet(anywhere(*DEMO_DEVICES)) as fleet:
        place = project(Path(folder), fleet, {"routers": ["r1"]})
        environment = place.environment()
        os.chdir(folder)
        os.environ.update(environment)
        sys.argv = ["runner", "run", "--cmd", "show clock", "-g", "r1"]
        from runner.tasks.program import main as program  # noqa: PLC0415 - part of it reads the command line

        profile.start()
        with suppress(SystemExit):
            program()
        profile.stop()
    files = {code.co_filename for code in profile.codes}
    print(
        f"{len(profile.codes)} functions in {len(files)} files, {len(profile.deepest)} calls deep,", end=" "
    )
    print(f"{len(profile.hops)} hops of the result")
    if verbose:
        print(*profile.deepest, "--", *(code.co_qualname for code in profile.hops), sep="\n")


if __name__ == "__main__":
    main()
