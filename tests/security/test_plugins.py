"""Packages that bring plugins: a broken one costs nothing but itself, and none takes a built-in's place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Ended, Project

GROUPS = ("runner.inventory_sources", "runner.connections", "runner.executors", "runner.reporters")
RUN = ("run", "show clock", "-g", "r1", "--no-history")
BUILT_IN = {
    "runner.inventory_sources": "yaml",
    "runner.connections": "ssh",
    "runner.executors": "thread",
    "runner.reporters": "json",
}


def install(project: Project, package: str, module: str, points: str) -> None:
    """Install a package of one module, with its entry points."""
    project.write(f"plugins/{package}.py", module)
    info = f"plugins/{package}-1.dist-info"
    project.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    project.write(f"{info}/entry_points.txt", points)
    project.env["PYTHONPATH"] = f"{project.folder / 'plugins'}:{project.environment()['PYTHONPATH']}"


def everywhere(name: str, what: str) -> str:
    return "".join(f"[{group}]\n{name} = {what}\n" for group in GROUPS)


def assert_well(done: Ended) -> None:
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["hosts"]["r1"]["status"] == "ok"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "module",
    ["import not_there", "raise SystemExit(3)", "raise OSError('no licence')", "def broken(:"],
    ids=["import", "exit", "raise", "syntax"],
)
def test_a_package_that_cannot_be_loaded_is_one_warning(demo: Project, module: str) -> None:
    install(demo, "fragile", module, everywhere("fragile", "fragile:part"))
    done = demo.type(*RUN, "--format", "json")
    assert_well(done)
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: ")
    assert "package fragile" in line


@pytest.mark.parametrize(
    "words",
    [
        ("--executor", "fragile"),
        ("--format", "fragile"),
        ("-i", "fragile:hosts"),
    ],
)
def test_a_broken_part_that_is_asked_for_is_an_error_of_one_line(
    demo: Project, words: tuple[str, str]
) -> None:
    install(demo, "fragile", "import not_there", everywhere("fragile", "fragile:part"))
    done = demo.type(*RUN, *words)
    assert done.code == 1
    assert "Traceback" not in done.stderr
    assert "package fragile" in done.stderr.splitlines()[-1]
    assert "not_there" in done.stderr.splitlines()[-1]


def test_a_broken_connection_is_an_error_of_the_hosts_that_name_it(demo: Project) -> None:
    install(demo, "fragile", "import not_there", "[runner.connections]\nfragile = fragile:part\n")
    hosts = {"bad": {"ansible_connection": "fragile"}, "good": {"ansible_connection": "local"}}
    demo.write("two.yml", json.dumps({"all": {"hosts": hosts}}))
    done = demo.type("run", "true", "-i", "two.yml", "--no-ping", "--no-history", "--format", "json")
    found = json.loads(done.stdout)["hosts"]
    assert (found["good"]["status"], found["bad"]["status"]) == ("ok", "error")
    assert (found["bad"]["reason"], found["bad"]["sent"]) == ("bad-plugin", False)
    assert "package fragile" in found["bad"]["error"]


@pytest.mark.parametrize("group", GROUPS)
def test_no_package_takes_the_place_of_a_built_in_part(demo: Project, group: str) -> None:
    name = BUILT_IN[group]
    module = "raise SystemExit('the password was seen')"
    install(demo, "aardvark", module, f"[{group}]\n{name} = aardvark:part\n")
    done = demo.type(*RUN, "--format", "json")
    assert_well(done)
    (line,) = done.stderr.splitlines()
    assert f"{name!r} of {group}" in line
    assert "package aardvark is not used" in line


def test_two_packages_with_one_name_are_reported(demo: Project) -> None:
    point = "[runner.reporters]\nshort = {0}:Short\n"
    for package in ("first", "second"):
        module = (
            "class Short:\n"
            "    def __init__(self, stream, options): self.stream = stream\n"
            "    def start(self, run): pass\n"
            "    def result(self, result): pass\n"
            f"    def finish(self, summary): self.stream.write('{package}\\n')\n"
        )
        install(demo, package, module, point.format(package))
    done = demo.type(*RUN, "--format", "short")
    assert (done.code, done.stdout) == (0, "first\n")
    assert "package second is not used; first has one of the same name" in done.stderr


def test_a_source_that_fails_when_it_is_asked_does_not_stop_the_others(demo: Project) -> None:
    module = (
        "class Part:\n"
        "    order = 1\n"
        "    def claims(self, source): raise RuntimeError('no idea')\n"
        "    def read(self, source, loading): raise RuntimeError\n"
        "PART = Part()\n"
        "HALF = object()\n"
    )
    points = "[runner.inventory_sources]\npart = unsure:PART\nhalf = unsure:HALF\n"
    install(demo, "unsure", module, points)
    done = demo.type(*RUN, "--format", "json")
    assert_well(done)
    assert "package unsure" in done.stderr
