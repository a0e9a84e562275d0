"""A host that repeats a secret before the command begins gets it into no line, report, file or history."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING

import asyncssh
import pytest

from runner.connection.command.become import Become, Elevation
from runner.models import Secret
from tests.connection.peers.ssh import USER, Script
from tests.connection.peers.stage import Stage
from tests.connection.sshd import required_program
from tests.projects import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.connection.peers.ssh import Answer, Channel

LOGIN, BECOME = "canary-login-2c7e", "canary-become-2c7e"


async def takes(connection: asyncssh.SSHServerConnection, password: str) -> bool:  # noqa: ARG001
    return password == LOGIN


async def repeats_in_a_banner(connection: asyncssh.SSHServerConnection, password: str) -> bool:
    connection.send_auth_banner(f"what does {password} mean?\n")
    return False


async def repeats_at_the_end(connection: asyncssh.SSHServerConnection, password: str) -> bool:
    connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, f"{password} is not right")
    return False


def sudo(script: Script, *said: tuple[bytes, bool], code: int | None = 1) -> Answer:
    """Ask as sudo does, then say something on stderr or stdout, and end with a code, or never."""

    async def answer(channel: Channel) -> None:
        found = re.search(r"\[runner \w+\] password: ", script.commands[-1].replace("\\", ""))
        assert found, script.commands
        channel.write_stderr(found[0].encode())
        for part, is_error in said:
            await asyncio.sleep(0.2)
            (channel.write_stderr if is_error else channel.write)(part)
        await (asyncio.sleep(3600) if code is None else asyncio.sleep(0.2))
        channel.exit(code or 0)

    return answer


HALF = len(BECOME) // 2
REFUSALS: dict[str, tuple[tuple[bytes, bool], ...]] = {
    "in its last line": ((f"\nsudo: {BECOME} is not right\n".encode(), True),),
    "before its last line": ((f"{BECOME}\r\nsudo: no\n".encode(), True),),
    "on standard output": ((f"{BECOME}\n".encode(), False), (b"sudo: no\n", True)),
    "in two parts": ((BECOME[:HALF].encode(), True), (f"{BECOME[HALF:]}\nsudo: no\n".encode(), True)),
    "on two lines": ((f"{BECOME[:HALF]}\r\n{BECOME[HALF:]}\nsudo: no\n".encode(), True),),
    "with spaces": ((f"{' '.join(BECOME)}\nsudo: no\n".encode(), True),),
    "with escapes in it": ((f"{BECOME[:HALF]}\x1b[0m\0{BECOME[HALF:]}\nsudo: no\n".encode(), True),),
    "in base64": ((b"sudo: " + base64.b64encode(f"me:{BECOME}!".encode()) + b"\n", True),),
    "in hex": ((f"sudo: {BECOME.encode().hex()}\n".encode(), True),),
    "half of it": ((b"sudo: " + BECOME[:HALF].encode(), True),),
    "the login's": ((f"sudo: {LOGIN} and {BECOME}\n".encode(), True),),
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(params=["ssh", "openssh"])
def connection(request: pytest.FixtureRequest) -> str:
    if request.param == "openssh":
        required_program("ssh")
    return str(request.param)


def shown(folder: Path, stage: Stage, script: Script, connection: str, *words: str) -> str:
    """Run a command, and return all that was shown and kept of it."""
    port = stage.ssh(script)
    made = Project(folder)
    variables = {"ansible_connection": connection, "ansible_port": port, "ansible_user": USER}
    made.write("hosts.yml", json.dumps({"all": {"hosts": {"127.0.0.1": variables}}}))
    made.write("known", f"[127.0.0.1]:* {stage.public_key}\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    made.write(
        "invoke.yaml", "runner: {known_hosts: known, ssh_config: none, history: history.db, retries: 0}\n"
    )
    made.env = {"INVOKE_RUNNER_PASSWORD": LOGIN, "INVOKE_RUNNER_BECOME_PASSWORD": BECOME}
    given = ("run", "--cmd", "true", "-i", "hosts.yml", "--no-ping", "--output-dir", "out", "--verbose")
    ended = made.type(*given, "--format", "json", *words)
    assert ended.code in (2, 4), ended.stderr
    found = next(iter(ended.document["hosts"].values()))
    assert found["error"], found
    text = made.type("report", "--html", "-").stdout + made.type("history.show").stdout
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert any(path.name == "history.db" for path in files)
    kept = b"\n".join(path.read_bytes() for path in files).decode("utf-8", "replace")
    return f"{ended.stdout}\n{ended.stderr}\n{text}\n{kept}"


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSALS)
def test_the_become_password(stage: Stage, tmp_path: Path, connection: str, case: str) -> None:
    script = Script(password=takes)
    script.answer = sudo(script, *REFUSALS[case])
    found = shown(tmp_path, stage, script, connection, "--become")

    assert script.commands
    assert "become-refused" in found
    assert "********" in found
    assert BECOME not in found
    assert LOGIN not in found
    assert BECOME[:HALF] not in found.replace(BECOME, "")
    assert BECOME.encode().hex() not in found
    assert base64.b64encode(f"me:{BECOME}!".encode())[4:-4].decode() not in found
    assert BECOME not in re.sub(r"\\[a-z]|\s|\\x1b\[0m|\\u00..", "", found)


def test_the_become_password_of_a_host_that_then_says_nothing(stage: Stage, tmp_path: Path) -> None:
    script = Script(password=takes)
    script.answer = sudo(script, (f"so it is {BECOME}\n".encode(), True), code=None)
    found = shown(tmp_path, stage, script, "ssh", "--become", "--timeout", "2")

    assert "so it is ********" in found
    assert BECOME not in found


@pytest.mark.parametrize("repeat", [repeats_in_a_banner, repeats_at_the_end])
def test_the_login_password(stage: Stage, tmp_path: Path, connection: str, repeat: object) -> None:
    found = shown(tmp_path, stage, Script(password=repeat), connection)  # type: ignore[arg-type]
    assert "********" in found or repeat is repeats_at_the_end, "Paramiko does not pass the words on"
    assert LOGIN not in found


def parts(text: str, length: int) -> list[str]:
    return [text[at : at + length] for at in range(len(text) - length + 1)]


async def repeats_where_we_cut(connection: asyncssh.SSHServerConnection, password: str) -> bool:
    connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "y" * 190 + password)
    return False


async def repeats_in_two_banners(connection: asyncssh.SSHServerConnection, password: str) -> bool:
    connection.send_auth_banner(password[:9])
    connection.send_auth_banner(f"{password[9:]}\n")
    return False


@pytest.mark.parametrize("repeat", [repeats_where_we_cut, repeats_in_two_banners])
def test_no_part_of_the_login_password(stage: Stage, tmp_path: Path, connection: str, repeat: object) -> None:
    found = shown(tmp_path, stage, Script(password=repeat), connection)  # type: ignore[arg-type]
    assert not [part for part in ("canary", *parts(LOGIN, 8)) if part in found]


@pytest.mark.parametrize("before", range(160, 210, 7))
def test_a_question_that_we_cut_in_the_middle_of_the_password(
    stage: Stage, tmp_path: Path, connection: str, before: int
) -> None:
    script = Script(questions=(("Password: ", LOGIN), (f"{'y' * before}{LOGIN}? ", "no")))
    found = shown(tmp_path, stage, script, connection)
    assert not [part for part in ("canary", *parts(LOGIN, 8)) if part in found]


def test_the_login_password_in_a_question(stage: Stage, tmp_path: Path, connection: str) -> None:
    script = Script(questions=(("Password: ", LOGIN), (f"Is {LOGIN} all? ", "no")))
    found = shown(tmp_path, stage, script, connection)
    assert "Is ******** all?" in found
    assert LOGIN not in found


def test_a_password_is_found_where_the_rest_is_cut_off() -> None:
    asked = Elevation(Become(password=Secret(BECOME)), iter(("one", "two")).__next__)
    asked.own(BECOME.encode() + b"x" * (2**16 - 5))
    asked.own(b"y")
    assert BECOME[-4:].encode() not in asked.said
    assert len(asked.said) <= 2**16


def test_the_command_may_print_what_it_likes() -> None:
    asked = Elevation(Become(password=Secret(BECOME)), iter(("one", "two")).__next__)
    output = f"{BECOME}\n".encode()
    assert asked.own(b"[runner two] begun\n" + output) == output
