"""Every task and every function for scripts heeds or refuses every setting, as one table says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

import runner
from runner.errors import UsageError
from runner.settings import Settings
from runner.settings.heeded import ALL, FUNCTIONS, HOST_TASK, SPILLING, TASKS
from runner.tasks import namespace
from runner.tasks.arguments import offered
from tests.settings.test_settings import READ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.jobs import Session
    from runner.tasks.fleet import Call, FleetTask


@runner.host_task
def system(host: Session) -> str:
    """Return the name and version of a host's system."""
    return host.run("cat /etc/os-release").stdout


ROWS = {**TASKS, "system": HOST_TASK}
TASKS_AND_SETTINGS = [(task, name) for task in ROWS for name in READ]
FUNCTIONS_AND_SETTINGS = [(function, name) for function in FUNCTIONS for name in READ]


def task_of(name: str) -> FleetTask:
    return system if name == "system" else namespace[name]  # type: ignore[return-value]


def call(task: str, configured: dict[str, Any] | None = None, **arguments: Any) -> int:
    """Call a task as Invoke does; return its exit code."""
    try:
        task_of(task)(Context(Config(overrides={"runner": configured or {}})), **arguments)
    except Exit as exc:
        if exc.message:
            raise UsageError(exc.message) from exc
        return exc.code
    return 0


def noting(received: list[Settings]) -> Callable[[Call], int]:
    """Return the body of a task that only records the settings with which it is called."""

    def body(given: Call) -> int:
        received.append(given.settings)
        return 0

    return body


def test_the_table_has_every_setting_and_every_task() -> None:
    assert set(Settings.flags()) == ALL
    assert set(namespace.task_names) == set(TASKS)


@pytest.mark.parametrize("task", ROWS)
def test_a_setting_is_at_one_place_in_the_row_of_a_task(task: str) -> None:
    row = ROWS[task]
    assert row.accepted <= ALL
    assert len(row.accepted) == len(row.settings) + len(row.refused) + len(row.idle)
    assert set(row.instead) <= ALL - row.settings


@pytest.mark.parametrize("task", ROWS)
def test_help_offers_the_flags_that_the_task_heeds_and_no_other(task: str) -> None:
    arguments = task_of(task).get_arguments()
    own = set(task_of(task).argspec(task_of(task).body).parameters)
    on_command_line = {name for name, flag in Settings.flags().items() if flag.on_command_line}
    named = {(each.attr_name or each.name).replace("-", "_") for each in arguments} - own
    shown = {(each.attr_name or each.name).replace("-", "_") for each in offered(arguments)} - own
    assert shown == ROWS[task].settings & on_command_line
    assert named == ROWS[task].accepted & on_command_line


@pytest.mark.parametrize(("task", "name"), TASKS_AND_SETTINGS)
def test_a_flag_is_heeded_or_warned_of_or_refused(
    task: str, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    row, text = ROWS[task], READ[name][0]
    flag = f"--{name.replace('_', '-')}"
    received: list[Settings] = []
    if name not in task_of(task).flags:
        assert name not in row.accepted or not Settings.flags()[name].on_command_line
        return
    if name in row.refused:
        with pytest.raises(UsageError, match=f"^{task}: {flag}( .*)? "):
            call(task, {"inventory": "h1,"}, **{name: text}, **({"cmd": ["true"]} if task == "watch" else {}))
        return
    monkeypatch.setattr(task_of(task), "body", noting(received))
    assert call(task, **{name: True if Settings.flags()[name].is_switch else text}) == 0
    (settings,) = received
    assert (name in settings.given) is (name in row.settings)
    warnings = [record.getMessage() for record in caplog.records]
    if name in row.settings:
        assert warnings == []
    else:
        (warning,) = warnings
        assert warning.startswith(f"{flag} does nothing in {task}; the next release refuses it")


@pytest.mark.parametrize("task", ROWS)
def test_what_is_configured_is_never_refused(
    task: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    received: list[Settings] = []
    monkeypatch.setattr(task_of(task), "body", noting(received))
    monkeypatch.setenv("INVOKE_RUNNER_PREFIX", "yes")
    monkeypatch.setenv("INVOKE_RUNNER_REPEATABLE", "yes")
    named = ("prefix", "repeatable")
    assert call(task, {name: text for name, (text, _) in READ.items() if name not in named}) == 0
    assert caplog.records == []
    for name, flag in Settings.flags().items():
        expected = READ[name][1] if name in ROWS[task].settings else flag.default
        assert getattr(received[0], name) == expected, name


@pytest.mark.parametrize(("function", "name"), FUNCTIONS_AND_SETTINGS)
def test_a_keyword_is_heeded_or_refused(
    function: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("plays", "templates"):
        (tmp_path / folder).mkdir()
    called: Callable[..., Any] = getattr(runner, function)
    hosts: dict[str, tuple[Any, ...]] = {"load": (), "ping": ([],)}
    given = {name: "h1," if name == "inventory" else READ[name][0]}
    if function == "load":
        given.setdefault("inventory", "h1,")
    elif name in SPILLING:
        given["overflow"] = "spill"
    if name in FUNCTIONS[function].settings:
        if name in ("spill_dir", "max_spill"):  # they need it
            given["overflow"] = "spill"
        called(*hosts.get(function, ([], "true")), **given)
        return
    with pytest.raises(UsageError, match=f"^runner.{function} does not heed {name}=: .") as refused:
        called(*hosts.get(function, ([], "true")), **given)
    _, _, advice = str(refused.value).partition("=: ")
    others = [other for other, row in FUNCTIONS.items() if name in row.settings]
    assert all(f"runner.{other}" in advice for other in others)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_configured_for_tasks_changes_nothing_for_a_function_that_does_not_heed_it(
    function: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    others = {name: text for name, (text, _) in READ.items() if name not in FUNCTIONS[function].settings}
    asked = dict.fromkeys(("ask_pass", "ask_code", "ask_become_pass", "ask_vault_pass"), True)
    configured = json.dumps({"runner": {**others, **asked}}, default=str)
    (tmp_path / "invoke.yaml").write_text(configured)
    (tmp_path / "plays").mkdir()
    called: Callable[..., Any] = getattr(runner, function)
    if function == "load":
        assert len(called("h1,h2,")) == 2
        return
    hosts = runner.load("h1,h2,").select("all")
    results = called(hosts, dry_run=True) if function == "ping" else called(hosts, "true", dry_run=True)
    assert [getattr(result, "host", result) for result in results] == ["h1", "h2"]


def test_the_advice_says_what_to_use_and_what_is_spelled_alike() -> None:
    with pytest.raises(UsageError) as limited:
        runner.run([], "true", limit="web1")
    assert str(limited.value) == (
        "runner.run does not heed limit=: choose hosts with inventory.select(pattern, limit)"
    )
    with pytest.raises(UsageError) as timed:
        runner.ping([], timeout=5)
    assert str(timed.value) == (
        "runner.ping does not heed timeout=: give it to runner.run or runner.stream; "
        "did you mean ping_timeout, timeout_total?"
    )
