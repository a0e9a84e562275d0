"""`trust` on real servers: what is shown, what is recorded after a yes, and what never is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.connection.host_keys import known_hosts
from runner.connection.host_keys.records import KeyRecord, write_down
from tests.connection.sshd import Sshd, make_key, required_program, temporary_sshd
from tests.projects import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, sshd: Sshd) -> Project:
    """A project whose inventory holds the server under two names, and a host that is down."""
    made = Project(tmp_path)
    where = {"ansible_host": "127.0.0.1", "ansible_port": sshd.port}
    down = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    groups = {"up": {"hosts": {"a": None, "b": None}}}
    made.write(
        "inventories/hosts.yml",
        json.dumps({"all": {"hosts": {"a": where, "b": where, "down": down}, "children": groups}}),
    )
    made.write("invoke.yaml", "runner:\n  known_hosts: known\n  no_history: true\n  ssh_config: none\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def lines(place: Project) -> list[str]:
    path = place.folder / "known"
    return path.read_text().splitlines() if path.exists() else []


def keys(sshd: Sshd) -> set[str]:
    return {f"[127.0.0.1]:{sshd.port} {sshd.public_key(kind)}" for kind in ("ed25519", "ecdsa", "rsa")}


def test_every_key_is_shown_and_recorded_once(place: Project, sshd: Sshd) -> None:
    ended = place.type("trust", "--yes", "-g", "up")
    printed = {
        subprocess.run(
            [required_program("ssh-keygen"), "-l", "-f", str(sshd.folder / f"host_{kind}.pub")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[1]
        for kind in ("ed25519", "ecdsa", "rsa")
    }

    assert ended.code == 0, ended
    assert all(ended.stdout.count(fingerprint) == 2 for fingerprint in printed)
    assert set(lines(place)) == keys(sshd)
    assert len(lines(place)) == 3
    assert "recorded 3 keys in known" in ended.stderr


def test_it_shows_what_ssh_keyscan_finds(place: Project, sshd: Sshd) -> None:
    scanned = subprocess.run(
        [required_program("ssh-keyscan"), "-p", str(sshd.port), "127.0.0.1"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    place.type("trust", "--yes", "-g", "a")

    assert {line for line in scanned if not line.startswith("#")} == set(lines(place))


def test_what_is_known_is_said_and_not_recorded_again(place: Project, sshd: Sshd) -> None:
    place.write("known", f"[127.0.0.1]:{sshd.port} {sshd.public_key('rsa')}\n")
    first = place.type("trust", "-g", "a", "--yes")
    second = place.type("trust", "-g", "a")

    assert first.stdout.count("  same ") == 1
    assert first.stdout.count("  new ") == 2
    assert len(lines(place)) == 3
    assert (second.code, second.stdout.count("  same ")) == (0, 3)


def test_without_a_yes_nothing_is_recorded(place: Project) -> None:
    ended = place.type("trust", "-g", "a")

    assert ended.code == 1
    assert "--yes" in ended.stderr
    assert lines(place) == []


@pytest.mark.terminal
@pytest.mark.parametrize(("answer", "recorded", "code"), [("y\n", 3, 0), ("n\n", 0, 2), ("\n", 0, 2)])
def test_it_is_asked_once_on_the_terminal(place: Project, answer: str, recorded: int, code: int) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        with place.start("trust", "-g", "up", stdin=theirs) as process:
            _, stderr = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)

    assert (process.returncode, len(lines(place))) == (code, recorded)
    assert stderr.decode().count("[y/N]") == 1
    assert "Record 3 keys of 1 host" in stderr.decode()


def other_key(folder: Path, kind: str) -> str:
    return " ".join(make_key(folder / f"other_{kind}", kind).with_suffix(".pub").read_text().split()[:2])


def test_a_changed_key_is_not_recorded_without_its_own_flag(place: Project, sshd: Sshd) -> None:
    changed = f"[127.0.0.1]:{sshd.port} {other_key(place.folder, 'ed25519')}\n"
    place.write("known", changed)
    ended = place.type("trust", "--yes", "-g", "a")

    assert ended.code == 2
    assert "CHANGED" in ended.stdout
    assert "known:1 has another" in ended.stdout
    assert (place.folder / "known").read_text() == changed


def test_with_that_flag_it_takes_the_place_of_the_other(place: Project, sshd: Sshd) -> None:
    other = other_key(place.folder, "ed25519")
    name = f"[127.0.0.1]:{sshd.port}"
    place.write("known", f"# mine\nweb,{name} {other}\n{name} {sshd.public_key('rsa')}\nweb {other}\n")
    (place.folder / "known").chmod(0o640)
    ended = place.type("trust", "--yes", "--replace-changed", "-g", "a")

    assert ended.code == 0, ended
    assert lines(place)[:4] == ["# mine", f"web {other}", f"{name} {sshd.public_key('rsa')}", f"web {other}"]
    assert set(lines(place)[4:]) == keys(sshd) - {f"{name} {sshd.public_key('rsa')}"}
    assert (place.folder / "known").stat().st_mode & 0o777 == 0o640
    assert f"web,{name} {other}" in (place.folder / "known.old").read_text()
    assert place.type("trust", "-g", "a").code == 0


def test_a_hashed_name_is_replaced_too(place: Project, sshd: Sshd) -> None:
    name = f"[127.0.0.1]:{sshd.port}"
    write_down(
        str(place.folder / "known"),
        [KeyRecord(name, *other_key(place.folder, "rsa").split()), KeyRecord("web", "ssh-rsa", "AAAA")],
        hashed=True,
    )
    ended = place.type("trust", "--yes", "--replace-changed", "--hash", "-g", "a")

    assert ended.code == 0, ended
    assert len(lines(place)) == 4
    assert not any("127.0.0.1" in line for line in lines(place))
    found = subprocess.run(
        [required_program("ssh-keygen"), "-F", name, "-f", str(place.folder / "known")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.count("ssh-") + found.stdout.count("ecdsa-") == 3


def test_a_revoked_key_is_never_recorded(place: Project, sshd: Sshd) -> None:
    place.write("known", f"@revoked * {sshd.public_key('ed25519')}\n")
    ended = place.type("trust", "--yes", "-g", "a")

    assert ended.code == 2
    assert "REVOKED" in ended.stdout
    assert len(lines(place)) == 3


def test_hosts_that_cannot_be_reached_are_reported(place: Project) -> None:
    ended = place.type("trust", "--yes")

    assert ended.code == 4
    assert "down: unreachable" in ended.stdout
    assert len(lines(place)) == 3


def test_json_is_the_document_of_every_task(place: Project, sshd: Sshd) -> None:
    ended = place.type("trust", "--yes", "--format", "json")
    hosts = ended.document["hosts"]

    assert ended.document["run"]["task"] == "trust"
    assert ended.document["summary"]["unreachable"] == 1
    assert {key["type"] for key in hosts["a"]["value"]} == {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ssh-rsa",
    }
    assert all(key["recorded"] and key["known"] == "new" for key in hosts["a"]["value"])
    assert hosts["a"]["value"][0]["name"] == f"[127.0.0.1]:{sshd.port}"


def test_a_dry_run_and_a_format_that_it_does_not_have(place: Project) -> None:
    assert place.type("trust", "--yes", "--dry-run", "-g", "a").code == 0
    assert place.type("trust", "--format", "csv").code == 1
    assert lines(place) == []


def test_through_a_jump_host_that_is_known(place: Project, sshd: Sshd) -> None:
    place.write("gate_known", f"[127.0.0.1]:{sshd.port} {sshd.public_key('ed25519')}\n")
    jump = f"-J {sshd.user}@127.0.0.1:{sshd.port}"
    with temporary_sshd(address="127.0.0.2") as target:
        where = {
            "ansible_host": "127.0.0.2",
            "ansible_port": target.port,
            "ansible_ssh_common_args": jump,
        }
        place.write("inventories/hosts.yml", json.dumps({"all": {"hosts": {"behind": where}}}))
        ended = place.type(
            *("trust", "--yes", "--no-ping", "--known-hosts", "gate_known"),
            *("--private-key", str(sshd.key)),
        )
        name = f"[127.0.0.2]:{target.port}"
        expected = {f"{name} {target.public_key(kind)}" for kind in ("ed25519", "rsa", "ecdsa")}

    assert ended.code == 0, ended
    assert expected <= set((place.folder / "gate_known").read_text().splitlines())


def test_a_file_that_cannot_be_written_is_named(place: Project) -> None:
    place.write("occupied", "")
    ended = place.type("trust", "--yes", "-g", "a", "--known-hosts", "occupied/known")

    assert ended.code == 1
    assert "occupied/known" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "known"
    program = (
        "import sys; from runner.connection.host_keys.records import KeyRecord, write_down\n"
        "me = sys.argv[2]\n"
        "for n in range(20):\n"
        "    gone = {(f'{me}-{n - 1}', 'ssh-x')} if n % 2 else set()\n"
        "    write_down(sys.argv[1], [KeyRecord(f'{me}-{n}', 'ssh-x', 'AAAABXNzaC14')], gone)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), str(me)]) for me in range(4)]

    assert [writer.wait(60) for writer in writers] == [0] * 4
    names = {line.split()[0] for line in path.read_text().splitlines()}
    assert names == {f"{me}-{n}" for me in range(4) for n in range(20) if n % 2}


def test_an_authority_makes_a_host_known(tmp_path: Path) -> None:
    file = tmp_path / "known"
    key = other_key(tmp_path, "ed25519")
    file.write_text(f"@cert-authority *.example,!bad.example {key}\n")
    known = known_hosts.load((str(file),))

    assert [entry.blob for entry in known.authorities("web.example", 22)] == [key.split()[1]]
    assert known.authorities("bad.example", 22) == []
    assert [entry.blob for entry in known.authorities("web.example", 2222)] == [key.split()[1]]
