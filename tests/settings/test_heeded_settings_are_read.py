"""If a task or a function heeds a setting, its code reads the setting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner.settings.heeded import FUNCTIONS
from tests.reach.servers import hangs_up, listening
from tests.settings.heeding import reading
from tests.settings.test_heeded import ROWS, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.projects import Project

COMMAND = {"cmd": ["cat /etc/os-release"]}
OWN: dict[str, dict[str, Any]] = {
    "run": COMMAND,
    "watch": {**COMMAND, "count": "1"},
    "put": {"source": ["script.sh"], "destination": "/tmp/"},
    "get": {"source": ["/etc/os-release"], "destination": "fetched"},
    "script": {"file": ["script.sh"]},
    "system": {},
    "trust": {},
}
"""The task's own arguments, for the tasks that connect to hosts."""

CALLS: tuple[dict[str, Any], ...] = (
    {"group": "servers"},
    {"group": "servers", "overflow": "spill", "max_output": "10"},
    {"group": "servers", "become": True},
    {"group": "busy", "no_ping": True, "retries": "0"},
    {"group": "r1", "connection": "cli", "parse": "auto"},
)
"""The calls: plain, with much output, as another user, to a host that closes connections, to a device."""

OTHERS: dict[str, tuple[dict[str, Any], ...]] = {
    "ping": ({"group": "servers"},),
    "inventory": ({"graph": True}, {"hosts": "servers", "limit": "web1"}),
    "settings": ({"all": True},),
    "history.list": ({},),
    "history.show": ({}, {"parse": "auto"}),
    "history.prune": ({},),
    "history.export": ({"all": True},),
    "diff": ({},),
    "report": ({"html": "page.html"},),
}
"""The arguments of each call of the other tasks."""


@pytest.fixture
def project(demo: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose inventory gives no credentials, so that settings and ssh_config decide."""
    monkeypatch.chdir(demo.folder)
    inventory = json.loads((demo.folder / "inventories/hosts.yml").read_text())
    del inventory["all"]["vars"]
    demo.write("ssh", "Host nothing\n  HostName 192.0.2.1\n")
    demo.write("script.sh", "#!/bin/sh\ncat /etc/os-release\n")
    with listening(hangs_up) as port:
        inventory["all"]["hosts"]["busy"] = {"ansible_host": "127.0.0.1", "ansible_port": port}
        demo.write("inventories/hosts.yml", json.dumps(inventory))
        yield demo


LOGGING_IN = {"user": "demo", "password": "demo", "become_password": "demo", "ssh_config": "ssh"}
CONFIGURED = {**LOGGING_IN, "known_hosts": "known_hosts", "inventory": "inventories"}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("task", ROWS)
def test_a_task_reads_what_it_heeds(task: str) -> None:
    row = ROWS[task]
    if (task not in OWN and not {"inventory"} & row.settings) or task == "history.show":
        for _ in range(2):
            assert call("run", CONFIGURED, group="servers", **COMMAND) == 0
    calls = OTHERS.get(task) or tuple({**OWN[task], **way} for way in CALLS)
    if task == "watch":  # it refuses to spill, and reads earlier runs from the history, but records none
        assert call("run", CONFIGURED, **COMMAND, **CALLS[-1]) != 0
        calls = ({**calls[0], "failed": "last"}, {**calls[1], "overflow": "drop"}, *calls[2:])
    with reading() as read:
        for arguments in calls:
            kept = {name: value for name, value in arguments.items() if name not in row.idle}
            if task == "watch" and "overflow" in kept:
                kept["overflow"] = "drop"
            call(task, CONFIGURED, **kept)
    assert row.settings - set(read) == set()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_what_it_heeds(function: str) -> None:
    hosts = runner.load("inventories").select("all")
    with reading() as read:
        if function == "load":
            runner.load()
            runner.load(playbook_dir="inventories")
        elif function == "ping":
            runner.ping(hosts, ssh_config="ssh", record=True)
        else:
            for way in CALLS:
                chosen = [host for host in hosts if host.name in ("web1", "busy", "r1")]
                given = {**LOGGING_IN, "known_hosts": "known_hosts", **way}
                del given["group"]
                list(getattr(runner, function)(chosen, COMMAND["cmd"], record=True, **given))
    assert FUNCTIONS[function].settings - set(read) == set()
