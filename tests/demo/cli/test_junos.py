"""A Juniper router: prompts, refusals, the candidate configuration, and output that ntc-templates parse."""

from __future__ import annotations

import pytest

from runner.demo import junos_router
from runner.demo.cli.junos import JUNOS
from runner.demo.cli.session import Session
from runner.demo.cli.state import DeviceState

from .clock import Clock

EXEC_PROMPT = "\ndemo@vmx1> "
CONFIG_PROMPT = "\n[edit]\ndemo@vmx1# "


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def router(clock: Clock) -> Session:
    return Session(DeviceState(junos_router("vmx1", 1), clock), JUNOS)


@pytest.fixture
def editor(router: Session) -> Session:
    """A session in configuration mode."""
    router.execute("configure")
    return router


def type_lines(session: Session, *lines: str) -> str:
    return "".join(session.execute(line) for line in lines)


def test_configuration_mode_has_its_place_above_the_prompt(router: Session) -> None:
    assert router.prompt == EXEC_PROMPT
    assert router.execute("configure") == "Entering configuration mode\n"
    assert router.prompt == CONFIG_PROMPT
    assert router.execute("exit") == "Exiting configuration mode\n"
    assert router.prompt == EXEC_PROMPT
    router.execute("exit")
    assert router.closed


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("foo", "           ^\nunknown command.\n"),
        ("show foo", "                ^\nsyntax error, expecting <command>.\n"),
        ("show", "               ^\nsyntax error, expecting <command>.\n"),
        ("s", "           ^\n's' is ambiguous.\n"),
        ("show version | grep x", "                          ^\nsyntax error, expecting <command>.\n"),
        ("! no comment here", "           ^\nunknown command.\n"),
    ],
)
def test_a_line_is_refused_in_the_words_of_junos(router: Session, line: str, answer: str) -> None:
    assert router.execute(line) == answer


@pytest.mark.parametrize("line", ["commit confirmed 0", "commit confirmed 65536", "rollback 50"])
def test_a_number_out_of_range_is_refused(editor: Session, line: str) -> None:
    assert editor.execute(line).endswith("syntax error, expecting <command>.\n")


def test_a_statement_that_does_not_exist_is_refused(editor: Session) -> None:
    assert editor.execute("set system bogus yes") == (
        "                      ^\nsyntax error, expecting <command>.\n"
    )
    assert editor.execute("set interfaces eth0 disable").endswith("syntax error, expecting <command>.\n")
    assert editor.execute("show | compare") == ""


def test_the_settings_of_the_cli_say_what_they_set(router: Session) -> None:
    assert router.execute("set cli screen-width 511") == "Screen width set to 511\n"
    assert router.execute("set cli complete-on-space off") == "Disabling complete-on-space\n"
    assert router.execute("set cli screen-length 0") == "Screen length set to 0\n"
    assert router.page_length == 0


def test_nothing_takes_effect_before_the_commit(editor: Session) -> None:
    type_lines(editor, "set system host-name core", "set system ntp server 192.0.2.9")
    assert editor.prompt == CONFIG_PROMPT
    assert editor.execute("run show configuration | match host-name") == "    host-name vmx1;\n"
    assert editor.execute("show system | match host-name") == "host-name core;\n"
    assert editor.execute("commit") == "commit complete\n"
    assert editor.prompt == "\n[edit]\ndemo@core# "
    assert "set system ntp server 192.0.2.9\n" in editor.execute("run show configuration | display set")


def test_the_comparison_shows_each_change_under_its_container(editor: Session) -> None:
    type_lines(
        editor,
        "set system host-name core",
        "set system ntp server 192.0.2.9",
        'set interfaces ge-0/0/0 description "to | from r1"',
        "delete interfaces ge-0/0/1 unit 0 family inet address",
        "delete interfaces ge-0/0/2 disable",
    )
    assert editor.execute("show | compare") == (
        "[edit system]\n"
        "-   host-name vmx1;\n"
        "+   host-name core;\n"
        "+   ntp {\n"
        "+       server 192.0.2.9;\n"
        "+   }\n"
        "[edit interfaces ge-0/0/0]\n"
        '-   description "to r1";\n'
        '+   description "to | from r1";\n'
        "[edit interfaces ge-0/0/1]\n"
        "-   unit 0 {\n"
        "-       family inet {\n"
        "-           address 203.0.113.133/30;\n"
        "-       }\n"
        "-   }\n"
        "[edit interfaces]\n"
        "-   ge-0/0/2 {\n"
        "-       disable;\n"
        "-   }\n"
    )


def test_what_is_deleted_must_exist(editor: Session) -> None:
    for line in ("system ntp", "system ntp server 192.0.2.9", "interfaces ge-0/0/0 disable"):
        assert editor.execute(f"delete {line}") == "warning: statement not found\n"
    assert type_lines(editor, "set system ntp server 192.0.2.9", "delete system ntp") == ""
    assert editor.execute("show | compare") == ""


def test_a_rollback_loads_what_runs_or_what_ran_before(editor: Session) -> None:
    type_lines(editor, "set system host-name one", "commit", "set system host-name two")
    assert editor.execute("rollback 0") == "load complete\n"
    assert editor.execute("show | compare") == ""
    assert editor.execute("rollback 1") == "load complete\n"
    assert "+   host-name vmx1;" in editor.execute("show | compare")
    assert editor.execute("rollback 7").startswith("error: ")


def test_a_configuration_that_contradicts_itself_cannot_be_committed(editor: Session) -> None:
    editor.execute("set interfaces ge-0/0/1 unit 0 family inet address 198.51.100.69/30")
    for line in ("commit check", "commit", "commit confirmed 1", "commit and-quit"):
        assert editor.execute(line).endswith("error: configuration check-out failed\n")
    assert editor.prompt == CONFIG_PROMPT
    assert "203.0.113.133/30" in editor.execute("run show interfaces terse")


def test_a_confirmed_commit_is_rolled_back_unless_it_is_confirmed(editor: Session, clock: Clock) -> None:
    editor.execute("set system host-name core")
    assert editor.execute("commit confirmed 5") == (
        "commit confirmed will be automatically rolled back in 5 minutes unless confirmed\ncommit complete\n"
    )
    clock.move(minutes=2)
    warning = "\n# commit confirmed will be rolled back in 3 minutes\n"
    assert editor.prompt == warning + "[edit]\ndemo@core# "
    clock.move(minutes=3)
    assert editor.prompt == CONFIG_PROMPT
    assert editor.execute("show | compare") == ""


@pytest.mark.parametrize("line", ["commit", "commit check"])
def test_a_second_commit_confirms_the_first(editor: Session, clock: Clock, line: str) -> None:
    type_lines(editor, "set system host-name core", "commit confirmed", line)
    clock.move(hours=1)
    assert editor.prompt == "\n[edit]\ndemo@core# "


def test_a_commit_that_nobody_has_confirmed_does_not_outlive_a_restart(editor: Session) -> None:
    type_lines(editor, "set system host-name one", "commit")
    type_lines(editor, "set system host-name two", "commit confirmed 5", "exit")
    editor.execute("request system reboot")
    assert editor.prompt == "Reboot the system ? [yes,no] (no) "
    assert "Shutdown NOW!" in editor.execute("yes")
    assert editor.restarted
    assert Session(editor.state, JUNOS).prompt == "\ndemo@one> "


def test_enter_alone_does_not_restart(router: Session) -> None:
    type_lines(router, "request system reboot", "")
    assert (router.closed, router.prompt) == (False, EXEC_PROMPT)


def test_commit_and_quit_leaves_configuration_mode(editor: Session) -> None:
    editor.execute("set system ntp server 192.0.2.9")
    assert editor.execute("commit and-quit") == "commit complete\nExiting configuration mode\n"
    assert editor.prompt == EXEC_PROMPT


def test_leaving_with_changes_asks_and_keeps_them(editor: Session) -> None:
    editor.execute("set system host-name core")
    assert editor.execute("exit") == "The configuration has been changed but not committed\n"
    assert editor.prompt == "Exit with uncommitted changes? [yes,no] (yes) "
    editor.execute("no")
    assert editor.prompt == CONFIG_PROMPT
    assert type_lines(editor, "exit configuration-mode", "").endswith("Exiting configuration mode\n")
    another = Session(editor.state, JUNOS)
    assert another.execute("configure") == (
        "Entering configuration mode\nThe configuration has been changed but not committed\n"
    )
    assert "+   host-name core;" in another.execute("show | compare")


def test_the_set_commands_make_the_same_configuration_again(router: Session, clock: Clock) -> None:
    bare = Session(DeviceState(junos_router("vmx1", 2), clock), JUNOS)
    bare.execute("configure")
    wanted = router.execute("show configuration | display set")
    for line in wanted.splitlines():
        if line.startswith(("set interfaces", "set system host-name")):
            assert bare.execute(line) == ""
    bare.execute("commit")
    assert bare.execute("run show configuration | display set") == wanted


def test_modifiers_are_chained(router: Session) -> None:
    assert router.execute('show configuration | match "address|disable" | count') == "Count: 5 lines\n"
    assert router.execute("show configuration | display set | match fxp0 | no-more") == (
        "set interfaces fxp0 unit 0 family inet address 203.0.113.21/25\n"
    )
    assert not router.paged
    assert router.execute("show version | except JUNOS | find Model").splitlines() == [
        "Model: vmx",
        "Junos: 22.4R1.10",
    ]


def test_show_interfaces_terse_follows_the_configuration(editor: Session) -> None:
    type_lines(editor, "set interfaces ge-0/0/0 disable", "commit")
    rows = editor.execute("run show interfaces ge-0/0/0 terse").splitlines()
    assert [row.split() for row in rows[1:]] == [
        ["ge-0/0/0", "down", "down"],
        ["ge-0/0/0.0", "down", "down", "inet", "198.51.100.69/30"],
    ]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("show version", {"hostname": "vmx1", "model": "vmx", "junos_version": "22.4R1.10"}),
        ("show system uptime", {"time": "12:00:00", "boot_day": "24", "last_config_user": "demo"}),
    ],
)
def test_the_output_is_parsed(router: Session, command: str, expected: dict[str, str]) -> None:
    parse_output = pytest.importorskip("ntc_templates.parse").parse_output
    (row,) = parse_output(platform="juniper_junos", command=command, data=router.execute(command))
    assert {name: row[name] for name in expected} == expected
