"""The programs that `bench/devices.py` compares: `python bench/_device_clients.py PROGRAM PLACE.json`.

Each prints one JSON document. The process is measured, so it imports only what its program needs. `ours` and
the Nornir programs print the answers of each device; `ours once` and `netmiko once` print those of the first
device, with the seconds of the import, of the first call in this process, and of the calls after it.
"""

# ruff: noqa: PLC0415 - a library is imported only if it is measured

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE_S = 60
"""Seconds that netmiko may wait at each step: a busy machine must not make it fail."""


class Place(NamedTuple):
    """The devices, and what to ask them. Only ours checks host keys."""

    hosts: list[tuple[str, str, int]]
    user: str
    password: str
    known_hosts: str
    commands: list[str]
    workers: int
    calls: int


def ours(place: Place) -> dict[str, list[str]]:
    """Ask all devices by `runner.run`."""
    import runner

    found = runner.run(
        _hosts(place),
        place.commands,
        workers=place.workers,
        known_hosts=place.known_hosts,
        timeout_total=10 * _PATIENCE_S,
    )
    for result in found.values():
        if not result.ok:
            raise SystemExit(f"ours: {result.host} {result.status}: {result.error}")
    return {result.host: [command.stdout for command in result.commands] for result in found.values()}


def _hosts(place: Place) -> list[Any]:
    from runner import Host

    shared = {
        "ansible_connection": "network_cli",
        "ansible_network_os": "ios",
        "ansible_user": place.user,
        "ansible_password": place.password,
    }
    return [
        Host(name, shared | {"ansible_host": address, "ansible_port": port})
        for name, address, port in place.hosts
    ]


def nornir(place: Place) -> dict[str, list[str]]:
    """Ask all devices by Nornir's threaded runner and netmiko; connections are closed at the end."""
    return _by_nornir(place, closing=False)


def nornir_closing(place: Place) -> dict[str, list[str]]:
    """Do the same, but close each connection as soon as its device has answered: few scripts do."""
    return _by_nornir(place, closing=True)


def _by_nornir(place: Place, *, closing: bool) -> dict[str, list[str]]:
    from nornir.core import Nornir
    from nornir.core import inventory as parts
    from nornir.core.plugins.connections import ConnectionPluginRegister
    from nornir.plugins.runners import ThreadedRunner
    from nornir_netmiko import netmiko_send_command

    def shows(task: Any) -> None:
        try:
            for line in place.commands:
                task.run(netmiko_send_command, command_string=line)
        finally:
            if closing:
                task.host.close_connections()

    ConnectionPluginRegister.auto_register()
    options = {"netmiko": parts.ConnectionOptions(extras=_waiting())}
    defaults = parts.Defaults(
        username=place.user, password=place.password, platform="cisco_ios", connection_options=options
    )
    hosts = {
        name: parts.Host(name, hostname=address, port=port, defaults=defaults)
        for name, address, port in place.hosts
    }
    inventory = parts.Inventory(parts.Hosts(hosts), defaults=defaults)
    with Nornir(inventory, runner=ThreadedRunner(place.workers)) as program:
        found = program.run(task=shows)
    for name, results in found.items():
        if results.failed:
            raise SystemExit(f"Nornir: {name}: {results.exception}")
    return {name: [result.result for result in results[1:]] for name, results in found.items()}


def _waiting() -> dict[str, Any]:
    waits = ("conn_timeout", "auth_timeout", "banner_timeout", "read_timeout_override")
    return dict.fromkeys(waits, _PATIENCE_S)


def ours_once(place: Place) -> dict[str, Any]:
    """Ask the first device by `runner.run`, several times, with a login each time."""
    begun = time.perf_counter()
    import runner

    imported = runner.run, runner.Host  # the package imports them when they are first used
    import_s = time.perf_counter() - begun
    assert all(imported)
    one = place._replace(hosts=place.hosts[:1])
    return _timed(lambda: ours(one)[one.hosts[0][0]], place.calls) | {"import_s": import_s}


def netmiko_once(place: Place) -> dict[str, Any]:
    """Ask the first device by netmiko, several times; to close the connection does not count."""
    begun = time.perf_counter()
    from netmiko import ConnectHandler

    import_s = time.perf_counter() - begun
    _, address, port = place.hosts[0]
    login = {"host": address, "port": port, "username": place.user, "password": place.password}
    opened: list[Any] = []

    def call() -> list[str]:
        connection = ConnectHandler(device_type="cisco_ios", **login, **_waiting())
        opened.append(connection)
        return [connection.send_command(line) for line in place.commands]

    def close() -> None:
        opened.pop().disconnect()

    return _timed(call, place.calls, close) | {"import_s": import_s}


def _timed(
    call: Callable[[], list[str]], times: int, afterwards: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Call a function several times; return the seconds of each call and its answers."""
    took, answers = [], []
    for _ in range(times):
        begun = time.perf_counter()
        answers.append(call())
        took.append(time.perf_counter() - begun)
        afterwards()
    return {"calls_s": took, "answers": answers}


PROGRAMS: dict[str, Callable[[Place], dict[str, Any]]] = {
    "ours": ours,
    "nornir": nornir,
    "nornir closing": nornir_closing,
    "ours once": ours_once,
    "netmiko once": netmiko_once,
}


def main() -> None:
    """Run one program."""
    _, program, file = sys.argv
    place = json.loads(Path(file).read_text())
    place["hosts"] = [tuple(host) for host in place["hosts"]]
    print(json.dumps(PROGRAMS[program](Place(**place))))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
