"""An Arista switch: prompts, refusals, configuration sessions, and output that ntc-templates parse."""

from __future__ import annotations

import pytest

from runner.demo import eos_switch
from runner.demo.cli.eos import EOS
from runner.demo.cli.session import Session
from runner.demo.cli.state import DeviceState

from .clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> DeviceState:
    return DeviceState(eos_switch("eos1", 1), clock)


@pytest.fixture
def switch(state: DeviceState) -> Session:
    """A session in privileged mode."""
    session = Session(state, EOS)
    type_lines(session, "enable", "enable")
    return session


def type_lines(session: Session, *lines: str) -> str:
    return "".join(session.execute(line) for line in lines)


def description(session: Session) -> str:
    return session.execute("show running-config | include uplink|changed").strip()


def test_the_prompt_follows_the_mode(state: DeviceState) -> None:
    session, seen = Session(state, EOS), []
    for line in ("", "enable", "enable", "configure", "int et1", "int Vlan10", "exit", "end"):
        session.execute(line)
        seen.append(session.prompt)
    assert seen == [
        *("eos1>", "Password: ", "eos1#", "eos1(config)#"),
        *("eos1(config-if-Et1)#", "eos1(config-if-Vl10)#", "eos1(config)#", "eos1#"),
    ]


def test_the_prompt_of_a_configuration_session_has_six_letters_of_its_name(switch: Session) -> None:
    switch.execute("configure session maintenance")
    assert switch.prompt == "eos1(config-s-mainte)#"
    switch.execute("interface Management1")
    assert switch.prompt == "eos1(config-s-mainte-if-Ma1)#"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("foo", "% Invalid input (at token 0: 'foo')\n"),
        ("show vertion", "% Invalid input (at token 1: 'vertion')\n"),
        ("show interfaces Et9 status", "% Invalid input (at token 2: 'Et9')\n"),
        ("show clock | grep x", "% Invalid input (at token 3: 'grep')\n"),
        ("show in", "% Incomplete command (at token 1: 'in')\n"),
        ("co", "% Ambiguous command (at token 0: 'co')\n"),
        ("show", "% Incomplete command (at token 0: 'show')\n"),
        ("commit", "% Invalid input (at token 0: 'commit')\n"),
        ("configure session a commit timer 5", "% Invalid input (at token 5: '5')\n"),
    ],
)
def test_a_line_is_refused_in_the_words_of_eos(switch: Session, line: str, answer: str) -> None:
    assert switch.execute(line) == answer


def test_commands_of_a_session_are_refused_in_plain_configuration_mode(switch: Session) -> None:
    switch.execute("configure")
    assert type_lines(switch, "commit", "abort").count("% Invalid input") == 2


def test_user_mode_cannot_configure(state: DeviceState) -> None:
    assert type_lines(Session(state, EOS), "configure", "show running-config").count("% Invalid input") == 2


def test_the_terminal_settings_say_what_they_set(switch: Session) -> None:
    assert switch.execute("terminal width 32767") == "Width set to 32767 columns.\n"
    assert switch.execute("terminal length 30") == "Pagination set to 30 lines.\n"
    assert switch.execute("terminal length 0") == "Pagination disabled.\n"
    assert switch.page_length == 0


def test_plain_configuration_takes_effect_at_once(switch: Session) -> None:
    type_lines(switch, "configure terminal", "interface Ethernet1", "description changed")
    assert "description changed" in switch.execute("show running-config | section Ethernet1")
    type_lines(switch, "hostname core", "ntp server 192.0.2.9", "end")
    assert switch.prompt == "core#"
    assert "ntp server 192.0.2.9\n" in switch.execute("show running-config")


def test_a_session_changes_nothing_before_its_commit(switch: Session) -> None:
    type_lines(switch, "configure session one", "hostname core", "interface Et1", "description changed")
    assert description(switch) == "description uplink to r1"
    assert switch.prompt == "eos1(config-s-one-if-Et1)#"
    assert switch.execute("commit") == ""
    assert description(switch) == "description changed"
    assert switch.prompt == "core#"


def test_a_session_shows_its_differences(switch: Session) -> None:
    type_lines(switch, "configure session one", "interface Et1", "description changed")
    lines = switch.execute("show session-config diffs").splitlines()
    assert lines[:2] == ["--- system:/running-config", "+++ session:/one-session-config"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-   description uplink to r1",
        "+   description changed",
    ]
    switch.execute("end")
    assert switch.execute("show session-config named one diffs").splitlines() == lines
    assert "% Invalid input" in switch.execute("show session-config diffs")


def test_an_abort_throws_the_session_away(switch: Session) -> None:
    type_lines(switch, "configure session one", "hostname core", "abort")
    assert switch.prompt == "eos1#"
    type_lines(switch, "configure session one")
    assert switch.execute("show session-config diffs") == ""


def test_a_session_that_is_left_waits_for_its_commit(switch: Session, state: DeviceState) -> None:
    type_lines(switch, "configure session one", "hostname core", "exit")
    assert "  one            pending" in switch.execute("show configuration sessions")
    another = Session(state, EOS)
    type_lines(another, "enable", "enable", "configure session one")
    assert "* one            pending" in another.execute("show configuration sessions")
    another.execute("commit")
    assert switch.prompt == "core#"
    assert "pending" not in switch.execute("show configuration sessions").partition("---")[2]


def test_sessions_without_a_name_get_one(switch: Session) -> None:
    type_lines(switch, "configure session", "end", "configure session")
    assert switch.prompt == "eos1(config-s-sess-2)#"


def test_a_commit_with_a_timer_is_taken_back_unless_it_is_confirmed(switch: Session, clock: Clock) -> None:
    type_lines(switch, "configure session one", "hostname core", "commit timer 00:05:00")
    clock.move(minutes=4, seconds=30)
    assert switch.prompt == "core#"
    assert "pendingCommitTimer     demo       vty3       0:00:30\n" in switch.execute(
        "show configuration sessions"
    )
    clock.move(seconds=30)
    assert switch.prompt == "eos1#"
    assert "pendingCommitTimer" not in switch.execute("show configuration sessions")


@pytest.mark.parametrize("lines", [("configure session one commit",), ("configure session one", "commit")])
def test_a_second_commit_confirms_the_first(switch: Session, clock: Clock, lines: tuple[str, ...]) -> None:
    type_lines(switch, "configure session one", "hostname core", "commit timer 00:05:00", *lines)
    clock.move(hours=1)
    assert switch.prompt == "core#"


def test_an_abort_takes_back_at_once_what_waits_for_its_confirmation(switch: Session) -> None:
    type_lines(switch, "configure session one", "hostname core", "commit timer 00:05:00")
    switch.execute("configure session one abort")
    assert switch.prompt == "eos1#"


def test_the_startup_configuration_is_what_a_restart_brings_back(switch: Session) -> None:
    type_lines(switch, "configure", "hostname core", "end")
    assert switch.execute("write memory") == "Copy completed successfully.\n"
    type_lines(switch, "configure", "hostname lost", "end", "reload")
    assert switch.prompt == "Proceed with reload? [confirm]"
    switch.execute("")
    assert (switch.closed, switch.restarted) == (True, True)
    assert Session(switch.state, EOS).prompt == "core>"


def test_an_erased_startup_configuration_brings_back_the_first_one(switch: Session) -> None:
    type_lines(switch, "configure", "hostname core", "end", "copy running-config startup-config")
    type_lines(switch, "write erase", "n")
    assert "hostname core" in switch.execute("show startup-config")
    type_lines(switch, "write erase", "y", "reload", "y")
    assert switch.execute("show startup-config") == ""
    assert switch.state.configuration.hostname == "eos1"


def parsed(session: Session, command: str) -> list[dict]:
    parse_output = pytest.importorskip("ntc_templates.parse").parse_output
    return parse_output(platform="arista_eos", command=command, data=session.execute(command))


def test_show_version_is_parsed(switch: Session) -> None:
    (row,) = parsed(switch, "show version")
    assert (row["model"], row["image"]) == ("cEOSLab", "4.30.1F")
    assert row["serial_number"] == "9DEMO01EOS"
    assert row["uptime"] == "3 weeks, 3 days, 1 hour and 13 minutes"


def test_show_hostname_is_parsed(switch: Session) -> None:
    assert parsed(switch, "show hostname") == [{"hostname": "eos1", "fqdn": "eos1"}]


def test_show_interfaces_status_is_parsed(switch: Session) -> None:
    seen = {
        row["port"]: (row["name"], row["status"], row["vlan_id"])
        for row in parsed(switch, "show interfaces status")
    }
    assert seen == {
        "Ma1": ("", "connected", "routed"),
        "Et1": ("uplink to r1", "connected", "1"),
        "Et2": ("servers", "connected", "1"),
        "Et3": ("", "notconnect", "1"),
        "Et4": ("", "disabled", "1"),
    }


def test_show_ip_interface_brief_is_parsed(switch: Session) -> None:
    seen = [tuple(row.values()) for row in parsed(switch, "show ip interface brief")]
    assert seen == [
        ("Management1", "203.0.113.11/24", "up", "up", "1500"),
        ("Vlan10", "198.51.100.141/25", "up", "up", "1500"),
        ("Loopback0", "192.0.2.111/32", "up", "up", "1500"),
    ]


def test_show_clock_is_parsed(switch: Session) -> None:
    (row,) = parsed(switch, "show clock")
    assert (row["time"], row["dayweek"], row["day"], row["timezone"]) == ("12:00:00", "Mon", "23", "UTC")
