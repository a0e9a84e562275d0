"""Test `settings`, which shows every value with its origin, and the warnings about host keys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from runner.settings import Settings
from runner.settings.lines import located
from runner.text.origin import Kind, Origin
from tests.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
# What all of us use.
runner:
  inventory: hosts.ini
  host_key_policy: strict

  timeout: 60
  retries: 1
  password: hunter2
  ignore:
    - up.*days
"""
CFG = """\
[ssh_connection]
forks = 3
[defaults]
; how many
forks = 20
timeout: 7
remote_user = deploy
"""
SSH_CONFIG = """\
Host web*
  StrictHostKeyChecking no
  User someone
Host db*
  User someone
Host *
  ServerAliveInterval 30
"""


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A folder with every kind of source."""
    made = Project(tmp_path, env={"INVOKE_RUNNER_RETRIES": "0", "ANSIBLE_TIMEOUT": "8"})
    made.write("tasks.py", "from runner.tasks import namespace\n")
    made.write("invoke.yaml", FILE)
    made.write("hosts.ini", "web1\n")
    made.write("ansible.cfg", CFG)
    made.write("home/.ssh/config", SSH_CONFIG)
    made.write("home/.invoke.yaml", "runner: {startups: 4}\n")
    tmp_path.chmod(0o755)
    return made


@pytest.mark.parametrize("program", ["invoke", "runner"])
def test_each_value_is_shown_with_where_it_comes_from(folder: Project, program: str) -> None:
    ended = folder.type("settings", "--become", "-u", "me", program=program)
    assert (ended.code, ended.stderr) == (0, "")
    shown = {tuple(line.split(maxsplit=2)) for line in ended.stdout.splitlines()}
    assert shown == {
        ("inventory", "hosts.ini", "invoke.yaml:3"),
        ("workers", "20", "ansible.cfg:5 (forks)"),
        ("startups", "4", "home/.invoke.yaml:1"),
        ("timeout", "60", "invoke.yaml:6"),
        ("connect_timeout", "8", "ANSIBLE_TIMEOUT"),
        ("retries", "0", "INVOKE_RUNNER_RETRIES"),
        ("user", "me", "--user"),
        ("host_key_policy", "strict", "invoke.yaml:4"),
        ("become", "yes", "--become"),
        ("ignore", "up.*days", "invoke.yaml:9"),
        ("password", "(set)", "invoke.yaml:8"),
        ("StrictHostKeyChecking", "no", "home/.ssh/config:2 (overruled by host_key_policy)"),
        ("User", "someone", "home/.ssh/config:3, home/.ssh/config:5 (overruled by user)"),
        ("ServerAliveInterval", "30", "home/.ssh/config:7"),
    }


def test_as_json_it_is_one_document_with_values_of_their_own_kind(folder: Project) -> None:
    document = folder.type("settings", "--format", "json").document
    settings = {entry["name"]: entry for entry in document["settings"]}
    assert settings["timeout"] == {
        "name": "timeout",
        "value": 60.0,
        "origins": [
            {"kind": "file", "name": "timeout", "path": str(folder.folder / "invoke.yaml"), "line": 6}
        ],
    }
    assert (settings["ignore"]["value"], settings["password"]["value"]) == (["up.*days"], "(set)")
    assert document["ssh_config"][0]["overruled_by"] == "host_key_policy"


def test_with_all_every_setting_is_shown_and_no_secret(folder: Project) -> None:
    secrets = {name: "s3cret" for name, flag in Settings.flags().items() if flag.is_secret}
    secrets["credentials"] = [{"password": "env:SECRET"}]  # type: ignore[assignment]
    folder.write("invoke.yaml", json.dumps({"runner": secrets}))
    for words in (("--all",), ("--all", "--format", "json"), ("--verbose",)):
        ended = folder.type("settings", *words, env={"SECRET": "s3cret"})
        assert ended.code == 0
        assert "s3cret" not in ended.stdout + ended.stderr
        assert ended.stdout.count("(set)") == len(secrets) == 5
    lines = folder.type("settings", "--all", env={"SECRET": "s3cret"}).stdout.splitlines()
    assert {line.split()[0] for line in lines} >= set(Settings.flags())
    assert any(line.split() == ["order", "inventory", "default"] for line in lines)


def test_another_format_is_refused_and_a_configured_one_is_for_results(folder: Project) -> None:
    refused = folder.type("settings", "--format", "csv")
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == "settings: --format csv: settings are shown as text, json\n"
    folder.write("invoke.yaml", "runner: {format: csv}\n")
    assert "csv" in folder.type("settings").stdout


def test_an_ansible_cfg_that_all_users_may_change_causes_a_warning(folder: Project) -> None:
    (folder.folder / "ansible.cfg").chmod(0o666)
    ended = folder.type("settings")
    assert "ansible.cfg is not read: every user may write to" in ended.stderr
    assert "ansible.cfg" not in ended.stdout


def test_verbose_shows_the_same_before_a_run_on_stderr(folder: Project) -> None:
    shown = folder.type("run", "true", "--verbose", "--dry-run")
    assert "host_key_policy        strict" in shown.stderr
    assert "host_key_policy" not in folder.type("ping", "--verbose", "--dry-run").stderr
    assert "host_key_policy" not in shown.stdout
    assert "host_key_policy" not in folder.type("ping", "--dry-run").stderr


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("invoke.yaml", "a: {}\nrunner:\n  user: x\n  timeout: 5\n", 4),
        ("invoke.yaml", "runner: {user: x,\n timeout: 5}\n", 2),
        ("invoke.yaml", "a: &a\n  timeout: 5\nrunner: *a\n", 2),
        ("invoke.json", '{"runner":\n {"user": "x",\n  "timeout": 5}}\n', 3),
        ("invoke.py", "runner = {'timeout': 5}\n", None),
        ("invoke.yaml", "{", None),
        ("invoke.yaml", "- 1\n", None),
        ("invoke.toml", "runner.timeout = 5\n", None),
        ("invoke.yaml", None, None),
    ],
)
def test_the_line_is_found_as_far_as_it_can_be_known(
    tmp_path: Path, name: str, text: str | None, line: int | None
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    assert located(Origin(Kind.FILE, "timeout", str(tmp_path / name))).line == line


def stderr_of(demo: Project, *words: str, **env: str) -> list[str]:
    """Return the lines that a quiet run prints on stderr."""
    ended = demo.type("run", "hostname", "-g", "web1,web2", "-q", "--no-ping", *words, env=env)
    assert ended.code == 0, ended.stdout
    return ended.stderr.splitlines()


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_line_of_ssh_config_is_named_once_also_with_quiet(demo: Project, executor: str) -> None:
    demo.write("home/.ssh/config", "Match originalhost 127.0.0.*\n User x\n StrictHostKeyChecking no\n")
    line = "home/.ssh/config:3 sets StrictHostKeyChecking"
    assert stderr_of(demo, "--executor", executor) == [f"warning: host keys are not checked: {line}"]


def test_a_strict_setting_needs_no_warning(demo: Project) -> None:
    demo.write("home/.ssh/config", "StrictHostKeyChecking no\n")
    assert stderr_of(demo, "--host-key-policy", "strict") == []
    assert stderr_of(demo, INVOKE_RUNNER_HOST_KEY_POLICY="strict") == []
    demo.write("invoke.yaml", (demo.folder / "invoke.yaml").read_text() + "  host_key_policy: strict\n")
    assert stderr_of(demo) == []


def test_each_other_place_that_weakens_it_is_named(demo: Project) -> None:
    unchecked, accepted = "warning: host keys are not checked", "warning: unknown host keys are accepted"
    variable = "INVOKE_RUNNER_HOST_KEY_POLICY"
    assert stderr_of(demo, **{variable: "off"}) == [f"{unchecked}: {variable}"]
    assert stderr_of(demo, ANSIBLE_HOST_KEY_CHECKING="False") == [f"{unchecked}: ANSIBLE_HOST_KEY_CHECKING"]
    demo.write("ansible.cfg", "[defaults]\nhost_key_checking = False\n")
    demo.folder.chmod(0o755)
    assert stderr_of(demo) == [f"{unchecked}: ansible.cfg:2 sets host_key_checking"]
    before = (demo.folder / "invoke.yaml").read_text()
    demo.write("invoke.yaml", before + "  host_key_policy: accept-new\n")
    assert stderr_of(demo) == [f"{accepted}: invoke.yaml:4 sets host_key_policy"]
    assert stderr_of(demo, "--host-key-policy", "off") == [], "the operator gave it for this run"


def test_a_variable_of_the_inventory_is_named_with_its_file_and_its_hosts(demo: Project) -> None:
    demo.write("inventories/host_vars/web2.yml", "a: 1\nansible_host_key_checking: false\n")
    demo.write(
        "inventories/host_vars/web1.yml",
        "ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/dev/null"
        " -o GlobalKnownHostsFile=/dev/null\n",
    )
    place = "inventories/host_vars"
    arguments = f"{place}/web1.yml:1 sets ansible_ssh_common_args"
    assert sorted(stderr_of(demo)) == [
        f"warning: host keys are not checked on web1: {arguments}",
        f"warning: host keys are not checked on web2: {place}/web2.yml:2 sets ansible_host_key_checking",
    ]


def test_ssh_is_asked_what_only_ssh_can_judge(demo: Project) -> None:
    demo.write("home/.ssh/config", "Match exec true\n StrictHostKeyChecking accept-new\n")
    line = "home/.ssh/config:2 sets StrictHostKeyChecking"
    assert stderr_of(demo) == [f"warning: unknown host keys are accepted: {line}"]


def test_quiet_keeps_the_warning_if_a_file_weakens_what_the_operator_asked_for(demo: Project) -> None:
    demo.write("home/.ssh/config", "UserKnownHostsFile /dev/null\nGlobalKnownHostsFile none\n")
    demo.write("invoke.yaml", re.sub(r"\n  known_hosts:.*", "", (demo.folder / "invoke.yaml").read_text()))
    line = "home/.ssh/config:1 sets UserKnownHostsFile"
    assert stderr_of(demo, "--host-key-policy", "accept-new") == [
        f"warning: host keys are not checked: --host-key-policy; {line}"
    ]
