"""No template of an inventory can hang the program or fill its memory; the other hosts do not wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import InvalidVariable
from runner.inventory import load, templating
from runner.inventory.templating import TemplateError, evaluate, render
from runner.inventory.templating.services import Services
from runner.inventory.templating.wire import dumps, loads
from runner.text.confined import Confined, Stopped
from tests.liveness import gone

if TYPE_CHECKING:
    from pathlib import Path

    from runner.models import Host

PAD = "x" * 30_000
ENDLESS = "{{ words | select('in', words) | list }}"
NUMBERED = [f"word {number}" for number in range(20_000)]
HOSTILE: dict[str, tuple[str, dict[str, Any]]] = {
    "replace": ("{{ words | map('replace', 'a', pad) | list }}", {"words": ["a"] * 20_000}),
    "select": (
        "{{ words | map('select', 'in', words) | map('list') | list }}",
        {"words": ["ab" * 20] * 3000},
    ),
    "in": (ENDLESS, {"words": NUMBERED}),
    "sort": ("{{ words | map('sort') | map('join') | list }}", {"words": ["ba" * 20_000] * 300}),
    "regex": ("{{ text | regex_replace('(a|aa)+$', 'x') }}", {"text": "a" * 300 + "b"}),
    "search": ("{{ words | select('search', '(a|aa)+$') | list }}", {"words": ["a" * 300 + "b"] * 50}),
    "compile": ("{{ 'a' | regex_search('((((((a?){50}){50}){50}){50}){50}){50}x') }}", {}),
    "text": ("{{ words | map('string') | map('upper') | join }}", {"words": [["y" * 100] * 100] * 1000}),
    "tree": ("{{ [[words, words, words], [words, words, words]] }}", {"words": NUMBERED}),
}


@pytest.fixture(autouse=True)
def _the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give back the time that templates of other tests have lost."""
    monkeypatch.setattr(templating._JINJA, "_limit_s", 0.5)


def inventory_of(folder: Path, **variables: dict[str, Any]) -> tuple[Host, ...]:
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": variables}}))
    return load(folder / "hosts.json").select()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_template_without_an_end_is_an_error_of_its_host_alone(tmp_path: Path, kind: str) -> None:
    template, variables = HOSTILE[kind]
    bad, good = inventory_of(
        tmp_path,
        bad={"ansible_host": template, "pad": PAD, **variables},
        good={"ansible_host": "{{ net | default('10.0.0') }}.7"},
    )
    began = time.monotonic()
    with pytest.raises(InvalidVariable) as caught:
        _ = bad.variables["ansible_host"]
    assert str(caught.value).startswith("bad: ansible_host ")
    assert good.variables["ansible_host"] == "10.0.0.7"
    with pytest.raises(InvalidVariable):  # it is known by now
        _ = bad.variables["ansible_host"]
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (HOSTILE["replace"][0], "MiB of memory, and was ended"),
        (ENDLESS, "s of computing time, and was ended"),
    ],
)
def test_the_error_names_host_variable_and_limit(tmp_path: Path, template: str, said: str) -> None:
    words = HOSTILE["in" if template == ENDLESS else "replace"][1]
    (host,) = inventory_of(tmp_path, r1={"ansible_user": template, "pad": PAD, **words})
    with pytest.raises(InvalidVariable) as caught:
        _ = host.variables["ansible_user"]
    assert str(caught.value).startswith("r1: ansible_user ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ lookup('pipe', 'x', pipe='{:>400000000}'.format) }}",
        "{{ lookup('env', **{'pipe': 'x'}) }}",
        "{{ ['{:>400000000}'] | map('format', 1) | list }}",
        "{{ '{:>400000000}'.format(1) }}",
        "{{ '{:>400000000}'['format'] }}",
        "{{ ['{:>400000000}'] | map(attribute='format') | list }}",
        "{{ 'a'.ljust }}",
        "{{ 'x' * 10 ** 10 }}",
        "{{ " + "1" * 9000 + " }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
)
def test_what_is_not_allowed_is_refused_with_one_line(template: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(template, {}.__getitem__, Services(pipe=lambda _command: "ran"))
    assert "\n" not in str(caught.value)


def test_values_of_other_hosts_are_asked_for_and_their_errors_stay_theirs(tmp_path: Path) -> None:
    a, b, c = inventory_of(
        tmp_path,
        a={"ansible_host": "{{ hostvars['b'].ansible_host | upper }}"},
        b={"ansible_host": ENDLESS, "words": NUMBERED},
        c={"ansible_host": "{{ hostvars['d' if 0 else 'c'].own | upper }}", "own": "x"},
    )
    with pytest.raises(InvalidVariable, match=r"^b: ansible_host took longer than"):
        _ = a.variables["ansible_host"]
    assert c.variables["ansible_host"] == "X"
    with pytest.raises(InvalidVariable, match=r"^b: ansible_host took longer than"):
        _ = b.variables["ansible_host"]


@pytest.mark.slow
def test_templates_in_templates_do_not_grow_without_an_end(tmp_path: Path) -> None:
    variables: dict[str, Any] = {"v0": ["x"] * 1000}
    for level in range(1, 8):
        variables[f"v{level}"] = [f"{{{{ v{level - 1} }}}}"] * 1000
    (host,) = inventory_of(tmp_path, r1={"ansible_host": "{{ v7 }}", **variables})
    with pytest.raises(InvalidVariable, match=r"more than .* characters and items"):
        _ = host.variables["ansible_host"]


@pytest.mark.slow
def test_many_templates_of_one_variable_are_counted_together(tmp_path: Path) -> None:
    table = [list(range(1000))] * 900
    (host,) = inventory_of(tmp_path, r1={"ansible_host": ["{{ table }}"] * 1000, "table": table})
    with pytest.raises(InvalidVariable, match=r"r1: ansible_host has templates that give a result of more"):
        _ = host.variables["ansible_host"]


@pytest.mark.slow
def test_an_inventory_full_of_templates_without_an_end_costs_seconds(tmp_path: Path) -> None:
    names = [f"h{number}" for number in range(60)]
    document = {
        "hosts": dict.fromkeys(names),
        "vars": {"ansible_host": ENDLESS, "words": NUMBERED},
    }
    (tmp_path / "hosts.json").write_text(json.dumps({"all": document}))
    began = time.monotonic()
    for host in load(tmp_path / "hosts.json").select():
        with pytest.raises(InvalidVariable):
            _ = host.variables["ansible_host"]
    assert time.monotonic() - began < 90


def _children(pid: int) -> list[int]:
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def test_the_child_ends_with_its_parent_also_if_that_is_killed() -> None:
    code = (
        "import sys, time; from runner.inventory.templating import evaluate\n"
        "print(evaluate('1 + 1', {}.__getitem__), flush=True)\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "2\n"
    (server,) = _children(process.pid)
    (worker,) = _children(server)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert gone(server, worker)


def test_a_forked_process_starts_its_own_child() -> None:
    assert evaluate("1 + 1", {}.__getitem__) == 2
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(writer, str(evaluate("2 + 2", {}.__getitem__)).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read() == "4"
    assert os.waitpid(pid, 0)[1] == 0
    assert evaluate("3 + 3", {}.__getitem__) == 6


def test_a_child_that_was_killed_is_started_again() -> None:
    child = Confined("runner.inventory.templating.sandbox:serve")
    request = dumps(("value", "{{ 1 + 1 }}", False, ({}, frozenset(), frozenset())))
    for _ in range(3):
        assert loads(child.request(request, bytes)) == ("value", 2)
        assert child._process is not None
        os.killpg(child._process.pid, signal.SIGKILL)
        child._process.wait()
    child.close()


def test_without_a_process_to_start_the_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(Stopped, match=r"needs a process that cannot be started: .*Resource temporarily"):
        Confined("runner.inventory.templating.sandbox:serve").request(b"", bytes)


def test_an_interrupt_leaves_no_half_message_behind() -> None:
    from runner.inventory.parsing.values import Constant

    class Interrupting(Constant):
        def __getitem__(self, key: str) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render("{{ x['k'] | upper }}", {"x": Interrupting({"k": 1})}.__getitem__)
    assert evaluate("1 + 1", {}.__getitem__) == 2
