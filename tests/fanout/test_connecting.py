"""The interface between a fan-out and the connections: `Connections` provides all of it."""

from __future__ import annotations

import inspect
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest

from runner import Host, Status
from runner.connection.connections import Connections
from runner.connection.deadline import Deadline
from runner.fanout.connecting import Connecting
from runner.reach import ReachOptions
from runner.settings import Settings
from tests.fanout.runs import hosts

if TYPE_CHECKING:
    from collections.abc import Callable

ATTRIBUTES = sorted(Connecting.__annotations__)
METHODS = sorted(name for name in vars(Connecting) if not name.startswith("_"))


@pytest.fixture
def connections() -> Connecting:
    return Connections(Settings(startups=10).connection_options())


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]


def test_the_interface_has_the_members_that_a_fan_out_uses() -> None:
    assert ATTRIBUTES == ["abort", "forget", "most_files"]
    assert METHODS == ["connected", "files", "load_ahead", "options", "probing"]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_the_connections_has_the_parameters_of_the_interface(name: str) -> None:
    assert parameters(getattr(Connections, name)) == parameters(getattr(Connecting, name))


def test_abort_ends_a_run_until_forget(connections: Connecting) -> None:
    """The deadline of each command has the id of its run, and shows whether the run is aborted."""
    deadline = Deadline.after(None, "test-connecting")
    connections.abort("test-connecting")
    assert deadline.stopped()
    connections.forget("test-connecting")
    assert not deadline.stopped()


def test_abort_can_be_pickled_for_another_process(connections: Connecting) -> None:
    assert pickle.loads(pickle.dumps(connections.abort)) is connections.abort


def test_several_processes_share_the_limit_of_logins(connections: Connecting) -> None:
    assert [connections.options(processes).startups for processes in (1, 3, 100)] == [10, 3, 1]


@pytest.mark.parametrize("kind", ["ssh", "openssh", "local", "unknown"])
def test_no_host_needs_more_files_than_the_upper_limit(connections: Connecting, kind: str) -> None:
    assert 0 < connections.files(hosts(1, ansible_connection=kind)) <= connections.most_files


def test_no_host_is_reported_as_connected_before_the_first_login(connections: Connecting) -> None:
    assert connections.connected(hosts(3)) == set()


def test_modules_are_imported_in_a_thread_that_ends(connections: Connecting) -> None:
    thread = connections.load_ahead(hosts(1, ansible_connection="local"))
    assert isinstance(thread, threading.Thread)
    thread.join(30)
    assert not thread.is_alive()


def test_the_pings_of_hosts_are_a_generator_that_can_be_closed(connections: Connecting) -> None:
    here = Host("here", {"ansible_connection": "local"})
    with connections.probing([here], ReachOptions(method="tcp"), 0) as answers:
        result = next(answers)
        answers.close()
        assert list(answers) == []
    assert (result.host, result.status) == ("here", Status.OK)
