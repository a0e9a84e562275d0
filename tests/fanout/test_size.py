"""The number of workers fits the limit of open files: each case runs in a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

SCRIPT = """
import json, logging, resource, sys
from runner import Host
from runner.connection.connections import Connections
from runner.fanout.options import FanoutOptions
from runner.fanout.size import fitted
from runner.settings import Settings
from runner.text.quantities import Share

class Broken(dict):
    def get(self, *arguments):
        raise OSError("no variables")

files, number, kind = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
logging.basicConfig(format="%(message)s")
variables = Broken() if kind == "broken" else {"ansible_connection": kind}
hosts = [Host(f"h{n}", variables) for n in range(number)]
options = FanoutOptions(workers=50, spare=Share(10))
found = fitted(options, hosts, Connections(Settings().connection_options()))
modules = [name for name in sys.modules if name.startswith("runner.connection.")]
print(json.dumps([found.workers, found.spare and found.spare.amount, found is options, modules]))
"""


@dataclass(frozen=True)
class Fitted:
    """The options that `fitted` returned for 50 workers and 10 spare ones, and the lines that it logged.

    Attributes:
        workers: The number of workers.
        spare: The number of spare workers.
        is_unchanged: Whether it returned the same options.
        modules: The modules of connections that are imported afterwards.
        log: The lines that it logged.
    """

    workers: int
    spare: int | None
    is_unchanged: bool
    modules: list[str]
    log: list[str]


@cache
def fitted(files: int, number: int, kind: str) -> Fitted:
    """Call `fitted` in a process that may open this many files, for hosts with this kind of connection."""
    command = [sys.executable, "-c", SCRIPT, json.dumps([files, number, kind])]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    answer: list[Any] = json.loads(done.stdout)
    return Fitted(*answer, log=done.stderr.splitlines())


def test_options_that_fit_are_returned_unchanged() -> None:
    found = fitted(4096, 100, "ssh")
    assert (found.workers, found.spare, found.is_unchanged, found.log) == (50, 10, True, [])


def test_few_files_reduce_the_workers_and_take_the_spare_ones() -> None:
    found = fitted(128, 100, "ssh")
    assert 1 <= found.workers < 128 // 4
    assert found.spare is None


def test_a_reduced_number_of_workers_is_reported_once_with_the_remedy() -> None:
    found = fitted(128, 100, "ssh")
    (line,) = found.log
    assert line == (
        f"{found.workers} hosts are worked on at a time instead of 50: "
        "a process may open 128 files here; raise `ulimit -n`"
    )


def test_connections_that_need_more_files_get_fewer_workers() -> None:
    assert 1 <= fitted(128, 100, "openssh").workers < fitted(128, 100, "ssh").workers


def test_only_as_many_workers_as_hosts_have_to_fit() -> None:
    found = fitted(128, 1, "ssh")
    assert (found.workers, found.is_unchanged, found.log) == (50, True, [])


def test_the_workers_are_kept_if_the_connections_of_these_hosts_need_few_files() -> None:
    """The limit is too low for 50 `openssh` connections, but not for 50 of Paramiko."""
    found = fitted(512, 100, "ssh")
    assert (found.workers, found.spare, found.log) == (50, None, [])
    assert fitted(512, 100, "openssh").workers < 50


def test_the_modules_of_the_connections_are_imported_while_files_can_be_opened() -> None:
    assert "runner.connection.local" in fitted(128, 100, "local").modules
    assert "runner.connection.local" not in fitted(4096, 100, "local").modules


def test_hosts_whose_variables_cannot_be_read_do_not_stop_the_run() -> None:
    assert 1 <= fitted(128, 100, "broken").workers < 50
