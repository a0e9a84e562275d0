"""Ctrl-C is blocked in what is started in the context, and reaches the program itself after it."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from runner.executors.interrupts import sigint_blocked

if TYPE_CHECKING:
    from collections.abc import Iterator

# The mask of this process as a new program inherits it.
CHILD = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


def blocked() -> bool:
    """Return whether SIGINT is blocked in this thread."""
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def blocked_in_a_new_process() -> str:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _open_to_interrupts() -> Iterator[None]:
    """Begin with SIGINT not blocked, and leave the mask of this thread as it was."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_sigint_is_blocked_in_the_context_and_not_after_it() -> None:
    with sigint_blocked():
        assert blocked()
    assert not blocked()


def test_an_exception_in_the_context_does_not_leave_sigint_blocked() -> None:
    with pytest.raises(OSError, match="no process"), sigint_blocked():
        raise OSError("no process can be started")
    assert not blocked()


def test_a_sigint_that_was_blocked_before_the_context_is_blocked_after_it() -> None:
    with sigint_blocked():
        with sigint_blocked():
            pass
        assert blocked()


def test_a_thread_that_is_started_in_the_context_has_sigint_blocked_for_good() -> None:
    with ThreadPoolExecutor(1) as thread:
        with sigint_blocked():
            assert thread.submit(blocked).result(30)
        assert thread.submit(blocked).result(30)


def test_a_process_that_is_started_in_the_context_has_sigint_blocked() -> None:
    with sigint_blocked():
        assert blocked_in_a_new_process() == "True"
    assert blocked_in_a_new_process() == "False"


def test_ctrl_c_in_the_context_interrupts_the_program_when_the_context_ends() -> None:
    done = []

    def start_and_press_ctrl_c() -> None:
        with sigint_blocked():
            signal.raise_signal(signal.SIGINT)
            done.append("the process is started")

    with pytest.raises(KeyboardInterrupt):
        start_and_press_ctrl_c()
    assert done == ["the process is started"]
