"""What was given for a run and is not there is said before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import Ended, Project

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = "l1 ansible_connection=local site=a\nl2 ansible_connection=local\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts").write_text(LOCAL)
    return tmp_path


def run(folder: Path, *words: str) -> Ended:
    return Project(folder).type(*words, program="runner")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--private-key", "nowhere"), "--private-key 'nowhere': there is no such file"),
        (("--known-hosts", "nowhere"), "--known-hosts 'nowhere': there is no such file"),
        (("--spread", "chassis"), "--spread chassis: none of these hosts has that variable"),
    ],
)
def test_what_is_not_there_is_a_warning(folder: Path, flags: tuple[str, str], said: str) -> None:
    done = run(folder, "run", "true", "-i", "hosts", *flags)
    assert done.code == 0
    assert said in done.stderr
    assert said not in run(folder, "run", "true", "-i", "hosts", "--quiet", *flags).stderr


def test_a_variable_that_some_hosts_have_keeps_these_apart(folder: Path) -> None:
    assert run(folder, "run", "true", "-i", "hosts", "--spread", "site").stderr == ""


def test_an_ssh_config_that_is_not_there_is_an_error(folder: Path) -> None:
    done = run(folder, "run", "true", "-i", "hosts", "--ssh-config", "nowhere")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == "run: --ssh-config 'nowhere': there is no such file\n"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--overflow", "spill", "--spill-dir", "hosts"), "--spill-dir 'hosts': File exists"),
        (("--overflow", "spill", "--spill-dir", "/proc/x"), "--spill-dir '/proc/x': "),
        (("--spill-dir", "kept"), "--spill-dir goes with --overflow spill"),
        (("--max-spill", "1G", "--overflow", "drop"), "--max-spill goes with --overflow spill"),
    ],
)
def test_where_nothing_can_be_spilled_to_no_command_is_begun(
    folder: Path, flags: tuple[str, ...], said: str
) -> None:
    done = run(folder, "run", "touch begun", "-i", "hosts", *flags)
    assert (done.code, done.stdout, done.stderr[: len(said) + 5]) == (1, "", f"run: {said}")
    assert not (folder / "begun").exists()


def test_a_file_that_is_to_be_made_is_no_mistake(folder: Path) -> None:
    flags = ("--known-hosts", "new", "--host-key-policy", "accept-new")
    assert run(folder, "run", "true", "-i", "hosts", *flags).stderr == ""


def test_an_output_folder_that_another_run_has_taken_is_no_success(folder: Path) -> None:
    # The first run takes the folder while the second is on its way to do so.
    command = "test -e out/index.jsonl || { mkdir -p out; echo '{}' > out/index.jsonl; }"
    done = run(folder, "run", command, "-i", "hosts", "-g", "l1", "--quiet", "--output-dir", "out")
    assert done.code == 1
    assert "the output of l1 was not written: another run has taken the folder" in done.stderr


def test_a_dry_run_tells_batches_apart(folder: Path) -> None:
    done = run(folder, "run", "true", "-i", "hosts", "--dry-run", "--serial", "1")
    assert "batch 1 of 2; would be sent: true" in done.stdout
    assert "batch 2 of 2; would be sent: true" in done.stdout
