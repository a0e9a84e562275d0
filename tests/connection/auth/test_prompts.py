"""Prompts of any length are recognised in linear time, and never mistaken for another kind."""

from __future__ import annotations

import time

import pytest

from runner.connection.auth.prompts import Answers, Unanswered
from runner.connection.openssh.askpass import _WORD, _place
from runner.connection.openssh.journal import Journal
from runner.models import Secret

_MOST_S = 1.0


def _answers() -> Answers:
    return Answers("ann", "r1", Secret("geheim"), None)


@pytest.mark.parametrize("unit", ["a", "a@", "@", " ", "\t\n", "Password: ", "(a@b) ", "ä"])
def test_a_prompt_of_a_quarter_megabyte_is_refused_at_once(unit: str) -> None:
    began = time.thread_time()
    with pytest.raises(Unanswered):
        _answers()("", "", [(unit * (250_000 // len(unit)), False)])
    assert time.thread_time() - began < _MOST_S


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("(ann@r1) Password: ", "ann@r1"),
        ("ann@r1's password: ", "ann@r1"),
        ("ann@r1's\tpassword: ", None),
        ("Password for ann@r1: ", None),
        ("(ann) Password: ", None),
        ("(@) ", None),
    ],
)
def test_askpass_knows_which_host_a_question_is_about(prompt: str, place: str | None) -> None:
    begin = _WORD.match(prompt)
    assert (None if begin is None else _place(begin[1])) == place


@pytest.mark.parametrize("unit", ["a", "(a@", "a@a ", "@'s "])
def test_a_long_question_of_askpass_takes_linear_time(unit: str) -> None:
    began = time.thread_time()
    _WORD.sub(lambda word: "" if _place(word[1]) else word[0], unit * (65_536 // len(unit)))
    assert time.thread_time() - began < _MOST_S


@pytest.mark.parametrize("line", ["a@" * 2000, "with " * 800, "x [y" * 1000, "Offending key in " * 230])
def test_a_long_line_in_the_log_of_ssh_takes_linear_time(line: str) -> None:
    journal = Journal("ann")
    journal.take(f"{line}\n".encode() * 200 + b"Host key verification failed\n")
    began = time.thread_time()
    journal.failure()
    assert time.thread_time() - began < _MOST_S


def test_the_place_of_a_changed_key_is_taken_from_the_log_of_ssh() -> None:
    journal = Journal("ann")
    journal.take(
        b"debug1: Server host key: ssh-ed25519 SHA256:abc\n"
        b"WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n"
        b"Offending ECDSA key in /home/ann/.ssh/known_hosts:7\n"
        b"Host key verification failed.\n"
    )
    assert "in /home/ann/.ssh/known_hosts:7: it shows ssh-ed25519 SHA256:abc" in str(journal.failure())
