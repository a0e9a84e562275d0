"""Results: one document, one exit code, and equal answers shown once."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.models import CommandResult, Host, HostResult, Phase, Run, Status
from runner.report.formats.json import encode
from runner.results.results import Results, host_document

RUN = Run(
    "20260102T030405-abcdef",
    "run",
    datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC),
    ("show version",),
    "routers",
    ("inventories/demo",),
    "thread",
    50,
    datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
)


def said(host: str, text: str, code: int = 0) -> HostResult:
    status = Status.OK if code == 0 else Status.FAILED
    return HostResult(host, status, sent=True, commands=(CommandResult("x", code, text.encode()),))


def ended(*statuses: Status) -> Results:
    return Results([HostResult(f"h{number}", status) for number, status in enumerate(statuses)], RUN)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((), 0),
        ((Status.OK, Status.OK), 0),
        ((Status.OK, Status.SKIPPED), 0),
        ((Status.OK, Status.UNREACHABLE), 4),
        ((Status.FAILED, Status.UNREACHABLE), 6),
        *(((status,), 2) for status in Status if status not in ("ok", "skipped", "unreachable")),
    ],
)
def test_the_exit_code_is_the_sum_of_what_is_not_right(statuses: tuple[Status, ...], code: int) -> None:
    assert ended(*statuses).exit_code == code


def test_the_document_is_the_one_of_the_contract_field_by_field() -> None:
    r1 = HostResult(
        "r1",
        Status.OK,
        "10.0.0.1",
        22,
        0.4,
        "tcp",
        1,
        0.31,
        sent=True,
        commands=(CommandResult("show version", 0, b"IOS\n", b"", 0.12),),
    )
    assert Results([r1], RUN).to_dict() == {
        "schema": 1,
        "run": {
            "id": "20260102T030405-abcdef",
            "task": "run",
            "commands": ["show version"],
            "pattern": "routers",
            "inventory": ["inventories/demo"],
            "executor": "thread",
            "workers": 50,
            "started": "2026-01-02T03:04:05.678Z",
            "finished": "2026-01-02T03:04:06.000Z",
        },
        "summary": {"hosts": 1, "ok": 1, **dict.fromkeys([str(status) for status in Status][1:], 0)},
        "hosts": {
            "r1": {
                "status": "ok",
                "address": "10.0.0.1",
                "port": 22,
                "rtt_ms": 0.4,
                "method": "tcp",
                "attempts": 1,
                "duration_s": 0.31,
                "phase": None,
                "reason": None,
                "error": None,
                "sent": True,
                "commands": [
                    {
                        "command": "show version",
                        "exit_code": 0,
                        "stdout": "IOS\n",
                        "stderr": "",
                        "duration_s": 0.12,
                        "truncated": False,
                    }
                ],
            }
        },
    }


def test_what_is_known_of_a_host_that_is_not_ok_is_in_its_document() -> None:
    command = CommandResult("x", None, b"", b"", 1.0, truncated=True, signal="KILL", refused="% no")
    result = HostResult(
        "r1", Status.LOST, phase=Phase.COMMAND, reason="cut", error="it\nended", commands=(command,)
    )
    document = host_document(result)
    assert (document["phase"], document["reason"], document["error"]) == ("command", "cut", "it\nended")
    assert document["commands"][0]["signal"] == "KILL"
    assert document["commands"][0]["refused"] == "% no"
    assert document["commands"][0]["truncated"] is True


def test_output_that_is_no_utf8_comes_as_text_with_marks_and_unchanged_as_base64() -> None:
    command = host_document(said("r1", ""))["commands"][0]
    assert "stdout_base64" not in command
    raw = bytes(range(256))
    (command,) = host_document(HostResult("r1", Status.OK, commands=(CommandResult("x", 0, raw),)))[
        "commands"
    ]
    assert base64.b64decode(command["stdout_base64"]) == raw
    assert "\\xff" in command["stdout"]
    assert "stderr_base64" not in command


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no words")


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": [1, 2.5, True, None]}, {"a": [1, 2.5, True, None]}),
        ({1: "x", None: "y"}, {"1": "x", "None": "y"}),
        ((1, 2), [1, 2]),
        ({"x"}, ["x"]),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00+00:00"),
        (b"\xff", "b'\\xff'"),
        (10**5000, hex(10**5000)),
        ("\ud800", "\ud800"),
        (Hostile(), "<Hostile that cannot be shown>"),
        ({"a": Hostile()}, {"a": "<Hostile that cannot be shown>"}),
        (Status.OK, "ok"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_host_task_returns_is_told_in_json(value: Any, told: Any) -> None:
    text = encode(Results([HostResult("r1", Status.OK, value=value)], RUN).to_dict())
    assert json.loads(text)["hosts"]["r1"]["value"] == told
    assert text.isascii()


def test_a_value_that_holds_itself_has_an_end() -> None:
    document = json.loads(encode(host_document(HostResult("r1", Status.OK, value=endless()))))
    assert "[...]" in json.dumps(document["value"])


def test_equal_answers_are_folded_the_most_common_first_and_what_is_not_ok_last() -> None:
    found = Results([said("r1", "a"), said("r2", "b"), said("r3", "b"), said("r4", "b", 1)], RUN).folded()
    assert [(fold.name, str(fold.result.status)) for fold in found] == [
        ("r[2-3]", "ok"),
        ("r1", "ok"),
        ("r4", "failed"),
    ]
    assert str(found[0]) == "r[2-3] (2): ok\nb"


def test_results_are_a_mapping_in_the_order_of_the_inventory() -> None:
    hosts = [Host("r1"), Host("r2"), Host("r3")]
    results = Results([said("r3", "c"), said("r1", "a")], RUN, hosts)
    assert list(results) == ["r1", "r3"]
    assert results["r3"].stdout == "c"
    assert "r2" not in results
    assert repr(results) == "<Results of run: 2 ok>"


def test_the_hosts_that_answered_are_those_of_which_it_is_known() -> None:
    hosts = [Host(str(status), {"a": 1}) for status in Status]
    results = Results([HostResult(host.name, Status(host.name)) for host in hosts], RUN, hosts)
    assert [host.name for host in results.reachable] == ["ok", "failed", "hostkey", "auth", "timeout", "lost"]
    assert results.reachable[0].variables == {"a": 1}


def test_what_failed_is_everything_that_is_not_ok() -> None:
    results = ended(*Status)
    assert len(results.failed) == len(Status) - 1
    assert not results.ok
    assert results.counts == dict.fromkeys(Status, 1)
