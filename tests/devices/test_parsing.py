"""A parser keeps the text, knows the platform, and has its children parse at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from runner.devices import parsing
from runner.devices.parsing import Parser
from runner.errors import InvalidVariable, MissingExtra
from runner.models import CommandResult, Host, HostResult, Phase, Status
from tests.devices.asking import answered, parsed

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("ntc_templates")

CLOCK = "*18:57:38.177 CET Mon Jan 26 2015\n"
ARP = "Internet  10.0.0.{0}  0  0011.2233.4455  ARPA  GigabitEthernet{0}\n"


def test_the_rows_and_the_text_are_both_there() -> None:
    found = parsed("show ip arp", ARP.format(1).replace("\n", "\r\n"))
    assert (found.parse, found.parse_error) == ("rows", None)
    assert [row["interface"] for row in found.rows] == ["GigabitEthernet1"]
    assert found.stdout == ARP.format(1).replace("\n", "\r\n")


def test_each_command_has_its_own_outcome() -> None:
    commands = tuple(
        CommandResult(command, 0, text.encode())
        for command, text in (("show ip arp", ARP.format(1)), ("show x", "y"), ("show ip arp", "who?\n"))
    )
    (result,) = [
        Parser("auto", [Host("r1", {"ansible_network_os": "ios"})]).parsed(
            HostResult("r1", Status.OK, commands=commands)
        )
    ]
    assert [(item.parse, item.parse_error) for item in result.commands] == [
        ("rows", None),
        ("no-template", None),
        ("no-match", "who?"),
    ]
    assert [row["ip_address"] for row in result.rows] == ["10.0.0.1"]


@pytest.mark.parametrize(
    "variables",
    [{"ansible_network_os": "ios"}, {"ansible_network_os": "cisco.ios.ios"}, {"device_type": "cisco_xe"}],
)
def test_the_platform_comes_from_the_inventory(variables: dict[str, Any]) -> None:
    assert parsed("show ip arp", ARP.format(1), variables).parse == "rows"


def test_the_platform_that_the_connection_found_out_wins() -> None:
    parser = Parser("auto", [Host("r1")])
    assert [item.parse for item in parser.parsed(answered("show ip arp", ARP.format(1))).commands] == [
        "no-template"
    ]
    result = answered("show ip arp", ARP.format(1))._replace(platform="cisco_ios")
    assert [item.parse for item in parser.parsed(result).commands] == ["rows"]


def test_the_name_that_the_inventory_gives_goes_before_the_usual_one() -> None:
    for name in ("brocade_fastiron", "ruckus_fastiron"):
        parser = Parser("auto", [Host("r1", {"ansible_network_os": name})])
        assert parser._names(answered("x", "y"))[0] == name


def test_a_variable_that_cannot_be_had_names_no_platform() -> None:
    class Broken(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            raise InvalidVariable(f"{name} is broken: {default}", reason="variable", phase=Phase.RESOLVE)

    parser = Parser("auto", [Host("r1", Broken())])
    assert [item.parse for item in parser.parsed(answered("x", "y")).commands] == ["no-template"]


def test_hosts_without_a_platform_can_be_left_alone() -> None:
    result = answered("uname", "Linux\n")
    assert Parser("auto", [Host("r1")], only_devices=True).parsed(result) is result


@pytest.mark.parametrize("fields", [{"refused": "% Invalid"}, {"signal": "KILL"}])
def test_a_command_that_failed_is_not_parsed(fields: dict[str, Any]) -> None:
    assert parsed("show ip arp", ARP.format(1), **fields).parse is None


def test_an_output_that_is_not_whole_does_not_fit() -> None:
    cut = parsed("show ip arp", ARP.format(1), truncated=True)
    assert (cut.parse, cut.parse_error, cut.rows) == ("no-match", "the output is not complete", [])
    long = parsed("show ip arp", b"x" * (4 * 2**20 + 1))
    assert (long.parse, long.parse_error) == ("no-match", "the output has more than 4 MiB")


def test_bytes_that_are_not_text_are_parsed_as_they_are_shown() -> None:
    assert parsed("show ip arp", b"\xff\n").parse_error == "\\xff"


def test_ttp_works_within_the_limits_of_the_child(tmp_path: Path) -> None:
    pytest.importorskip("ttp")
    (tmp_path / "cisco_ios_show_ports.ttp").write_text("{{ name }} is {{ state }}\n")
    parser = Parser("auto", [Host("r1", {"ansible_network_os": "ios"})], str(tmp_path))
    parser._cache = str(tmp_path / "cache")
    text = "".join(f"eth{number} is up\n" for number in range(500))
    (found,) = parser.parsed(answered("show ports", text)).commands
    assert (found.parse, found.parse_error, len(found.rows)) == ("rows", None, 500)


def test_many_threads_parse_at_once_without_mixing_up_their_outputs() -> None:
    parser = Parser("auto", [Host(f"r{n}", {"ansible_network_os": "ios"}) for n in range(40)])
    ready = threading.Barrier(8)

    def work(number: int) -> str:
        if number < 8:
            ready.wait(60)
        result = answered("show ip arp", ARP.format(number), f"r{number}")
        return str(parser.parsed(result).rows[0]["ip_address"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [f"10.0.0.{number}" for number in range(40)]


def test_a_package_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "find_spec", lambda _name: None)
    for how in ("auto", "textfsm", "ttp"):
        with pytest.raises(MissingExtra, match=f"^--parse {how} needs the extra 'devices': type pip install"):
            parsing.check(how)
    for how in ("json", "none"):
        parsing.check(how)
