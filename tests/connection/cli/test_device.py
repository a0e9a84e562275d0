"""The scripted device keeps to its script, as a plain Paramiko client sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import paramiko
import pytest

from runner.connection.deadline import Deadline
from runner.connection.ssh import connect
from tests.connection.cli import traps
from tests.connection.cli.device import Device
from tests.connection.cli.person import Person, client_of, person_at, screen
from tests.connection.cli.script import Echo, Pager, Script
from tests.connection.cli.steps import HANG, NO_PROMPT, Key, Later, Slowly
from tests.connection.cli.traps import CLOCK, LINES, LOST, SECRET, TRAPS, WHOLE, device_that
from tests.connection.peers.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

_WHOLE = sorted(name for name, trap in TRAPS.items() if trap.ending == WHOLE and name != "second login")
_PAGED = "".join(f"line {number}\n" for number in range(1, 13))


# Traps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", _WHOLE)
def test_a_person_sees_the_whole_answers(name: str) -> None:
    trap = TRAPS[name]
    with Device(trap.script()) as device, person_at(device) as person:
        for command, output in zip(trap.commands, trap.outputs, strict=True):
            person.send(f"{command}\r")
            end = f"{output}\nr1#" if device.script.pager else f"{output}\n"
            person.sees(lambda seen, end=end: end in seen, device.script.pager)
        person.send("exit\r")
        person.all()
        assert device.commands == [*trap.commands, "exit"]
        assert device.questions == []


@pytest.mark.parametrize("name", sorted(name for name, trap in TRAPS.items() if trap.ending == LOST))
def test_the_session_ends_in_the_middle_of_the_answer(name: str) -> None:
    trap = TRAPS[name]
    with Device(trap.script()) as device, person_at(device) as person:
        person.send(f"{trap.commands[0]}\r")
        assert person.all() == f"{trap.commands[0]}\n{trap.outputs[0]}\n"
        if name == "dropped connection":
            device.wait(lambda: device.open_connections == 0)
        else:
            assert device.open_connections == 1
        assert person.channel.closed is (name != "end of file") or person.channel.eof_received


def test_a_hanging_device_says_nothing_more_and_does_not_echo() -> None:
    with Device(TRAPS["hanging"].script()) as device, person_at(device) as person:
        person.type("show trap", "line 1\r\n")
        person.channel.settimeout(0.5)
        person.send("\r\r")
        with pytest.raises(TimeoutError):
            person.channel.recv(1)
        assert device.open_shells == 1


def test_a_refused_command_ends_at_the_prompt() -> None:
    trap = TRAPS["refused"]
    with Device(trap.script()) as device, person_at(device) as person:
        assert trap.outputs[0] in screen(person.type("show trap", "r1#"))


# Questions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["confirm", "yes or no", "file name"])
def test_a_question_without_a_reply_is_recorded_as_such(name: str) -> None:
    trap = TRAPS[name]
    with Device(trap.script()) as device:
        with person_at(device) as person:
            person.send("show trap\r")
            person.sees(lambda seen: seen.rstrip().endswith(trap.outputs[0]))
        device.wait(lambda: device.open_shells == 0)
        (question,) = device.questions
        assert (question.typed, question.reply) == (b"", None)
        assert trap.outputs[0].endswith(question.text.rstrip())


@pytest.mark.parametrize(
    ("name", "typed", "reply", "goes_on"),
    [
        ("confirm", "\r", "", True),
        ("confirm", "y", "y", True),
        ("confirm", "n", "n", False),
        ("yes or no", "y\r", "y", True),
        ("yes or no", "\r", "", False),
        ("yes or no", "no\r", "no", False),
    ],
)
def test_a_reply_is_recorded_and_heeded(name: str, typed: str, reply: str, *, goes_on: bool) -> None:
    with Device(TRAPS[name].script()) as device, person_at(device) as person:
        person.send("show trap\r")
        person.sees(lambda seen: "?" in seen)
        person.send(typed)
        seen = person.until("r1#")
        assert ("reloading" in seen or "done" in seen) is goes_on
        (question,) = device.questions
        assert (question.typed, question.reply) == (typed.encode(), reply)


def test_what_was_typed_ahead_becomes_the_reply() -> None:
    with Device(TRAPS["yes or no"].script()) as device, person_at(device) as person:
        person.send("show trap\rshow clock\r")
        person.sees(lambda seen: seen.endswith("show clock\nr1#"))
        assert [question.reply for question in device.questions] == ["show clock"]
        assert device.commands == ["show trap"]


def test_half_a_reply_is_recorded_but_is_none() -> None:
    with Device(TRAPS["yes or no"].script()) as device:
        with person_at(device) as person:
            person.send("show trap\r")
            person.until("(y/n) ")
            person.send("y")
            person.until("y")
        device.wait(lambda: device.open_shells == 0)
        assert [(question.typed, question.reply) for question in device.questions] == [(b"y", None)]


# Time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trap",
    [traps.silence(1), traps.prompt_line(1), traps.prompt_inside_a_line(1)],
)
def test_the_pause_comes_after_the_first_part(trap: traps.Trap) -> None:
    first = trap.outputs[0].splitlines()[0]
    with Device(trap.script()) as device, person_at(device) as person:
        begun = time.monotonic()
        person.send("show trap\r")
        person.sees(lambda seen: first in seen)
        person.sees(lambda seen: seen.endswith(f"{trap.outputs[0].splitlines()[-1]}\nr1#"))
        assert time.monotonic() - begun > 0.8


def test_a_prompt_comes_in_two_parts() -> None:
    with Device(traps.prompt_in_two_packets(1).script()) as device, person_at(device) as person:
        begun = time.monotonic()
        person.type("show trap", "line 3\r\nr")
        person.until("1#")
        assert time.monotonic() - begun > 0.8


def test_a_slow_echo_comes_byte_by_byte() -> None:
    with Device(device_that(echo=Echo(pause_s=0.05))) as device, person_at(device) as person:
        begun = time.monotonic()
        person.type("show trap", f"{LINES}r1#".replace("\n", "\r\n"))
        assert time.monotonic() - begun > 9 * 0.05


def test_a_slow_login_shows_nothing_for_a_while() -> None:
    begun = time.monotonic()
    with Device(traps.slow_login(1).script()) as device, client_of(device) as client:
        Person(client).until("r1#")
        assert time.monotonic() - begun > 0.9


def test_a_password_is_judged_after_a_while_and_the_wrong_one_is_refused() -> None:
    with Device(Script(auth_pause_s=0.5)) as device:
        begun = time.monotonic()
        with person_at(device):
            assert time.monotonic() - begun > 0.5
        device.script.password = "another"
        stranger = Device(Script(password="right"))
        with stranger, paramiko.Transport(("127.0.0.1", stranger.port)) as transport:
            transport.start_client(timeout=60)
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_password(stranger.script.user, "wrong")
        assert (device.logins, stranger.logins) == (1, 0)


def test_a_late_line_comes_while_the_session_goes_on() -> None:
    script = Script(commands={"a": ("a-done\n", Later(1, "late\n")), "b": "b-done\n", "c": Key("x")})
    with Device(script) as device, person_at(device) as person:
        person.type("a", "a-done\r\nr1#")
        assert "late" not in person.type("b", "b-done\r\nr1#")
        person.type("c", "late\r\n")


def test_bytes_come_in_parts() -> None:
    script = device_that((Slowly("ü".encode(), 0.3), "\n"))
    with Device(script) as device, person_at(device) as person:
        person.send("show trap\r")
        seen = b""
        while not seen.endswith(b"show trap\r\n\xc3"):
            seen += person.channel.recv(1024)
        assert person.channel.recv(1024).startswith(b"\xbc")


# Pagers and session commands ------------------------------------------------------------------------------


def paged(**changes: object) -> Script:
    return device_that(_PAGED, pager=Pager(lines=5), **changes)


def test_a_pager_goes_on_by_page_by_line_and_ends_by_another_key() -> None:
    with Device(paged()) as device, person_at(device) as person:
        assert "line 6" not in person.type("show trap", "line 5\r\n --More-- ")
        person.send(" ")
        assert "line 11" not in person.until("line 10\r\n --More-- ")
        person.send("\r")
        assert "line 12" not in person.until("line 11\r\n --More-- ")
        person.send("q")
        assert "line 12" not in person.until("r1#")
        assert [line.text for line in device.received if line.kind == "key"] == [" ", "\r", "q"]


def test_a_command_that_was_typed_ahead_ends_the_output_of_a_pager() -> None:
    with Device(paged()) as device, person_at(device) as person:
        person.send("show trap\rshow clock\r")
        person.sees(
            lambda seen: seen.endswith("how clock\n       ^\n% Invalid input detected at '^' marker.\n\nr1#")
        )
        assert device.commands == ["show trap", "how clock"]


@pytest.mark.parametrize("done", ["accept", "ignore", "refuse"])
def test_session_commands(done: str) -> None:
    with Device(paged(session_commands=done)) as device, person_at(device) as person:
        assert ("% Invalid" in person.type("terminal length 0", "r1#")) is (done == "refuse")
        seen = person.type("show trap", "r1#" if done == "accept" else " --More-- ")
        assert ("line 12" in seen) is (done == "accept")


# Logins and modes -----------------------------------------------------------------------------------------


def test_a_second_login_on_the_command_line() -> None:
    with Device(TRAPS["second login"].script()) as device, client_of(device) as client:
        person = Person(client)
        person.until("User: ")
        person.type(device.script.user, "Password:")
        assert "wrong" not in person.type("wrong", "User: ")
        person.type(device.script.user, "Password:")
        person.type(traps.PASSWORD, "(Cisco Controller) >")
        assert [line.kind for line in device.received] == ["reply", "secret"] * 2
        person.type("show trap", f"{LINES}(Cisco Controller) >".replace("\n", "\r\n"))


def test_a_second_login_ends_after_three_failures() -> None:
    with Device(traps.second_login("user", "right").script()) as device, client_of(device) as client:
        person = Person(client)
        for _ in range(3):
            person.until("User: ")
            person.type("user", "Password:")
            person.send("wrong\r")
        assert person.all().endswith("Access denied\n")
        assert device.commands == []


def test_a_menu_has_no_prompt_until_its_way_out_is_chosen() -> None:
    with Device(TRAPS["menu"].script()) as device, client_of(device) as client:
        person = Person(client)
        person.until("Selection: ")
        person.type("show trap", "Selection: ")
        person.type("q", "\r\nr1#")
        assert [question.reply for question in device.questions] == ["show trap", "q"]
        assert device.commands == []


def test_enable_asks_for_its_secret() -> None:
    with Device(traps.privileged()) as device, person_at(device) as person:
        assert "% Invalid" in person.type("show trap", "r1>")
        person.type("enable", "Password: ")
        for _ in range(2):
            person.type("wrong", "Password: ")
        assert "% Bad secrets" in person.type("wrong", "r1>")
        person.type("enable", "Password: ")
        assert SECRET not in person.type(SECRET, "r1#")
        person.type("show trap", "line 3\r\nr1#")
        assert [line.text for line in device.received if line.kind == "secret"] == ["wrong"] * 3 + [SECRET]


@pytest.mark.parametrize("way_out", ["end\r", "exit\r", "\x1a"])
def test_configuration_mode_changes_the_prompt_and_is_left(way_out: str) -> None:
    with Device(traps.privileged(None)) as device:
        with person_at(device) as person:
            person.type("enable", "r1#")
            person.type("configure terminal", "r1(config)#")
            assert "% Invalid" in person.type("bogus", "r1(config)#")
            assert "% Invalid" not in person.type("hostname r2", "r1(config)#")
            person.send(way_out)
            person.until("r1#")
            assert [line.prompt for line in device.received if line.text == "hostname r2"] == ["r1(config)#"]
            person.send("exit\r")
            person.all()
        assert device.prompts == ["r1#"]


def test_a_session_that_is_closed_in_configuration_mode_is_recorded_as_such() -> None:
    with Device(traps.privileged(None)) as device:
        with person_at(device) as person:
            person.type("enable", "r1#")
            person.type("configure terminal", "r1(config)#")
        device.wait(lambda: device.prompts == ["r1(config)#"])


def test_editing_keys() -> None:
    with Device(device_that()) as device, person_at(device) as person:
        person.type("show trapp\x7f", "line 3\r\nr1#")
        person.send("show tr\x03")
        person.until("r1#")
        person.send("show clock\r\n")
        person.until(f"{CLOCK}\r\nr1#")
        assert [line.text for line in device.received] == ["show trap", "", "show clock"]


# Exec, channels, records ----------------------------------------------------------------------------------


def answer_by_exec(device: Device, command: str) -> bytes:
    with client_of(device) as client:
        channel = client.get_transport().open_session(timeout=60)
        channel.settimeout(60)
        channel.exec_command(command)
        return channel.makefile("rb").read()


def test_exec_is_refused_and_recorded() -> None:
    with Device(device_that()) as device:
        with pytest.raises(paramiko.SSHException):
            answer_by_exec(device, "show trap")
        assert (device.execs, device.commands, device.shells) == (["show trap"], [], 0)


def test_exec_is_answered_by_a_table() -> None:
    with Device(device_that(execute={"show trap": LINES}, hangs_up=True)) as device:
        assert answer_by_exec(device, "show trap").decode() == LINES.replace("\n", "\r\n")
        assert b"% Invalid" in answer_by_exec(device, "bogus")
        assert device.execs == ["show trap", "bogus"]
        device.wait(lambda: device.open_connections == 0)


def test_exec_is_ignored_for_a_banner() -> None:
    with Device(traps.exec_ignored()) as device:
        assert answer_by_exec(device, "show trap") == b"Welcome to r1\r\n"


def test_exec_opens_a_shell_that_waits_for_commands() -> None:
    with Device(traps.exec_opens_a_shell()) as device, client_of(device) as client:
        channel = client.get_transport().open_session(timeout=60)
        channel.settimeout(60)
        channel.exec_command("show trap")
        channel.sendall(b"exit\r")
        assert channel.makefile("rb").read() == b"Welcome to r1\r\nr1#exit\r\n"


def test_connections_channels_and_terminals_are_counted() -> None:
    with Device(device_that(channels=1)) as device:
        with client_of(device) as client, person_at(device):
            assert (device.connections, device.logins, device.shells) == (2, 2, 1)
            client.invoke_shell("xterm", 511, 100)
            assert device.terminals == [("vt100", 80, 24), ("xterm", 511, 100)]
            with pytest.raises(paramiko.ChannelException):
                client.invoke_shell()
            device.wait(lambda: device.open_shells == 2)
        device.wait(lambda: (device.open_shells, device.open_connections) == (0, 0))
        assert (device.connections, device.logins, device.shells) == (2, 2, 2)


def test_everything_that_came_is_recorded_with_its_time() -> None:
    script = device_that((NO_PROMPT, HANG))
    with Device(script) as device, person_at(device) as person:
        begun = time.monotonic()
        person.send("show clock\r")
        person.until(f"{CLOCK}\r\nr1#")
        person.type("show trap", "\r\n")
        person.send("more")
        device.wait(lambda: b"".join(data for _, _, data in device.chunks).endswith(b"more"))
        assert [line.connection for line in device.received] == [1, 1]
        times = [line.at for line in device.received] + [device.chunks[-1][0]]
        assert times == sorted(times)
        assert begun <= times[0] <= times[-1] <= time.monotonic()


@pytest.mark.parametrize("way", [{"terminal": False}, {"shell": False}])
def test_terminals_and_shells_can_be_refused(way: dict[str, bool]) -> None:
    with Device(device_that(**way)) as device, client_of(device) as client:
        with pytest.raises(paramiko.SSHException):
            client.invoke_shell()
        assert device.shells == 0


def test_old_gear_offers_old_algorithms_only() -> None:
    with (
        Device(Script(listening={"kex_algs": ["diffie-hellman-group14-sha1"]})) as device,
        paramiko.Transport(("127.0.0.1", device.port)) as transport,
    ):
        with pytest.raises(paramiko.SSHException):
            transport.start_client(timeout=60)
        assert (device.connections, device.logins) == (1, 0)


def test_a_password_change_is_asked_for_before_the_first_prompt() -> None:
    with Device(TRAPS["password change"].script()) as device:
        with client_of(device) as client:
            assert "r1#" not in Person(client).until("[Y/N]:")
        device.wait(lambda: device.open_shells == 0)
        assert [question.typed for question in device.questions] == [b""]


def test_syslog_line_after_line_comes_at_the_prompt() -> None:
    trap = traps.syslog_line_after_line(5)
    with Device(trap.script()) as device, person_at(device) as person:
        person.send("show trap\r")
        person.sees(lambda seen: seen.endswith(f"{LINES}r1#" + f"\n{traps.SYSLOG}r1#" * 5))


def test_many_devices_share_an_event_loop() -> None:
    with Stage() as stage:
        devices = [Device(Script(f"r{number}#"), stage) for number in range(5)]
        for device in devices:
            with person_at(device):
                assert device.open_shells == 1
        devices[0].close()
        with person_at(devices[1]):
            assert devices[1].shells == 2


def test_the_project_logs_in_with_the_options_of_the_device(tmp_path: Path) -> None:
    with Device(device_that()) as device:
        connect(device.host(), device.options(tmp_path), Deadline()).close()
        device.wait(lambda: device.logins == 1)
