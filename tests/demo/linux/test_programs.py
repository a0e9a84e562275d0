"""A server's programs over a real connection: output, standard error, exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.demo.clients import Answer


@pytest.mark.parametrize(
    ("command", "stdout", "exit_code"),
    [
        ("true", "", 0),
        ("false", "", 1),
        ("exit 42", "", 42),
        ("exit 300", "", 44),
        ("false; exit", "", 1),
        ("exit 3; echo not reached", "", 3),
        ("echo one two", "one two\n", 0),
        ("echo -n bare", "bare", 0),
        ("hostname", "web1\n", 0),
        ("hostname -I", "198.51.100.201\n", 0),
        ("whoami", "demo\n", 0),
        ("id -u", "1000\n", 0),
        ("id", "uid=1000(demo) gid=1000(demo) groups=1000(demo)\n", 0),
        ("uname -n", "web1\n", 0),
        ("/usr/bin/uname -s", "Linux\n", 0),
        ("pwd; cd /etc && pwd", "/home/demo\n/etc\n", 0),
        ("ls", "notes.txt\n", 0),
        ("ls -a", ".profile\nnotes.txt\n", 0),
        ("ls /", "etc\nhome\ntmp\nvar\n", 0),
        ("ls ~/notes.txt", "/home/demo/notes.txt\n", 0),
        ("cat /etc/hostname", "web1\n", 0),
        ("cd ..; cat demo/notes.txt", "web1 is part of the demo fleet.\n", 0),
        ("sleep 0", "", 0),
        ("seq 3", "1\n2\n3\n", 0),
        ("seq 7 8", "7\n8\n", 0),
        ("date +%Z", "UTC\n", 0),
        ("systemctl is-active nginx", "active\n", 0),
        ("systemctl is-active postgresql.service", "inactive\n", 3),
        ("systemctl is-active nothing", "inactive\n", 4),
        ("false && echo no || echo yes", "yes\n", 0),
        ("false; echo $?", "1\n", 0),
        ("echo hidden >/dev/null", "", 0),
        ("", "", 0),
    ],
)
def test_a_command_prints_and_ends_as_the_real_one_does(
    ask: Callable[..., Answer], command: str, stdout: str, exit_code: int
) -> None:
    answer = ask("web1", command)
    assert (answer.stdout, answer.stderr, answer.exit_code) == (stdout, "", exit_code)


@pytest.mark.parametrize(
    ("command", "stderr", "exit_code"),
    [
        ("foo", "sh: foo: not found\n", 127),
        ("cat /nope", "cat: /nope: No such file or directory\n", 1),
        ("cat /etc", "cat: /etc: Is a directory\n", 1),
        ("ls /nope", "ls: cannot access '/nope': No such file or directory\n", 2),
        ("cd /nope", "sh: cd: can't cd to /nope\n", 2),
        ("exit soon", "sh: exit: Illegal number: soon\n", 2),
        ("sleep", "sleep: missing operand\n", 1),
        ("sleep -1", "sleep: invalid time interval '-1'\n", 1),
        ("sleep inf", "sleep: invalid time interval 'inf'\n", 1),
        ("uname --all", "uname: invalid option '--all'\n", 1),
        ("seq x", "seq: this simulated shell knows 'seq LAST' and 'seq FIRST LAST'\n", 1),
        ("systemctl stop nginx", "systemctl: this simulated server knows 'systemctl is-active UNIT'\n", 1),
        ("ls | wc", "sh: this simulated shell does not know '|'\n", 2),
        ("echo 'x", "sh: syntax error: unterminated quoted string\n", 2),
        ("echo oops >&2", "oops\n", 0),
    ],
)
def test_complaints_go_to_standard_error(
    ask: Callable[..., Answer], command: str, stderr: str, exit_code: int
) -> None:
    answer = ask("web1", command)
    assert (answer.stdout, answer.stderr, answer.exit_code) == ("", stderr, exit_code)


def test_cat_gives_standard_input_back_unchanged(ask: Callable[..., Answer]) -> None:
    assert ask("web1", "cat", b"one\ntwo").stdout == "one\ntwo"
    assert ask("web1", "cat /etc/hostname -", b"and this").stdout == "web1\nand this"


def test_standard_error_and_output_stay_apart(ask: Callable[..., Answer]) -> None:
    answer = ask("web1", "cat /etc/hostname /nope")
    assert (answer.stdout, answer.exit_code) == ("web1\n", 1)
    assert answer.stderr == "cat: /nope: No such file or directory\n"


def test_a_terminal_has_one_output_and_two_characters_at_the_end_of_a_line(
    ask: Callable[..., Answer],
) -> None:
    answer = ask("web1", "echo out; echo err >&2", pty=True)
    assert (answer.stdout, answer.stderr) == ("out\r\nerr\r\n", "")


def test_the_system_tells_about_itself(ask: Callable[..., Answer]) -> None:
    assert ask("web2", "uname -a").stdout.startswith("Linux web2 6.1.0-26-amd64 ")
    assert 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' in ask("web1", "cat /etc/os-release").stdout
    assert " up 7 days,  3:06,  1 user,  load average:" in ask("web1", "uptime").stdout
    assert ask("web1", "df -h").stdout.splitlines()[-1].endswith(" /")
    assert ask("web1", "free -m").stdout.splitlines()[1].startswith("Mem:")
    assert "HOME=/home/demo\n" in ask("web1", "env").stdout


def test_a_long_output_arrives_whole(ask: Callable[..., Answer]) -> None:
    assert len(ask("web1", "seq 200000").stdout.splitlines()) == 200_000
