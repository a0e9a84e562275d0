"""Questions to the operator before any host is contacted: passwords, a code, passphrases of keys."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

import pytest

from runner import Host
from runner.errors import UsageError
from runner.models import Secret
from runner.runs.questions import login_secrets, nobody, passwords
from runner.settings import Settings
from tests.connection.agents import running_agent, unlock
from tests.connection.sshd import make_key

if TYPE_CHECKING:
    from pathlib import Path


class Operator:
    """Gives the prepared answers in order, and keeps the questions."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, what: str) -> Secret:
        self.asked.append(what)
        return Secret(self._answers.pop(0))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())


@pytest.fixture(scope="module")
def locked_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys") / "locked", "ed25519", "opens it", "-a", "1")


@pytest.fixture
def locked(locked_key: Path, tmp_path: Path) -> Path:
    """A private key with the passphrase `opens it`."""
    path = tmp_path / "locked"
    for suffix in ("", ".pub"):
        copy = path.with_suffix(suffix)
        copy.touch(0o600)
        copy.write_text(locked_key.with_suffix(suffix).read_text())
    return path


def login_with(key: Path, **given: object) -> Settings:
    return Settings.resolve({"private_key": [str(key)], "ssh_config": "none", **given})


def test_a_script_has_nobody_to_ask() -> None:
    with pytest.raises(UsageError, match=r"^a script cannot ask the operator \(One-time code\): give the "):
        nobody("One-time code")


def test_only_the_requested_passwords_are_asked_for() -> None:
    operator = Operator("one", "two")
    assert passwords(Settings(), operator) == Settings()
    settings = passwords(Settings(ask_pass=True, ask_become_pass=True), operator)
    assert operator.asked == ["SSH password", "Password of --become"]
    assert (settings.password, settings.become_password) == (Secret("one"), Secret("two"))


def test_an_answer_wins_over_the_variables_of_hosts() -> None:
    settings = passwords(Settings.resolve({}, {"ask_pass": True}), Operator("typed"))
    assert "password" in settings.given


def test_a_one_time_code_is_asked_for_unless_the_run_is_dry() -> None:
    operator = Operator("one-time-code")
    assert login_secrets(Settings(ask_code=True, dry_run=True), operator, ()).code is None
    assert login_secrets(Settings(ask_code=True), operator, ()).code == Secret("one-time-code")
    assert operator.asked == ["One-time code"]


@pytest.mark.usefixtures("terminal")
def test_the_passphrase_of_a_key_is_asked_for_once_for_all_hosts(locked: Path) -> None:
    operator = Operator("opens it")
    settings = login_secrets(login_with(locked), operator, [Host("a"), Host("b")])
    assert operator.asked == [f"Passphrase of {locked}"]
    assert settings.key_passphrase == (Secret("opens it"),)


@pytest.mark.usefixtures("terminal")
def test_the_key_of_one_host_is_asked_for_too(locked: Path) -> None:
    operator = Operator("opens it")
    own = Host("b", {"ansible_ssh_private_key_file": str(locked)})
    login_secrets(Settings.resolve({"ssh_config": "none"}), operator, [Host("a"), own, own])
    assert operator.asked == [f"Passphrase of {locked}"]


@pytest.mark.usefixtures("terminal")
def test_without_a_host_to_log_in_to_nothing_is_asked(locked: Path) -> None:
    assert login_secrets(login_with(locked), Operator(), ()) == login_with(locked)


@pytest.mark.usefixtures("terminal")
def test_a_passphrase_that_is_known_is_not_asked_for(locked: Path) -> None:
    given = login_with(locked, key_passphrase=["wrong", "opens it"])
    assert login_secrets(given, Operator(), [Host("a")]) == given


@pytest.mark.usefixtures("terminal")
def test_a_key_without_a_passphrase_is_not_asked_for(locked: Path) -> None:
    unlock(locked, "opens it")
    assert login_secrets(login_with(locked), Operator(), [Host("a")]).key_passphrase == ()


@pytest.mark.usefixtures("terminal")
def test_a_key_that_the_agent_holds_is_not_asked_for(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = make_open_copy(locked, tmp_path / "open")
    with running_agent(opened) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        assert login_secrets(login_with(locked), Operator(), [Host("a")]).key_passphrase == ()


def make_open_copy(locked: Path, path: Path) -> Path:
    path.touch(0o600)
    path.write_text(locked.read_text())
    unlock(path, "opens it")
    return path


@pytest.mark.usefixtures("terminal")
def test_an_empty_answer_skips_the_key(locked: Path) -> None:
    assert login_secrets(login_with(locked), Operator(""), [Host("a")]).key_passphrase == ()


@pytest.mark.usefixtures("terminal")
def test_a_wrong_passphrase_is_an_error(locked: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(f"the passphrase of {locked} is not right")):
        login_secrets(login_with(locked), Operator("wrong"), [Host("a")])


@pytest.mark.usefixtures("terminal")
def test_a_script_is_asked_for_no_passphrase(locked: Path) -> None:
    assert login_secrets(login_with(locked), nobody, [Host("a")]) == login_with(locked)


@pytest.mark.parametrize("stdin", [None, io.StringIO()])
def test_without_a_terminal_no_passphrase_is_asked_for(
    locked: Path, monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert login_secrets(login_with(locked), Operator(), [Host("a")]) == login_with(locked)


@pytest.mark.usefixtures("terminal")
def test_a_host_with_an_invalid_variable_is_passed_over(locked: Path) -> None:
    """The error becomes the result of that host, and the other hosts are still asked about."""
    operator = Operator("opens it")
    bad = Host("bad", {"ansible_ssh_private_key_file": str(locked), "ansible_port": "many"})
    good = Host("good", {"ansible_ssh_private_key_file": str(locked)})
    login_secrets(Settings.resolve({"ssh_config": "none"}), operator, [bad])
    assert operator.asked == []
    login_secrets(Settings.resolve({"ssh_config": "none"}), operator, [bad, good])
    assert operator.asked == [f"Passphrase of {locked}"]
