"""Where a task's inventory comes from, what opens its vaults, and where its values come from."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("ansible")


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *words],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def names(folder: Path, *words: str, **environment: str) -> list[str]:
    done = run(folder, "inventory", "--hosts", "all", *words, **environment)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("flag", "setting", "environment", "configuration"):
        (tmp_path / f"{name}.ini").write_text(f"{name}\n")
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "hosts.ini").write_text("default\n")
    return tmp_path


def test_each_place_that_names_an_inventory_wins_over_the_next(folder: Path) -> None:
    assert names(folder) == ["default"]
    (folder / "ansible.cfg").write_text("[defaults]\ninventory = configuration.ini\n")
    assert names(folder) == ["configuration"]
    assert names(folder, ANSIBLE_INVENTORY="environment.ini") == ["environment"]
    (folder / "invoke.yaml").write_text("runner:\n  inventory: setting.ini\n")
    assert names(folder, ANSIBLE_INVENTORY="environment.ini") == ["setting"]
    assert names(folder, "-i", "flag.ini") == ["flag"]


def test_without_any_inventory_one_line_says_how_to_give_one(tmp_path: Path) -> None:
    done = run(tmp_path, "ping")
    assert (done.returncode, done.stdout) == (1, "")
    assert "give one with -i" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_broken_ansible_cfg_is_one_line(folder: Path) -> None:
    (folder / "ansible.cfg").write_text("[defaults]\nforks = many\n")
    done = run(folder, "ping")
    assert (done.returncode, done.stdout) == (1, "")
    assert "forks must be a whole number above 0, found 'many'" in done.stderr


@pytest.fixture
def vaulted(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text("correct horse\n")
    encrypted = subprocess.run(
        ["ansible-vault", "encrypt_string", "--vault-password-file", "password", "192.0.2.7"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"},  # noqa: PTH120
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    indented = encrypted.strip().replace("\n", "\n      ")
    (tmp_path / "hosts.yml").write_text(f"all:\n  hosts:\n    r1:\n      ansible_host: {indented}\n")
    return tmp_path


def test_a_vault_password_from_a_file_opens_what_is_encrypted(vaulted: Path) -> None:
    done = run(
        vaulted,
        "ping",
        "-i",
        "hosts.yml",
        "--vault-password-file",
        "password",
        "--dry-run",
        "--format",
        "json",
    )
    assert done.returncode == 0
    done = run(vaulted, "run", "true", "-i", "hosts.yml", "--no-ping", "--connect-timeout", "10ms")
    assert "no vault password was given" in done.stdout


def test_a_vault_password_is_asked_for_before_anything_starts(vaulted: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "ping", "-i", "hosts.yml", "--ask-vault-pass", "--dry-run"],
        cwd=vaulted,
        input="correct horse\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0
    assert "Vault password (default): " in done.stderr
    assert "correct horse" not in done.stdout + done.stderr


def test_a_variable_is_explained_place_by_place(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\nw1 tier=host\n[web:vars]\ntier=group\n")
    done = run(tmp_path, "inventory", "-i", "hosts.ini", "--explain", "w1", "tier")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "tier of w1, weakest first:"
    assert "'group'" in lines[1]
    assert lines[2].startswith("=>")
    assert "'host'" in lines[2]
    assert "hosts.ini:2" in lines[2]


def test_an_explanation_needs_a_host_and_a_variable(tmp_path: Path) -> None:
    done = run(tmp_path, "inventory", "-i", "a,b,", "--explain", "a")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "inventory: --explain takes a host and a variable: --explain r1 ansible_port\n"


def test_an_export_is_read_back_the_same(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\nw[1:3] tier=host\n[web:vars]\nport=80\n")
    exported = run(tmp_path, "inventory", "-i", "hosts.ini", "--export")
    (tmp_path / "hosts.yml").write_text(exported.stdout)
    listed = [run(tmp_path, "inventory", "-i", name, "--list").stdout for name in ("hosts.ini", "hosts.yml")]
    assert listed[0] == listed[1] != ""
