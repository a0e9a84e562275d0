"""Settings: one declaration makes a flag, a key of invoke.yaml, an environment variable and a keyword."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from runner.connection import HostKeyPolicy
from runner.connection.auth.named import Named
from runner.errors import UsageError
from runner.models import Secret, Status
from runner.settings import Settings
from runner.text.ignore_patterns import ignore_patterns
from runner.text.quantities import Share, Spread

READ = {
    "inventory": (["a", "b,"], ("a", "b,")),
    "group": ("routers", "routers"),
    "limit": ("r1", "r1"),
    "executor": ("process", "process"),
    "workers": ("100", 100),
    "timeout": ("2m", 120.0),
    "connect_timeout": (5, 5.0),
    "host_timeout": ("1.5", 1.5),
    "retries": ("0", 0),
    "serial": ("1,50%", (Share(1), Share(50, percent=True))),
    "max_refused": ("3", 3),
    "max_fail": ("10%", Share(10, percent=True)),
    "rate": ("20", 20.0),
    "spare": ("10", Share(10)),
    "scheduler": ("tls://10.0.0.1:8786", "tls://10.0.0.1:8786"),
    "start_method": ("forkserver", "forkserver"),
    "startups": ("0", 0),
    "timeout_total": ("1h", 3600.0),
    "spread": ("site:2", Spread("site", 2)),
    "order": ("reverse_sorted", "reverse_sorted"),
    "shuffle": ("yes", True),
    "seed": ("7", 7),
    "repeatable": ("yes", True),
    "no_ping": ("yes", True),
    "method": ("tcp", "tcp"),
    "ping_timeout": ("300ms", 0.3),
    "ping_tries": (3, 3),
    "max_output": ("1M", 2**20),
    "idle_timeout": ("30s", 30.0),
    "keepalive": ("15", 15.0),
    "overflow": ("spill", "spill"),
    "max_spill": ("2G", 2**31),
    "spill_dir": ("kept", "kept"),
    "connection": ("cli", "cli"),
    "session_log": ("logs", "logs"),
    "resume": ("last", "last"),
    "failed": ("last", "last"),
    "become": (True, True),
    "become_method": ("doas", "doas"),
    "become_user": ("admin", "admin"),
    "ask_become_pass": (True, True),
    "become_password": ("s3cret", Secret("s3cret")),
    "no_history": (True, True),
    "rerun_lost": (True, True),
    "vault_password_file": (["a", "b"], ("a", "b")),
    "playbook_dir": ("plays", "plays"),
    "vault_id": ("dev@file", ("dev@file",)),
    "ask_vault_pass": (True, True),
    "dry_run": ("1", True),
    "user": ("admin", "admin"),
    "ask_pass": ("no", False),
    "ask_code": ("yes", True),
    "private_key": (["~/.ssh/id", "other"], ("~/.ssh/id", "other")),
    "ssh_config": ("none", "none"),
    "allow_inventory_commands": ("yes", True),
    "known_hosts": ("hosts", ("hosts",)),
    "host_key_policy": ("accept-new", "accept-new"),
    "format": ("json", "json"),
    "parse": ("textfsm", "textfsm"),
    "templates": ("templates", "templates"),
    "select": ("interface, status", ("interface", "status")),
    "where": ("status == 'down'", "status == 'down'"),
    "group_by": ("version", "version"),
    "only": ("failed,auth", (Status.FAILED, Status.AUTH)),
    "sort": ("name", "name"),
    "diff": ("yes", True),
    "ignore": (["up .* days"], ignore_patterns("up .* days")),
    "prefix": ("yes", True),
    "raw": (True, True),
    "output_dir": (Path("out"), "out"),
    "quiet": ("true", True),
    "verbose": ("0", False),
    "history": ("h.db", "h.db"),
    "history_runs": ("10", 10),
    "history_days": ("7", 7),
    "history_size": ("1M", 2**20),
    "password": ("hunter2", Secret("hunter2")),
    "code": ("123456", Secret("123456")),
    "key_passphrase": ("opens", (Secret("opens"),)),
    "credentials": (
        [{"user": "admin", "private_key": "~/.ssh/new"}],
        (Named("runner.credentials 1", "admin", key_file="~/.ssh/new"),),
    ),
}
WRONG = {
    "inventory": {"a": 1},
    "group": ["a"],
    "limit": {"a": 1},
    "executor": ["x"],
    "workers": "0",
    "timeout": "0",
    "connect_timeout": "soon",
    "host_timeout": "-1",
    "retries": "101",
    "serial": "0",
    "max_fail": "200%",
    "rate": "-1",
    "spare": "-1",
    "start_method": "fork",
    "startups": "many",
    "timeout_total": "0",
    "spread": "site:0",
    "order": "random",
    "shuffle": "perhaps",
    "seed": "-1",
    "repeatable": "perhaps",
    "no_ping": "perhaps",
    "method": "udp",
    "ping_timeout": "0s",
    "ping_tries": "0",
    "max_output": "0",
    "idle_timeout": "0",
    "keepalive": "never",
    "overflow": "ignore",
    "max_spill": "-1",
    "user": {"name": "a"},
    "known_hosts": [5],
    "connection": "telnet",
    "session_log": {"a": 1},
    "host_key_policy": "yes",
    "private_key": [5],
    "ssh_config": ["a"],
    "quiet": 7,
    "only": "bad",
    "sort": "size",
    "ignore": ["("],
    "parse": "always",
    "templates": ["a"],
    "select": ",",
    "where": "status ==",
    "group_by": {"a": 1},
}


def test_every_setting_has_its_line_here() -> None:
    assert set(READ) == set(Settings.flags())
    assert set(READ) | {"origins"} == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("name", READ)
def test_a_setting_is_read_the_same_from_a_flag_and_from_the_configuration(name: str) -> None:
    text, meant = READ[name]
    assert getattr(Settings.resolve({name: text}), name) == meant
    assert getattr(Settings.resolve({}, {name: text}), name) == meant


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_one_line_that_names_the_flag_or_the_key(name: str) -> None:
    with pytest.raises(UsageError, match=f"^--{name.replace('_', '-')} .*: expected ") as flag:
        Settings.resolve({name: WRONG[name]})
    with pytest.raises(UsageError, match=f"^runner.{name} .*: expected ") as key:
        Settings.resolve({}, {name: WRONG[name]})
    assert "\n" not in f"{flag.value}{key.value}"


def test_what_is_given_wins_over_what_is_configured_and_is_remembered_as_given() -> None:
    settings = Settings.resolve(
        {"user": "me", "limit": None, "inventory": []}, {"user": "you", "limit": "r1"}
    )
    assert (settings.user, settings.limit, settings.inventory) == ("me", "r1", ())
    assert settings.given == {"user"}


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"^runner\.inventry is not a setting; did you mean inventory"):
        Settings.resolve({}, {"inventry": "hosts"})
    with pytest.raises(UsageError, match=r"^wokers is not a setting; did you mean workers"):
        Settings.resolve({"wokers": 5})


def test_a_key_that_is_no_text_is_an_unknown_key() -> None:
    with pytest.raises(UsageError, match=r"^runner\.5 is not a setting"):
        Settings.resolve({}, {5: "x"})  # type: ignore[dict-item]


def test_a_wrong_password_is_not_shown() -> None:
    class Unreadable:
        def __str__(self) -> str:
            raise ValueError("no")

    with pytest.raises(UsageError) as caught:
        Settings.resolve({"password": Unreadable()})
    assert "Unreadable" not in str(caught.value)


def test_the_settings_become_the_options_of_each_part() -> None:
    chosen: dict[str, Any] = {name: text for name, (text, _) in READ.items()}
    settings = Settings.resolve(chosen)
    connection, reach, fanout = settings.connection_options(), settings.reach(), settings.fanout()
    forced = {name for name in connection.origins if connection.is_forced(name)}
    assert forced >= {"user", "password", "private_keys", "host_key_policy", "become_method"}
    configured = Settings.resolve({}, chosen).connection_options()
    assert configured.origins.keys() == forced
    assert not any(configured.is_forced(name) for name in forced)
    assert connection.host_key_policy is HostKeyPolicy.ACCEPT_NEW
    assert (connection.command_timeout_s, connection.host_timeout_s) == (120.0, 1.5)
    assert (reach.method, reach.timeout_s, reach.tries) == ("tcp", 0.3, 3)
    assert (fanout.executor, fanout.workers, fanout.rate, fanout.ping) == ("process", 100, 20.0, False)


def test_a_rate_of_0_is_no_limit() -> None:
    assert Settings.resolve({"rate": "0"}).fanout().rate is None
