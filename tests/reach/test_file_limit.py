"""How many sockets a process may have open: each case in a process of its own, whose limit it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from runner.reach.file_limit import socket_allowance
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(socket_allowance(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def allowance(soft: int, hard: int, wanted: int) -> tuple[int, int]:
    """Return how many sockets are allowed, and the soft limit afterwards."""
    command = [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(wanted)]
    told = subprocess.run(command, check=True, capture_output=True, timeout=60)
    allowed, limit = told.stdout.split()
    return int(allowed), int(limit)


def test_the_soft_limit_is_raised_as_far_as_is_wanted() -> None:
    allowed, limit = allowance(256, 4096, 1000)
    assert allowed == 1000
    assert 1000 < limit < 4096


def test_the_hard_limit_is_respected_and_some_files_are_left_to_others() -> None:
    allowed, limit = allowance(256, 1024, 50_000)
    assert limit == 1024
    assert 512 < allowed < 1024 - 32


def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    assert allowance(1024, 4096, 10) == (10, 1024)


@pytest.mark.parametrize("files", [40, 64])
def test_even_a_tiny_limit_allows_a_few(files: int) -> None:
    allowed, _ = allowance(files, files, 1000)
    assert allowed >= 8
