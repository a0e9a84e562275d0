"""Fixtures and environment of all tests.

Every test runs without a controlling terminal and with an empty home folder.
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


# If a shell starts the tests in the background, they ignore Ctrl-C (POSIX sh, asynchronous lists), and so
# would the programs that they start and interrupt. With a handler here, those begin with the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # started by nohup(1)
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)

# Without cached byte code, each of the many programs that the tests start needs 0.1 s more.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples in every run: an unrelated change must not make a test fail by chance. New examples are
# searched for with RUNNER_FUZZ_SECONDS. No deadline: it would only measure how busy the machine is.
hypothesis.settings.register_profile("steady", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("searching", deadline=None)
hypothesis.settings.load_profile("searching" if "RUNNER_FUZZ_SECONDS" in os.environ else "steady")


def _leave_the_terminal() -> None:
    """Give up the controlling terminal, so that programs under test cannot ask the person who runs the tests.

    Do nothing in a session leader: this would send SIGHUP to its whole session (tty_ioctl(4), TIOCNOTTY).
    """
    if os.getsid(0) == os.getpid():
        return
    with contextlib.suppress(OSError):  # no terminal
        terminal = os.open("/dev/tty", os.O_RDWR)
        try:
            fcntl.ioctl(terminal, termios.TIOCNOTTY)
        finally:
            os.close(terminal)


_leave_the_terminal()

# Other users may read files, as the test servers need it, but not write them: `ssh` refuses such files.
os.umask(0o022)


_TOGETHER = (
    "tests/lab/",
    "tests/executors/distributed/",
    "dask",
    "openssh/test_connection.py::test_each_peer_gets_what_is_true_of_it",
    "tests/connection/auth/test_credentials.py",
    "tests/connection/cli/test_fakenos.py",
    "tests/connection/command/test_become.py",
    "tests/connection/command/test_shells.py",
    "tests/connection/ssh_config/test_aliases.py",
    "tests/connection/transport/test_gateway.py",
    "tests/history/test_complete.py",
    "tests/history/test_kill.py",
    "tests/reach/test_probe_network.py",
    "tests/report/html/test_html.py",
    "tests/tasks/test_history_tasks.py",
)
"""Parts of test names; tests with the same part share a lab, a cluster or a slow fixture."""


@pytest.hookimpl(optionalhook=True)  # pytest-xdist is optional
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Spread the tests over the workers one by one, but run tests that share a fixture in one worker."""
    from xdist.scheduler import LoadScopeScheduling

    class OneByOne(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((name for name in _TOGETHER if name in nodeid), nodeid)

    return OneByOne(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first."""
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
    # sshd changes a terminal's group to tty, which only root may do (pty_setowner in OpenSSH's sshpty.c).
    if marker.kwargs.get("remote") and os.geteuid() != 0 and group != grp.getgrnam("tty").gr_gid:
        pytest.skip("only root's sshd can open a pseudo-terminal, as devpts is mounted without gid=tty")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of skipped tests for each reason."""
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
    """Replace the home folder and remove the user's settings, so that the tests do not depend on them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("XDG_", "INVOKE_", "ANSIBLE_", "SSH_"))]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _own_history(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own history."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """A real OpenSSH server; `Sshd.user` can log in."""
    with temporary_sshd() as server:
        yield server


@pytest.fixture(scope="session")
def demo_fleet() -> Iterator[Fleet]:
    """The demo fleet, on free ports."""
    with Fleet(anywhere(*DEMO_DEVICES)) as fleet:
        yield fleet


@pytest.fixture
def demo(demo_fleet: Fleet, tmp_path: Path) -> Project:
    """A project for the demo fleet; of its `routers`, one is slow, one is down, and one refuses logins."""
    groups = {
        "routers": ["r1", "r2", "r3", "r-slow", "r-down", "r-denied"],
        "good": ["r1", "r2", "r3"],
        "servers": ["web1", "web2", "db1"],
    }
    return project(tmp_path / "project", demo_fleet, groups)
