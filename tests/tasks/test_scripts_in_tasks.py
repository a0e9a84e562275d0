"""A script function that is called inside a task of Invoke heeds what the task's own command line says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

TASKS = """\
import json
import runner
from invoke import task
from runner.tasks import namespace

@task
def ask(context):
    hosts = runner.load().select("r1")
    result = runner.run(hosts, "show clock")["r1"]
    print(json.dumps([str(result.status), result.error]))

namespace.add_task(ask)
"""


def asked(project: Project, *words: str, **how: str) -> tuple[str, str]:
    ended = project.type(*words, "ask", **how)
    assert ended.code == 0, ended.stderr
    status, error = json.loads(ended.stdout)
    return status, error or ""


@pytest.fixture
def place(demo: Project) -> Project:
    demo.write("tasks.py", TASKS)
    return demo


def test_the_projects_file_is_heeded(place: Project) -> None:
    assert asked(place) == ("ok", "")


def test_a_file_that_f_names_is_heeded(place: Project) -> None:
    other = place.write("other.yaml", "runner:\n  user: stranger\n")
    place.write("inventories/group_vars/all.yml", "{}\n")
    hosts = json.loads((place.folder / "inventories/hosts.yml").read_text())
    del hosts["all"]["vars"]["ansible_user"]
    place.write("inventories/hosts.yml", json.dumps(hosts))
    status, error = asked(place, "-f", str(other))
    assert (status, "stranger" in error) == ("auth", True)


def test_what_the_collection_is_configured_with_is_heeded(place: Project) -> None:
    place.write("invoke.yaml", "runner:\n  inventory: inventories\n")
    assert asked(place)[0] == "hostkey"
    place.write("tasks.py", TASKS + "namespace.configure({'runner': {'known_hosts': 'known_hosts'}})\n")
    assert asked(place) == ("ok", "")


def test_the_project_that_r_names_is_heeded(place: Project) -> None:
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    assert asked(place, "-r", str(place.folder), folder=elsewhere) == ("ok", "")
