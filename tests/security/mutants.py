"""Remove each guard of "what was sent is never sent again" in turn, and show that a test fails without it.

    python -m tests.security.mutants [NUMBER…]

Works on a temporary copy of the tree. Each guard is a piece of source, what it is replaced with, and the
test that has to notice. A guard whose text has changed, and one that no test notices, make the exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ONCE = "tests/security/test_once.py"
COMPLETE = "tests/history/test_complete.py"
_LONGEST_S = 300


class Guard(NamedTuple):
    """One guard.

    Attributes:
        what: What it keeps from happening.
        file: Where it stands.
        text: Its text.
        without: The text without it.
        test: A test that fails then.
    """

    what: str
    file: str
    text: str
    without: str
    test: str


GUARDS = (
    Guard(
        "a passing fault after the command repeats the job",
        "runner/jobs/jobs.py",
        "exc.transient and not session.sent",
        "exc.transient",
        f"{ONCE}::test_a_passing_fault_after_a_command_was_sent[ssh-thread]",
    ),
    Guard(
        "the same through the system's ssh",
        "runner/jobs/jobs.py",
        "exc.transient and not session.sent",
        "exc.transient",
        f"{ONCE}::test_a_passing_fault_after_a_command_was_sent[openssh-thread]",
    ),
    Guard(
        "a session forgets that a command of it was sent",
        "runner/jobs/session.py",
        "self.sent = self.sent or connection.sent",
        "pass",
        f"{ONCE}::test_a_transfer_that_has_begun_is_not_repeated[ssh]",
    ),
    Guard(
        "a command that was sent goes to a new connection",
        "runner/jobs/session.py",
        "exc.phase is Phase.CHANNEL and not connection.sent",
        "exc.phase is Phase.CHANNEL",
        f"{ONCE}::test_what_was_sent_does_not_go_to_another_connection[ssh]",
    ),
    Guard(
        "Paramiko: the command counts as sent only when the server has taken it",
        "runner/connection/ssh/connection.py",
        "                self.sent = True\n                process.start(execution.line)\n",
        "                process.start(execution.line)\n                self.sent = True\n",
        f"{ONCE}::test_a_command_that_the_server_takes_without_a_word[ssh]",
    ),
    Guard(
        "Paramiko: a connection that ends with the command passes for one that ended before it",
        "runner/connection/ssh/connection.py",
        "        if phase is Phase.COMMAND:\n            if self.alive()",
        "        if False:\n            if self.alive()",
        f"{ONCE}::test_a_command_that_the_server_takes_without_a_word[ssh]",
    ),
    Guard(
        "ssh: a command is not counted as sent once its channel is open",
        "runner/connection/openssh/connection.py",
        "                self.sent = True\n",
        "",
        f"{ONCE}::test_a_passing_fault_after_a_command_was_sent[openssh-serial]",
    ),
    Guard(
        "ssh: what its log says of a command that was sent is not heeded",
        "runner/connection/openssh/connection.py",
        "self.sent = self.sent or self._master.was_sending()",
        "pass",
        f"{ONCE}::test_what_the_log_of_ssh_says_counts_as_sent",
    ),
    Guard(
        "put: changes that have begun do not count as sent",
        "runner/transfer/moves.py",
        "            connection.sent = True\n",
        "            pass\n",
        "tests/transfer/test_faulty_servers.py",
    ),
    Guard(
        "put: a connection that ends in the middle of it is an error that passes",
        "runner/transfer/moves.py",
        "if not (changes and connection.sent):",
        "if True:",
        "tests/transfer/test_faulty_servers.py",
    ),
    Guard(
        "a host whose worker died is given to another worker",
        "runner/fanout/loop.py",
        "if not self._repeatable or self._stop is not None",
        "if self._stop is not None",
        f"{ONCE}::test_a_worker_that_dies_after_the_command[ssh-process]",
    ),
    Guard(
        "a process that died is said to have sent nothing",
        "runner/fanout/outcome.py",
        'Status.LOST, "worker-died", text, sent=True)',
        'Status.LOST, "worker-died", text, sent=False)',
        f"{ONCE}::test_a_worker_that_dies_after_the_command[ssh-process]",
    ),
    Guard(
        "a worker that dies while the run stops is said to have sent nothing",
        "runner/fanout/outcome.py",
        'Status.CANCELLED, "stopped", AT_WORK, sent=True)',
        'Status.CANCELLED, "stopped", AT_WORK, sent=False)',
        f"{ONCE}::test_a_worker_that_is_killed_while_the_run_stops[send_then_die_when_told]",
    ),
    Guard(
        "a host that does not end while the run stops is said to have sent nothing",
        "runner/fanout/loop.py",
        'Status.CANCELLED, "stopped", AT_WORK, sent=True))',
        'Status.CANCELLED, "stopped", AT_WORK, sent=False))',
        f"{ONCE}::test_a_worker_that_is_killed_while_the_run_stops[send_then_hang]",
    ),
    Guard(
        "a result that cannot be read is said to have sent nothing",
        "runner/fanout/outcome.py",
        '"result-lost", text, sent=True)\n\n\ndef _checked',
        '"result-lost", text, sent=False)\n\n\ndef _checked',
        f"{ONCE}::test_a_result_that_cannot_travel",
    ),
    Guard(
        "a fault of this machine after the command passes for one before it",
        "runner/connection/transport/faults.py",
        "        if was_sent():",
        "        if False:",
        "tests/security/test_own_faults.py::"
        "test_a_fault_of_ours_after_the_command_leaves_its_outcome_unknown[ssh]",
    ),
    Guard(
        "processes: what a process had when it died is handed to the next one",
        "runner/executors/processes.py",
        "            lost = list(worker.running.values())\n",
        "            lost = []\n            self._pending.extend(worker.running.values())\n",
        f"{ONCE}::test_a_worker_that_dies_after_the_command[ssh-process]",
    ),
    Guard(
        "dask: the scheduler runs a call again when its worker dies",
        "runner/executors/distributed/lane.py",
        "if here.id != worker:",
        "if False:",
        "tests/executors/distributed/test_lane.py::"
        "test_a_batch_for_a_worker_that_is_no_more_is_not_done_by_another",
    ),
    Guard(
        "history: a host is started before it is on the disk",
        "runner/history/recorder.py",
        "self._write([Intent(host, at_s) for host in hosts], [])",
        '__import__("_thread").start_new_thread(self._write, ([Intent(h, at_s) for h in hosts], []))',
        f"{COMPLETE}::test_no_host_is_started_before_that_is_on_the_disk",
    ),
    Guard(
        "history: a host that was started and has no result counts as not done",
        "runner/history/record.py",
        "            return name in self.started\n",
        "            return False\n",
        "tests/tasks/test_resume.py::test_a_killed_run_goes_on_with_what_it_had_not_come_to",
    ),
    Guard(
        "history: a lost or cancelled host that had been sent its command counts as not done",
        "runner/history/record.py",
        "return result.status is Status.LOST or (result.status is Status.CANCELLED and result.sent)",
        "return False",
        "tests/history/test_database.py",
    ),
    Guard(
        "history: a record that could not be written any more counts as complete",
        "runner/history/record.py",
        "if not self.complete and self._untouched(name):",
        "if False:",
        f"{COMPLETE}::test_a_database_that_another_process_locks",
    ),
    Guard(
        "history: the mark stays when the record fails",
        "runner/history/recorder.py",
        "            remove_mark(self._path, self._run.id)\n",
        "            pass\n",
        f"{COMPLETE}::test_files_that_must_not_grow",
    ),
    Guard(
        "history: the old end of a resumed run still counts",
        "runner/history/database.py",
        '"UPDATE runs SET finished = NULL WHERE id = ?"',
        '"UPDATE runs SET finished = finished WHERE id = ?"',
        f"{COMPLETE}::test_going_on_with_a_run_takes_back_its_end",
    ),
    Guard(
        "history: an incomplete record is marked as exact when it is gone on with",
        "runner/history/database.py",
        "        if self._complete(run):\n            place_mark",
        "        if True:\n            place_mark",
        f"{COMPLETE}::test_an_incomplete_record_stays_incomplete_when_it_is_gone_on_with",
    ),
    Guard(
        "history: what an earlier sitting found stands for a host that was started again",
        "runner/history/database.py",
        "            if self._again:\n",
        "            if False:\n",
        "tests/history/test_database.py",
    ),
    Guard(
        "history: two processes go on with one run",
        "runner/history/database.py",
        "if owner is not None and is_alive(owner)",
        "if False and is_alive(owner)",
        "tests/history/test_database.py",
    ),
    Guard(
        "--resume does hosts in doubt again",
        "runner/runs/resume.py",
        "missing = set(earlier.missing) | (doubtful if lost else set())",
        "missing = set(earlier.missing) | doubtful",
        "tests/tasks/test_resume.py::test_a_killed_run_goes_on_with_what_it_had_not_come_to",
    ),
    Guard(
        "--failed does hosts in doubt again",
        "runner/runs/resume.py",
        "failed = set(earlier.failed) - doubtful",
        "failed = set(earlier.failed)",
        f"{COMPLETE}::test_failed_hosts_of_an_incomplete_record_are_not_done_again",
    ),
    Guard(
        "--resume without a history",
        "runner/runs/resume.py",
        "if settings.no_history and left.hosts:",
        "if False:",
        f"{COMPLETE}::test_resuming_without_a_history_is_refused",
    ),
    Guard(
        "Ctrl-C without waiting: a host at work is said to have been sent nothing",
        "runner/runs/execution.py",
        'reason="stopped", error=text, sent=sent)',
        'reason="stopped", error=text, sent=False)',
        "tests/tasks/test_signals.py::test_the_third_ctrl_c_waits_for_nothing",
    ),
)


def main(numbers: list[str]) -> int:
    """Try every guard, or those of these numbers; return the exit code."""
    chosen = {int(number) for number in numbers} or set(range(1, len(GUARDS) + 1))
    missed = 0
    with tempfile.TemporaryDirectory(prefix="runner-mutants-") as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", ".*_cache")
        shutil.copytree(ROOT, tree, ignore=ignored, symlinks=True)
        for number, guard in enumerate(GUARDS, 1):
            if number in chosen:
                begun = time.monotonic()
                said = tried(tree, guard)
                missed += said != "noticed"
                took = time.monotonic() - begun
                print(f"{number:2} {said:9} {took:4.0f} s  {guard.what}\n      {guard.file}; {guard.test}")  # noqa: T201 - its output
    print(f"{len(chosen)} guards, {missed} not noticed")  # noqa: T201
    return int(missed > 0)


def tried(tree: Path, guard: Guard) -> str:
    """Return what becomes of a guard's test without the guard."""
    path = tree / guard.file
    source = path.read_text("utf-8")
    if source.count(guard.text) != 1:
        return "not found"
    path.write_text(source.replace(guard.text, guard.without), "utf-8")
    try:
        return "noticed" if _fails(tree, guard.test) else "MISSED"
    finally:
        path.write_text(source, "utf-8")


def _fails(tree: Path, test: str) -> bool:
    """Return whether a test fails; one that cannot be found, or is skipped, has not failed."""
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", test]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            words, cwd=tree, env=environment, capture_output=True, timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
