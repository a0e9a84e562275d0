"""What somebody may put into an inventory to hang, fill or take over the program that reads it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidVariable, InventoryError
from runner.inventory import Options, load
from runner.inventory.output.listing import graph_lines, list_document
from runner.inventory.parsing.documents import MAX_DEPTH, DocumentReader
from runner.inventory.parsing.malformed import NotADocument
from tests.liveness import gone

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60.0
"""Far above what any of it takes, far below what it takes without a limit."""


@pytest.fixture(autouse=True)
def bounded_time() -> object:
    """Every test here ends soon."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < SECONDS


def alias_bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: v" for n in range(100)) + "}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 60)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [alias_bomb(12), merge_bomb(300)], ids=["aliases", "merges"])
def test_aliases_that_stand_for_billions_of_values_are_refused(text: str) -> None:
    with pytest.raises(NotADocument, match="expand to more than 1,000,000 values"):
        DocumentReader().read(text, "bomb.yml")


def test_an_alias_inside_what_it_refers_to_is_refused() -> None:
    with pytest.raises(NotADocument, match="is inside the value that it refers to"):
        DocumentReader().read("a: &a [*a]", "loop.yml")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(opening: str) -> None:
    with pytest.raises(NotADocument):
        DocumentReader().read(opening * 100_000, "deep.yml")


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert DocumentReader().read(text, "deep.yml")
    with pytest.raises(NotADocument, match="nested deeper than 100 levels"):
        DocumentReader().read(f"[{text}]", "deep.yml")


def test_deep_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hosts.json").write_text('{"a":' * 100_000)
    with pytest.raises(InventoryError):
        load(tmp_path / "hosts.json")


def test_a_number_of_many_digits_is_no_number_to_work_on() -> None:
    assert DocumentReader().read(f"a: {'9' * 100_000}", "n.yml") == {"a": "9" * 100_000}


@pytest.mark.parametrize("name", ["hosts.ini", "hosts.yml", "hosts", "hosts.toml", "hosts.json", "hosts.csv"])
def test_a_file_over_the_limit_is_refused_before_it_fills_the_memory(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(100 * 1024 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InventoryError, match="larger than the limit of 1,000,000 bytes"):
        load(tmp_path / name, options=Options(max_file_bytes=1_000_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_one_hundred_megabytes_are_refused_by_default(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_bytes(b"host with=variables\n" * (100 * 1024 * 1024 // 20))
    with pytest.raises(InventoryError, match="larger than the limit"):
        load(tmp_path / "hosts.ini")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/urandom"])
def test_a_device_is_no_inventory(path: str) -> None:
    with pytest.raises(InventoryError, match="not a regular file"):
        load(path)


def test_a_named_pipe_without_a_writer_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hosts")
    with pytest.raises(InventoryError, match="not a regular file"):
        load(tmp_path / "hosts")


def test_what_a_command_of_the_shell_prints_is_an_inventory() -> None:
    code = "import sys; from runner.inventory import load; print(*load(sys.argv[1]).names())"
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{code}' <(printf '[web]\\nh1 a=1\\nh2\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "h1 h2\n"


def test_a_command_of_the_shell_that_prints_nothing_keeps_nobody_waiting() -> None:
    code = (
        "import sys; from runner.inventory import *; load(sys.argv[1], options=Options(script_timeout_s=0.2))"
    )
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{code}' <(exec sleep 20 2>/dev/null)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot be read: nothing more came in time" in done.stderr


def test_a_folder_that_holds_itself_by_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inv" / "sub").mkdir(parents=True)
    (tmp_path / "inv" / "hosts").write_text("h1\n")
    (tmp_path / "inv" / "sub" / "up").symlink_to(tmp_path / "inv")
    with pytest.raises(InventoryError, match="this link points to a folder that contains it"):
        load(tmp_path / "inv")


def test_two_folders_that_hold_one_another_by_links_are_refused(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / "inv" / one).mkdir(parents=True)
        (tmp_path / "inv" / one / "link").symlink_to(tmp_path / "inv" / other)
    with pytest.raises(InventoryError):
        load(tmp_path / "inv")


def test_variable_folders_that_hold_themselves_by_a_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("h1\n")
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    (tmp_path / "group_vars" / "all" / "again").symlink_to(tmp_path / "group_vars" / "all")
    with pytest.raises(InventoryError, match="nested deeper than"):
        list_document(load(tmp_path / "hosts"))


def test_a_group_that_is_named_like_a_path_reads_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("stolen: 1\n")
    (tmp_path / "inv" / "group_vars").mkdir(parents=True)
    (tmp_path / "inv" / "host_vars").mkdir(parents=True)
    (tmp_path / "inv" / "hosts").write_text("[../../secret]\n../../secret\n")
    assert load(tmp_path / "inv" / "hosts").variables("../../secret") == {}


def test_groups_nested_without_end_are_refused(tmp_path: Path) -> None:
    lines = [f"[g{n}:children]\ng{n + 1}\n" for n in range(5000)]
    (tmp_path / "hosts.ini").write_text("".join(lines) + "[g5000]\nh1\n")
    with pytest.raises(InventoryError, match="groups nested deeper than 64 levels"):
        load(tmp_path / "hosts.ini")


def test_a_cycle_of_thousands_of_groups_is_named(tmp_path: Path) -> None:
    lines = [f"[g{n}:children]\ng{(n + 1) % 5000}\n" for n in range(5000)]
    (tmp_path / "hosts.ini").write_text("".join(lines))
    with pytest.raises(InventoryError, match="groups form a cycle: g0 > g1 > g2"):
        load(tmp_path / "hosts.ini")


@pytest.mark.slow
def test_groups_that_take_for_ever_to_check_are_refused(tmp_path: Path) -> None:
    size = 6000
    chain = [f"[c{n}:children]\nc{n + 1}\n" for n in range(size)]
    leaves = [f"[x{n}:children]\ny\n" for n in range(size)]
    joined = [f"[c{size}:children]\n", *(f"x{n}\n" for n in range(size))]
    (tmp_path / "hosts.ini").write_text("[y]\nh1\n" + "".join([*chain, f"[c{size}]\n", *leaves, *joined]))
    with pytest.raises(InventoryError, match="too many nested groups to check them for cycles"):
        load(tmp_path / "hosts.ini")


@pytest.mark.slow
def test_a_graph_that_groups_sharing_children_make_endless_is_cut(tmp_path: Path) -> None:
    levels = [f"[{side}{n}:children]\na{n + 1}\nb{n + 1}\n" for n in range(60) for side in "ab"]
    (tmp_path / "hosts.ini").write_text("".join(levels) + "[a60]\nh1\n[b60]\nh1\n")
    inventory = load(tmp_path / "hosts.ini")
    assert inventory.host("h1").groups[0] == "a0"
    list_document(inventory)
    with pytest.raises(InventoryError, match="a graph of more than 1,000,000 lines"):
        deque(graph_lines(inventory), maxlen=0)


def test_a_million_doubtful_lines_are_a_thousand_warnings(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  vars:\n" + "    a: 1\n" * 200_000)
    assert len(load(tmp_path / "hosts.yml").warnings) == 1000


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_script_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    script(tmp_path / "inv.sh", f"sleep 600 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(InventoryError, match="took too long; killed"):
        load(tmp_path / "inv.sh", options=Options(script_timeout_s=3))
    child = int((tmp_path / "child").read_text())
    assert gone(child)


def test_a_script_that_closes_its_output_and_stays_is_killed_too(tmp_path: Path) -> None:
    script(tmp_path / "inv.sh", "exec >&- 2>&-; sleep 600")
    with pytest.raises(InventoryError, match="took too long; killed"):
        load(tmp_path / "inv.sh", options=Options(script_timeout_s=0.5))


def test_a_script_that_prints_without_end_is_killed(tmp_path: Path) -> None:
    script(tmp_path / "inv.sh", "yes '{}'")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InventoryError, match="printed more than 1,000,000 bytes; killed"):
        load(tmp_path / "inv.sh", options=Options(max_script_bytes=1_000_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_script_that_complains_without_end_fills_no_memory(tmp_path: Path) -> None:
    script(
        tmp_path / "inv.sh",
        'head -c 100000000 /dev/zero >&2; echo \'{"web": ["h1"], "_meta": {"hostvars": {}}}\'',
    )
    assert load(tmp_path / "inv.sh").names() == ("h1",)


def test_a_daemon_that_a_script_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    body = "sleep 600 & echo $! > " + str(tmp_path / "child")
    script(tmp_path / "inv.sh", body + '\necho \'{"web": ["h1"], "_meta": {"hostvars": {}}}\'')
    try:
        assert load(tmp_path / "inv.sh").names() == ("h1",)
    finally:
        os.kill(int((tmp_path / "child").read_text()), 9)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo boom >&2; exit 3", "ended with status 3: boom"),
        ("printf '\\033[31mred\\n' >&2; exit 1", "ended with status 1: \\x1b[31mred"),
        ("kill -9 $$", "ended with status -9"),
        ("exit 0", "printed nothing; expected a JSON object"),
        ("echo garbage", "did not print JSON"),
        ("echo '[1]'", "printed JSON that is not an object of groups"),
        ("printf '\\377'", "printed something that is not UTF-8"),
        ("""echo '{"_meta": 3}'""", "_meta must be an object"),
        (
            """echo '{"web": {"hosts": "h1"}, "_meta": {"hostvars": {}}}'""",
            "web.hosts must be a list, found 'h1'",
        ),
        ("""python3 -c 'print("{\\"a\\":" * 100000)'""", "nested deeper than 100 levels"),
    ],
)
def test_a_script_that_fails_says_how(tmp_path: Path, body: str, message: str) -> None:
    path = script(tmp_path / "inv.sh", body)
    with pytest.raises(InventoryError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_script_that_everybody_may_change_is_not_run(tmp_path: Path) -> None:
    path = script(tmp_path / "inv.sh", f"touch {tmp_path}/RAN")
    path.chmod(0o777)
    with pytest.raises(InventoryError, match="every user can change this program"):
        load(path)
    assert not (tmp_path / "RAN").exists()


def test_a_program_without_the_execute_bit_is_data(tmp_path: Path) -> None:
    path = script(tmp_path / "inv.sh", f"touch {tmp_path}/RAN=1")
    path.chmod(0o644)
    load(path)
    assert not (tmp_path / "RAN").exists()


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ lookup('pipe', 'touch RAN') }}",
    "{{ lookup('file', '/etc/passwd') }}",
    "{{ query('pipe', 'touch RAN') }}",
    "{{ lookup.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('touch RAN').read() }}",
    "{{ '{0.__class__}'.format(a) }}",
    "{{ [a]|map(attribute='__class__')|list }}",
    "{% import 'os' as os %}{{ os }}",
    "{% include '/etc/passwd' %}",
    "{% for i in range(1000000000) %}x{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ range(1000000000)|list }}",
    "{{ 'a' * 10000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 'a'|center(10000000000) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ lipsum(1000000) }}",
    "{{ a|replace('', big)|replace('', big) }}",
    "{{ [big, big]|join(big) }}",
    "{{ a|regex_replace('x', '\\9') }}",
    "{{ a|regex_replace('x', '\\g<n>') }}",
    "{{ 1.5|round(99999999, 'ceil') }}",
    "{{ (((((((((big~big)~big)~(big~big))~big)~big)~big)~big)~big)~big) }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "not " * 4000 + "a }}",
    "{{ a" + "|upper" * 2000 + " }}",
    "{{ 1" + "*99999999999" * 1000 + " }}",
    "{{ ansible_host }}",
    "{{ loop_a }}",
    "{{ big }}" * 300,
    "{{ undefined_name }}",
    "{{ foo",
    "{% if %}",
    "{{ }}",
]


REGULAR_EXPRESSIONS = [
    "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'|regex_replace('(a+)+$', '') }}",
    "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'|regex_search('(a|a)*$') }}",
    "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'|regex_search('" + "a?" * 40 + "x') }}",
    "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'|regex_search('" + "(a|a)" * 30 + "x') }}",
    "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'|regex_search('a*a*a*a*a*a*x') }}",
    "{{ big|regex_search('a') }}",
    "{{ many|select('search', 'a*b*c*d')|list|length }}",
]


@pytest.mark.parametrize("template", ESCAPES, ids=range(len(ESCAPES)))
def test_a_template_that_wants_more_than_a_value_is_that_hosts_error(
    tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    monkeypatch.chdir(tmp_path)
    variables = {
        "ansible_host": template,
        "a": "x",
        "big": "b" * 60_000,
        "many": ["abc" * 40] * 20_000,
        "loop_a": "{{ loop_b }}",
        "loop_b": "{{ loop_a }}",
    }
    (tmp_path / "hosts.json").write_text(
        json.dumps({"all": {"hosts": {"h1": variables, "h2": {"ansible_host": "ok"}}}})
    )
    one, other = load(tmp_path / "hosts.json").select()
    with pytest.raises(InvalidVariable) as caught:
        _ = one.variables["ansible_host"]
    assert str(caught.value).startswith("h1: ")
    assert "\n" not in str(caught.value)
    assert other.variables["ansible_host"] == "ok"
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize("template", REGULAR_EXPRESSIONS, ids=range(len(REGULAR_EXPRESSIONS)))
def test_a_regular_expression_of_a_template_comes_to_an_end(tmp_path: Path, template: str) -> None:
    import json

    variables = {"ansible_host": template, "big": "b" * 60_000, "many": ["abc" * 40] * 20_000}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {"h1": variables}}}))
    (host,) = load(tmp_path / "hosts.json").select()
    began = time.monotonic()
    with suppress(InvalidVariable):
        _ = host.variables["ansible_host"]
    assert time.monotonic() - began < 30


def test_templates_that_double_one_another_stay_bounded(tmp_path: Path) -> None:
    lines = ["h1 v0=" + "x" * 1000 + " ansible_host='{{ v40 }}'"]
    lines += ["[all:vars]", *(f"v{n}={{{{ v{n - 1} }}}}{{{{ v{n - 1} }}}}" for n in range(1, 41))]
    (tmp_path / "hosts").write_text("\n".join(lines) + "\n")
    (host,) = load(tmp_path / "hosts").select()
    with pytest.raises(InvalidVariable, match="a result of more than 65536"):
        _ = host.variables["ansible_host"]


def test_a_long_chain_of_templates_is_an_error_or_an_answer_never_a_crash(tmp_path: Path) -> None:
    lines = ["h1 v0=end ansible_host='{{ v5000 }}'"]
    lines += ["[all:vars]", *(f"v{n}={{{{ v{n - 1} }}}}" for n in range(1, 5001))]
    (tmp_path / "hosts").write_text("\n".join(lines) + "\n")
    (host,) = load(tmp_path / "hosts").select()
    with pytest.raises(InvalidVariable, match="nest"):
        _ = host.variables["ansible_host"]


def test_reading_an_inventory_opens_no_connection_and_starts_no_program(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(
        "h1 ansible_ssh_common_args='-o ProxyCommand=\"touch RAN\"' ansible_ssh_executable=./x\n"
    )
    code = (
        "import sys\n"
        "from runner.inventory import load\n"
        "refused = ('subprocess.Popen', 'os.system', 'os.exec', 'os.fork', 'socket.connect')\n"
        "sys.addaudithook(lambda event, args: event in refused and sys.exit(f'{event} {args}'))\n"
        "host = load('hosts').host('h1')\n"
        "print(dict(host.variables))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "RAN").exists()
