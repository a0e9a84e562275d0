"""A server's programs over a real connection: output, standard error, exit codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
        ("exit ² 2>/dev/null", "", 2),
        (f"exit {'9' * 5000} 2>/dev/null", "", 2),
        ("seq ² 2>/dev/null", "", 1),
        ("[ --5 -eq 5 ] 2>/dev/null", "", 2),
        (f"test {'1' * 5000} -gt 1 2>/dev/null", "", 2),
        ("echo 'sh again' >again; sh again 2>/dev/null; echo $?", "2\n", 0),
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
        ("id -un", "demo\n", 0),
        ("ls /", "etc\nhome\nroot\ntmp\nvar\n", 0),
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
        ("ls / | wc -l", "5\n", 0),
        ("cat /etc/passwd | grep demo | head -1", "demo:x:1000:1000::/home/demo:/bin/sh\n", 0),
        ("seq 12 | sort -rn | tail -n 2", "2\n1\n", 0),
        ("printf '%s\\n' b a b | sort | uniq -c", "      1 a\n      2 b\n", 0),
        ("echo one two | wc", "      1       2       8\n", 0),
        ("wc -l /etc/passwd", "2 /etc/passwd\n", 0),
        ("if true; then echo yes; else echo no; fi", "yes\n", 0),
        ("if false; then echo yes; else echo no; fi; echo $?", "no\n0\n", 0),
        ("if [ -f /etc/passwd ] && false; then echo a\nelse\n if true\n then echo b; fi; fi", "b\n", 0),
        ("while false; do echo never; done && echo after", "after\n", 0),
        ("A=x; while [ $A != xxx ]; do A=x$A; done; echo $A", "xxx\n", 0),
        ('echo "on $(hostname) $(echo "a  b")" $(echo c   d)', "on web1 a  b c d\n", 0),
        ("echo '$(hostname)'", "$(hostname)\n", 0),
        ("A=$(false); echo $?; B=$(echo one; exit 3); echo $B", "0\none\n", 0),
        ("exit 4 & wait $!; echo $?; kill -0 $! 2>/dev/null || echo gone", "4\ngone\n", 0),
        ('set -- a b; shift; echo "$1 ${2:-none} ${SHELL:-no}"', "b none /bin/sh\n", 0),
        ('eval "A=1; echo \\$A"; eval echo one | wc -l; exec echo last; echo never', "1\n1\nlast\n", 0),
        ("eval \"$(printf %b 'echo a\\necho b')\"", "a\nb\n", 0),
        ("grep -c root /etc/passwd", "1\n", 0),
        ("grep nobody /etc/passwd", "", 1),
        ("false | true", "", 0),
        ("set -o pipefail; false | true", "", 1),
        ("exit 3 | true; echo on", "on\n", 0),
        ("cd /etc | true; pwd", "/home/demo\n", 0),
        ("export A='b c'; env | grep ^A=", "A=b c\n", 0),
        ("A=1 sh -c 'echo $A'; echo [$A]", "1\n[]\n", 0),
        ("A=1; sh -c 'echo [$A]'", "[]\n", 0),
        ("sh -c 'echo $0 $1 $#' name one two", "name one 2\n", 0),
        ("sh -c 'exit 7'; echo $?", "7\n", 0),
        ("echo 'echo $0; exit 4' | sh", "sh\n", 4),
        ("set -e; false; echo not reached", "", 1),
        ("set -e; false || true; echo reached", "reached\n", 0),
        ("cd -- /etc >/dev/null || exit 1\npwd", "/etc\n", 0),
        ("cd -- /nope >/dev/null 2>&1 || exit 1\npwd", "", 1),
        ("[ -f /etc/motd ] && test 2 -gt 1 && [ ! -d /etc/motd ] && echo yes", "yes\n", 0),
        ("command -v wc && command -v cd", "/usr/bin/wc\ncd\n", 0),
        ("echo x >/tmp/new; echo y >>/tmp/new; cat </tmp/new; rm -f -- /tmp/new; ls /tmp", "x\ny\n", 0),
        (
            "printf '#!/bin/sh\\necho ran $1\\n' >/tmp/s; chmod 755 /tmp/s; /tmp/s it; rm /tmp/s",
            "ran it\n",
            0,
        ),
        ("mkdir -p /tmp/d/e; touch /tmp/d/e/f; ls /tmp/d/e; rm -r /tmp/d; ls /tmp", "f\n", 0),
        ("echo abc | sha256sum", "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb  -\n", 0),
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
        ("(ls)", "sh: this simulated shell does not know '('\n", 2),
        ("sh -c", "sh: this simulated shell knows 'sh -c TEXT', 'sh FILE' and 'sh' alone\n", 2),
        ("/etc/hostname", "sh: /etc/hostname: Permission denied\n", 126),
        ("./nope", "sh: ./nope: not found\n", 127),
        ("echo x >/etc/motd", "sh: cannot create /etc/motd: Permission denied\n", 2),
        ("cat </nope", "sh: cannot open /nope: No such file\n", 2),
        ("export 1=2", "sh: export: 1: bad variable name\n", 2),
        ("set -u; echo $nope; echo x", "sh: nope: parameter not set\n", 2),
        ("rm nope", "rm: cannot remove 'nope': No such file or directory\n", 1),
        ("rm /etc/motd", "rm: cannot remove '/etc/motd': Permission denied\n", 1),
        ("rm /tmp", "rm: cannot remove '/tmp': Is a directory\n", 1),
        ("mkdir /etc/x", "mkdir: cannot create directory '/etc/x': Permission denied\n", 1),
        ("grep x /nope", "grep: /nope: No such file or directory\n", 2),
        (
            "tail -f motd",
            "tail: this simulated server knows -n NUMBER and one file, not '-f motd'\n",
            1,
        ),
        ("[ a", "sh: [: missing ]\n", 2),
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
    booted = datetime.fromisoformat(ask("web1", "uptime -s").stdout.strip()).replace(tzinfo=UTC)
    assert datetime.now(UTC) - booted > timedelta(days=7)
    assert ask("web1", "df -h").stdout.splitlines()[-1].endswith(" /")
    assert ask("web1", "free -m").stdout.splitlines()[1].startswith("Mem:")
    assert "HOME=/home/demo\n" in ask("web1", "env").stdout


def test_a_long_output_arrives_whole(ask: Callable[..., Answer]) -> None:
    assert len(ask("web1", "seq 200000").stdout.splitlines()) == 200_000
