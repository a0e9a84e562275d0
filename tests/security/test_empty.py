"""What is empty names nothing: it is refused, and never taken for everything or for the current folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Host
from runner.errors import UsageError
from runner.settings import Settings
from runner.transfer.moves import Get, Put
from runner.transfer.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.jobs import Session
    from tests.projects import Project

HERE = Host("here", {"ansible_connection": "local"})


def puts(session: Session) -> None:
    session.put("", "/tmp/anywhere")


def gets(session: Session) -> None:
    session.get("", "anywhere")


def runs_script(session: Session) -> None:
    session.script("")


def runs_nothing(session: Session) -> None:
    session.run("")


@pytest.mark.parametrize("job", [puts, gets, runs_script, runs_nothing])
def test_a_session_refuses_what_is_empty(job: Callable[[Session], None]) -> None:
    (result,) = runner.run(HERE, job).values()
    assert (str(result.status), result.sent) == ("error", False)
    assert "empty" in str(result.error) or "is not a path" in str(result.error)


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_transfers_refuse_what_is_not_a_path(path: str) -> None:
    for make in (
        lambda: Put(path, "/tmp/x"),
        lambda: Put("x", path),
        lambda: Get(path, "x"),
        lambda: Get("x", path),
        lambda: Script.of_file(path),
    ):
        with pytest.raises(UsageError, match="is not a path"):
            make()


@pytest.mark.parametrize("what", ["", " \n", (), ("true", ""), "a\0b"])
def test_scripts_refuse_a_command_that_is_none(what: Any) -> None:
    with pytest.raises(UsageError, match="command"):
        runner.run(HERE, what)


@pytest.mark.parametrize("name", ["output_dir", "resume", "failed", "limit", "group", "user", "become_user"])
def test_an_empty_setting_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not empty"):
        Settings.resolve({name: ""})


@pytest.mark.parametrize(
    "words",
    [
        ("--limit", ""),
        ("--resume", ""),
        ("--failed", ""),
        ("--output-dir", ""),
    ],
)
def test_a_flag_whose_variable_was_not_set_does_nothing(demo: Project, words: tuple[str, str]) -> None:
    done = demo.type("run", "show clock", *words)
    assert (done.code, done.stdout) == (1, "")
    assert words[0] in done.stderr


def test_a_host_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="empty name"):
        runner.run([Host("", HERE.variables)], "true")


def inventory(folder: Path, name: str, port: int) -> runner.Inventory:
    path = folder / name
    path.write_text(f"all:\n  hosts:\n    r1: {{ansible_host: 127.0.0.1, ansible_port: {port}}}\n")
    return runner.load(path)


@pytest.mark.parametrize("ask", [lambda hosts: runner.run(hosts, "true"), runner.ping])
def test_two_hosts_with_one_name_are_refused_with_both(tmp_path: Path, ask: Callable[[Any], Any]) -> None:
    hosts = [
        *inventory(tmp_path, "a.yml", 2201).select("all"),
        *inventory(tmp_path, "b.yml", 2202).select("all"),
    ]
    with pytest.raises(UsageError, match=r"'r1'.*2201.*2202"):
        ask(hosts)


def test_one_host_that_comes_twice_is_one(tmp_path: Path) -> None:
    hosts = [*inventory(tmp_path, "a.yml", 1).select("all"), *inventory(tmp_path, "b.yml", 1).select("all")]
    assert len(list(runner.ping(hosts, ping_timeout="1s"))) == 1
