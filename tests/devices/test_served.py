"""How the template of a command is found, and the three outcomes of parsing."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.devices import folders
from runner.devices.json_rows import asks_for_json, rows_of
from tests.devices.asking import served

pytest.importorskip("ntc_templates")

BRIEF = """\
Interface              IP-Address      OK? Method Status                Protocol
GigabitEthernet1       10.0.0.1        YES manual up                    up
GigabitEthernet2       unassigned      YES unset  administratively down down
"""
TEMPLATE = """\
Value NAME (\\S+)
Value STATE (up|down)

Start
  ^${NAME}\\s+${STATE} -> Record
"""
TTP = """\
<group name="ports">
{{ name }} is {{ state }}
</group>
"""


def test_a_template_of_ntc_gives_the_rows_that_its_parser_gives() -> None:
    from ntc_templates.parse import parse_output

    expected = parse_output("cisco_ios", "show ip interface brief", BRIEF)
    assert len(expected) == 2
    assert served("show ip interface brief", BRIEF, "cisco_ios") == ("rows", expected, None)
    assert served("sh ip int  br", BRIEF, "cisco_ios") == ("rows", expected, None)


def test_a_table_made_by_several_templates_is_that_of_ntc() -> None:
    from ntc_templates.parse import parse_output

    said = (
        "Switch/Stack Mac Address : 0027.e3e5.0000 - Local Mac Address\n"
        "Mac persistency wait time: Indefinite\n"
        "                                             H/W   Current\n"
        "Switch#   Role    Mac Address     Priority Version  State \n"
        "-------------------------------------------------------------------------------------\n"
        "*1       Active   0027.e3e5.0000     15     V01     Ready\n\n\n"
        "         Stack Port Status             Neighbors     \n"
        "Switch#  Port 1     Port 2           Port 1   Port 2 \n"
        "--------------------------------------------------------\n"
        "  1         OK         OK               2        4 \n"
    )
    expected = parse_output("cisco_ios", "show switch detail", said)
    assert len(expected) == 1
    assert served("show switch detail", said, "cisco_ios") == ("rows", expected, None)


@pytest.mark.parametrize(
    ("command", "text", "line"),
    [
        ("show interfaces status", "Port Name\nwho am I?\nand so on\n", "Port Name"),
        ("show ip arp", "Internet  10.0.0.1  0  0011.2233.4455  ARPA  Gi1\nwho am I?\n", "who am I?"),
        ("show version", "\n  nothing that this platform says\n", "  nothing that this platform says"),
        ("show ip arp", "%Error: no such thing\n", "%Error: no such thing"),
    ],
)
def test_a_template_that_does_not_fit_names_the_line_at_which_it_stopped(
    command: str, text: str, line: str
) -> None:
    assert served(command, text, "cisco_ios") == ("no-match", [], line)


def test_no_template_is_another_outcome_than_no_rows() -> None:
    assert served("show flux capacitor", "1.21 GW\n", "cisco_ios") == ("no-template", [], None)
    head = "Protocol  Address          Age (min)  Hardware Addr   Type   Interface\n"
    assert served("show ip arp", head, "cisco_ios") == ("rows", [], None)
    assert served("show ip interface brief", "\n", "cisco_ios") == ("rows", [], None)
    assert served("show version", "x", "no_such_platform") == ("no-template", [], None)


def test_a_template_in_which_no_line_fits_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "frr_show_things.textfsm").write_text(TEMPLATE)
    assert served("show things", "eth0 up\nlo down\n", templates=tmp_path)[1] == [
        {"name": "eth0", "state": "up"},
        {"name": "lo", "state": "down"},
    ]
    assert served("show things", "\n% nothing\nelse\n", templates=tmp_path) == ("no-match", [], "% nothing")


@pytest.mark.parametrize("name", ["cisco_ios_show_ip_interface_brief", "CISCO-IOS show-ip interface-brief"])
def test_a_template_of_ones_own_goes_before_those_of_ntc(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.textfsm").write_text(TEMPLATE)
    found = served("show ip interface brief | include up", "eth0 up\n", "cisco_ios", templates=tmp_path)
    assert found == ("rows", [{"name": "eth0", "state": "up"}], None)


def test_a_folder_may_have_an_index_as_ntc_templates_has(tmp_path: Path) -> None:
    (tmp_path / "things.textfsm").write_text(TEMPLATE)
    (tmp_path / "index").write_text(
        "# comment\nTemplate, Hostname, Platform, Command\n\n"
        "things.textfsm, .*, acme_\\w+, sh[[ow]] th[[ings]]\n"
    )
    for command in ("show things", "sh th", "sho thin all"):
        assert served(command, "a up\n", "acme_os", templates=tmp_path)[1] == [{"name": "a", "state": "up"}]
    assert served("s things", "a up\n", "acme_os", templates=tmp_path)[0] == "no-template"
    assert served("show things", "a up\n", "other", templates=tmp_path)[0] == "no-template"


def test_a_wrong_template_is_a_misfit_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "frr_show_things.textfsm").write_text("Value NAME (\\S+\n\nStart\n")
    parse, rows, error = served("show things", "a\n", templates=tmp_path)
    assert (parse, rows) == ("no-match", [])
    assert error is not None
    assert error.startswith("TextFSMTemplateError: ")


def test_a_ttp_template_gives_the_rows_of_its_group(tmp_path: Path) -> None:
    pytest.importorskip("ttp")
    (tmp_path / "frr_show_ports.ttp").write_text(TTP)
    both = [{"name": "eth0", "state": "up"}, {"name": "lo", "state": "down"}]
    for how in ("ttp", "auto"):
        assert served("show ports", "eth0 is up\nlo is down\n", how=how, templates=tmp_path)[1] == both
    assert served("show ports", "eth0 is up\n", templates=tmp_path)[1] == both[:1]
    assert served("show ports", "\n% none\n", templates=tmp_path) == ("no-match", [], "% none")
    assert served("show ports", "eth0 is up\n", how="textfsm", templates=tmp_path)[0] == "no-template"
    assert served("show version", "x", how="ttp", templates=tmp_path)[0] == "no-template"


def test_ttp_keeps_its_cache_in_a_private_folder_and_reads_none_of_another_user(tmp_path: Path) -> None:
    pytest.importorskip("ttp")
    (tmp_path / "frr_show_ports.ttp").write_text(TTP)
    code = (
        "import sys; from pathlib import Path; from tests.devices.asking import served; "
        "print(served('show ports', 'eth0 is up', templates=Path(sys.argv[1]))[0::2])"
    )
    root = Path(__file__).parents[2]

    def said() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert said() == "('rows', None)"
    cache = tmp_path / "cache"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [path.name for path in cache.iterdir()] == ["ttp_dict_cache.pickle"]
    cache.chmod(0o777)
    assert said() == f"('no-match', 'PermissionError: another user may have written {cache}')"


@pytest.mark.parametrize(
    "command",
    [
        "show version | json",
        "show version | display json",
        "show ip route json",
        "ip --json route",
        "x |json",
    ],
)
def test_commands_that_ask_for_json(command: str) -> None:
    assert asks_for_json(command)


@pytest.mark.parametrize("command", ["show version", "show json-rpc", "show version | include json_", "json"])
def test_commands_that_do_not(command: str) -> None:
    assert not asks_for_json(command)


def test_json_is_read_if_the_command_or_the_operator_says_so() -> None:
    document = '{"version": "4.30", "ports": [1, 2]}'
    assert served("show version | json", document, "arista_eos")[1] == [{"version": "4.30", "ports": [1, 2]}]
    assert served("show version", document, "arista_eos", how="json")[1][0]["version"] == "4.30"
    assert served("show version", document, "arista_eos")[0] == "no-match"
    assert served("show version | json", document, "arista_eos", how="ttp")[0] == "no-template"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1,\n "b": oops\n}', ' "b": oops'),
        ("% Invalid input\n", "% Invalid input"),
        ('{"a":\n', '{"a":'),
        ("", ""),
        ("[" * 100_000, "[" * 400),
    ],
)
def test_what_is_not_json_names_the_line_at_which_reading_stopped(text: str, line: str) -> None:
    assert served("show x | json", text) == ("no-match", [], line)


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
        ({"a": 1, "b": {"c": 2}}, [{"a": 1, "b": {"c": 2}}]),
        (
            {"lo": {"up": True}, "e0": {"up": False}},
            [{"name": "lo", "up": True}, {"name": "e0", "up": False}],
        ),
        ({"lo": {"up": True}}, [{"name": "lo", "up": True}]),
        ({"interfaces": {"lo": {"up": True}}}, [{"name": "lo", "up": True}]),
        ({"TABLE_x": {"ROW_x": [{"a": 1}, {"a": 2}]}}, [{"a": 1}, {"a": 2}]),
        (
            {"neighbors": {"1.1.1.1": [{"a": 1}, {"a": 2}]}},
            [{"name": "1.1.1.1", "a": 1}, {"name": "1.1.1.1", "a": 2}],
        ),
        ({"x": {"name": "n"}, "y": {}}, [{"name_": "x", "name": "n"}, {"name": "y"}]),
        ([1, "a"], [{"value": 1}, {"value": "a"}]),
        ({}, []),
        ([], []),
        (5, [{"value": 5}]),
    ],
)
def test_the_rows_of_a_document(document: Any, rows: list[dict[str, Any]]) -> None:
    assert rows_of(document) == rows


def test_numbers_that_json_does_not_have_are_texts() -> None:
    assert served("show x | json", '[{"a": NaN}]')[1] == [{"a": "NaN"}]


def test_more_rows_than_a_message_can_hold_are_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.devices.served._MOST", 100)
    text = json.dumps([{"a": "x" * 100}])
    assert served("show x | json", text) == ("no-match", [], "the rows have more than 16 MiB")


def test_the_index_of_ntc_is_found_without_importing_the_package() -> None:
    place = folders.ntc()
    assert place is not None
    assert folders.by_index(place, ["cisco_ios"], "show version") == "cisco_ios_show_version.textfsm"
    assert folders.by_index(Path("/nowhere"), ["cisco_ios"], "show version") is None


SAMPLES = os.environ.get("RUNNER_NTC_SAMPLES")


@pytest.mark.skipif(SAMPLES is None, reason="RUNNER_NTC_SAMPLES names no clone of ntc-templates")
def test_all_samples_of_ntc_templates_have_the_rows_that_its_parser_gives() -> None:
    from ntc_templates.parse import parse_output

    found = sorted(Path(str(SAMPLES)).glob("tests/*/*/*.raw"))
    assert len(found) > 300
    for path in found:
        platform, command = path.parts[-3], " ".join(path.parts[-2].split("_"))
        text = path.read_text("utf-8")
        assert served(command, text, platform) == ("rows", parse_output(platform, command, text), None), path
