"""Interactive shells over a real connection: echo, line ends, editing, paging, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Answer, Shell

PROMPT = "\r\nr1>"
MORE = " --More-- "
ERASED = "\b" * 10 + " " * 10 + "\b" * 10


def test_a_router_greets_with_its_prompt(shell: Callable[[str], Shell]) -> None:
    assert shell("r1").until("r1>") == "\r\nr1>"


def test_what_is_typed_comes_back_and_lines_end_with_carriage_return_and_line_feed(
    shell: Callable[[str], Shell],
) -> None:
    session = shell("r1")
    session.until("r1>")
    seen = session.type("show ip interface brief | include Loopback", PROMPT)
    echo, row, prompt = seen.split("\r\n")
    assert echo == "show ip interface brief | include Loopback"
    assert row.split() == ["Loopback0", "192.0.2.1", "YES", "NVRAM", "up", "up"]
    assert prompt == "r1>"


def test_return_line_feed_and_both_together_end_one_line_each(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.send("\r\n\n\r")
    assert session.until("r1>\r\nr1>\r\nr1>") == "\r\nr1>\r\nr1>\r\nr1>"
    session.send("exit\r")
    assert session.rest() == "exit\r\n"


def test_an_invalid_line_is_marked_under_the_echo(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    seen = session.type("show vertion", PROMPT)
    typed, caret = ("r1>" + seen).split("\r\n")[:2]
    assert typed[caret.index("^")] == "t"
    assert typed[: caret.index("^")] == "r1>show ver"


def test_backspace_and_line_kill_correct_the_line(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.send("shaw\b\x7fow clokc\b\bck | count UTC\r")
    assert "= 1" in session.until(PROMPT)
    session.send("nonsense\x15show clock | count UTC\r")
    assert "= 1" in session.until(PROMPT)


def test_the_secret_of_enable_is_not_echoed(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.type("enable", "Password: ")
    assert session.type("enable", "r1#") == "\r\nr1#"


def test_configuration_outlives_the_session(shell: Callable[[str], Shell]) -> None:
    first = shell("r1")
    first.until("r1>")
    first.type("enable", "Password: ")
    first.type("enable", "r1#")
    first.type("configure terminal", "r1(config)#")
    first.type("hostname renamed", "renamed(config)#")
    first.send("\x1a")
    first.until("renamed#")
    first.send("exit\r")
    first.rest()
    assert shell("r1").until("renamed>")


def test_long_output_waits_at_more_and_goes_on_by_page_and_by_line(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.send("show version\r")
    page = session.until(MORE)
    assert page.count("\r\n") == 1 + 23  # the echoed line, and a page of 24 with --More-- on the last
    session.send("\r")
    line = session.until(MORE)
    assert line.startswith(ERASED)
    assert line.count("\r\n") == 1
    session.send(" ")
    assert "Configuration register is 0x2102" in session.until(PROMPT)


def test_q_at_more_drops_the_rest(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.send("show version\r")
    session.until(MORE)
    session.send("q")
    assert session.until("r1>") == ERASED + "r1>"


def test_terminal_length_0_never_waits(shell: Callable[[str], Shell]) -> None:
    session = shell("sw1")
    session.until("sw1# ")
    session.type("terminal length 0", "sw1# ")
    seen = session.type("show running-config", "\r\nsw1# ")
    assert "--More--" not in seen
    assert seen.count("\r\n") > 24


def test_a_command_over_exec_never_waits(ask: Callable[..., Answer]) -> None:
    answer = ask("r1", "show version")
    assert answer.stdout.count("\r\n") > 24
    assert "--More--" not in answer.stdout


def test_exec_of_an_invalid_command_prints_the_refusal_and_reports_success(
    ask: Callable[..., Answer],
) -> None:
    answer = ask("r1", "show vertion")
    assert answer.stdout == "        ^\r\n% Invalid input detected at '^' marker.\r\n\r\n"
    assert (answer.stderr, answer.exit_code) == ("", 0)


def test_the_question_mark_helps_at_once_and_gives_the_line_back(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.send("show i?")
    assert session.until("r1>show i") == "show i?\r\ninterfaces  inventory  ip\r\nr1>show i"
    session.send("nv | count NAME\r")
    assert "= 3" in session.until(PROMPT)


def test_control_c_leaves_configuration_mode(shell: Callable[[str], Shell]) -> None:
    session = shell("sw1")
    session.until("sw1# ")
    session.type("configure terminal", "sw1(config)# ")
    session.send("half a line\x03")
    assert session.until("\r\nsw1# ") == "half a line\r\nsw1# "


def test_a_client_that_closes_its_side_ends_the_shell(shell: Callable[[str], Shell]) -> None:
    session = shell("r1")
    session.until("r1>")
    session.channel.shutdown_write()
    assert session.rest() == ""
    assert session.channel.recv_exit_status() == 0


def test_a_server_has_a_shell_too_and_reports_the_last_exit_code(shell: Callable[[str], Shell]) -> None:
    session = shell("web1")
    session.until("demo@web1:~$ ")
    assert session.type("cd /etc", "$ ") == "cd /etc\r\ndemo@web1:/etc$ "
    assert session.type("cat hostname; false", "$ ") == "cat hostname; false\r\nweb1\r\ndemo@web1:/etc$ "
    session.send("exit 7\r")
    session.rest()
    assert session.channel.recv_exit_status() == 7
