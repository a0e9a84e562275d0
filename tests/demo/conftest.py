"""A fleet of its own for each test, on ports that the system picks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.demo import DEMO_DEVICES, Fleet

from .clients import Answer, Shell, anywhere, connect, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import paramiko


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(anywhere(*DEMO_DEVICES)) as fleet:
        yield fleet


@pytest.fixture
def log_in(fleet: Fleet) -> Callable[[str], paramiko.SSHClient]:
    """Log in to a device of the demo fleet."""
    return lambda name: connect(fleet, name)


@pytest.fixture
def ask(fleet: Fleet) -> Callable[..., Answer]:
    """Log in to a device of the demo fleet, run one command, and log out."""

    def run(name: str, command: str, stdin: bytes = b"", *, pty: bool = False) -> Answer:
        with connect(fleet, name) as client:
            return execute(client, command, stdin, pty=pty)

    return run


@pytest.fixture
def shell(fleet: Fleet) -> Iterator[Callable[[str], Shell]]:
    clients: list[paramiko.SSHClient] = []

    def open_shell(name: str) -> Shell:
        clients.append(connect(fleet, name))
        return Shell(clients[-1])

    yield open_shell
    for client in clients:
        client.close()
