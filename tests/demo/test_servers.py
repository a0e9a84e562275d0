"""What our own tasks ask of a server works on those of the fleet: scripts, variables, folders, input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

WEB1 = ("-g", "web1", "--format", "json")


def said(project: Project, *words: str) -> str:
    ended = project.type(*words)
    assert ended.code == 0, ended.stdout + ended.stderr
    (host,) = ended.document["hosts"].values()
    return str(host["commands"][0]["stdout"])


@pytest.mark.parametrize(
    ("words", "stdout"),
    [
        (("run", "--env", "RELEASE=1.4 beta", "--cmd", 'echo "$RELEASE"'), "1.4 beta\n"),
        (("run", "--chdir", "/etc", "--cmd", "pwd"), "/etc\n"),
        (("run", "--chdir", "~", "--env", "A=1", "--cmd", "echo $A in $PWD"), "1 in /home/demo\n"),
        (("run", "--stdin", "words", "--cmd", "wc -l"), "2\n"),
    ],
)
def test_what_a_command_is_given_arrives(demo: Project, words: tuple[str, ...], stdout: str) -> None:
    demo.write("words", "one\ntwo\n")
    assert said(demo, *words, *WEB1) == stdout


def test_a_folder_that_is_not_there_is_a_failure(demo: Project) -> None:
    ended = demo.type("run", "--chdir", "/nope", "--cmd", "pwd", *WEB1)
    assert ended.code == 2
    assert ended.document["hosts"]["web1"]["status"] == "failed"
    assert ended.document["hosts"]["web1"]["commands"][0]["stdout"] == ""


def test_a_script_runs_with_its_arguments_and_leaves_nothing(demo: Project) -> None:
    demo.write("deploy.sh", "#!/bin/sh\nset -eu\nfor host in a b; do echo $host; done\n")
    refused = demo.type("script", "deploy.sh", *WEB1)
    assert refused.document["hosts"]["web1"]["commands"][0]["exit_code"] == 2
    demo.write("deploy.sh", '#!/bin/sh\nset -eu\nhostname\necho "$1 of $#"\nfalse || exit 3\n')
    ended = demo.type("script", "deploy.sh", *WEB1, "--", "--now", "or never")
    (command,) = ended.document["hosts"]["web1"]["commands"]
    assert (command["stdout"], command["stderr"], command["exit_code"]) == ("web1\n--now of 2\n", "", 3)
    assert said(demo, "run", "ls -a /tmp", *WEB1) == ".keep\n"


def test_a_script_of_an_interpreter_that_is_not_there_is_not_found(demo: Project) -> None:
    demo.write("deploy.py", "#!/usr/bin/env python3\nprint(1)\n")
    ended = demo.type("script", "deploy.py", *WEB1)
    assert ended.document["hosts"]["web1"]["commands"][0]["exit_code"] == 127
    assert said(demo, "run", "ls -a /tmp", *WEB1) == ".keep\n"


def test_a_file_that_is_put_keeps_its_permissions(demo: Project) -> None:
    demo.write("tool.sh", "#!/bin/sh\necho works $1\n")
    assert demo.type("put", "tool.sh", "/tmp/tool.sh", "-g", "web1").code == 0
    refused = demo.type("run", "/tmp/tool.sh", *WEB1)
    assert refused.document["hosts"]["web1"]["commands"][0]["exit_code"] == 126
    assert demo.type("put", "tool.sh", "/tmp/tool.sh", "--mode", "755", "-g", "web1").code == 0
    assert said(demo, "run", "/tmp/tool.sh now; rm /tmp/tool.sh", *WEB1) == "works now\n"
