"""A few bytes of an inventory stand neither for hours of work nor for all of the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.connection.ssh_config import included
from runner.errors import InvalidVariable, InventoryError
from runner.inventory import load
from runner.inventory.loading import Options
from runner.inventory.parsing.documents import MAX_VALUES, from_json
from tests.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = 200_000
MEGABYTE = 10**6


def script(printed: str) -> str:
    return f"#!/usr/bin/env python3\nprint({printed})\n"


# What an inventory is called, what it holds, and what is said about it.
FILES = {
    "yaml, lists in lists": ("h.yml", f"all: {'[' * LEVELS}{']' * LEVELS}", "deeper than 100 levels"),
    "yaml, mappings in mappings": ("h.yml", "? " * LEVELS, "deeper than 100 levels"),
    "json, lists in lists": ("h.json", '{"all": ' + "[" * 900 + "]" * 900 + "}", "deeper than 100 levels"),
    "script, lists in lists": ("h.sh", script("'{\"a\":' + '[' * 900 + ']' * 900 + '}'"), "100 levels"),
    "script, many values": ("h.sh", script("'{\"a\": [' + '{},' * 12 * 10**6 + '{}]}'"), "more than 4,000"),
    "script, no end": ("h.sh", "#!/bin/sh\nyes '{\"a\":'\n", "printed more than"),
    "ini, one long line": ("hosts", f"h a='{'x ' * 30 * MEGABYTE}", "quotation mark is not closed"),
    "ini, many ranges": ("hosts", "".join(f"h{n}-[0:9999]\n" for n in range(60)), "more than 500,000 hosts"),
    "ini, brackets": ("hosts", f"h{'[' * MEGABYTE}\n", "a host range is not closed"),
    "toml, dotted key": ("h.toml", f"[all.vars]\n{'a.' * 30_000}a = 1\n", ":2: a key of more than 100 parts"),
    "toml, quoted key": (
        "h.toml",
        "x = {" + '"a b" . ' * 30_000 + "c = 1}\n",
        "a key of more than 100 parts",
    ),
    "toml, table": ("h.toml", f"['a'.{'b.' * 30_000}c]\n", "a key of more than 100 parts"),
    "toml, a number": ("h.toml", f"[all.vars]\na = {'9' * 10_000}\n", "TOML: "),
    "ssh_config, the whole disk": ("ssh_config", "Include /*/*/*/*/*/*\nHost a\n", "more than 20,000 files"),
}


@pytest.mark.parametrize("case", FILES)
def test_an_inventory_without_end_is_one_line(tmp_path: Path, case: str) -> None:
    name, text, said = FILES[case]
    made = Project(tmp_path)
    made.write(name, text).chmod(0o755)
    ended = made.type("inventory", "--list", "-i", name, program="runner")  # for no longer than a minute
    assert ended.code == 1
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert len(ended.stderr) < 3000, "it quotes what is wrong, and not all of it"


def test_all_documents_of_a_load_have_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.inventory.parsing.documents.MAX_VALUES", 5000)
    for number in range(3):
        (tmp_path / f"{number}.yml").write_text(f"all: {{vars: {{a{number}: [{'x,' * 2000}]}}}}\n")
    load(tmp_path / "0.yml")
    with pytest.raises(InventoryError, match=r"2\.yml:1:.*more than 5,000 values"):
        load(tmp_path)


def test_commas_in_texts_below_the_limit_are_no_values() -> None:
    text = "," * (MAX_VALUES - 10)
    assert from_json(f'{{"a": "{text}"}}') == {"a": text}


def test_answers_about_single_hosts_have_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.inventory.sources.script._ALL_HOSTS", 1)  # so that one answer has time enough
    path = tmp_path / "hosts.sh"
    listing = '{"all": {"hosts": [' + ",".join(f'"h{number}"' for number in range(100)) + "]}}"
    answer = f"echo >>{tmp_path}/asked; sleep 0.2; echo '{{}}'"
    path.write_text(f"#!/bin/sh\ncase $1 in --list) echo '{listing}';; *) {answer};; esac\n")
    path.chmod(0o755)
    with pytest.raises(InventoryError, match="too long for all its hosts; print their variables under _meta"):
        load(path, options=Options(script_timeout_s=3))
    asked = (tmp_path / "asked").read_text().count("\n")
    assert 0 < asked <= 3 / 0.2 + 1


@pytest.mark.parametrize("variable", ["ansible_user", "ansible_host", "ansible_port", "ansible_timeout"])
def test_no_error_of_a_host_quotes_a_long_value(tmp_path: Path, variable: str) -> None:
    made = Project(tmp_path)
    made.write("hosts", f"h ansible_connection=ssh {variable}={'x-' * MEGABYTE}!\n")
    ended = made.type(
        "run", "--cmd", "true", "-i", "hosts", "--no-ping", "--format", "json", program="runner"
    )
    assert 0 < len(ended.document["hosts"]["h"]["error"]) < 3000
    assert len(ended.stdout) < 10_000


def test_hosts_do_not_wait_for_a_search_of_the_whole_disk(tmp_path: Path) -> None:
    made = Project(tmp_path)
    made.write("theirs", "Include /*/*/*/*/*/*\n")
    made.write("hosts", "bad[1:2000] ansible_ssh_common_args='-F theirs'\ngood ansible_connection=local\n")
    words = ("run", "--cmd", "true", "-i", "hosts", "--no-ping", "--no-history", "--format", "json")
    # For no longer than a minute: a search for each host takes minutes.
    hosts = made.type(*words, program="runner").document["hosts"]
    assert hosts.pop("good")["status"] == "ok"
    assert {host["status"] for host in hosts.values()} == {"error"}
    assert "more than 20,000 files" in hosts["bad1"]["error"]


def test_all_files_of_an_ssh_config_have_one_limit(tmp_path: Path) -> None:
    from runner.connection.ssh_config.reader import config

    for number in range(3):
        (tmp_path / f"{number}.conf").write_text("# comment\n" * (15 * MEGABYTE // 10))
        (tmp_path / f"{number}.conf").chmod(0o600)
    file = tmp_path / "config"
    file.write_text(f"Include {tmp_path}/*.conf\n")
    for _ in range(2):  # the second time from memory
        with pytest.raises(InvalidVariable, match=r"2\.conf.*those before it hold more than"):
            config(((str(file), False),))


@pytest.mark.parametrize(
    "pattern", ["*.conf", ".*", "d?/[ab].conf", "d*/*", "d1/a.conf", "none", "*/none", "d*/"]
)
def test_an_include_finds_what_glob_finds(tmp_path: Path, pattern: str) -> None:
    import glob

    for name in ("a.conf", "b.conf", ".c", "d1/a.conf", "d1/.x", "d2/b.conf", "d2/e/f"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    whole = f"{tmp_path}/{pattern}"
    assert included.included(whole) == sorted(glob.glob(whole))  # noqa: PTH207 - it is the model
