"""A setting that is given at its default value counts as given: the precedence of docs/login.md applies."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.target.access import access
from runner.models import Host
from runner.settings import Settings, configuration
from runner.text.origin import Kind, Origin
from tests.settings.test_settings import READ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.connection import ConnectionOptions

# A setting without a default value cannot be given at its default.
WRITABLE = [name for name, flag in Settings.flags().items() if flag.default not in (None, ())]
SSH_CONFIG = """\
StrictHostKeyChecking no
UserKnownHostsFile /theirs
GlobalKnownHostsFile /theirs
ConnectTimeout 77
ServerAliveInterval 77
User theirs
IdentityFile /theirs
"""
VARIABLES = {
    "ansible_host": "192.0.2.1",
    "ansible_host_key_checking": False,
    "ansible_timeout": 66,
    "ansible_become": True,
    "ansible_become_method": "doas",
    "ansible_become_user": "theirs",
    "ansible_become_password": "theirs",
    "ansible_user": "theirs",
    "ansible_ssh_common_args": "-o UserKnownHostsFile=/theirs -o ServerAliveInterval=66",
}
PLAIN, WITH_VARIABLES = Host("h", {"ansible_host": "192.0.2.1"}), Host("h", VARIABLES)
SAID_BY_SSH_CONFIG = {"host_key_policy", "known_hosts", "connect_timeout"}
SAID_BY_VARIABLES = SAID_BY_SSH_CONFIG | {"become", "become_method", "become_user"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an empty home folder, except for an ssh_config that contradicts every setting."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(SSH_CONFIG)
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def configured() -> configuration.Configured:
    return configuration.of_folder(configuration.Path.cwd())


def by_flag(name: str) -> Settings:
    return Settings.resolve({name: text_of(name)}, *configured())


def by_keyword(name: str) -> Settings:
    return Settings.resolve({name: Settings.flags()[name].default}, *configured(), by=Kind.KEYWORD)


def by_environment(name: str) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"INVOKE_RUNNER_{name.upper()}", text_of(name))
        return Settings.resolve({}, *configured())


def by_file(name: str) -> Settings:
    default = Settings.flags()[name].default
    text: Any = list(default) if isinstance(default, tuple) else text_of(name)
    if isinstance(default, bool):
        text = default
    file = configuration.Path("invoke.yaml")
    before = json.loads(file.read_text())["runner"] if file.exists() else {}
    file.write_text(json.dumps({"runner": before | {name: text}}))
    return Settings.resolve({}, *configured())


def text_of(name: str) -> str:
    """Return the default of a setting as a user would type it."""
    default = Settings.flags()[name].default
    return ":".join(default) if isinstance(default, tuple) else Settings.flags()[name].shown(default)


GIVEN_BY: dict[str, Callable[[str], Settings]] = {
    "flag": by_flag,
    "keyword": by_keyword,
    "environment": by_environment,
    "file": by_file,
}


def fields_of(name: str) -> dict[str, Any]:
    """Return the connection options that a setting changes, each with its default."""
    usual, other = (
        Settings().connection_options(),
        Settings.resolve({name: READ[name][0]}).connection_options(),
    )
    fields = {field.name for field in dataclasses.fields(usual)} - {"origins", "spill_folder"}
    return {each: getattr(usual, each) for each in fields if getattr(usual, each) != getattr(other, each)}


def part(name: str, options: ConnectionOptions) -> Any:
    """Return the part of the options that a setting decides, also if several settings share an option."""
    if name in ("become_method", "become_user"):
        return getattr(options.become_as, name.removeprefix("become_"))
    return {field: getattr(options, field) for field in fields_of(name)}


@pytest.mark.parametrize("kind_given", GIVEN_BY)
@pytest.mark.parametrize("name", WRITABLE)
def test_given_at_its_default_it_wins_over_ssh_config(name: str, kind_given: str) -> None:
    if kind_given == "flag" and not Settings.flags()[name].on_command_line:
        pytest.skip("is no flag")
    settings = GIVEN_BY[kind_given](name)
    assert getattr(settings, name) == Settings.flags()[name].default
    assert settings.origins[name].kind == kind_given
    assert part(name, access(PLAIN, settings.connection_options()).options) == part(
        name, Settings().connection_options()
    )


@pytest.mark.parametrize("kind_given", GIVEN_BY)
@pytest.mark.parametrize("name", WRITABLE)
def test_given_for_the_run_it_wins_over_the_inventory_and_configured_it_does_not(
    name: str, kind_given: str
) -> None:
    chosen = GIVEN_BY[kind_given](name).connection_options()
    if name != "become":  # the other settings of become are not read without it
        chosen = dataclasses.replace(chosen, become=True)
    ours, theirs = (
        part(name, Settings().connection_options()),
        part(name, access(WITH_VARIABLES, chosen).options),
    )
    holds_always = name == "host_key_policy"  # an inventory cannot make it weaker than the operator's policy
    wins = kind_given in ("flag", "keyword") or name not in SAID_BY_VARIABLES or holds_always
    assert (theirs == ours) is wins


def test_what_contradicts_the_settings_here_would_be_heeded_else() -> None:
    usual = Settings.resolve({}, *configured()).connection_options()
    for host, said in ((PLAIN, SAID_BY_SSH_CONFIG), (WITH_VARIABLES, SAID_BY_VARIABLES)):
        found = access(host, usual).options
        differs = {name for name in WRITABLE if part(name, found) != part(name, usual)}
        assert differs == said


@pytest.mark.parametrize("name", WRITABLE)
def test_given_at_its_default_it_wins_over_every_way_below(name: str, folder: Path) -> None:
    def value(settings: Settings) -> Any:
        return getattr(settings, name)

    other, read = READ[name]
    if read == Settings.flags()[name].default:
        pytest.skip("its example is its default")
    written = other if isinstance(other, (str, int, float, list)) else str(other)
    (folder / "invoke.yaml").write_text(json.dumps({"runner": {name: written}}))
    default = Settings.flags()[name].default
    assert value(Settings.resolve({}, *configured())) == read
    assert value(by_keyword(name)) == default
    assert value(by_flag(name)) == default
    if not isinstance(written, list):
        assert value(by_environment(name)) == default


def test_a_file_that_is_named_has_not_the_systems_behind_it_however_it_is_written() -> None:
    named = Settings.resolve({}, {"ssh_config": "~/.ssh/config"}).connection_options()
    assert named.ssh_config == str(configuration.Path("~/.ssh/config").expanduser())
    assert Settings().connection_options().ssh_config == "~/.ssh/config"


def test_an_order_of_this_run_wins_over_a_configured_shuffle() -> None:
    configuration.Path("invoke.yaml").write_text("runner:\n  shuffle: true\n")
    assert Settings.resolve({}, *configured()).fanout().order == "shuffle"
    assert by_flag("order").fanout().order == "inventory"
    assert by_environment("order").fanout().order == "inventory"
    assert Settings.resolve({"shuffle": True, "order": "sorted"}).fanout().order == "shuffle"


def test_an_option_knows_the_line_or_the_variable_that_decides_it(folder: Path) -> None:
    config = str(folder.parent / "home" / ".ssh" / "config")
    usual = Settings.resolve({}, *configured()).connection_options()
    origins = access(PLAIN, usual).options.origins
    assert origins["host_key_policy"] == Origin(Kind.SSH_CONFIG, "StrictHostKeyChecking", config, 1)
    assert origins["known_hosts"] == Origin(Kind.SSH_CONFIG, "UserKnownHostsFile", config, 2)
    origins = access(WITH_VARIABLES, usual).options.origins
    assert origins["host_key_policy"] == Origin(Kind.VARIABLE, "ansible_host_key_checking")
    assert origins["keepalive_s"] == Origin(Kind.VARIABLE, "ansible_ssh_common_args")
