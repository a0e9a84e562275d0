"""What tests share: a fleet, which none of them changes; and what they have for themselves: a history."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest

from runner.demo import DEMO_DEVICES, Fleet

from .demo.clients import anywhere
from .projects import Project, project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# A shell that starts the tests in the background has them ignore Ctrl-C (POSIX sh, asynchronous lists), and
# so would every program that they start and interrupt; with a handler here, those begin with the default.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Compiling ours anew takes every program that the tests start 0.1 s, and they start many.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples every time: what is new is looked for on purpose, not by whoever changes something else.
# How long one takes says how busy the machine is, and nothing about what it shows.
hypothesis.settings.register_profile("steady", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("searching", deadline=None)
hypothesis.settings.load_profile("searching" if "RUNNER_FUZZ_SECONDS" in os.environ else "steady")


@pytest.fixture(autouse=True)
def _own_history(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what tests run out of the history of whoever runs them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(scope="session")
def demo_fleet() -> Iterator[Fleet]:
    """The demo fleet on ports that the system picked."""
    with Fleet(anywhere(*DEMO_DEVICES)) as fleet:
        yield fleet


@pytest.fixture
def demo(demo_fleet: Fleet, tmp_path: Path) -> Project:
    """A project over the demo fleet: of `routers` one is slow, one down, one refuses logins."""
    groups = {
        "routers": ["r1", "r2", "r3", "r-slow", "r-down", "r-denied"],
        "good": ["r1", "r2", "r3"],
        "servers": ["web1", "web2", "db1"],
    }
    return project(tmp_path / "project", demo_fleet, groups)
