"""The API for scripts, as documented."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Status
from runner.errors import InvalidVariable, InventoryError, UsageError
from runner.history import History, Query
from tests.inventory.test_vault import VALUE_OF_ONE
from tests.liveness import comes_true
from tests.tasks.test_ending_remote_commands import variables

if TYPE_CHECKING:
    from pathlib import Path

    from runner.jobs import Session
    from tests.connection.sshd import Sshd
    from tests.projects import Project


@pytest.fixture(autouse=True)
def in_the_project(demo: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo.folder)


def test_the_example_of_the_contract(demo: Project) -> None:
    known = {"known_hosts": "known_hosts"}
    inventory = runner.load("inventories")
    routers = inventory.select("routers:!r3")
    assert {host.name for host in routers} == {"r1", "r2", "r-slow", "r-down", "r-denied"}
    alive = runner.ping(routers).reachable
    assert "r-down" not in {host.name for host in alive}
    seen = {}
    for result in runner.stream(alive, "show version", executor="thread", workers=100, **known):
        seen[result.host] = (result.status, result.duration_s > 0)
    assert seen["r1"] == (Status.OK, True)
    assert seen["r-denied"] == (Status.AUTH, True)
    results = runner.run(alive, "show version", **known)
    assert "r1 uptime is" in results["r1"].stdout
    assert [result.host for result in results.failed] == ["r-denied"]
    assert len(results.folded()) == len(alive)
    assert results.to_dict()["summary"]["auth"] == 1
    assert results.exit_code == 2
    assert demo.folder.is_dir()


def test_several_commands_are_run_in_order_up_to_the_first_that_fails() -> None:
    hosts = runner.load("inventories").select("servers")
    results = runner.run(hosts, ["hostname", "false", "hostname"], known_hosts="known_hosts")
    assert [command.exit_code for command in results["web1"].commands] == [0, 1]
    assert results["web1"].status is Status.FAILED


def test_a_function_is_called_with_a_session_on_each_host() -> None:
    def name(host: object) -> str:
        return host.run("hostname").stdout.strip()  # type: ignore[attr-defined, no-any-return]

    hosts = runner.load("inventories").select("servers")
    results = runner.run(hosts, name, known_hosts="known_hosts")
    assert [result.value for result in results.values()] == list(results)


def test_a_host_task_is_called_as_the_function_that_it_is() -> None:
    @runner.host_task
    def name(host: object) -> str:
        return host.run("hostname").stdout.strip()  # type: ignore[attr-defined, no-any-return]

    hosts = runner.load("inventories").select("web1")
    assert runner.run(hosts, name, known_hosts="known_hosts")["web1"].value == "web1"


def test_a_host_key_that_is_not_known_is_not_trusted() -> None:
    results = runner.run(runner.load("inventories").select("r1"), "show version", known_hosts="none")
    assert results["r1"].status is Status.HOSTKEY
    assert not results["r1"].sent


def test_a_keyword_that_is_no_setting_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean workers"):
        runner.run([], "x", wokers=5)
    with pytest.raises(UsageError, match="workers"):
        runner.stream([], "x", workers=0)
    with pytest.raises(UsageError, match="tcp, ssh"):
        runner.ping([], method="smoke")


def test_without_a_source_the_inventory_is_the_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANSIBLE_INVENTORY", raising=False)
    assert "r1" in runner.load()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InventoryError):
        runner.load()


def test_a_script_with_processes_runs_its_own_function_there(demo: Project) -> None:
    script = demo.write(
        "script.py",
        "import runner\n"
        "def name(host):\n"
        "    return host.run('hostname').stdout.strip()\n"
        "if __name__ == '__main__':\n"
        "    hosts = runner.load('inventories').select('servers')\n"
        "    results = runner.run(hosts, name, executor='process', known_hosts='known_hosts')\n"
        "    print(*[result.value for result in results.values()], results.exit_code)\n",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=demo.folder,
        env=demo.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("web1 web2 db1 0\n", "")


INTERRUPTED = """\
import sys, runner
if __name__ == '__main__':
    how = {'executor': sys.argv[1], 'known_hosts': 'known_hosts', 'workers': 2}
    hosts = runner.load('hosts').select()
    %s
"""
RETURNED = """\
results = runner.run(hosts, 'sleep 100', **how)
    print(results.interrupted, results.exit_code, *(str(result.status) for result in results.values()))
"""
STREAMED = """\
try:
        for result in runner.stream(hosts, 'sleep 100', **how):
            print(result.host, result.status)
    except KeyboardInterrupt:
        print('interrupted')
"""


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (RETURNED, "True 130 cancelled cancelled cancelled\n"),
        (STREAMED, "web1 cancelled\nweb2 cancelled\ndb1 cancelled\ninterrupted\n"),
    ],
)
def test_ctrl_c_in_a_script_ends_what_it_started_and_gives_what_there_is(
    demo: Project, sshd: Sshd, executor: str, body: str, said: str
) -> None:
    script = demo.write("script.py", INTERRUPTED % body)
    demo.write("hosts", "".join(f"{name} {variables(sshd)}\n" for name in ("web1", "web2", "db1")))
    demo.write("known_hosts", sshd.known_hosts.read_text())
    begun = sshd.log.count("Starting session: command")
    with subprocess.Popen(
        [sys.executable, str(script), executor],
        cwd=demo.folder,
        env=demo.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert comes_true(lambda: sshd.log.count("Starting session: command") > begun)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout.decode(), stderr.decode()) == (0, said, "")


def test_a_script_has_what_finished_before_ctrl_c(demo: Project) -> None:
    hosts = runner.load("inventories").select("web1,web2")

    def work(host: Session) -> str:
        if host.name == "web2":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        return host.run("hostname").stdout.strip()

    results = runner.run(hosts, work, executor="serial", known_hosts=str(demo.folder / "known_hosts"))
    assert results.interrupted
    assert results["web1"].value == "web1"
    assert results["web2"].status is Status.CANCELLED


def test_a_script_means_what_a_task_means_by_the_projects_settings(demo: Project) -> None:
    hosts = runner.load().select("good")
    results = runner.run(hosts, "show clock")  # invoke.yaml gives known_hosts
    assert results.ok
    assert "known_hosts" in (demo.folder / "invoke.yaml").read_text()


def test_the_environment_wins_over_the_file_and_a_keyword_over_both(
    demo: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_RUNNER_KNOWN_HOSTS", str(demo.folder / "nothing"))
    hosts = runner.load().select("r1")
    assert runner.run(hosts, "show clock")["r1"].status is Status.HOSTKEY
    assert runner.run(hosts, "show clock", known_hosts="known_hosts")["r1"].status is Status.OK


def test_a_configuration_that_cannot_be_read_is_one_line(demo: Project) -> None:
    demo.write("invoke.yaml", "runner: [\n")
    with pytest.raises(UsageError, match=r"the configuration for .* cannot be read: ") as caught:
        runner.load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("hosts", ["r1", ["r1"], [None]])
def test_what_are_no_hosts_is_said_at_once(hosts: object) -> None:
    with pytest.raises(UsageError, match=r"expected hosts, such as inventory\.select\(\) gives"):
        runner.run(hosts, "show clock")  # type: ignore[arg-type]


def encrypted(folder: Path) -> None:
    """Write an inventory with an encrypted value, and two files with passwords."""
    value = "".join(f"          {line}\n" for line in VALUE_OF_ONE.splitlines())
    (folder / "vaulted.yml").write_text(f"all:\n  hosts:\n    h1:\n      ansible_password: !vault |\n{value}")
    (folder / "one").write_text("one\n")
    (folder / "other").write_text("other\n")


@pytest.mark.parametrize(
    "keywords", [{"vault_password_file": "one"}, {"vault_id": ["x@other", "dev@one"]}, {"vault_id": "one"}]
)
def test_a_script_opens_a_vaulted_inventory(demo: Project, keywords: dict[str, Any]) -> None:
    encrypted(demo.folder)
    host = runner.load("vaulted.yml", **keywords).host("h1")
    assert host.variables["ansible_password"] == "héslo {{ x }}"
    assert (
        runner.load(inventory="vaulted.yml", **keywords).host("h1").variables["ansible_password"]
        == "héslo {{ x }}"
    )


def test_a_script_opens_it_with_what_is_configured_for_tasks(
    demo: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted(demo.folder)
    demo.write("invoke.yaml", "runner: {inventory: vaulted.yml, vault_password_file: one}\n")
    assert runner.load().host("h1").variables["ansible_password"] == "héslo {{ x }}"
    task = demo.type("inventory", "--host", "h1")
    assert (task.code, task.stderr) == (0, "")
    monkeypatch.setenv("INVOKE_RUNNER_VAULT_PASSWORD_FILE", "other")
    with pytest.raises(InvalidVariable) as wrong:
        runner.load().host("h1").variables["ansible_password"]
    env = {"INVOKE_RUNNER_VAULT_PASSWORD_FILE": "other"}
    ended = demo.type("run", "true", "--no-ping", "--format", "json", env=env)
    assert ended.document["hosts"]["h1"]["error"] == str(wrong.value)
    assert "no vault password" in str(wrong.value)


def test_a_password_that_would_have_to_be_asked_for_is_an_error_only_if_it_is_needed(demo: Project) -> None:
    encrypted(demo.folder)
    assert "r1" in runner.load(vault_id="dev@prompt")
    host = runner.load("vaulted.yml", vault_id="dev@prompt").host("h1")
    with pytest.raises(UsageError, match="the vault password of 'dev' cannot be asked for here; name a file"):
        host.variables["ansible_password"]
    with pytest.raises(UsageError, match=r"^runner\.load does not heed ask_vault_pass=: name a file"):
        runner.load("vaulted.yml", ask_vault_pass=True)


def test_the_inventory_is_named_once() -> None:
    assert "r1" in runner.load(inventory=["inventories"])
    with pytest.raises(UsageError, match="name the inventory once"):
        runner.load("inventories", inventory="inventories")


def test_variables_next_to_a_playbook_count_where_the_script_says_so(demo: Project) -> None:
    demo.write("plays/group_vars/all.yml", "colour: blue\n")
    assert runner.load(playbook_dir="plays").host("r1").variables["colour"] == "blue"
    assert "colour" not in runner.load().host("r1").variables
    with pytest.raises(UsageError, match="playbook_dir: none is not a folder"):
        runner.load(playbook_dir="none")


def test_a_warning_about_an_inventory_is_logged_once_when_it_is_read(
    demo: Project, caplog: pytest.LogCaptureFixture
) -> None:
    demo.write("doubtful.ini", "a\n[a]\nb\n")
    inventory = runner.load("doubtful.ini")
    (record,) = caplog.records
    assert record.name.partition(".")[0] == "runner"
    assert record.getMessage().startswith("'a' is a group and a host")
    assert inventory.warnings == (record.getMessage(),)
    inventory.select("a")
    assert len(caplog.records) == len(inventory.warnings)
    shown = demo.type("inventory", "-i", "doubtful.ini", "--hosts", "all")
    assert shown.stderr == f"warning: {record.getMessage()}\n"
    assert demo.type("inventory", "-i", "doubtful.ini", "--hosts", "all", "-q").stderr == ""


def test_a_run_is_in_the_history_if_that_is_asked_for(demo: Project, tmp_path: Path) -> None:
    hosts = runner.load("inventories").select("web1,r-down")
    how = {"known_hosts": "known_hosts", "history": str(tmp_path / "history.sqlite3")}
    runner.run(hosts, "hostname", **how)
    assert not (tmp_path / "history.sqlite3").exists()

    results = runner.run(hosts, "hostname", record=True, **how)
    streamed = list(runner.stream(hosts, "hostname", record=True, **how))
    pinged = runner.ping(hosts, record=True, history=how["history"])
    with History(tmp_path / "history.sqlite3") as history:
        assert [item.run.task for item in history.runs(Query())] == ["ping", "run", "run"]
        kept = history.find(results.run.id)
        assert {name: result.status for name, result in kept.results.items()} == {
            "web1": Status.OK,
            "r-down": Status.UNREACHABLE,
        }
        assert kept.results["web1"].stdout == results["web1"].stdout
        assert kept.run.commands == ("hostname",)
        assert len(history.find("last").results) == len(pinged) == len(streamed)
    ended = demo.type(
        "run", "hostname", "--failed", results.run.id, env={"INVOKE_RUNNER_HISTORY": how["history"]}
    )
    assert "r-down: unreachable" in ended.stdout
    assert "web1" not in ended.stdout
