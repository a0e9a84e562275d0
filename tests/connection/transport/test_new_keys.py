"""Key re-exchange at any moment of a connection does not deadlock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from asyncssh.packet import Boolean, String

from runner.connection.transport.packets import Packets
from runner.jobs import CommandJob, perform
from runner.models import Host, Status
from tests.connection.peers.hostile import CHANNEL_REQUEST, pours
from tests.connection.peers.ssh import Channel, Script
from tests.connection.peers.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.sshd import Sshd

# A login and a channel take about ten packets; these are the packets from there to the end of the command.
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
    assert time.monotonic() - began < 25  # s; Paramiko waits for 30


async def _asks_and_does_not_listen(channel: Channel) -> None:
    channel.get_connection()._transport.pause_reading()  # type: ignore[union-attr]
    await pours(CHANNEL_REQUEST, String("nonsense") + Boolean(True))(channel)


def test_a_server_that_asks_and_asks_and_never_takes_new_keys_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packets, "REKEY_PACKETS", 100)
    with Stage() as stage:
        port = stage.ssh(Script(answer=_asks_and_does_not_listen))
        host = Host("gear", {"ansible_host": "127.0.0.1", "ansible_port": port})
        result = perform(host, CommandJob(("true",)), stage.options(tmp_path))

    assert result.status is Status.LOST
    assert "keeps sending requests" in (result.error or "")
