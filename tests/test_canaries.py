"""Secrets do not leak: each place that can hold a secret has a canary, and the tests search for the canaries
in everything that the program writes, shows, logs or starts.
"""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.connection.peers import ssh
from tests.connection.peers.ssh import USER, Script
from tests.connection.peers.stage import Stage
from tests.connection.sshd import make_key
from tests.projects import ROOT, Ended, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = (
    "variable",
    "list",
    "vaulted",
    "vault-password",
    "become",
    "passphrase",
    "environment",
    "settings",
    "reference-env",
    "reference-file",
    "code",
    "asked",
    "inline-passphrase",
    "inline",
)
CANARY = {place: f"canary-{place}-71f3" for place in PLACES}


def seen(content: str | bytes) -> set[str]:
    """Return the places whose canary is in the content."""
    text = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    return {place for place, canary in CANARY.items() if canary.encode() in text}


async def takes_its_time(channel: ssh.Channel) -> None:
    import asyncio

    await asyncio.sleep(1)
    channel.write(b"done\n")
    channel.exit(0)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def sealed(folder: Path, text: str) -> str:
    """Return a text encrypted as by ansible-vault."""
    from ansible.parsing.vault import VaultLib, VaultSecret

    vault = VaultLib([("default", VaultSecret(CANARY["vault-password"].encode()))])
    (folder / "vault-password").write_text(CANARY["vault-password"] + "\n")
    return vault.encrypt(text).decode()


@pytest.fixture
def place(tmp_path: Path, stage: Stage) -> Project:
    """A project with a secret in every place, and hosts that accept some of them and refuse others."""
    made = Project(tmp_path)
    ports = {
        "taken": stage.ssh(Script(answer=takes_its_time, questions=(("Password: ", CANARY["variable"]),))),
        "sealed": stage.ssh(
            Script(questions=(("Password: ", CANARY["vaulted"]), ("Code: ", CANARY["code"])))
        ),
        "refused": stage.ssh(Script(password=ssh.refuses)),
        "asks": stage.ssh(Script(questions=(("What is your secret? ", "x"),))),
        "changed": stage.ssh(Script()),
        "drops": stage.ssh(Script(password=ssh.hangs_up)),
    }
    locked = make_key(tmp_path / "locked", "ed25519", CANARY["passphrase"])
    inline = make_key(tmp_path / "inline", "ed25519", CANARY["inline-passphrase"]).read_text()
    hosts: dict[str, dict[str, object]] = {
        name: {"ansible_host": "127.0.0.1", "ansible_port": port} for name, port in ports.items()
    }
    hosts["taken"]["ansible_password"] = CANARY["variable"]
    hosts["refused"]["ansible_password"] = [CANARY["list"], "other"]
    hosts["refused"]["ansible_private_key_file"] = str(locked)
    hosts["asks"]["ansible_private_key"] = inline.replace("-----END", f"{CANARY['inline']}\n-----END")
    hosts["asks"]["ansible_private_key_passphrase"] = CANARY["inline-passphrase"]
    hosts["drops"]["ansible_become_password"] = CANARY["become"]
    document = json.dumps(
        {"all": {"hosts": hosts, "vars": {"ansible_user": USER, "ansible_become_pass": CANARY["become"]}}}
    )
    # The inventory is JSON, which is YAML; only the tag of an encrypted value needs a YAML file.
    inner = "\n".join(f"      {line}" for line in sealed(tmp_path, CANARY["vaulted"]).splitlines())
    made.write("inventories/hosts.yml", document)
    made.write("inventories/host_vars/sealed.yml", f"ansible_password: !vault |\n{inner}\n")
    public = stage.public_key
    others = [name for name in ports if name != "changed"]
    lines = [f"[127.0.0.1]:{ports[name]} {public}\n" for name in others]
    made.write("known", "".join(lines))
    made.write("reference", CANARY["reference-file"] + "\n")
    made.write(
        "invoke.yaml",
        "runner:\n  inventory: inventories\n  known_hosts: known\n  ssh_config: none\n  history: history.db\n"
        f"  vault_password_file: vault-password\n  password: {CANARY['settings']}\n  retries: 0\n"
        "  connect_timeout: 5\n  credentials:\n    - {password: 'env:REFERENCE'}\n"
        "    - {user: second, password: 'file:reference'}\n",
    )
    made.write(
        "tasks.py",
        "import runner\nfrom runner.tasks import namespace\n@runner.host_task\ndef breaks(host):\n"
        "    host.run('true')\n    raise RuntimeError(repr(vars(host)))\nnamespace.add_task(breaks)\n",
    )
    made.env = {
        "INVOKE_RUNNER_BECOME_PASSWORD": CANARY["become"],
        "INVOKE_RUNNER_KEY_PASSPHRASE": CANARY["passphrase"],
        "INVOKE_RUNNER_CODE": CANARY["code"],
        "REFERENCE": CANARY["reference-env"],
    }
    return made


def shown(ended: Ended) -> set[str]:
    return seen(ended.stdout) | seen(ended.stderr)


def written(place: Project, *besides: str) -> dict[str, set[str]]:
    """Return every file of the project that has a canary, except the files in which the test put one."""
    put = {"vault-password", "reference", "invoke.yaml", "hosts.yml", *besides}
    files = (path for path in place.folder.rglob("*") if path.is_file() and path.name not in put)
    return {str(path): found for path in files if (found := seen(path.read_bytes()))}


@pytest.mark.parametrize("form", ["folded", "text", "json", "jsonl", "csv", "table", "junit"])
def test_no_report_shows_one(place: Project, form: str) -> None:
    ended = place.type(
        "run", "--cmd", "true", "--format", form, "--verbose", "--output-dir", "out", "--no-ping"
    )

    assert ended.code in (2, 4, 6), ended.stderr
    assert "taken" in ended.stdout
    assert shown(ended) == set()
    assert written(place) == {}


@pytest.mark.slow
def test_no_task_of_ones_own_nor_any_other_shows_one(place: Project) -> None:
    calls = (
        ("breaks", "--no-ping"),
        ("run", "--become", "--cmd", "true", "--no-ping"),
        ("run", "--cmd", "true", "--no-ping", "--executor", "process", "--workers", "2"),
        ("ping",),
        ("trust", "--yes"),
        ("history.list",),
        ("inventory", "--graph"),
        ("run", "--dry-run", "--cmd", "true"),
    )
    found = {
        call: shown(place.type(*call, env={"INVOKE_RUNNER_PASSWORD": CANARY["environment"]}))
        for call in calls
    }

    # Not `invoke -d`: that prints invoke.yaml before it imports tasks.py and our code.
    debugged = place.type("-d", "run", "--cmd", "true", "--no-ping", program="runner")

    assert "Merging config" in debugged.stderr
    assert shown(debugged) == set()
    assert found == {call: set() for call in calls}
    assert written(place) == {}


def test_what_was_asked_for_is_not_shown(place: Project) -> None:
    with place.start("run", "--cmd", "true", "--ask-pass", "--no-ping", stdin=subprocess.PIPE) as process:
        stdout, stderr = process.communicate(CANARY["asked"].encode() + b"\n", timeout=60)

    assert seen(stdout) | seen(stderr) == set()
    assert written(place) == {}


def test_the_history_holds_none(place: Project) -> None:
    place.type("run", "--cmd", "true", "--no-ping")
    with sqlite3.connect(place.folder / "history.db") as database:
        dump = "\n".join(database.iterdump())

    assert "taken" in dump
    assert seen(dump) == set()


def test_no_process_has_one_among_its_arguments(place: Project) -> None:
    arguments: set[bytes] = set()
    words = ("run", "--cmd", "true", "--no-ping", "--executor", "process", "--workers", "2")
    with place.start(*words, start_new_session=True) as process:
        while process.poll() is None:
            arguments |= session_arguments(process.pid)
            time.sleep(0.01)
        process.communicate()

    assert len(arguments) > 1
    assert seen(b"\n".join(arguments)) == set()


def session_arguments(leader: int) -> set[bytes]:
    """Return the arguments of every process of a session; every user of the machine can read them."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == leader:
                found.add((entry / "cmdline").read_bytes())
        except OSError:
            continue
    return found


SCRIPT = """
import logging, pickle, sys, traceback
logging.basicConfig(level=logging.DEBUG)
handler = logging.StreamHandler()
for name in ("paramiko", "invoke", "runner"):
    logging.getLogger(name).addHandler(handler)
    logging.getLogger(name).setLevel(logging.DEBUG)
import runner
from runner.settings import Settings
from runner.settings import configuration
from pathlib import Path

def breaks(session):
    session.run("true")
    raise RuntimeError("broken")

if __name__ == "__main__":
    from runner.inventory import load
    from runner.inventory.vault_ids import vault_of
    inventory = load("inventories", vault=vault_of(("vault-password",), None))
    settings = Settings.resolve({}, *configuration.of_folder(Path.cwd()))
    print(repr(settings), repr(settings.connection_options()), str(settings))
    print(repr(inventory), *map(repr, inventory.select("all")))
    for what in ("true", breaks):
        results = runner.run(inventory.select("all"), what)
        print(repr(results), results, results.to_dict(), list(map(repr, results)))
        Path("results.pickle").write_bytes(pickle.dumps(results))
        Path("one.pickle").write_bytes(pickle.dumps(list(results)))
    from runner.connection.target.access import access
    for host in inventory.select("all"):
        print(repr(access(host, settings.connection_options())))
        try:
            from runner.connection.ssh import connect
            from runner.connection.deadline import Deadline
            connect(host, settings.connection_options(), Deadline())
        except Exception:
            traceback.print_exc()
    try:
        Settings.resolve({"password": ["a"], "nonsense": 1}, {})
    except Exception:
        traceback.print_exc()
"""


def test_no_log_no_traceback_no_repr_and_no_pickle_of_results_holds_one(place: Project) -> None:
    script = place.write("script.py", SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=place.folder,
        env=place.environment(INVOKE_RUNNER_PASSWORD=CANARY["environment"]),
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert b"Traceback" in done.stderr
    assert b"userauth is OK" in done.stderr
    assert seen(done.stdout) | seen(done.stderr) == set()
    assert written(place) == {}
    assert pickle.loads((place.folder / "one.pickle").read_bytes())


WRONG = {
    "credentials": f"- {{password: {CANARY['settings']}}}",
    "credentials of another shape": f"- {CANARY['settings']}",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_setting_that_cannot_be_read_does_not_quote_it(tmp_path: Path, case: str) -> None:
    made = Project(tmp_path)
    made.write("tasks.py", "from runner.tasks import namespace\n")
    made.write("invoke.yaml", f"runner:\n  credentials:\n    {WRONG[case]}\n")
    ended = made.type("run", "--cmd", "true", "-i", "127.0.0.1,")

    assert ended.code == 1
    assert "credentials" in ended.stderr
    assert shown(ended) == set()
    assert str(ROOT) not in ended.stderr
