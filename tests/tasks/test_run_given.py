"""`run`: what commands are given on the command line, and how what follows -- is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path) -> Project:
    """A project whose one host is this machine."""
    made = Project(tmp_path)
    made.write("inventories/hosts", "here ansible_connection=local\n")
    made.write("invoke.yaml", "runner:\n  inventory: inventories\n  no_ping: true\n  no_history: true\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def said(here: Project, *words: str, **how: object) -> str:
    done = here.type("run", "--format", "json", *words, **how)  # type: ignore[arg-type]
    assert done.code == 0, done.stderr
    return str(done.document["hosts"]["here"]["commands"][0]["stdout"])


@pytest.mark.parametrize("program", ["invoke", "runner"])
def test_words_behind_the_dashes_arrive_as_words(here: Project, program: str) -> None:
    words = ("--", "printf", "<%s>", "a b", "it's", "$HOME", "*", "")

    assert said(here, *words, program=program) == "<a b><it's><$HOME><*><>"


def test_quotes_within_a_word_stay(here: Project) -> None:
    assert said(here, "--", "sh", "-c", 'printf "<%s>" "b c" d') == "<b c><d>"


def test_one_word_is_a_command_line(here: Project) -> None:
    assert said(here, "--", "printf '<%s>' $((1 + 1)) | tr 2 3") == "<3>"


def test_standard_input_is_given_to_the_command(here: Project, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("from a file")
    with text.open("rb") as file:
        assert said(here, "--stdin", "-", "--cmd", "cat", stdin=file) == "from a file"
    assert said(here, "--stdin", str(text), "--cmd", "cat") == "from a file"


def test_variables_and_folder(here: Project) -> None:
    words = ("--env", "A=1=2", "--env", "B=", "--chdir", "/usr/bin", "--cmd", 'echo "$A<$B>"; pwd')

    assert said(here, *words) == "1=2<>\n/usr/bin\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--env", "A"), "--env 'A': expected NAME=VALUE"),
        (("--env", "1=2"), "'1' is not a name of an environment variable"),
        (("--stdin", "none"), "standard input 'none': No such file"),
        (("--pty-size", "big"), "--pty-size 'big': expected columns and rows"),
        (("--overflow", "ignore"), "--overflow 'ignore': expected one of"),
    ],
)
def test_what_cannot_be_given_is_one_line(here: Project, words: tuple[str, ...], complaint: str) -> None:
    done = here.type("run", *words, "--cmd", "true")

    assert (done.code, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
