"""What the shell gets, and where what goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project


@pytest.mark.parametrize(
    ("group", "code"),
    [("good", 0), ("r1:r-denied", 2), ("r1:r-down", 4), ("r1:r-denied:r-down", 6)],
)
def test_the_exit_code_says_what_came_of_it(demo: Project, group: str, code: int) -> None:
    assert demo.type("run", "show clock", "-g", group).code == code


def test_a_command_that_fails_is_a_host_that_is_not_ok(demo: Project) -> None:
    ended = demo.type("run", "false", "-g", "web1")
    assert ended.code == 2
    assert "web1: failed (exit 1)" in ended.stdout


def test_the_document_holds_what_the_contract_says(demo: Project) -> None:
    ended = demo.type("run", "hostname", "-g", "web1:r-down", "--format", "json")
    assert ended.stderr == ""
    document = ended.document
    assert (document["schema"], document["run"]["task"]) == (1, "run")
    assert document["run"]["commands"] == ["hostname"]
    assert document["run"]["pattern"] == "web1:r-down"
    assert document["summary"] | {"hosts": 2, "ok": 1, "unreachable": 1} == document["summary"]
    web1, down = document["hosts"]["web1"], document["hosts"]["r-down"]
    assert (web1["status"], web1["sent"], web1["attempts"], web1["method"]) == ("ok", True, 1, "tcp")
    assert web1["rtt_ms"] > 0
    assert web1["duration_s"] > 0
    assert web1["commands"][0]["stdout"] == "web1\n"
    assert (down["status"], down["sent"], down["commands"]) == ("unreachable", False, [])
    assert down["phase"]
    assert down["reason"]
    assert down["error"]


def test_a_ping_is_the_same_document_without_commands(demo: Project) -> None:
    document = demo.type("ping", "-g", "web1", "--format", "json").document
    assert document["run"]["task"] == "ping"
    assert document["run"]["commands"] == []
    assert document["hosts"]["web1"]["commands"] == []
    assert document["hosts"]["web1"]["method"] == "tcp"


def test_json_lines_come_as_hosts_end(demo: Project) -> None:
    with demo.start("run", "show clock", "-g", "r1:r-slow", "--format", "jsonl") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert process.poll() is None, "the first line came only when all were done"
        rest = [json.loads(line) for line in process.stdout]
    assert first["host"] == "r1"
    assert [line.get("host") for line in rest] == ["r-slow", None]
    assert rest[1]["summary"]["ok"] == 2


def test_a_reader_that_goes_away_costs_neither_the_run_nor_its_exit_code(demo: Project) -> None:
    for form in ("text", "jsonl", "json", "folded"):
        read, write = os.pipe()
        process = demo.start(
            "run",
            "show version",
            "-g",
            "routers:!r-slow",
            "--format",
            form,
            "--output-dir",
            form,
            stdout=write,
        )
        os.close(write)
        os.close(read)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 6, form
        assert stderr == b"", form
        assert "r3 uptime" in (demo.folder / form / "r3").read_text()


def test_a_listing_whose_reader_goes_away_ends_in_silence(demo: Project) -> None:
    read, write = os.pipe()
    process = demo.start("inventory", "--list", stdout=write)
    os.close(write)
    os.close(read)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0


def test_results_that_cannot_be_written_are_said_and_are_no_success(demo: Project) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        process = demo.start("run", "hostname", "-g", "web1", "--format", "text", stdout=full)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stderr == b"error: results are no longer shown, the run goes on: stdout: No space left on device\n"


def test_a_closed_stderr_is_no_reason_to_stop(demo: Project) -> None:
    done = closed(demo, "2>&-")
    assert done.returncode == 0
    assert done.stdout.startswith(b"web1: ok\n  web1\n1 host: 1 ok")


def test_a_closed_stdout_is_no_reason_to_stop(demo: Project) -> None:
    done = closed(demo, ">&- --output-dir out")
    assert done.returncode == 0
    assert done.stderr.startswith(b"warning: host keys")
    assert (demo.folder / "out" / "web1").read_text() == "web1\n"


def closed(demo: Project, what: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [
            "sh",
            "-c",
            f'exec "$0" -m invoke run hostname -g web1 --host-key-policy off {what}',
            sys.executable,
        ],
        cwd=demo.folder,
        env=demo.environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("lang", ["C", "POSIX", "C.UTF-8"])
def test_any_locale_will_do(demo: Project, lang: str) -> None:
    env = {"LANG": lang, "LC_ALL": lang, "PYTHONIOENCODING": "ascii"}
    ended = demo.type("run", "printf 'caf\\303\\251'; echo é", "-g", "web1", env=env)
    assert "Traceback" not in ended.stderr
    assert ended.stdout.isascii()


def test_warnings_go_to_stderr_and_quiet_silences_them(demo: Project) -> None:
    off = ("run", "hostname", "-g", "web1", "--host-key-policy", "off", "--format", "json")
    loud, quiet = demo.type(*off), demo.type(*off, "--quiet")
    assert "warning: host keys are not checked" in loud.stderr
    assert loud.document["summary"]["ok"] == 1
    assert quiet.stderr == ""


def test_what_each_host_said_is_in_a_file_of_its_own(demo: Project) -> None:
    inventory = demo.folder / "inventories" / "hosts.yml"
    inventory.write_text(inventory.read_text().replace('"web2"', '"../../WEB1"').replace('"db1"', '"WEB1"'))
    ended = demo.type("run", "hostname", "-g", "servers", "--output-dir", "out")
    assert ended.code == 0
    files = {path.name: path.read_text() for path in (demo.folder / "out").iterdir()}
    assert files.pop("failed.txt") == ""
    assert len(files.pop("index.jsonl").splitlines()) == 4
    assert files.pop("%2E.%2F..%2FWEB1") == "web2\n"
    assert {name.partition("-")[0]: text for name, text in files.items()} == {
        "web1": "web1\n",
        "WEB1": "db1\n",
    }
    assert len({name.casefold() for name in files}) == 2


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_every_executor_gives_the_same_answers(demo: Project, executor: str) -> None:
    ended = demo.type("run", "hostname", "-g", "servers:r-down", "--executor", executor, "--format", "json")
    assert ended.code == 4
    assert ended.document["run"]["executor"] == executor
    assert {name: host["status"] for name, host in ended.document["hosts"].items()} == {
        "web1": "ok",
        "web2": "ok",
        "db1": "ok",
        "r-down": "unreachable",
    }


def test_a_reporter_that_breaks_costs_neither_the_hosts_nor_the_files(demo: Project) -> None:
    demo.write(
        "plugins/fragile.py",
        "class Fragile:\n"
        "    def __init__(self, stream, options):\n"
        "        pass\n"
        "    def start(self, run):\n"
        "        pass\n"
        "    def result(self, result):\n"
        "        raise KeyError('\\x1b[2Jno column')\n"
        "    def finish(self, results):\n"
        "        pass\n",
    )
    demo.write("plugins/fragile-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: fragile\nVersion: 1\n")
    demo.write(
        "plugins/fragile-1.dist-info/entry_points.txt", "[runner.reporters]\nfragile = fragile:Fragile\n"
    )
    path = os.pathsep.join((str(demo.folder / "plugins"), demo.environment()["PYTHONPATH"]))
    ended = demo.type(
        "run",
        "hostname",
        "-g",
        "servers",
        "--format",
        "fragile",
        "--output-dir",
        "out",
        env={"PYTHONPATH": path},
    )
    assert ended.code == 1
    assert ended.stderr.startswith(
        "error: results are no longer shown, the run goes on: the reporter failed: "
    )
    assert "\x1b" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert {file.name for file in (demo.folder / "out").iterdir()} == {
        *("web1", "web2", "db1", "index.jsonl", "failed.txt")
    }
