"""Results are parsed while the run goes on: none is lost, and none waits for another."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from runner import runs
from runner.errors import UsageError
from runner.jobs import CommandJob
from runner.models import CommandResult, Host, HostResult, Status
from runner.runs import parsing
from runner.runs.parsing import Parsing
from runner.settings import Settings
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = [Host(f"l{number}", {"ansible_connection": "local"}) for number in range(3)]


class Gated:
    """A parser that waits for leave, host by host."""

    most = 2

    def __init__(self, *hosts: str) -> None:
        self.leave = {host: threading.Event() for host in hosts}
        self.begun = {host: threading.Event() for host in hosts}

    def parsed(self, result: HostResult) -> HostResult:
        self.begun[result.host].set()
        assert self.leave[result.host].wait(60)
        return result._replace(value="parsed")


def result(host: str, *commands: CommandResult) -> HostResult:
    return HostResult(host, Status.OK, commands=commands)


def test_a_result_that_is_being_parsed_holds_up_no_other() -> None:
    parser = Gated("a", "b")
    stage = Parsing(parser)  # type: ignore[arg-type]
    said = CommandResult("x", 0, b"y")
    assert list(stage.through([result("a", said), result("none"), result("b", said)])) == [result("none")]
    parser.leave["b"].set()
    found: list[HostResult] = []
    while not found:
        found += stage.through([])
    assert [(item.host, item.value) for item in found] == [("b", "parsed")]
    parser.leave["a"].set()
    assert [(item.host, item.value) for item in stage.rest()] == [("a", "parsed")]
    stage.close()


def test_after_an_interrupt_only_what_is_being_parsed_is_waited_for() -> None:
    names = ("a", "b", "c", "d")
    parser = Gated(*names)
    stage = Parsing(parser)  # type: ignore[arg-type]
    assert list(stage.through([result(name, CommandResult("x", 0, b"y")) for name in names])) == []
    for name in names[:2]:
        assert parser.begun[name].wait(60)
        parser.leave[name].set()
    left = stage.rest(stopped=True)
    unparsed = [next(left).host, next(left).host]
    found = {item.host: item.value for item in left}
    assert sorted([*unparsed, *found]) == list(names)
    assert set(found.values()) <= {"parsed"}
    stage.close()


def test_a_fault_of_the_parser_loses_no_result(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Gated):
        def parsed(self, result: HostResult) -> HostResult:
            raise OSError(28, f"no space left for {result.host}")

    stage = Parsing(Faulty())  # type: ignore[arg-type]
    said = result("a", CommandResult("x", 0, b"y"))
    assert [*stage.through([said]), *stage.rest()] == [said]
    assert "a: its output is not parsed: OSError" in caplog.text
    stage.close()


def test_a_run_yields_every_host_once_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.resolve({"parse": "json", "no_history": True, "no_ping": True})
    job = CommandJob(("""echo '[{"a": 1}, {"a": 2}]'""", "echo no"))
    plan = runs.plan(runs.Request("run", settings, job, hosts=tuple(LOCAL)))
    found = {item.host: item for item in runs.carry_out(plan)}
    assert set(found) == {"l0", "l1", "l2"}
    for item in found.values():
        assert item.rows == [{"a": 1}, {"a": 2}]
        assert [(each.parse, each.parse_error) for each in item.commands] == [
            ("rows", None),
            ("no-match", "no"),
        ]


def test_results_are_in_the_history_as_they_came(tmp_path: Path) -> None:
    from runner.history import History

    path = tmp_path / "history.sqlite3"
    settings = Settings.resolve({"parse": "json", "no_ping": True, "history": str(path)})
    plan = runs.plan(runs.Request("run", settings, CommandJob(("echo '[]'",)), hosts=tuple(LOCAL[:1])))
    assert [item.commands[0].parse for item in runs.carry_out(plan)] == ["rows"]
    with History(path) as history:
        (command,) = history.find("last").result("l0").commands
    assert (command.stdout, command.parse) == ("[]\n", None)


def test_a_folder_of_templates_must_be_there() -> None:
    with pytest.raises(UsageError, match="--templates 'nowhere': there is no such folder"):
        parsing.check(Settings.resolve({"templates": "nowhere"}))


def test_a_configured_folder_of_templates_must_be_ours(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    folder.chmod(0o777)
    origins = {"templates": Origin(Kind.FILE, "templates", "invoke.yaml")}
    with pytest.raises(UsageError, match=r"^the folder of templates .* is not used"):
        parsing.check(Settings.resolve({}, {"templates": str(folder)}, origins))
    parsing.check(Settings.resolve({"templates": str(folder)}))
