"""Errors say in one line what to do, and keep their text when they are passed between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from runner import errors
from runner.errors import HostError, InventoryError, MissingExtra, RunnerError
from runner.models import CommandResult, Phase, Status

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RunnerError)]


def made(kind: type[RunnerError]) -> RunnerError:
    if issubclass(kind, HostError):
        return kind("what went wrong", reason="code", phase=Phase.LOGIN, transient=True)
    if issubclass(kind, InventoryError):
        return kind("bad indent", path="hosts.yml", line=3, column=1, text="\tx")
    return kind("the demo fleet", "demo") if issubclass(kind, MissingExtra) else kind("what went wrong")


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_way_from_another_process(kind: type[RunnerError]) -> None:
    error = made(kind)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert vars(back) == vars(error) | ({"command": None} if isinstance(error, HostError) else {})


def test_what_a_command_had_said_travels_with_its_error() -> None:
    error = made(errors.ConnectionLost)
    assert isinstance(error, HostError)
    error.command = CommandResult("show version", stdout_bytes=b"half")
    assert pickle.loads(pickle.dumps(error)).command == error.command


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, HostError)])
def test_no_error_of_a_host_makes_it_ok(kind: type[HostError]) -> None:
    assert kind.status is not Status.OK


def test_an_inventory_error_says_where() -> None:
    assert str(made(InventoryError)) == "hosts.yml:3:1: bad indent (found: 'x')"
    assert str(InventoryError("nothing there")) == "nothing there"


def test_a_missing_extra_is_named_as_pip_takes_it() -> None:
    assert "pip install -e '.[dask]'" in str(MissingExtra("--executor dask", "dask"))
