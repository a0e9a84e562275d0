"""The `cli` connection against devices that set a trap to each rule for the end of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.connection.options import Overflow
from runner.jobs import CommandJob, perform
from runner.models import HostResult, Secret, Status
from tests.connection.cli.device import Device
from tests.connection.cli.steps import Pause
from tests.connection.cli.traps import (
    CLOCK,
    LOST,
    NO_PROMPT,
    QUESTION,
    REFUSED,
    SILENT,
    TRAPS,
    WHOLE,
    device_that,
    no_last_line_end,
)
from tests.connection.peers.ssh import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.cli.traps import Trap

OVER = ("ssh", "openssh")
EXPECTED = {
    WHOLE: {(Status.OK, None)},
    REFUSED: {(Status.FAILED, "refused")},
    QUESTION: {(Status.FAILED, "question")},
    LOST: {(Status.LOST, "connection-lost")},
    SILENT: {(Status.TIMEOUT, "command-deadline")},
    NO_PROMPT: {(Status.TIMEOUT, "no-prompt"), (Status.ERROR, "question")},
}


def played(
    device: Device, folder: Path, commands: tuple[str, ...], over: str, **changes: object
) -> HostResult:
    host = device.host(
        "r1", ansible_network_os="cisco.ios.ios", ansible_connection="network_cli", runner_cli_over=over
    )
    return perform(host, CommandJob(commands), device.options(folder, password=Secret(PASSWORD), **changes))


@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("name", TRAPS)
def test_an_answer_is_whole_or_not_ok(tmp_path: Path, name: str, over: str) -> None:
    trap: Trap = TRAPS[name]
    seconds = 3.0 if trap.ending in (SILENT, NO_PROMPT) else 60.0
    with Device(trap.script()) as device:
        result = played(device, tmp_path, trap.commands, over, command_timeout_s=seconds)
    assert (result.status, result.reason) in EXPECTED[trap.ending], result
    outputs = tuple(command.stdout.rstrip() for command in result.commands)
    assert outputs == trap.outputs


MANY = "".join(f"line {number}\n" for number in range(30_000))


@pytest.mark.parametrize("over", OVER)
def test_a_long_answer_after_a_line_like_the_prompt_is_whole(tmp_path: Path, over: str) -> None:
    answer = ("line 1\nr1#", Pause(0.5), "\n", MANY)
    with Device(device_that(answer)) as device:
        result = played(device, tmp_path, ("show trap", "show clock"), over)
    assert result.status is Status.OK, result
    assert (
        result.commands[0].stdout == f"line 1\nr1#\n\n{MANY}"
        or result.commands[0].stdout == f"line 1\nr1#\n{MANY}"
    )
    assert result.commands[1].stdout.strip() == CLOCK


def test_a_line_without_an_end_fills_no_memory(tmp_path: Path) -> None:
    with Device(device_that(("x" * 1_000_000,) * 20)) as device:
        result = played(device, tmp_path, ("show trap",), "ssh", max_output=100_000, overflow=Overflow.END)
    assert (result.status, result.reason) == (Status.ERROR, "output-limit"), result
    assert result.commands[0].truncated


@pytest.mark.parametrize("over", OVER)
def test_a_last_line_without_an_end_is_not_lost(tmp_path: Path, over: str) -> None:
    trap = no_last_line_end()
    with Device(trap.script()) as device:
        result = played(device, tmp_path, trap.commands, over)
    assert result.status is Status.OK, result
    assert tuple(command.stdout.rstrip() for command in result.commands) == trap.outputs
