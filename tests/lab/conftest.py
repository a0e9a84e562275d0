"""The lab as a fixture: up for the tests that need it, down after them, never skipped where required."""

from __future__ import annotations

import fcntl
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import pytest

from tests import lab as the_lab
from tests.lab.logins import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator


class Login(Protocol):
    """Runs a command on an address of the lab with OpenSSH's own client, host keys checked."""

    def __call__(self, address: object, command: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(scope="session")
def turn() -> Iterator[the_lab.Lab]:
    """The right to do anything to the lab. One that was up before the tests is up after them."""
    with _alone():
        was_up = the_lab.is_up()
        try:
            mine = the_lab.up()
        except the_lab.LabUnavailable as exc:
            _go_without(str(exc))
        yield mine
        if was_up:
            the_lab.up()
        else:
            the_lab.down()


@pytest.fixture
def lab(turn: the_lab.Lab) -> the_lab.Lab:
    """A lab that is up as a whole, whatever the test before has done to it."""
    return the_lab.up(turn)


@pytest.fixture
def no_lab(turn: the_lab.Lab) -> the_lab.Lab:
    """Where a lab would be, and nothing of it."""
    the_lab.down(turn)
    return turn


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second test run of this checkout away: some tests take the lab down under everybody's feet."""
    descriptor = os.open(Path(__file__).parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        _go_without("another test run of this checkout is using the lab")
    try:
        yield
    finally:
        os.close(descriptor)


def _go_without(reason: str) -> NoReturn:
    if os.environ.get("RUNNER_REQUIRE_LAB") == "1":
        pytest.fail(f"RUNNER_REQUIRE_LAB=1, and there is no lab: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def login(lab: the_lab.Lab) -> Login:
    def run(address: object, command: str) -> subprocess.CompletedProcess[str]:
        argv = command_line(lab, address, command)
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)

    return run
