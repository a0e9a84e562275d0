"""The values passed between processes: they can be pickled, are frozen, and do not show secrets."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime

import pytest

from runner.models import CommandResult, Endpoint, Host, HostResult, Phase, Run, Secret, Status

VALUES = [
    Host("r1", {"a": [1, Secret("s")]}, ("routers",)),
    Endpoint("::1", 22),
    Run("id", "run", datetime(2026, 1, 1, tzinfo=UTC), ("show version",), "all", ("hosts",)),
    CommandResult("uptime", 0, b"\xff", b"", 0.5),
    HostResult("r1", Status.LOST, phase=Phase.COMMAND, commands=(CommandResult("x"),), value={"a": 1}),
    Secret("s"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_the_way_to_another_process(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


@pytest.mark.parametrize("value", VALUES[:-1], ids=lambda value: type(value).__name__)
def test_a_value_cannot_be_changed(value: object) -> None:
    for name in value.__match_args__:  # type: ignore[attr-defined]
        with pytest.raises((AttributeError, TypeError)):
            setattr(value, name, "other")
    with pytest.raises((AttributeError, TypeError)):
        value.other = 1  # type: ignore[attr-defined]


def test_a_secret_shows_itself_to_nobody_who_did_not_ask() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {Host('h', {'password': secret})!r}"
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != "hunter2"
    assert not Secret("")
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_host_is_its_name() -> None:
    assert Host("r1", {"a": 1}) == Host("r1", {"a": 2}, ("g",))
    assert len({Host("r1"), Host("r1", {"a": 1})}) == 1
    assert str(Host("r1")) == "r1"


def test_an_endpoint_is_written_so_that_the_port_can_be_told() -> None:
    assert str(Endpoint("10.0.0.1", 22)) == "10.0.0.1:22"
    assert str(Endpoint("2001:db8::1", 22)) == "[2001:db8::1]:22"


def test_bytes_that_are_no_text_are_shown_as_marks_and_kept_as_they_are() -> None:
    result = CommandResult("x", 0, b"caf\xe9\n", b"\xff")
    assert result.stdout == "caf\\xe9\n"
    assert result.stderr == "\\xff"
    assert result.stdout_bytes == b"caf\xe9\n"


@pytest.mark.parametrize(
    ("result", "ok"),
    [
        (CommandResult("x", 0), True),
        (CommandResult("x", 1), False),
        (CommandResult("x", None), False),
        (CommandResult("x", None, signal="KILL"), False),
        (CommandResult("x", 0, refused="% Invalid input"), False),
    ],
)
def test_a_command_is_ok_only_when_it_was_accepted_and_ended_with_0(result: CommandResult, ok: bool) -> None:
    assert result.ok is ok


@pytest.mark.parametrize("status", Status)
def test_a_host_is_ok_with_the_one_status_that_says_so(status: Status) -> None:
    assert HostResult("r1", status).ok is (status == "ok")
