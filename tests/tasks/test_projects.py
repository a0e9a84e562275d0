"""Where the tasks live (somebody's tasks.py, our own program), and what configures them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.projects import PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

ONE = ("ping", "-g", "web1", "--format", "json")


def test_our_collection_can_be_the_root_of_a_tasks_py(demo: Project) -> None:
    listed = demo.type("--list").stdout
    assert all(f"  {name} " in listed for name in ("ping", "run", "inventory"))
    assert demo.type(*ONE).code == 0


def test_our_collection_can_be_one_of_somebodys_collections(demo: Project) -> None:
    demo.write(
        "tasks.py",
        "from invoke import Collection, task\n"
        "import runner.tasks\n"
        "@task\n"
        "def mine(ctx):\n"
        "    print(ctx.config.mine.word)\n"
        "namespace = Collection(mine)\n"
        "namespace.configure({'mine': {'word': 'kept'}})\n"
        "namespace.add_collection(runner.tasks.namespace, 'net')\n",
    )
    assert "net.ping" in demo.type("--list").stdout
    assert demo.type("mine").stdout == "kept\n"
    assert demo.type("net.run", "hostname", "-g", "web1").stdout.startswith("web1: ok\n  web1\n")
    assert demo.type("net.run", "--help").code == 0
    assert "did you mean --group" in demo.type("net.ping", "--grup", "x").stderr
    both = demo.type("mine", "net.ping", "-g", "web1")
    assert both.stdout.startswith("kept\nweb1: ok")


def test_a_task_may_come_before_and_after(demo: Project) -> None:
    demo.write(
        "tasks.py",
        "from invoke import task\n"
        "from runner.tasks import namespace, ping\n"
        "@task(ping)\n"
        "def deploy(ctx):\n"
        "    print('deployed')\n"
        "namespace.add_task(deploy)\n",
    )
    demo.write("invoke.yaml", "runner: {inventory: inventories, group: web1}\n")
    ended = demo.type("deploy")
    assert ended.stdout.splitlines()[-1] == "deployed"
    demo.write("invoke.yaml", "runner: {inventory: inventories, group: r-down}\n")
    ended = demo.type("deploy")
    assert ended.code == 4
    assert "deployed" not in ended.stdout


def test_the_program_needs_no_tasks_py(demo: Project) -> None:
    (demo.folder / "tasks.py").unlink()
    ended = demo.type(*ONE, program="runner")
    assert ended.code == 0
    assert demo.type("--version", program="runner").stdout.startswith("runner ")


def test_the_program_works_in_a_folder_that_is_nobodys_project(demo: Project, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    inventory = str(demo.folder / "inventories")
    assert demo.type(*ONE, "-i", inventory, program="runner", folder=bare).code == 0
    ended = demo.type("ping", program="runner", folder=bare)
    assert (ended.code, ended.stderr) == (
        1,
        "ping: no inventory: give one with -i, or as `runner: inventory:` in invoke.yaml\n",
    )


def test_code_that_lies_about_is_not_executed_by_the_program(demo: Project, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("invoke.py", "tasks.py"):
        (trap / name).write_text("raise SystemExit(77)\n")
    ended = demo.type("inventory", "-i", "a,b,", "--hosts", "all", program="runner", folder=trap)
    assert (ended.code, ended.stdout) == (0, "a\nb\n")


@pytest.mark.parametrize("program", ["invoke", "runner"])
def test_a_subfolder_of_a_project_is_in_the_project(demo: Project, program: str) -> None:
    below = demo.folder / "a" / "b"
    below.mkdir(parents=True)
    ended = demo.type("run", "hostname", "-g", "web1", "--format", "json", program=program, folder=below)
    assert ended.code == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("program", ["invoke", "runner"])
def test_the_folder_inventories_of_the_project_is_found_from_below(demo: Project, program: str) -> None:
    demo.write("invoke.yaml", "runner: {known_hosts: known_hosts}\n")
    below = demo.folder / "below"
    below.mkdir()
    assert demo.type(*ONE, program=program, folder=below).code == 0
    assert demo.type(*ONE, program=program).code == 0


def test_a_path_on_the_command_line_is_where_the_user_is(demo: Project) -> None:
    below = demo.folder / "below"
    below.mkdir()
    (below / "own").write_text("here ansible_host=127.0.0.1\n")
    assert demo.type("inventory", "-i", "own", "--hosts", "all", folder=below).stdout == "here\n"


def test_a_flag_wins_over_the_environment_and_that_over_the_file(demo: Project) -> None:
    words = ("inventory", "--hosts", "all")
    demo.write("invoke.yaml", "runner: {inventory: inventories, limit: web1}\n")
    assert demo.type(*words).stdout == "web1\n"
    assert demo.type(*words, env={"INVOKE_RUNNER_LIMIT": "web2"}).stdout == "web2\n"
    assert demo.type(*words, "-l", "db1", env={"INVOKE_RUNNER_LIMIT": "web2"}).stdout == "db1\n"


def test_the_environment_can_name_the_inventory_in_ansibles_words_and_ours(demo: Project) -> None:
    demo.write("invoke.yaml", "{}\n")
    words = ("inventory", "--hosts", "all")
    demo.write("theirs", "e\n")
    assert demo.type(*words, env={"ANSIBLE_INVENTORY": "theirs"}).stdout == "e\n"
    assert demo.type(*words, env={"INVOKE_RUNNER_INVENTORY": "c,d,"}).stdout == "c\nd\n"


def test_a_password_in_the_environment_is_used_and_shown_nowhere(demo: Project) -> None:
    demo.write(
        "inventories/hosts.yml",
        (demo.folder / "inventories/hosts.yml").read_text().replace('"ansible_password": "demo"', '"x": 1'),
    )
    words = ("run", "hostname", "-g", "web1", "--format", "json")
    assert demo.type(*words).document["hosts"]["web1"]["status"] == "auth"
    ended = demo.type(*words, env={"INVOKE_RUNNER_PASSWORD": "demo"})
    assert ended.document["hosts"]["web1"]["status"] == "ok"
    wrong = demo.type(*words, env={"INVOKE_RUNNER_PASSWORD": "s3cret-word"})
    assert wrong.document["hosts"]["web1"]["status"] == "auth"
    assert "s3cret-word" not in wrong.stdout + wrong.stderr


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{inventry: x}", "runner.inventry is not a setting; did you mean inventory"),
        ("{workers: many}", "runner.workers 'many': expected a whole number"),
        ("{inventory: {a: b}}", "runner.inventory {'a': 'b'}: expected a path"),
        ("[a, b]", "`runner:` in the configuration must be a mapping of settings"),
        ("text", "`runner:` in the configuration must be a mapping of settings"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_named(demo: Project, section: str, said: str) -> None:
    demo.write("invoke.yaml", f"runner: {section}\n")
    ended = demo.type("ping")
    assert ended.code == 1
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_an_empty_section_is_no_section(demo: Project) -> None:
    demo.write("invoke.yaml", "runner:\n")
    assert demo.type(*ONE).code == 0


@pytest.mark.parametrize("program", ["invoke", "runner"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"runner: [a\n", 'in "{folder}/invoke.yaml", line 1, column 9'),
        (b"- runner\n", "expected a mapping at the top of a file, such as `runner:`"),
        (b"runner\n", "expected a mapping at the top of a file, such as `runner:`"),
        (b"runner: \xff\n", "codec can't decode byte 0xff"),
        (b"runner: !own x\n", "could not determine a constructor for the tag '!own'"),
        (b"runner: \x1b[2J\n", "unacceptable character #x001b"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    demo: Project, program: str, content: bytes, said: str
) -> None:
    (demo.folder / "invoke.yaml").write_bytes(content)
    ended = demo.type("ping", program=program)
    assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert ended.stderr.startswith(f"the configuration for {demo.folder} cannot be read: ")
    assert said.format(folder=demo.folder) in ended.stderr


@pytest.mark.parametrize("program", ["invoke", "runner"])
def test_neither_a_file_named_on_the_command_line_nor_the_environment_ends_in_a_traceback(
    demo: Project, program: str
) -> None:
    named = str(demo.write("named.yaml", "- a\n"))
    demo.write("invoke.yaml", "runner: {known_hosts: [a, b]}\n")
    for words, env, said in (
        (("-f", named, "ping"), {}, "expected a mapping at the top of a file"),
        (("-f", str(demo.folder), "ping"), {}, "Config files of type"),
        (("ping",), {"INVOKE_RUNNER_KNOWN_HOSTS": "x"}, "unset one of: INVOKE_RUNNER_KNOWN_HOSTS"),
    ):
        ended = demo.type(*words, program=program, env=env)
        assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
        assert said in ended.stderr


def test_the_users_own_file_is_read_by_our_program_in_the_same_way(demo: Project) -> None:
    demo.write("home/.invoke.yaml", "runner: [a\n")
    ended = demo.type("ping", program="runner")
    assert (ended.code, len(ended.stderr.splitlines())) == (1, 1), ended.stderr
    assert "home/.invoke.yaml" in ended.stderr


def test_a_folder_that_is_gone_is_one_line(demo: Project) -> None:
    folder = demo.folder / "gone"
    folder.mkdir()
    ended = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *PROGRAMS["runner"], "ping"],
        cwd=folder,
        env=demo.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "the current folder no longer exists: change to another folder\n"


@pytest.mark.parametrize("words", [("--list",), ("run", "--help"), ()])
def test_who_reads_help_may_go_away(demo: Project, words: tuple[str, ...]) -> None:
    gone, pipe = os.pipe()
    os.close(gone)
    with demo.start(*words, program="runner", stdout=pipe) as process:
        os.close(pipe)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
    with open("/dev/full", "w") as full, demo.start(*words, program="runner", stdout=full) as process:  # noqa: PTH123
        assert process.communicate(timeout=60)[1] == b"stdout: No space left on device\n"
    assert process.returncode == 1
