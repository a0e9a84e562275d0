"""The `cli` connection against devices that set a trap to each rule for the end of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.jobs import CommandJob, perform
from runner.models import HostResult, Secret, Status
from tests.connection.cli.device import Device
from tests.connection.cli.traps import LOST, NO_PROMPT, QUESTION, REFUSED, SILENT, TRAPS, WHOLE
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
