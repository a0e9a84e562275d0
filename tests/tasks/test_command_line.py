"""The command line contract: what is typed, what it means, and what is said where it means nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner.settings import Settings

if TYPE_CHECKING:
    from tests.projects import Ended, Project

BOTH = pytest.mark.parametrize("program", ["invoke", "runner"])

FLAGS = re.findall(
    r"--\S+",
    """
    which --inventory --group --limit --failed
    how --timeout-total --max-fail --rate --method --dry-run
    who --user
    show --format --output-dir --quiet --verbose
    """,
)
OF_RUN = re.findall(
    r"--\S+",
    """
    how --executor --workers --timeout --connect-timeout --host-timeout --retries --serial --no-ping
        --max-output --resume
    who --ask-pass --private-key --known-hosts --host-key-policy
    """,
)


def refused(ended: Ended) -> str:
    """Return the one line that a wrong command line gets; nothing was done for it."""
    assert ended.code == 1
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    return ended.stderr.strip()


def test_help_shows_each_flag_of_the_contract_that_the_task_heeds(demo: Project) -> None:
    ping, run = (
        set(re.findall(r"(?<![a-z] )--[a-z-]+", demo.type(task, "--help").stdout)) for task in ("ping", "run")
    )
    assert {*FLAGS, *OF_RUN} <= run
    assert set(FLAGS) <= ping
    assert ping.isdisjoint(OF_RUN)


def test_a_flag_that_does_nothing_is_one_line_before_the_result(demo: Project) -> None:
    ended = demo.type("ping", "-g", "r1", "--executor", "serial", "--no-history")
    line = "warning: --executor does nothing in ping; the next release refuses it\n"
    assert (ended.code, ended.stderr) == (0, line)
    assert ended.stdout.startswith("r1: ok")
    quiet = demo.type("ping", "-qg", "r1", "--executor", "serial", "--no-history")
    assert (quiet.code, quiet.stderr) == (0, "")


def test_a_value_that_cannot_be_read_is_refused_although_it_would_do_nothing(demo: Project) -> None:
    assert refused(demo.type("ping", "--workers", "0")).startswith("ping: --workers '0': expected a number")


def test_a_misspelled_flag_is_never_taken_for_one_that_does_nothing(demo: Project) -> None:
    assert "--become-user" not in refused(demo.type("ping", "--become-usr", "x"))
    assert "did you mean --become-user" in refused(demo.type("run", "x", "--become-usr", "x"))


def test_help_is_shown_although_a_flag_that_it_does_not_show_is_given(demo: Project) -> None:
    assert "--method" in demo.type("ping", "--executor", "serial", "--help").stdout


def test_every_flag_has_its_short_form_once() -> None:
    shorts = [flag.short for flag in Settings.flags().values() if flag.short]
    assert sorted(shorts) == sorted(set(shorts))
    assert {"i", "g", "l"} <= set(shorts)


@BOTH
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--cmd", "hostname", "--group", "servers"),
        ("run", "hostname", "-g", "servers"),
        ("run", "-g", "servers", "hostname"),
        ("run", "-g", "servers", "-c", "hostname"),
        ("run", "-g=servers", "--cmd=hostname"),
        ("run", "-g", "servers", "--", "hostname"),
        ("run", "hostname", "-qg", "servers"),
    ],
)
def test_a_command_is_given_in_any_of_these_ways(demo: Project, program: str, words: tuple[str, ...]) -> None:
    ended = (
        demo.type(*words, "--format", "json", program=program)
        if "--" not in words
        else demo.type(*words[:1], "--format", "json", *words[1:], program=program)
    )
    assert ended.code == 0, ended.stderr
    assert {host["commands"][0]["stdout"] for host in ended.document["hosts"].values()} == {
        "web1\n",
        "web2\n",
        "db1\n",
    }


def test_several_commands_are_run_in_order(demo: Project) -> None:
    ended = demo.type("run", "--cmd", "hostname", "--cmd", "whoami", "-g", "web1", "--format", "json")
    assert [c["stdout"] for c in ended.document["hosts"]["web1"]["commands"]] == ["web1\n", "demo\n"]


def test_words_after_two_dashes_are_one_command_flags_and_all(demo: Project) -> None:
    ended = demo.type("run", "-g", "web1", "--format", "json", "--", "echo", "-g", "--help")
    assert ended.document["hosts"]["web1"]["commands"][0]["command"] == "echo -g --help"


def test_the_name_of_a_task_is_no_task_where_it_is_a_value(demo: Project) -> None:
    ended = demo.type("run", "--cmd", "hostname", "-g", "web1", "-l", "all", "--format", "json")
    assert ended.code == 0
    demo.write("inventories/more", "[ping]\nweb1\n[run]\nweb1\n")
    assert demo.type("inventory", "-g", "run", "--hosts", "ping").stdout == "web1\n"
    ended = demo.type("run", "run", "-g", "ping", "--format", "json")
    assert ended.document["run"]["commands"] == ["run"]


def test_two_tasks_on_one_line_are_two_tasks(demo: Project) -> None:
    ended = demo.type("run", "hostname", "-g", "web1", "ping", "--method", "tcp", "-g", "db1")
    assert ended.code == 0
    assert "web1" in ended.stdout
    assert "db1: ok  rtt" in ended.stdout


@BOTH
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--help"),
        ("--help", "run"),
        ("run", "-h"),
        ("run", "hostname", "--help"),
        ("run", "--cmd", "hostname", "--help"),
        ("run", "-g", "servers", "--help"),
    ],
)
def test_help_is_help_wherever_it_stands(demo: Project, program: str, words: tuple[str, ...]) -> None:
    ended = demo.type(*words, program=program)
    assert ended.code == 0
    assert "Run commands on every host" in ended.stdout
    assert "--cmd" in ended.stdout


@BOTH
def test_help_is_never_taken_for_a_command(demo: Project, program: str) -> None:
    line = refused(demo.type("run", "--cmd", "--help", program=program))
    assert line == "--cmd needs a value, and --help is a flag; if it is meant: --cmd=--help"
    ended = demo.type("run", "--cmd=--help", "-g", "web1", "--format", "json", program=program)
    assert ended.document["run"]["commands"] == ["--help"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ping", "--grup", "x"), "--grup is not a flag here; did you mean --group"),
        (("run", "hostname", "--grup", "x"), "--grup is not a flag here; did you mean --group"),
        (("run", "--exector=x", "hostname"), "--exector is not a flag here; did you mean --executor"),
        (("ping", "r1"), "'r1' is not a task; name hosts with --group: --group r1"),
        (
            ("run", "hostname", "r[1-3]"),
            "'r[1-3]' is not a task; name hosts with --group: --group 'r[1-3]'",
        ),
        (("ping", "--xyzzy"), "--xyzzy is not a flag here; the flags are: "),
        (("ping", "-g"), "-g needs a value"),
        (("ping", "-g", "a", "--group=b"), "--group is given twice, and would count once; one "),
        (("run", "x", "--timeout", "1", "--timeout", "2"), "--timeout is given twice, and would count once"),
        (("history", "--limit", "1", "--limit", "2"), "--limit is given twice, and would count once"),
        (("history", "--since", "1h", "--since", "2h"), "--since is given twice, and would count once"),
        (("run", "hostname", "--limit", "--quiet"), "--limit needs a value, and --quiet is a flag"),
        (("ping", "--workers", "0"), "ping: --workers '0': expected a number from 1 to 10000"),
        (("ping", "--workers", "many"), "ping: --workers 'many': expected a whole number"),
        (("run", "x", "--timeout", "soon"), "run: --timeout 'soon': expected a time"),
        (("run", "x", "--serial", "0"), "run: --serial '0': expected batch sizes"),
        (("run", "x", "--max-fail", "120%"), "run: --max-fail '120%': expected a number of hosts"),
        (("run", "x", "--rate", "-1"), "run: --rate '-1': expected a number a second"),
        (("run", "x", "--ignore", "("), "run: --ignore '(': expected a regular expression: missing )"),
        (("ping", "--only", "up", "--only", "ok"), "ping: --only 'up', 'ok': expected some of ok, failed, "),
        (
            ("run", "x", "--stdin", "~nobody-here/x"),
            "run: --stdin '~nobody-here/x': Could not determine home",
        ),
        (("put", "~nobody-here/x", "/tmp/"), "put: ~nobody-here/x: there is no such user"),
        (("history", "--limit", "9" * 20), "expected a whole number, 0 or more and at most 1000000000"),
        (("ping", "--method", "udp"), "ping: --method 'udp': expected one of icmp, tcp, ssh, auto"),
        (("run", "x", "--host-key-policy", "yes"), "expected one of strict, accept-new, off"),
        (("run", "x", "--executor", "grid"), "run: --executor: 'grid' is not known; known: dask, process, "),
        (("ping", "--format", "xml"), "ping: --format: 'xml' is not known; known: csv, folded, "),
        (("ping", "--output-dir", "/proc/x"), "ping: --output-dir '/proc/x': "),
        (("run",), "run: no command: give one as --cmd 'show version', or after --"),
        (("run", ""), "run: a command is empty"),
        (("run", "a", "--cmd", " "), "run: a command is empty"),
        (("ping", "--", "x"), "ping: this task takes no words after --: 'x'"),
        (("ping", "-i", "nowhere"), "ping: "),
        (("ping", "-g", "nosuch"), "ping: no group or host 'nosuch'"),
        (("ping", "-g", "r1:&web1"), "ping: no host matches 'r1:&web1'"),
        (("run", "x", "-g", "r1", "-l", "web1"), "run: no host matches 'r1' limited to 'web1'"),
        (("run", "x", "--resume", "nothing"), "nothing"),
        (("inventory",), "inventory: say what to show"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_nothing_is_done(
    demo: Project, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(demo.type(*words))


def test_what_is_wrong_is_said_before_any_host_is_touched(demo: Project) -> None:
    for words in (("--executor", "grid"), ("--format", "xml"), ("--output-dir", "/proc/x")):
        refused(demo.type("run", "hostname", *words))
    assert demo.type("history").stdout == ""


def test_what_is_wrong_never_drives_the_terminal(demo: Project) -> None:
    for words in (
        ("ping", "\x1b[2J"),
        ("ping", "-g", "\x1b[2J"),
        ("ping", "-i", "\x1b[2J"),
        ("ping", "--format", "\x1b[2J"),
    ):
        assert "\x1b" not in refused(demo.type(*words))


def test_the_inventory_is_shown_a_name_a_line(demo: Project) -> None:
    assert demo.type("inventory", "--hosts", "servers").stdout == "web1\nweb2\ndb1\n"
    assert set(demo.type("inventory", "--list").document["servers"]["hosts"]) == {"web1", "web2", "db1"}
    assert "@servers:" in demo.type("inventory", "--graph").stdout


@BOTH
@pytest.mark.parametrize("words", [("--dry", "run", "touch x"), ("run", "touch x", "-R")])
def test_invokes_own_word_for_it_makes_a_run_dry_too(
    demo: Project, program: str, words: tuple[str, ...]
) -> None:
    ended = demo.type(*words, "-g", "servers", "--format", "json", program=program)
    assert ended.document["summary"]["skipped"] == 3
    assert demo.type("ping", "--dry", "-g", "servers", "--format", "json").document["summary"]["skipped"] == 3
    said = refused(demo.type("history.prune", "--dry", program=program))
    assert said == "history.prune: --dry does not fit: this task has no dry run"


def test_invokes_own_timeout_of_commands_holds(demo: Project) -> None:
    ended = demo.type("-T", "1", "run", "sleep 30", "-g", "web1", "--format", "json")
    assert ended.document["hosts"]["web1"]["reason"] == "command-deadline"


def test_what_invoke_is_configured_to_is_about_commands_of_this_machine(demo: Project) -> None:
    demo.env["INVOKE_TIMEOUTS_COMMAND"], demo.env["INVOKE_RUN_DRY"] = "1", "1"
    ended = demo.type("run", "sleep 2", "-g", "web1", "--format", "json")
    assert ended.document["hosts"]["web1"]["status"] == "ok"


def test_a_dry_run_names_the_hosts_and_is_no_failure(demo: Project) -> None:
    ended = demo.type("run", "reboot", "-g", "servers", "--dry-run", "--format", "json")
    assert ended.code == 0
    assert {host["status"] for host in ended.document["hosts"].values()} == {"skipped"}
    assert not any(host["sent"] for host in ended.document["hosts"].values())
