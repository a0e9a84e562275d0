"""Keys are exchanged anew in the middle of everything, and nobody waits for himself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner.connection.packets import Packets
from runner.jobs import CommandJob, perform

if TYPE_CHECKING:
    from tests.connection.sshd import Sshd

# A login and a channel take about ten packets; these are the ones from there to the end of the command.
IN_THE_COMMAND = range(9, 21)


@pytest.mark.parametrize("packets", IN_THE_COMMAND)
def test_a_request_for_new_keys_may_cross_the_end_of_a_command(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch, packets: int
) -> None:
    monkeypatch.setattr(Packets, "REKEY_PACKETS", packets)
    began = time.monotonic()
    result = perform(sshd.host(), CommandJob(("echo out; echo err >&2",)), sshd.options())

    assert result.ok, result.error
    assert result.stdout == "out\n"
    assert time.monotonic() - began < 10  # s; Paramiko waits for 30
