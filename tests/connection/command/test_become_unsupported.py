"""A become method that the connection does not support is an error before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.connection import connector
from runner.connection.command.become import BECOME_METHODS, Become, supports_become
from runner.connection.local import LocalConnection
from runner.connection.options import ConnectionOptions
from runner.connection.target.access import check_become
from runner.errors import BecomeUnsupported, UsageError
from runner.jobs import CommandJob, FunctionJob, perform
from runner.models import Host, HostResult, Phase, Status
from runner.results.limits import Limits
from runner.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from runner.connection import Connect
    from runner.connection.deadline import Deadline
    from runner.jobs import Session
    from tests.connection.sshd import Sshd
    from tests.projects import Ended, Project

ENABLE = {"ansible_become_method": "enable"}
ON = {"ansible_become": True}


@pytest.fixture(params=["ssh", "openssh", "local"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def is_unsupported(result: HostResult, method: str, kind: str) -> bool:
    """Check the whole result, and that there was no login to the host."""
    error = result.error or ""
    begin = f"become method {method!r} is not supported on {result.host} by its {kind} connection, "
    return (
        (result.status, result.reason, result.phase) == (Status.AUTH, "become-unsupported", Phase.CONNECT)
        and (result.sent, result.attempts, result.commands, result.login) == (False, 1, (), None)
        and error.startswith(begin)
        and "; run it without become (--become, ansible_become)" in error
        and error.endswith(", or use --become-method sudo|su|doas") == (kind != "local")
    )


@pytest.mark.parametrize(
    "method",
    [
        "enable",
        "community.vendor.enable",
        "runas",
        "xyz",
        "my_company.tools.sudo",
        "SUDO",
        "sudo ",
        "a\x1b[m'b",
    ],
)
def test_a_method_that_no_connection_supports(sshd: Sshd, kind: str, tmp_path: Path, method: str) -> None:
    mark, before = tmp_path / "ran", sshd.log.count("Accepted ")
    host = sshd.host(ansible_connection=kind, ansible_become_method=method, **ON)
    result = perform(host, CommandJob((f"touch {mark}",)), sshd.options(retries=2))

    assert is_unsupported(result, method, kind), result
    assert not mark.exists()
    assert sshd.log.count("Accepted ") == before


@pytest.mark.parametrize("method", BECOME_METHODS)
def test_the_local_connection_supports_no_method(tmp_path: Path, method: str) -> None:
    host = Host("h", {"ansible_connection": "local"})
    options = ConnectionOptions(become=True, become_as=Become(method))
    result = perform(host, CommandJob((f"touch {tmp_path}/ran",)), options)

    assert is_unsupported(result, method, "local"), result
    assert list(tmp_path.iterdir()) == []


def test_without_become_its_method_does_not_count(sshd: Sshd, kind: str) -> None:
    host = sshd.host(ansible_connection=kind, ansible_become_password="x", **ENABLE)

    assert perform(host, CommandJob(("echo here",)), sshd.options()).stdout == "here\n"


def put(session: Session) -> None:
    session.put(__file__, "/tmp/runner-become-unsupported")


def get(session: Session) -> None:
    session.get("/etc/passwd", session.variables["folder"])


def script(session: Session) -> None:
    session.script(__file__)


def log_in(session: Session) -> None:
    session.connect()


def caught_and_tried_again(session: Session) -> None:
    with pytest.raises(BecomeUnsupported):
        session.run("true", warn=True)
    session.run("true", warn=True)


@pytest.mark.parametrize("work", [put, get, script, log_in, caught_and_tried_again])
def test_whatever_is_asked_of_the_host(sshd: Sshd, kind: str, tmp_path: Path, work: object) -> None:
    before = sshd.log.count("Accepted ")
    host = sshd.host(ansible_connection=kind, folder=str(tmp_path), **ENABLE)
    result = perform(host, FunctionJob(work), sshd.options(become=True))  # type: ignore[arg-type]

    assert is_unsupported(result, "enable", kind), result
    assert list(tmp_path.iterdir()) == []
    assert sshd.log.count("Accepted ") == before


# Connections of plugins ------------------------------------------------------------------------------------


def test_each_connection_declares_the_methods_that_it_supports() -> None:
    declared = {
        name: getattr(connector(Host("h", {"ansible_connection": name})), "become_methods", ())
        for name in ("ssh", "openssh", "local")
    }

    assert declared == {"ssh": BECOME_METHODS, "openssh": BECOME_METHODS, "local": ()}


@supports_become("enable", "sudo")
def declaring(_host: Host, options: ConnectionOptions, deadline: Deadline) -> LocalConnection:
    return LocalConnection(options, deadline)


def silent(_host: Host, options: ConnectionOptions, deadline: Deadline) -> LocalConnection:
    return LocalConnection(options, deadline)


@pytest.mark.parametrize(
    ("connect", "method", "advice"),
    [
        (declaring, "enable", None),
        (declaring, "su", "; run it without become (--become, ansible_become), or use --become-method sudo"),
        (silent, "enable", "; run it without become "),
        (silent, "sudo", "; run it without become "),
    ],
)
def test_a_plugin_that_declares_no_method_supports_none(
    connect: Connect, method: str, advice: str | None
) -> None:
    host = Host("h", {"ansible_become_method": method, **ON})
    if advice is None:
        check_become(host, ConnectionOptions(), connect)
        return
    with pytest.raises(BecomeUnsupported) as raised:
        check_become(host, ConnectionOptions(), connect)
    assert advice in str(raised.value)


PLUGIN = """
from runner.connection.command.become import supports_become
from runner.models import CommandResult

class Plain:
    sent = False
    def run(self, command, given=None):
        self.sent = True
        return CommandResult(command, stdout_bytes=b"ran", exit_code=0)
    def close(self):
        pass

def plain(host, options, deadline):
    return Plain()

@supports_become("enable")
def privileged(host, options, deadline):
    return Plain()
"""


def test_an_installed_plugin(demo: Project) -> None:
    demo.write("plugins/their_connections.py", PLUGIN)
    demo.write("plugins/theirs-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    points = "plain = their_connections:plain\nprivileged = their_connections:privileged\n"
    demo.write("plugins/theirs-1.dist-info/entry_points.txt", f"[runner.connections]\n{points}")
    demo.env["PYTHONPATH"] = f"{demo.folder / 'plugins'}:{demo.environment()['PYTHONPATH']}"
    hosts = {name: {"ansible_connection": name, **ENABLE} for name in ("plain", "privileged")}
    demo.write("their.yml", json.dumps({"all": {"hosts": hosts}}))
    words = ("run", "x", "-i", "their.yml", "--no-ping", *JSON)

    assert {seen[0] for seen in outcomes(demo.type(*words)).values()} == {"ok"}
    assert outcomes(demo.type(*words, "--become")) == {
        "plain": UNSUPPORTED,
        "privileged": ("ok", None, True),
    }


# Limits, flags and settings --------------------------------------------------------------------------------


def test_it_is_not_a_refused_login() -> None:
    host = Host("h", {"ansible_connection": "local", **ON})
    unsupported = perform(host, CommandJob(("true",)), ConnectionOptions())
    refused = HostResult("h", Status.AUTH, reason="login-refused")
    limits = Limits(9, None, 2)

    assert unsupported.reason == "become-unsupported"
    verdicts = [limits.take(result) for result in (unsupported, refused, unsupported, unsupported, refused)]
    assert [verdict and verdict.reason for verdict in verdicts] == [None] * 4 + ["max-refused"]


@pytest.mark.parametrize("method", ["xyz", "ansible.builtin.sudo", "SUDO"])
def test_another_word_as_flag_or_setting_is_a_wrong_flag(method: str) -> None:
    with pytest.raises(UsageError, match=r"--become-method .*expected one of sudo, su, doas, enable"):
        Settings.resolve({"become_method": method})
    with pytest.raises(UsageError, match=r"runner\.become_method .*expected one of sudo, su, doas, enable"):
        Settings.resolve({}, {"become_method": method})


# On the command line, with the demo fleet ------------------------------------------------------------------


@pytest.fixture
def cisco(demo: Project) -> Project:
    """The demo project with the become variables of its inventory: of a group, and of one host."""
    path = demo.folder / "inventories" / "hosts.yml"
    inventory = json.loads(path.read_text())
    inventory["all"]["children"]["good"]["vars"] = {**ENABLE, "ansible_become_password": "enable"}
    inventory["all"]["hosts"]["web2"] |= {"ansible_become_method": "xyz", **ON}
    path.write_text(json.dumps(inventory))
    return demo


def outcomes(ended: Ended) -> dict[str, tuple[str, str | None, bool]]:
    hosts = ended.document["hosts"].items()
    return {name: (seen["status"], seen["reason"], seen["sent"]) for name, seen in hosts}


UNSUPPORTED = ("auth", "become-unsupported", False)
JSON = ("--format", "json")


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_become_by_flag_with_enable_in_group_variables(cisco: Project, executor: str) -> None:
    words = ("run", "show clock", "-g", "good", "--executor", executor, "--max-refused", "1", *JSON)

    assert set(outcomes(cisco.type(*words)).values()) == {("ok", None, True)}
    ended = cisco.type(*words, "--become")
    assert ended.code == 2
    assert outcomes(ended) == dict.fromkeys(("r1", "r2", "r3"), UNSUPPORTED)


def test_become_by_variable_is_an_error_of_that_host_alone(cisco: Project) -> None:
    ended = cisco.type("run", "hostname", "-g", "web1:web2", *JSON)

    assert outcomes(ended) == {"web1": ("ok", None, True), "web2": UNSUPPORTED}
    assert "'xyz' is not supported on web2 by its ssh connection" in ended.document["hosts"]["web2"]["error"]


def test_files_scripts_and_rounds(cisco: Project) -> None:
    cisco.write("sent", "#!/bin/sh\nid -un\n")
    for words in (("put", "sent", "/tmp/x"), ("get", "/etc/hostname"), ("script", "sent")):
        assert outcomes(cisco.type(*words, "-g", "web2", *JSON)) == {"web2": UNSUPPORTED}, words
    watched = cisco.type("watch", "hostname", "-g", "web2", "--interval", "10ms")
    assert watched.code == 2
    assert watched.stderr == "left out of the next rounds, as their status is auth: web2\n"


def test_what_does_not_run_commands_is_not_affected(cisco: Project) -> None:
    assert cisco.type("ping", "-g", "good:web2").code == 0
    assert cisco.type("trust", "-g", "good:web2").code == 0
    assert cisco.type("inventory", "--host", "web2").document["ansible_become_method"] == "xyz"
    assert cisco.type("run", "hostname", "-g", "good:web2", "--become", "--dry-run").code == 0


def test_enable_by_flag_is_every_hosts_error(cisco: Project) -> None:
    ended = cisco.type("run", "hostname", "-g", "web1", "--become", "--become-method", "enable", *JSON)

    assert outcomes(ended) == {"web1": UNSUPPORTED}


def test_an_unknown_method_by_flag_runs_nothing(cisco: Project) -> None:
    ended = cisco.type("run", "show clock", "-g", "good", "--become", "--become-method", "xyz")

    assert (ended.code, ended.stdout) == (1, "")
    assert "expected one of sudo, su, doas, enable" in ended.stderr


def test_a_network_device_is_not_advised_to_use_sudo(cisco: Project) -> None:
    path = cisco.folder / "inventories" / "hosts.yml"
    inventory = json.loads(path.read_text())
    inventory["all"]["hosts"]["r1"]["ansible_network_os"] = "cisco.ios.ios"
    path.write_text(json.dumps(inventory))
    ended = cisco.type("run", "show clock", "-g", "r1", "--become", *JSON)

    assert outcomes(ended) == {"r1": UNSUPPORTED}
    assert "sudo" not in ended.document["hosts"]["r1"]["error"]


def test_a_device_that_does_not_know_sudo_is_not_ok(cisco: Project) -> None:
    words = ("run", "show clock", "-g", "r1", "--become", "--become-method", "sudo", *JSON)

    assert outcomes(cisco.type(*words)) == {"r1": ("auth", "become-denied", True)}


def test_a_method_by_flag_wins_over_the_inventory(cisco: Project) -> None:
    ended = cisco.type("run", "hostname", "-g", "web2", "--become-method", "su", *JSON)

    (seen,) = ended.document["hosts"].values()
    assert seen["reason"] != "become-unsupported"
    assert seen["sent"]
