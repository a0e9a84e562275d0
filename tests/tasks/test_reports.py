"""What the flags about showing do, from the command line to the screen and the files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

SERVERS = ("run", "hostname", "-g", "servers")


def test_a_whole_group_is_shown_by_its_name_and_can_be_given_back(demo: Project) -> None:
    assert demo.type("run", "echo hi", "-g", "servers").stdout.startswith("servers (3): ok\n  hi\n")
    assert demo.type("run", "echo hi", "-g", "servers:!db1").stdout.startswith("web[1-2] (2): ok\n  hi\n")
    assert demo.type("inventory", "--hosts", "servers").stdout == "web1\nweb2\ndb1\n"
    assert demo.type("ping", "-g", "good:servers").stdout.startswith("good,servers (6): ok  rtt ")


def test_ignored_text_folds_and_a_diff_shows_the_rest(demo: Project) -> None:
    ended = demo.type(*SERVERS, "--ignore", "[0-9]+")
    assert ended.stdout.startswith("web[1-2] (2): ok\n  web…\ndb1: ok\n  db1\n")
    ended = demo.type(*SERVERS, "--ignore", "[0-9]+", "--diff")
    assert "db1: ok\n--- web[1-2]\n+++ db1\n@@ -1 +1 @@\n-  web…\n+  db…\n" in ended.stdout


def test_what_the_project_ignores_is_no_hindrance_to_other_formats(demo: Project) -> None:
    config = demo.folder / "invoke.yaml"
    demo.write("invoke.yaml", config.read_text() + "  ignore: ['[0-9]+']\n  prefix: true\n")
    assert demo.type(*SERVERS).stdout.startswith("web[1-2] (2): ok")
    assert demo.type(*SERVERS, "--format", "json").code == 0


def test_every_line_can_begin_with_its_host(demo: Project) -> None:
    ended = demo.type(*SERVERS[:2], "-g", "servers:r-down", "--format", "text", "--prefix", "--sort", "name")
    assert ended.stdout.splitlines() == [
        "db1: db1",
        "r-down: unreachable: connection refused: nothing listens on the SSH port",
        "web1: web1",
        "web2: web2",
    ]


def test_a_test_report_for_ci(demo: Project) -> None:
    (suite,) = ET.fromstring(demo.type("run", "hostname", "-g", "servers:r-down", "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("errors")) == ("4", "1")


def test_rows_for_a_spreadsheet(demo: Project) -> None:
    ended = demo.type(
        "run", "echo =1+1", "-g", "servers", "--format", "csv", "--only", "ok", "--sort", "name"
    )
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert [(row["host"], row["stdout"]) for row in rows] == [
        (name, "'=1+1\n") for name in ("db1", "web1", "web2")
    ]


def test_what_did_not_end_ok_alone(demo: Project) -> None:
    ended = demo.type("run", "hostname", "-g", "servers:r-down", "--only", "not-ok")
    assert ended.code == 4
    assert ended.stdout.startswith("r-down: unreachable\n")
    assert "4 hosts: 3 ok, 1 unreachable" in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--diff", "--format", "json"), "run: --diff does not fit --format json; it fits folded"),
        (("--prefix",), "run: --prefix does not fit --format folded; it fits text"),
        (("--sort", "name"), "run: --sort does not fit --format folded; it fits csv, "),
        (("--only", "bad"), "run: --only 'bad': expected some of ok, failed, "),
        (("--ignore", "("), "run: --ignore '(': expected a regular expression: "),
    ],
)
def test_what_does_not_fit_is_one_line_before_any_host_is_touched(
    demo: Project, words: tuple[str, ...], said: str
) -> None:
    ended = demo.type(*SERVERS, *words)
    assert (ended.code, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert demo.type("history").stdout == ""


def test_the_failed_hosts_of_a_folder_are_a_limit(demo: Project) -> None:
    demo.type("run", "hostname", "-g", "servers:r-down:r-denied", "--output-dir", "out")
    ended = demo.type("inventory", "--hosts", "@out/failed.txt")
    assert ended.stdout.split() == ["r-down", "r-denied"]
    again = demo.type("ping", "-l", "@out/failed.txt", "--output-dir", "out")
    assert (again.code, again.stdout) == (1, "")
    assert "--output-dir 'out': it holds the outputs of run 2" in again.stderr
    assert "name another, or 'out/{run}' for one of each run" in again.stderr


def test_each_run_can_have_a_folder_of_its_own(demo: Project) -> None:
    for _ in range(2):
        assert demo.type(*SERVERS, "--output-dir", "out/{run}").code == 0
    assert len(list((demo.folder / "out").iterdir())) == 2


def test_a_run_that_is_gone_on_with_goes_on_in_its_folder(demo: Project) -> None:
    demo.type("run", "hostname", "-g", "servers:r-down", "--output-dir", "out", "--max-fail", "0")
    ended = demo.type("run", "--resume", "last", "--output-dir", "out")
    assert "holds" not in ended.stderr
    files = {path.name for path in (demo.folder / "out").iterdir()}
    assert {"index.jsonl", "failed.txt"} <= files


def test_colours_can_be_had_without_a_terminal_and_are_never_forced_on_who_wants_none(demo: Project) -> None:
    assert "\x1b[32mok" in demo.type(*SERVERS, env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b" not in demo.type(*SERVERS, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert "\x1b" not in demo.type(*SERVERS, "--format", "json", env={"FORCE_COLOR": "1"}).stdout


def test_help_names_formats_that_others_have_installed(demo: Project) -> None:
    demo.write("plugins/their.py", "")
    demo.write("plugins/their-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: their\nVersion: 1\n")
    demo.write("plugins/their-1.dist-info/entry_points.txt", "[runner.reporters]\ntheirs = their:X\n")
    path = f"{demo.folder / 'plugins'}:{demo.environment()['PYTHONPATH']}"
    shown = " ".join(demo.type("run", "--help", env={"PYTHONPATH": path}).stdout.split())
    assert "also installed: theirs" in shown
    assert "--cmd=STRING" in shown
    assert "-i STRING, --inventory=STRING" in shown


def test_a_folder_for_a_run_that_was_refused_is_free(demo: Project) -> None:
    assert demo.type(*SERVERS, "--output-dir", "out", "--executor", "grid").code == 1
    assert demo.type(*SERVERS, "--output-dir", "out").code == 0


def test_what_a_job_prints_is_no_result(demo: Project) -> None:
    demo.write(
        "tasks.py",
        "import runner\nfrom runner.tasks import namespace\n@runner.host_task\ndef chatty(host):\n"
        "    print('by the way')\nnamespace.add_task(chatty)\n",
    )
    ended = demo.type("chatty", "-g", "web1")
    assert ended.stdout.startswith("web1: ok\n1 host: 1 ok")
    assert ended.stderr == "by the way\n"


REPORTER = """\
import threading
class Threads:
    def __init__(self, stream, options):
        self.stream = stream
    def start(self, run):
        pass
    def result(self, result):
        self.stream.write(threading.current_thread().name + "\\n")
    def finish(self, summary):
        pass
"""


@pytest.mark.parametrize("words", [("ping",), ("run", "hostname"), ("run", "hostname", "--no-history")])
def test_reporters_run_in_the_callers_thread(demo: Project, words: tuple[str, ...]) -> None:
    demo.write("plugins/their.py", REPORTER)
    demo.write("plugins/their-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: their\nVersion: 1\n")
    demo.write("plugins/their-1.dist-info/entry_points.txt", "[runner.reporters]\nthreads = their:Threads\n")
    path = f"{demo.folder / 'plugins'}:{demo.environment()['PYTHONPATH']}"
    ended = demo.type(*words, "-g", "servers", "--format", "threads", env={"PYTHONPATH": path})
    assert (ended.code, ended.stdout) == (0, "MainThread\n" * 3), ended.stderr
