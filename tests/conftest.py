"""The demo fleet that tests share, and the surroundings that each of them finds.

A test finds no controlling terminal and an empty home folder, whoever runs it and wherever.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import os
import signal
import termios
from collections import Counter
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from runner.demo import DEMO_DEVICES, Fleet
from tests.connection.sshd import go_without, temporary_sshd

from .demo.clients import anywhere
from .projects import Project, project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.connection.sshd import Sshd


# A shell that starts the tests in the background has them ignore Ctrl-C (POSIX sh, asynchronous lists), and
# so would every program that they start and interrupt; with a handler here, those begin with the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup(1) has us ignore that the terminal was closed
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)

# Compiling ours anew takes every program that the tests start 0.1 s, and they start many.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples every time: what is new is looked for on purpose, not by whoever changes something else.
# How long one takes says how busy the machine is, and nothing about what it shows.
hypothesis.settings.register_profile("steady", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("searching", deadline=None)
hypothesis.settings.load_profile("searching" if "RUNNER_FUZZ_SECONDS" in os.environ else "steady")


def _leave_the_terminal() -> None:
    """Give up the controlling terminal: a program that a test starts must not ask the person who started it.

    Not in a session leader, whose leaving would hang up its whole session (tty_ioctl(4), TIOCNOTTY).
    """
    if os.getsid(0) == os.getpid():
        return
    with contextlib.suppress(OSError):  # there is none
        terminal = os.open("/dev/tty", os.O_RDWR)
        try:
            fcntl.ioctl(terminal, termios.TIOCNOTTY)
        finally:
            os.close(terminal)


_leave_the_terminal()

# Others may read what a test's server needs to read, and nobody else may write what `ssh` reads.
os.umask(0o022)


_TOGETHER = (
    "tests/lab/",
    "dask",
    "openssh/test_connection.py::test_each_peer_gets_what_is_true_of_it",
    "tests/connection/ssh_config/test_aliases.py",
    "tests/connection/test_become.py",
    "tests/connection/test_fallback.py",
    "tests/connection/test_gateway.py",
    "tests/connection/test_login_shells.py",
    "tests/history/test_complete.py",
    "tests/history/test_kill.py",
    "tests/reach/test_probe_network.py",
    "tests/report/test_html.py",
    "tests/tasks/test_history_tasks.py",
)
"""Names of tests that share one lab, one cluster, or a fixture that takes seconds to make."""


@pytest.hookimpl(optionalhook=True)  # pytest-xdist need not be installed
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Spread the tests over the workers one by one, but give those that share something to one worker."""
    from xdist.scheduler import LoadScopeScheduling

    class OneByOne(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((name for name in _TOGETHER if name in nodeid), nodeid)

    return OneByOne(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test."""
    items.sort(key=lambda item: "/test_pages.py::" not in item.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests of terminals if this machine, or an sshd of this user, cannot open one."""
    marker = item.get_closest_marker("terminal")
    if marker is None:
        return
    try:
        master, slave = os.openpty()
    except OSError as exc:
        go_without(f"this machine opens no pseudo-terminal: {exc}")
    group = os.fstat(slave).st_gid
    os.close(master)
    os.close(slave)
    # sshd gives a terminal to the group tty, which only root may do (pty_setowner in OpenSSH's sshpty.c).
    if marker.kwargs.get("remote") and os.geteuid() != 0 and group != grp.getgrnam("tty").gr_gid:
        pytest.skip("only root's sshd can open a pseudo-terminal, as devpts is mounted without gid=tty")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped, for each reason."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.getreports("skipped")
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("skipped tests, and why")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count:5}  {reason}")


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the home folder of the user who runs them, and its settings out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("XDG_", "INVOKE_", "ANSIBLE_", "SSH_"))]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _own_history(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a history of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """A real OpenSSH server that lets the user `Sshd.user` in."""
    with temporary_sshd() as server:
        yield server


@pytest.fixture(scope="session")
def demo_fleet() -> Iterator[Fleet]:
    """The demo fleet on ports that the system picked."""
    with Fleet(anywhere(*DEMO_DEVICES)) as fleet:
        yield fleet


@pytest.fixture
def demo(demo_fleet: Fleet, tmp_path: Path) -> Project:
    """A project over the demo fleet: of `routers` one is slow, one down, one refuses logins."""
    groups = {
        "routers": ["r1", "r2", "r3", "r-slow", "r-down", "r-denied"],
        "good": ["r1", "r2", "r3"],
        "servers": ["web1", "web2", "db1"],
    }
    return project(tmp_path / "project", demo_fleet, groups)
