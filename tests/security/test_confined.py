"""A confined process keeps its limits whatever it is asked to do, and goes on with the next request."""

from __future__ import annotations

import logging
import threading
from queue import LifoQueue
from typing import TYPE_CHECKING

import pytest

from runner.devices import parsing
from runner.models import CommandResult, Host, HostResult, Status
from runner.text.confined import Confined, Stopped
from tests.liveness import gone

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def child() -> Iterator[Confined]:
    child = Confined("tests.security.endless:serve", limit_s=0.2)
    yield child
    child.close()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (b"loop", r"took longer than 0\.2 s of computing time, and was ended"),
        (b"pattern", r"took longer than 0\.2 s of computing time, and was ended"),
        (b"memory", r"needed more than 128 MiB of memory, and was ended"),
        (b"exit", r"was given up|ended the process"),
    ],
)
def test_a_request_without_an_end_is_ended_and_the_next_one_served(
    child: Confined, request_: bytes, said: str
) -> None:
    for _ in range(2):
        with pytest.raises(Stopped):
            child.request(request_, bytes)
        assert child.request(b"echo", bytes) == b"echo"
    fresh = Confined("tests.security.endless:serve", limit_s=0.2)
    with pytest.raises(Stopped, match=said):
        fresh.request(request_, bytes)
    fresh.close()


def test_a_request_may_be_made_while_another_one_waits_for_its_answer(child: Confined) -> None:
    def answer(question: bytes) -> bytes:
        assert child.request(b"echo", bytes) == b"echo"
        with pytest.raises(ZeroDivisionError):
            child.request(b"ask", lambda _question: bytes(1 // 0))
        return question

    assert child.request(b"ask", answer) == b"question"


def test_a_request_that_waits_ends_with_the_one_that_was_killed(child: Confined) -> None:
    def answer(_question: bytes) -> bytes:
        return child.request(b"loop", bytes)

    with pytest.raises(Stopped, match="took longer"):
        child.request(b"ask", answer)
    assert child.request(b"echo", bytes) == b"echo"


def test_an_error_of_the_answer_is_that_of_the_request(child: Confined) -> None:
    def answer(_question: bytes) -> bytes:
        raise LookupError("none")

    with pytest.raises(LookupError, match="none"):
        child.request(b"ask", answer)
    assert child.request(b"echo", bytes) == b"echo"


def test_threads_take_turns(child: Confined) -> None:
    outcomes: list[bytes] = []

    def ask() -> None:
        outcomes.extend(child.request(b"ask", lambda question: question) for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [b"question"] * 80


def test_what_is_too_large_is_not_sent(child: Confined) -> None:
    with pytest.raises(Stopped, match="more than 16777216 bytes"):
        child.request(b"x" * (2**24 + 1), bytes)


def test_closing_ends_the_child(child: Confined) -> None:
    child.request(b"echo", bytes)
    assert child._process is not None
    pid = child._process.pid
    child.close()
    assert gone(pid)


def test_a_template_without_an_end_is_a_warning_and_a_misfit_of_its_host(
    child: Confined, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free: LifoQueue[Confined] = LifoQueue()
    free.put(child)
    monkeypatch.setattr(parsing, "_FREE", free)
    parser = parsing.Parser("auto", (Host("r1", {"ansible_network_os": "ios"}),))
    result = HostResult("r1", Status.OK, commands=(CommandResult("show version", 0, b"x"),))
    with caplog.at_level(logging.WARNING):
        (command,) = parser.parsed(result).commands
    assert (command.parse, command.rows, command.stdout) == ("no-match", [], "x")
    assert command.parse_error == "the template took longer than 0.2 s of computing time, and was ended"
    assert "r1: reading the output of 'show version' took longer than 0.2 s" in caplog.text
    assert free.qsize() == 1
