"""`host_task`: a function for one host is a task over many, with every flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

TASKS = '''
import runner
from runner.tasks import namespace

@runner.host_task
def upgrade(host, image: str = "latest", force=False):
    """Upgrade one host."""
    before = host.run("hostname").stdout.strip()
    return {"before": before, "image": image, "force": force}

@runner.host_task(name="careful", help={"limit_to": "unused"})
def _careful(host, limit_to="x"):
    host.run("false")

@runner.host_task
def breaks(host):
    raise KeyError(host.variables["ansible_port"])

@runner.host_task
def chatty(host):
    print("on my way")
    return host.name

for task in (upgrade, _careful, breaks, chatty):
    namespace.add_task(task)
'''


@pytest.fixture
def tasks(demo: Project) -> Project:
    demo.write("tasks.py", TASKS)
    return demo


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_a_function_is_called_for_each_host_and_what_it_returns_is_its_value(
    tasks: Project, executor: str
) -> None:
    ended = tasks.type(
        "upgrade", "--image", "v2", "--force", "-g", "servers", "--executor", executor, "--format", "json"
    )
    assert ended.code == 0, ended.stdout + ended.stderr
    assert ended.document["run"]["task"] == "upgrade"
    assert {name: host["value"] for name, host in ended.document["hosts"].items()} == {
        name: {"before": name, "image": "v2", "force": True} for name in ("web1", "web2", "db1")
    }


def test_its_help_shows_its_own_flags_and_the_shared_ones(tasks: Project) -> None:
    shown = tasks.type("upgrade", "--help").stdout
    assert "Upgrade one host." in shown
    assert all(flag in shown for flag in ("--image", "--force", "--group", "--workers"))
    assert "did you mean --image" in tasks.type("upgrade", "--imag", "x").stderr


def test_a_command_that_fails_ends_the_function_as_failed(tasks: Project) -> None:
    ended = tasks.type("careful", "-g", "web1", "--format", "json")
    assert ended.code == 2
    assert ended.document["hosts"]["web1"]["status"] == "failed"


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_what_a_function_prints_is_no_result(tasks: Project, executor: str) -> None:
    ended = tasks.type("chatty", "-g", "web1", "--executor", executor, "--format", "json")
    assert ended.document["hosts"]["web1"]["value"] == "web1"
    assert ended.stderr == "on my way\n"


def test_a_function_that_raises_is_that_hosts_error(tasks: Project) -> None:
    ended = tasks.type("breaks", "-g", "servers", "--format", "json")
    assert ended.code == 2
    assert {host["status"] for host in ended.document["hosts"].values()} == {"error"}
    assert ended.document["hosts"]["web1"]["error"].startswith("KeyError: ")
    assert ended.stderr == ""
