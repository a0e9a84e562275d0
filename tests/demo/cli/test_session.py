"""A session on a CLI device: modes, prompts, secrets, refusals, and a configuration that stays."""

from __future__ import annotations

import pytest

from runner.demo import DEMO_DEVICES
from runner.demo.cli.ios import IOS
from runner.demo.cli.nxos import NXOS
from runner.demo.cli.session import Session
from runner.demo.cli.state import DeviceState

DEVICES = {device.name: device for device in DEMO_DEVICES}


@pytest.fixture
def router() -> Session:
    return Session(DeviceState(DEVICES["r1"]), IOS)


@pytest.fixture
def switch() -> Session:
    return Session(DeviceState(DEVICES["sw1"]), NXOS)


@pytest.fixture
def privileged(router: Session) -> Session:
    router.execute("enable")
    router.execute("enable")
    return router


def type_lines(session: Session, *lines: str) -> str:
    return "".join(session.execute(line) for line in lines)


def test_a_router_lets_in_at_user_level_and_a_switch_at_privileged_level(
    router: Session, switch: Session
) -> None:
    assert router.prompt == "r1>"
    assert switch.prompt == "sw1# "


def test_enable_asks_for_the_secret_without_echo(router: Session) -> None:
    assert router.execute("en") == ""
    assert (router.prompt, router.echo) == ("Password: ", False)
    assert router.execute("enable") == ""
    assert (router.prompt, router.echo) == ("r1#", True)


def test_three_wrong_secrets_end_in_user_mode(router: Session) -> None:
    router.execute("enable")
    assert type_lines(router, "wrong", "", "wrong again") == "% Bad secrets\n\n"
    assert (router.prompt, router.echo) == ("r1>", True)


def test_enable_without_a_terminal_cannot_ask(router: Session) -> None:
    blind = Session(router.state, IOS, interactive=False)
    assert blind.execute("enable") == "% Error in authentication.\n"


def test_disable_goes_back_to_user_mode(privileged: Session) -> None:
    privileged.execute("disable")
    assert privileged.prompt == "r1>"


def test_user_mode_does_not_know_what_only_privileged_mode_may(router: Session) -> None:
    assert "% Invalid input" in router.execute("show running-config")
    assert "% Invalid input" in router.execute("configure terminal")


def test_the_prompt_follows_mode_and_hostname(privileged: Session) -> None:
    prompts = []
    for line in ("conf t", "int gi1", "exit", "hostname core", "int lo0", "end"):
        privileged.execute(line)
        prompts.append(privileged.prompt)
    assert prompts == [
        "r1(config)#",
        "r1(config-if)#",
        "r1(config)#",
        "core(config)#",
        "core(config-if)#",
        "core#",
    ]


def test_exit_in_exec_mode_ends_the_session(router: Session, switch: Session) -> None:
    for session in (router, switch):
        session.execute("exit")
        assert session.closed


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        # the caret stands under the first character that fits, after the prompt `r1>`
        ("show vertion", "           ^\n% Invalid input detected at '^' marker.\n\n"),
        ("foo", "   ^\n% Invalid input detected at '^' marker.\n\n"),
        ("show interfaces gi9", "                   ^\n% Invalid input detected at '^' marker.\n\n"),
        (
            "show interfaces gi9 | include x",
            "                   ^\n% Invalid input detected at '^' marker.\n\n",
        ),
        ("show clock | grep x", "                ^\n% Invalid input detected at '^' marker.\n\n"),
        ("sh i", '% Ambiguous command:  "sh i"\n'),
        ("show ip", "% Incomplete command.\n\n"),
        ("show clock |", "% Incomplete command.\n\n"),
    ],
)
def test_a_router_refuses_in_the_words_of_ios(router: Session, line: str, answer: str) -> None:
    assert router.execute(line) == answer


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("show vertion", "             ^\n% Invalid command at '^' marker.\n"),
        ("show i", "          ^\n% Ambiguous command at '^' marker.\n"),
        ("show ip", "            ^\n% Incomplete command at '^' marker.\n"),
    ],
)
def test_a_switch_refuses_in_the_words_of_nxos(switch: Session, line: str, answer: str) -> None:
    assert switch.execute(line) == answer


def test_without_a_terminal_the_caret_stands_under_the_line_itself(router: Session) -> None:
    blind = Session(router.state, IOS, interactive=False)
    assert blind.execute("show vertion").splitlines()[0] == "        ^"


def test_do_runs_an_exec_command_and_stays_in_configuration(privileged: Session) -> None:
    privileged.execute("configure terminal")
    assert "Interface" in privileged.execute("do show ip int brief | include Interface")
    assert privileged.prompt == "r1(config)#"


def test_a_refusal_behind_do_points_into_the_line_as_it_was_typed(privileged: Session) -> None:
    privileged.execute("configure terminal")
    caret = privileged.execute("do show vertion").splitlines()[0]
    assert caret == " " * len("r1(config)#do show ver") + "^"


def test_configuration_mode_of_ios_wants_do_and_that_of_nxos_does_not(
    privileged: Session, switch: Session
) -> None:
    type_lines(privileged, "configure terminal")
    type_lines(switch, "configure terminal")
    assert "% Invalid input" in privileged.execute("show clock")
    assert "Time source" in switch.execute("show clock")


def test_interface_mode_also_knows_the_commands_of_configuration_mode(privileged: Session) -> None:
    type_lines(privileged, "configure terminal", "interface gi1", "interface gi2")
    assert type_lines(privileged, "description second", "hostname moved", "end") == ""
    assert "GigabitEthernet2\n description second" in privileged.execute("show running-config")
    assert privileged.prompt == "moved#"


def test_the_running_configuration_shows_what_was_configured(privileged: Session) -> None:
    type_lines(
        privileged,
        "configure terminal",
        "ntp server 192.0.2.123",
        "interface GigabitEthernet4",
        "description new customer",
        "ip address 203.0.113.1 255.255.255.0",
        "no shutdown",
        "interface loopback 7",
    )
    privileged.execute("interface Loopback7")
    privileged.execute("end")
    assert privileged.execute("show running-config | section GigabitEthernet4") == (
        "interface GigabitEthernet4\n"
        " description new customer\n"
        " ip address 203.0.113.1 255.255.255.0\n"
        " negotiation auto\n"
    )
    text = privileged.execute("show run")
    assert "ntp server 192.0.2.123\n" in text
    assert "interface Loopback7\n no ip address\n" in text


def test_the_no_form_takes_back(privileged: Session) -> None:
    type_lines(privileged, "configure terminal", "ntp server 192.0.2.123", "no ntp server 192.0.2.123")
    type_lines(privileged, "no ntp server 192.0.2.124", "interface gi1", "no description", "no ip address")
    type_lines(privileged, "shutdown", "no interface lo0", "end")
    text = privileged.execute("show running-config")
    assert "ntp server" not in text
    assert "Loopback0" not in text
    assert "interface GigabitEthernet1\n no ip address\n shutdown\n" in text


def test_hardware_can_neither_be_made_nor_removed_by_configuration(privileged: Session) -> None:
    privileged.execute("configure terminal")
    assert "% Invalid input" in privileged.execute("interface GigabitEthernet9")
    assert "% Invalid input" in privileged.execute("no interface GigabitEthernet1")
    assert "GigabitEthernet9" not in privileged.execute("do show ip interface brief")


@pytest.mark.parametrize("mask", ["255.0.255.0", "0.0.0.255"])
def test_a_mask_that_is_none_is_refused(privileged: Session, mask: str) -> None:
    type_lines(privileged, "configure terminal", "interface gi1")
    assert privileged.execute(f"ip address 192.0.2.1 {mask}") == f"Bad mask {mask} for address 192.0.2.1\n"


def test_shutting_an_interface_down_shows_in_its_status(privileged: Session) -> None:
    type_lines(privileged, "configure terminal", "interface gi1", "shutdown", "end")
    row = privileged.execute("show ip interface brief | include GigabitEthernet1").split()
    assert row[-3:] == ["administratively", "down", "down"]


def test_a_session_sees_what_another_has_configured(privileged: Session) -> None:
    type_lines(privileged, "configure terminal", "hostname renamed")
    assert Session(privileged.state, IOS).prompt == "renamed>"


def test_the_startup_configuration_is_what_was_written_last(privileged: Session) -> None:
    assert "not present" in privileged.execute("show startup-config")
    assert privileged.execute("write memory") == "Building configuration...\n[OK]\n"
    type_lines(privileged, "configure terminal", "hostname unsaved", "end")
    assert "hostname r1\n" in privileged.execute("show startup-config")


def test_a_switch_saves_by_copying(switch: Session) -> None:
    assert "No startup" in switch.execute("show startup-config")
    assert switch.execute("copy r s").endswith("Copy complete.\n")
    assert "hostname sw1" in switch.execute("show startup-config")


def test_a_router_asks_for_the_name_of_the_file_that_it_copies_to(privileged: Session) -> None:
    assert privileged.execute("copy running-config startup-config") == ""
    assert privileged.prompt == "Destination filename [startup-config]? "
    assert privileged.execute("") == "Building configuration...\n[OK]\n"
    assert privileged.prompt == "r1#"
    assert type_lines(privileged, "copy run start", "else").startswith("%Error opening nvram:else")


def test_a_router_asks_before_it_erases_and_before_it_restarts(privileged: Session) -> None:
    type_lines(privileged, "configure terminal", "hostname core", "end", "write memory")
    privileged.execute("write erase")
    assert privileged.prompt.endswith("[confirm]")
    assert type_lines(privileged, "n") == ""
    assert "hostname core" in privileged.execute("show startup-config")
    assert type_lines(privileged, "write erase", "y") == "[OK]\nErase of nvram: complete\n"
    assert "not present" in privileged.execute("show startup-config")
    privileged.execute("reload")
    assert privileged.prompt == "Proceed with reload? [confirm]"
    privileged.execute("")
    assert privileged.restarted
    assert Session(privileged.state, IOS).prompt == "r1>"


@pytest.mark.parametrize(("reply", "restarted"), [("y", True), ("yes", True), ("", False), ("n", False)])
def test_a_switch_restarts_with_what_was_saved_if_the_answer_is_yes(
    switch: Session, reply: str, restarted: bool
) -> None:
    type_lines(switch, "configure terminal", "hostname saved", "end", "copy r s")
    type_lines(switch, "configure terminal", "hostname unsaved", "end", "reload")
    assert switch.prompt == "This command will reboot the system. (y/n)?  [n] "
    switch.execute(reply)
    assert switch.restarted is restarted
    assert Session(switch.state, NXOS).prompt == ("saved# " if restarted else "unsaved# ")


def test_a_switch_asks_before_it_erases(switch: Session) -> None:
    type_lines(switch, "copy r s")
    assert switch.execute("write erase").startswith("Warning: ")
    assert type_lines(switch, "n", "show startup-config | include hostname") == "hostname sw1\n"
    type_lines(switch, "write erase", "y")
    assert "No startup" in switch.execute("show startup-config")


def test_an_interrupt_ends_a_question(privileged: Session) -> None:
    privileged.execute("reload")
    assert privileged.interrupt() == ""
    assert (privileged.prompt, privileged.closed) == ("r1#", False)


def test_a_restart_ends_the_uptime_and_unsaved_changes_of_interfaces(privileged: Session) -> None:
    type_lines(privileged, "write memory", "configure terminal", "interface gi1", "shutdown", "end")
    type_lines(privileged, "reload", "y")
    after = Session(privileged.state, IOS)
    assert "uptime is 0 minutes" in after.execute("show version")
    assert "GigabitEthernet1 is up" in after.execute("show interfaces gi1")


def test_a_switch_takes_no_more_and_a_router_does_not(router: Session, switch: Session) -> None:
    assert "NX-OS" in switch.execute("show version | no-more")
    assert not switch.paged
    switch.execute("show version")
    assert switch.paged
    assert "% Invalid input" in router.execute("show version | no-more")


def test_a_switch_takes_prefix_notation(switch: Session) -> None:
    type_lines(switch, "configure terminal", "interface e1/1", "ip address 198.51.100.30/29", "end")
    assert "  ip address 198.51.100.30/29\n" in switch.execute("show running-config")


def test_ping_reaches_the_neighbour_and_nobody_else(router: Session, switch: Session) -> None:
    assert "!!!!!\nSuccess rate is 100 percent (5/5)" in router.execute("ping 198.51.100.2")
    assert ".....\nSuccess rate is 0 percent (0/5)" in router.execute("ping 203.0.113.99")
    assert "0.00% packet loss" in switch.execute("ping 198.51.100.254")
    assert "100.00% packet loss" in switch.execute("ping 192.0.2.77")


def test_blank_lines_and_comments_do_nothing(router: Session) -> None:
    assert type_lines(router, "", "   ", "! a comment") == ""


def test_help_lists_what_may_follow(router: Session) -> None:
    assert router.help("show i") == "interfaces  inventory  ip\n"
    assert "  clock\n" in router.help("show ")
    assert "  enable\n" in router.help("")
    assert router.help("zzz") == "% Unrecognized command\n"
    assert router.execute("show ip ?") == "  interface\n  ospf\n"


def test_terminal_length_is_kept_for_the_session(router: Session) -> None:
    assert router.page_length == 24
    router.execute("terminal length 0")
    assert router.page_length == 0
    router.execute("terminal no length")
    assert router.page_length == 24
