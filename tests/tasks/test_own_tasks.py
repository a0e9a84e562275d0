"""Tasks of one's own: their arguments, what they print, and secrets that nobody is there to give."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

TASKS = """
import runner
from runner.tasks import namespace

@runner.host_task
def greet(host, name, times: int = 1):
    '''Greet.'''
    host.run("hostname")
    return f"{name} " * times

@runner.host_task
def broken(host):
    '''Break.'''
    return 1 / 0

namespace.add_task(greet)
namespace.add_task(broken)
"""


@pytest.fixture
def own(demo: Project) -> Project:
    demo.write("tasks.py", TASKS)
    return demo


def test_what_a_task_returns_is_shown_once(own: Project) -> None:
    done = own.type("greet", "-g", "web1", "--name", "hi", "--times", "2")
    assert done.code == 0
    assert done.stdout.splitlines()[:-1] == ["web1: ok", "  hi hi"]


def test_an_argument_that_is_needed_is_missed(own: Project) -> None:
    done = own.type("greet", "-g", "web1")
    assert (done.code, done.stdout, done.stderr) == (1, "", "greet: --name is needed\n")


def test_a_number_that_is_none_is_one_line(own: Project) -> None:
    done = own.type("greet", "-g", "web1", "--name", "hi", "--times", "x")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == "--times 'x': expected a whole number\n"


def test_the_number_of_runs_to_list_is_a_number(own: Project) -> None:
    done = own.type("history", "--limit", "x")
    assert (done.code, done.stderr) == (
        1,
        "history.list: --limit 'x': expected a whole number, such as 10\n",
    )


def test_a_parameter_called_like_a_flag_is_refused_by_name(own: Project) -> None:
    own.write("tasks.py", TASKS.replace("name, times", "name, user, times"))
    done = own.type("ping")
    assert done.code == 1
    assert "host task greet: user is a flag that every task has" in done.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("async def f(host): return 1", "host task f: it must be a plain function"),
        ("def f(host): yield 1", "host task f: it must be a plain function"),
        ("def f(): return 1", "host task f: it needs a parameter for the host"),
        ("def f(host, *names): return 1", "host task f: *names has no flag; name each parameter"),
        ("def f(host, **more): return 1", "host task f: **more has no flag; name each parameter"),
        ("def f(host, g=1): return g", "host task f: g is a flag that every task has"),
        (
            "class f:\n    def __call__(self, host): return 1\nf = f()",
            "host task: expected a function",
        ),
    ],
)
def test_a_function_that_cannot_be_a_task_is_refused_where_it_is_declared(
    own: Project, code: str, said: str
) -> None:
    own.write("tasks.py", f"import runner\n{code}\nrunner.host_task(f)\n")
    done = own.type("ping")
    assert done.code == 1
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("flag", "what"), [("--ask-pass", "SSH password"), ("--ask-become-pass", "--become")]
)
def test_a_secret_that_nobody_is_there_to_give_is_one_line(own: Project, flag: str, what: str) -> None:
    with own.start("run", "true", flag, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, b"")
    assert what in stderr.decode()
    assert "standard input is at its end" in stderr.decode()
    assert "GetPassWarning" not in stderr.decode()


def test_a_dry_run_says_what_would_be_sent(own: Project) -> None:
    done = own.type("run", "-c", "show clock", "-c", "show version", "-g", "good", "--dry-run")
    assert done.code == 0
    assert "good (3): skipped\n  would be sent: show clock ; show version\n" in done.stdout


def test_a_host_that_was_sent_nothing_has_no_file(own: Project) -> None:
    own.type("run", "show clock", "-g", "r1:r-down", "--output-dir", "out")
    files = {path.name: path.read_text() for path in (own.folder / "out").iterdir()}
    assert set(files) == {"r1", "index.jsonl", "failed.txt"}
    assert files["failed.txt"] == "r-down\n"
