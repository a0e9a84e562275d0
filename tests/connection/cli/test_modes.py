"""Privileged and configuration mode, answers to questions, logs of sessions, platforms that are found out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.command import PLAIN, CommandOptions
from runner.connection.command.become import Become
from runner.connection.command.options import question_answers
from runner.jobs import CommandJob, FunctionJob, perform
from runner.models import HostResult, Secret, Status
from tests.connection.cli.device import Device
from tests.connection.cli.script import Script
from tests.connection.cli.steps import Ask, confirm
from tests.connection.cli.traps import (
    CLOCK,
    INVALID,
    SECRET,
    SYSLOG,
    device_that,
    exec_ignored,
    exec_opens_a_shell,
    privileged,
)
from tests.connection.peers.ssh import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.jobs import Session

IOS = {"ansible_network_os": "cisco.ios.ios", "ansible_connection": "network_cli"}


def run(
    device: Device,
    folder: Path,
    *commands: str,
    variables: dict[str, object] = IOS,
    given: CommandOptions = PLAIN,
    **changes: Any,
) -> HostResult:
    changes = {"command_timeout_s": 60.0, **changes}
    return perform(
        device.host("r1", **variables), CommandJob(commands, given), device.options(folder, **changes)
    )


def becoming(password: str | None) -> dict[str, Any]:
    return {
        "become": True,
        "become_as": Become("enable", password=None if password is None else Secret(password)),
    }


# Privileged mode ------------------------------------------------------------------------------------------


def test_enable_with_its_secret_gives_the_privileges(tmp_path: Path) -> None:
    with Device(privileged()) as device:
        result = run(device, tmp_path, "show trap", **becoming(SECRET))
    assert result.status is Status.OK, result
    assert [line.text for line in device.received if line.kind == "secret"] == [SECRET]


def test_enable_is_the_usual_way_to_become_on_a_cli(tmp_path: Path) -> None:
    with Device(privileged()) as device:
        result = run(device, tmp_path, "show trap", become=True, become_as=Become(password=Secret(SECRET)))
    assert result.status is Status.OK, result


def test_enable_that_asks_for_nothing(tmp_path: Path) -> None:
    with Device(privileged(None)) as device:
        result = run(device, tmp_path, "show trap", **becoming(None))
    assert result.status is Status.OK, result


def test_a_wrong_secret_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    with Device(privileged()) as device:
        result = run(device, tmp_path, "show trap", **becoming("wrong-secret"))
    assert (result.status, result.reason, result.sent) == (Status.AUTH, "become-refused", False), result
    assert "show trap" not in device.commands
    assert "wrong-secret" not in repr(result)


def test_a_secret_that_is_wanted_and_was_not_given(tmp_path: Path) -> None:
    with Device(privileged()) as device:
        result = run(device, tmp_path, "show trap", **becoming(None))
    assert (result.status, result.reason, result.sent) == (Status.AUTH, "become-password", False), result
    assert "--ask-become-pass" in str(result.error)


def test_privileges_that_are_there_already_are_not_asked_for(tmp_path: Path) -> None:
    with Device(device_that()) as device:
        result = run(device, tmp_path, "show trap", **becoming(SECRET))
    assert result.status is Status.OK, result
    assert "enable" not in device.commands


def test_a_platform_without_such_a_command_says_so(tmp_path: Path) -> None:
    with Device(device_that(prompt="admin@r1> ")) as device:
        variables = {**IOS, "ansible_network_os": "junos"}
        result = run(device, tmp_path, "show trap", variables=variables, **becoming(SECRET))
    assert (result.status, result.reason, result.sent) == (Status.AUTH, "become-unsupported", False), result


# Configuration mode ---------------------------------------------------------------------------------------

CONFIGURING = ("configure terminal", "hostname other")


@pytest.mark.parametrize(("last", "status"), [("hostname third", Status.OK), ("bogus", Status.FAILED)])
def test_configuration_mode_is_left_whatever_happens(tmp_path: Path, last: str, status: Status) -> None:
    with Device(privileged(None)) as device:
        result = run(device, tmp_path, *CONFIGURING, last, **becoming(None))
        device.wait(lambda: bool(device.prompts))
    assert result.status is status, result
    assert device.commands[-1] == "end"
    assert device.prompts == ["r1#"]


def test_all_commands_of_a_run_are_typed_into_one_session(tmp_path: Path) -> None:
    with Device(device_that()) as device:
        result = run(device, tmp_path, "show trap", "show clock", "show trap")
    assert result.status is Status.OK
    assert (device.connections, device.shells) == (1, 1)


# Questions ------------------------------------------------------------------------------------------------


def asking() -> Script:
    return device_that(
        ("line 1\n", Ask("Destination filename [startup-config]? ", {"": "ok\n", "other": "other\n"}))
    )


@pytest.mark.parametrize(("reply", "last"), [("", "ok"), ("other", "other")])
def test_an_answer_that_was_given_is_typed(tmp_path: Path, reply: str, last: str) -> None:
    given = CommandOptions(answers=question_answers([("Destination filename", reply)], "--answer"))
    with Device(asking()) as device:
        result = run(device, tmp_path, "show trap", given=given)
    assert result.status is Status.OK, result
    assert result.stdout.splitlines()[-1] == last
    assert [question.reply for question in device.questions] == [reply]


def test_an_answer_to_another_question_is_not_typed(tmp_path: Path) -> None:
    given = CommandOptions(answers=question_answers([("Proceed", "y")], "--answer"))
    with Device(asking()) as device:
        result = run(device, tmp_path, "show trap", "show clock", given=given)
    assert (result.status, result.reason) == (Status.FAILED, "question"), result
    assert "Destination filename" in str(result.error)
    assert [question.typed for question in device.questions] == [b""]
    assert "show clock" not in device.commands


# Exec -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [exec_ignored(), exec_opens_a_shell()], ids=["banner", "shell"])
def test_a_device_that_ignores_an_exec_request_is_not_ok(tmp_path: Path, script: Script) -> None:
    with Device(script) as device:
        result = run(
            device, tmp_path, "show trap", variables={"ansible_network_os": "ios"}, command_timeout_s=5.0
        )
    if result.status is Status.FAILED:
        assert result.reason == "exec-ignored"
        assert "runner_cli: shell" in str(result.error)
    else:  # a shell that does not end by itself
        assert result.status is Status.TIMEOUT
    assert device.execs == ["show trap"]


def test_what_was_ignored_by_exec_is_answered_in_the_shell(tmp_path: Path) -> None:
    with Device(exec_ignored()) as device:
        result = run(
            device, tmp_path, "show trap", variables={"ansible_network_os": "ios", "runner_cli": "shell"}
        )
    assert result.status is Status.OK, result
    assert device.execs == []


def test_a_refused_exec_request_names_the_way_on(tmp_path: Path) -> None:
    with Device(device_that()) as device:
        result = run(device, tmp_path, "show trap", variables={})
    assert (result.status, result.reason) == (Status.ERROR, "exec-refused"), result
    assert "--connection cli" in str(result.error)


# Platforms ------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "invoke-runner" / "platforms"


def test_a_platform_is_found_out_once(tmp_path: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    commands: dict[str, Any] = {
        "show version": "Cisco IOS Software, Version 15.2\n",
        "show clock": f"{CLOCK}\n",
    }
    with Device(Script("r1#", commands)) as device, caplog.at_level(logging.WARNING, "runner"):
        for _ in range(2):
            result = run(
                device, tmp_path, "show clock", "bogus", variables={"ansible_connection": "network_cli"}
            )
            assert (result.status, result.reason) == (Status.FAILED, "refused"), result
    assert device.commands.count("show version") == 1
    assert [record.getMessage() for record in caplog.records].count(caplog.records[0].getMessage()) == 1
    assert "cisco_ios" in caplog.text
    assert state.stat().st_mode & 0o077 == 0


def test_a_device_that_is_not_recognised_says_what_to_set(tmp_path: Path, state: Path) -> None:
    with Device(Script("r1#", {}, otherwise=INVALID)) as device:
        result = run(device, tmp_path, "show clock", variables={"ansible_connection": "network_cli"})
    assert (result.status, result.reason, result.sent) == (Status.ERROR, "bad-variable", False), result
    assert "set ansible_network_os" in str(result.error)
    assert not state.exists()


def test_an_unknown_platform_names_similar_ones(tmp_path: Path) -> None:
    with Device(device_that()) as device:
        result = run(device, tmp_path, "show clock", variables={"ansible_network_os": "cisco_isos"})
    assert (result.status, result.reason) == (Status.ERROR, "bad-variable"), result
    assert "cisco_ios" in str(result.error)
    assert device.connections == 0


@pytest.mark.parametrize("value", ["ubuntu", "prod", 7, None])
def test_a_variable_with_another_meaning_changes_nothing(tmp_path: Path, value: object) -> None:
    with Device(device_that(execute="done\n")) as device:
        result = run(device, tmp_path, "uname", variables={"platform": value, "device_type": value})
    assert result.status is Status.OK, result
    assert device.execs == ["uname"]


# Logs of sessions -----------------------------------------------------------------------------------------


def test_the_log_of_a_session_has_all_but_secrets(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    with Device(privileged()) as device:
        run(device, tmp_path, "show trap", session_log=str(logs), **becoming(SECRET))
    text = (logs / "r1.log").read_text()
    assert "line 1" in text
    assert "show trap" in text
    assert SECRET not in text
    assert PASSWORD not in text
    assert (logs / "r1.log").stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Device(device_that()) as device:
        result = run(device, tmp_path, "show trap", session_log=str(tmp_path / "file" / "logs"))
    assert (result.status, result.reason, result.sent) == (Status.ERROR, "session-log", False), result
    assert device.commands == []


def outputs(result: HostResult) -> Sequence[str]:
    return [command.stdout for command in result.commands]


def test_a_late_log_message_shifts_no_answer(tmp_path: Path) -> None:
    commands: dict[str, Any] = {f"show {number}": (f"answer {number}\n", SYSLOG) for number in range(5)}
    with Device(Script("r1#", commands, otherwise=INVALID)) as device:
        result = run(device, tmp_path, *commands)
    assert [text.splitlines()[0] for text in outputs(result)] == [f"answer {number}" for number in range(5)]


def test_the_modes_of_the_prompt_are_known(tmp_path: Path) -> None:
    with Device(privileged(None)) as device:
        result = run(
            device, tmp_path, "configure terminal", "hostname x", "end", "show clock", **becoming(None)
        )
    assert result.status is Status.OK, result
    assert outputs(result)[-1].strip() == CLOCK


# Terminals ------------------------------------------------------------------------------------------------


def test_routeros_gets_the_enter_key_that_it_knows(tmp_path: Path) -> None:
    script = Script("[admin@r1] > ", {"/system identity print": "name: r1\n"})
    with Device(script) as device:
        variables: dict[str, object] = {"ansible_network_os": "routeros", "ansible_connection": "network_cli"}
        result = run(device, tmp_path, "/system identity print", variables=variables)
    assert result.status is Status.OK, result
    assert outputs(result) == ["name: r1\n"]
    assert any(b"\r" in data for _, _, data in device.chunks)


# Commands that a CLI would read as something else ---------------------------------------------------------


@pytest.mark.parametrize("command", ["shutdown ?", "show clock\nreload", "show clock\t", "show \x1a"])
def test_keys_of_a_cli_are_not_sent_as_a_command(tmp_path: Path, command: str) -> None:
    with Device(device_that()) as device:
        result = run(device, tmp_path, command)
    assert (result.status, result.reason, result.sent) == (Status.ERROR, "bad-command", False), result
    assert device.commands == ["terminal length 0", "terminal width 511"]


@pytest.mark.parametrize(("reply", "status"), [("y", Status.OK), ("", Status.OK), ("yes", Status.FAILED)])
def test_a_question_that_takes_one_key_gets_no_second(tmp_path: Path, reply: str, status: Status) -> None:
    given = CommandOptions(answers=question_answers([(r"\[confirm\]", reply)], "--answer"))
    with Device(device_that(confirm("Proceed? [confirm]", "done\n"))) as device:
        result = run(device, tmp_path, "show trap", "show clock", given=given)
    assert result.status is status, result
    assert device.commands[2:] == (["show trap", "show clock"] if reply != "yes" else ["show trap"])
    assert [question.typed for question in device.questions] == [{"y": b"y", "": b"\n", "yes": b""}[reply]]


def test_a_refusal_at_user_level_names_become(tmp_path: Path) -> None:
    with Device(privileged()) as device:
        result = run(device, tmp_path, "show trap")
    assert (result.status, result.reason) == (Status.FAILED, "refused"), result
    assert "--become types 'enable'" in str(result.error)


@pytest.mark.parametrize(("code", "status"), [("0", Status.OK), ("3", Status.FAILED)])
def test_a_posix_shell_is_asked_for_the_exit_code(tmp_path: Path, code: str, status: Status) -> None:
    script = Script("me@host:~$ ", {"work": "done\n", "echo $?": f"{code}\n"})
    with Device(script) as device:
        variables: dict[str, object] = {"ansible_network_os": "linux", "ansible_connection": "network_cli"}
        result = run(device, tmp_path, "work", variables=variables)
    assert result.status is status, result
    assert result.commands[0].exit_code == int(code)


def test_files_are_not_sent_with_the_privileges_of_enable(tmp_path: Path) -> None:
    with Device(device_that()) as device:
        options = device.options(tmp_path, **becoming(SECRET))
        result = perform(device.host("r1", **IOS), FunctionJob(put_a_file), options)
    assert (result.status, result.reason) == (Status.AUTH, "become-unsupported"), result
    assert device.execs == []


def put_a_file(host: Session) -> None:
    host.put(__file__, "flash:/file")
