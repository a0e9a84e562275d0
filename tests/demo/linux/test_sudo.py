"""`sudo` on a server: whom it asks, and what runs as whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.demo import Fleet
from tests.demo.clients import connect, execute, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.demo.clients import Answer


@pytest.mark.parametrize(
    ("command", "stdout"),
    [
        ("sudo -S -p '' id", "uid=0(root) gid=0(root) groups=0(root)\n"),
        ("sudo -S -p '' -u demo whoami; whoami", "demo\ndemo\n"),
        (
            "cd /etc; A=1; export A; sudo -HS -p '' -- sh -c 'pwd; echo $HOME $USER [$A]'",
            "/etc\n/root root []\n",
        ),
        ("sudo -S -p '' sh -c 'echo x >/etc/new' && cat /etc/new", "x\n"),
        ("sudo -S -p '' sh -c 'mkdir /srv && touch /srv/a && rm /etc/motd' && ls /srv", "a\n"),
        ("sudo -S -p '' sudo id -u", "0\n"),
        ("sudo -S -p '' cat", "what follows\n"),
        ("sudo -S -p '' sh -c 'exit 7'; echo $?", "7\n"),
    ],
)
def test_the_right_password_runs_the_command_as_the_other_account(
    ask: Callable[..., Answer], command: str, stdout: str
) -> None:
    answer = ask("web1", command, b"demo\nwhat follows\n")
    assert (answer.stdout, answer.stderr, answer.exit_code) == (stdout, "", 0)


REFUSED = "1 incorrect password attempt"


NO_TERMINAL = "sudo: a terminal is required to read the password; use the -S option\n"


@pytest.mark.parametrize(
    ("command", "stdin", "stderr"),
    [
        ("sudo -n id", b"", "sudo: a password is required\n"),
        (
            "sudo id",
            b"",
            f"{NO_TERMINAL}sudo: a password is required\n",
        ),
        ("sudo -S id", b"", "[sudo] password for demo: \nsudo: no password was provided\n"),
        (
            "sudo -S -p 'say: ' id",
            b"wrong\n",
            f"say: Sorry, try again.\nsay: \nsudo: no password was provided\nsudo: {REFUSED}\n",
        ),
        (
            "sudo -S -p : id",
            b"1\n2\n3\ndemo\n",
            ":Sorry, try again.\n" * 3 + "sudo: 3 incorrect password attempts\n",
        ),
        ("sudo -u bob id", b"", "sudo: unknown user bob\n"),
        ("sudo", b"", "usage: sudo [-HSn] [-p prompt] [-u user] command [arg ...]\n"),
    ],
)
def test_without_it_nothing_runs(ask: Callable[..., Answer], command: str, stdin: bytes, stderr: str) -> None:
    answer = ask("web1", command, stdin)
    assert (answer.stdout, answer.stderr, answer.exit_code) == ("", stderr, 1)


def test_the_password_may_come_through_a_pipe(ask: Callable[..., Answer]) -> None:
    assert ask("web1", "echo demo | sudo -S -p '' id -un").stdout == "root\n"


def test_a_server_may_let_an_account_in_without_a_password() -> None:
    with Fleet([named("web1", sudo_asks=False)]) as fleet, connect(fleet, "web1") as client:
        assert execute(client, "sudo -n id -un").stdout == "root\n"


def test_too_many_within_each_other_are_refused(ask: Callable[..., Answer]) -> None:
    answer = ask("web1", f"sudo -S -p '' {'sudo ' * 2000}id", b"demo\n")
    assert (answer.stderr, answer.exit_code) == ("sh: too many shells within shells\n", 2)


def test_what_root_may_change_the_account_still_may_not(ask: Callable[..., Answer]) -> None:
    assert ask("web1", "sudo -S -p '' true; touch /etc/new", b"demo\n").exit_code == 1
