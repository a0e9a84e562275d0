"""Samples replayed through the CLI of a device: the rows are those that ntc-templates' parser gives."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

import runner
from tests.connection.cli.device import Device
from tests.connection.cli.script import Script
from tests.connection.peers.ssh import PASSWORD, USER
from tests.connection.peers.stage import Stage
from tests.devices.samples import COMMONEST, Sample, of_ntc, ours

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.results.results import Results

ntc = pytest.importorskip("ntc_templates.parse")


@pytest.fixture(autouse=True)
def in_a_folder_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def arranged(samples: Iterable[Sample]) -> dict[tuple[str, int], dict[str, str]]:
    """Return the answers of each device: a device has one answer for a command."""
    found: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for sample in samples:
        number = 0
        while sample.command in found[sample.platform, number]:
            number += 1
        found[sample.platform, number][sample.command] = sample.text
    return found


def replayed(platform: str, devices: list[dict[str, str]]) -> list[Results]:
    """Return the results of each command on the devices that know it."""
    with ExitStack() as stack:
        stage = Stage()
        stack.callback(stage.close)
        made = [stack.enter_context(Device(Script("device#", dict(answers)), stage)) for answers in devices]
        variables = {"ansible_network_os": platform, "ansible_connection": "network_cli"}
        hosts = [device.host(f"d{number}", **variables) for number, device in enumerate(made)]
        commands = dict.fromkeys(command for answers in devices for command in answers)
        return [
            runner.run(
                [host for host, answers in zip(hosts, devices, strict=True) if command in answers],
                command,
                parse="auto",
                user=USER,
                password=PASSWORD,
                host_key_policy="off",
                ssh_config="none",
                timeout=10,
            )
            for command in commands
        ]


def compared(samples: Iterable[Sample]) -> tuple[int, list[str]]:
    """Return how many samples have equal rows, and how the others ended."""
    devices: dict[str, list[dict[str, str]]] = defaultdict(list)
    for (platform, _), answers in sorted(arranged(samples).items()):
        devices[platform].append(answers)
    equal, others = 0, []
    for platform, answers in devices.items():
        for results in replayed(platform, answers):
            for name, result in results.items():
                ((command,), text) = result.commands, answers[int(name[1:])]
                expected = ntc.parse_output(platform, command.command, text[command.command])
                if (result.ok, command.parse, command.rows) == (True, "rows", expected):
                    equal += 1
                else:
                    outcome = f"{result.status} {result.error} {command.parse} {command.parse_error}"
                    others.append(f"{platform}, {command.command}: {outcome}")
    return equal, others


def test_what_our_devices_say_has_the_rows_of_ntc_templates() -> None:
    samples = list(ours())
    assert len(samples) > 30
    assert compared(samples) == (len(samples), [])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_samples_of_ntc_templates_have_the_rows_that_its_parser_gives() -> None:
    chosen = [sample for sample in of_ntc() if sample.platform in COMMONEST]
    if not chosen:
        pytest.skip("RUNNER_NTC_SAMPLES names no clone of ntc-templates")
    equal, others = compared(chosen)
    assert equal > 300
    assert [line for line in others if "the device refused" not in line] == []  # samples of refusals
    assert len(others) < 10
