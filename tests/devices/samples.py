"""Outputs of commands to be parsed: of our simulated devices, and those of a clone of ntc-templates.

ntc-templates (https://github.com/networktocode/ntc-templates) is under the Apache License 2.0. None of its
samples is here: `RUNNER_NTC_SAMPLES` names a clone whose samples are used as well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.demo import DEMO_DEVICES, eos_switch, junos_router
from runner.demo.cli.eos import EOS
from runner.demo.cli.ios import IOS
from runner.demo.cli.junos import JUNOS
from runner.demo.cli.nxos import NXOS
from runner.demo.cli.session import Dialect, Session
from runner.demo.cli.state import DeviceState
from tests.demo.cli.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.demo import Device

COMMONEST = (
    *("cisco_ios", "cisco_nxos", "cisco_asa", "cisco_xr", "cisco_s300", "cisco_wlc_ssh", "arista_eos"),
    *("juniper_junos", "hp_comware", "hp_procurve", "huawei_vrp", "mikrotik_routeros", "fortinet"),
    *("paloalto_panos", "dell_force10", "extreme_exos", "alcatel_sros", "brocade_fastiron", "aruba_aoscx"),
    "vyatta_vyos",
)
"""The platforms whose samples are replayed through a device."""

_COMMANDS = {
    "cisco_ios": ("show version", "show ip interface brief", "show ip ospf neighbor", "show clock"),
    "cisco_nxos": ("show version", "show interface brief", "show interface status", "show clock"),
    "arista_eos": ("show version", "show interfaces status", "show ip interface brief", "show clock"),
    "juniper_junos": ("show version", "show system uptime"),
}


class Sample(NamedTuple):
    """An output: the platform's name in ntc-templates, the command, and the text."""

    platform: str
    command: str
    text: str


def ours() -> Iterator[Sample]:
    """Yield the outputs of our simulated devices that ntc-templates has a template for."""
    for device, dialect, platform in _devices():
        session = Session(DeviceState(device, Clock()), dialect, interactive=False)
        for command in _COMMANDS[platform]:
            text = session.execute(command)
            if text and "nvalid" not in text and "unknown command" not in text:
                yield Sample(platform, command, text)


def _devices() -> Iterator[tuple[Device, Dialect, str]]:
    yield eos_switch("eos1", 1), EOS, "arista_eos"
    yield eos_switch("eos2", 2), EOS, "arista_eos"
    yield junos_router("vmx1", 1), JUNOS, "juniper_junos"
    yield junos_router("vmx2", 2), JUNOS, "juniper_junos"
    for device in DEMO_DEVICES:
        if device.platform in ("ios", "nxos"):
            yield device, *((IOS, "cisco_ios") if device.platform == "ios" else (NXOS, "cisco_nxos"))


def of_ntc() -> Iterator[Sample]:
    """Yield the samples of the clone of ntc-templates that `RUNNER_NTC_SAMPLES` names, if it is set."""
    folder = os.environ.get("RUNNER_NTC_SAMPLES")
    for path in sorted(Path(folder).glob("tests/*/*/*.raw")) if folder else ():
        yield Sample(path.parts[-3], " ".join(path.parts[-2].split("_")), path.read_text("utf-8"))
