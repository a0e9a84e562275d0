"""Probes use the same address and port as SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.connection.options import ConnectionOptions
from runner.connection.target.routes import routes
from runner.models import Host
from runner.reach import Route, probe

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = ConnectionOptions(ssh_config=None)


def test_the_way_to_this_machine_is_none() -> None:
    assert routes(NOTHING)(Host("me", {"ansible_connection": "local"})) is None


def test_the_way_is_an_address_and_a_port_and_whether_it_is_straight() -> None:
    way = routes(NOTHING)
    assert way(Host("r1", {"ansible_host": "192.0.2.1", "ansible_port": 2222})) == Route("192.0.2.1", 2222)
    assert way(Host("r2", {"ansible_ssh_common_args": "-J bastion"})) == Route("r2", 22, direct=False)


def test_a_host_whose_way_only_ssh_config_knows_is_probed_there(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host r1\n  HostName 127.0.0.1\n  Port 9\nHost r2\n  ProxyJump bastion\n")
    way = routes(ConnectionOptions(ssh_config=str(config)))
    results = {result.host: result for result in probe([Host("r1"), Host("r2")], routes=way)}
    assert (results["r1"].address, results["r1"].port) == ("127.0.0.1", 9)
    assert results["r1"].reason == "port-closed"
    assert results["r2"].ok


def test_a_host_whose_way_cannot_be_told_is_its_own_error() -> None:
    bad = Host("bad", {"ansible_ssh_common_args": "--no-such-option"})
    me = Host("me", {"ansible_connection": "local"})
    results = {result.host: result for result in probe([bad, me], routes=routes(NOTHING))}
    assert (results["bad"].status, results["bad"].reason) == ("error", "bad-variable")
    assert results["me"].ok
