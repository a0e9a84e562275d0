"""How a line is read: abbreviations, arguments, and where the caret points."""

from __future__ import annotations

import pytest

from runner.demo.cli.grammar import Command, Fault, Grammar, Refusal

GRAMMAR = Grammar(
    Command(syntax, syntax)
    for syntax in (
        "configure terminal",
        "description LINE",
        "hostname WORD",
        "interface INTERFACE",
        "ip address A.B.C.D A.B.C.D",
        "no shutdown",
        "ping A.B.C.D",
        "show interfaces",
        "show interfaces INTERFACE",
        "show ip interface brief",
        "show inventory",
        "show version",
        "terminal length <0-512>",
        "write",
        "write memory",
    )
)


@pytest.mark.parametrize(
    ("line", "syntax", "arguments"),
    [
        ("show version", "show version", ()),
        ("sh ver", "show version", ()),
        ("SHOW Version", "show version", ()),
        ("  show   version  ", "show version", ()),
        ("sh ip int br", "show ip interface brief", ()),
        ("conf t", "configure terminal", ()),
        ("wr", "write", ()),
        ("wr m", "write memory", ()),
        ("sh int", "show interfaces", ()),
        ("sh int gi1", "show interfaces INTERFACE", ("gi1",)),
        ("int Te1/0/1.20", "interface INTERFACE", ("Te1/0/1.20",)),
        ("hostname R1-West", "hostname WORD", ("R1-West",)),
        ("desc to  the  north ", "description LINE", ("to  the  north",)),
        (
            "ip add 192.0.2.1 255.255.255.0",
            "ip address A.B.C.D A.B.C.D",
            ("192.0.2.1", "255.255.255.0"),
        ),
        ("term len 0", "terminal length <0-512>", ("0",)),
    ],
)
def test_a_line_means_the_command_it_is_unique_for(
    line: str, syntax: str, arguments: tuple[str, ...]
) -> None:
    match = GRAMMAR.match(line)
    assert (match.command.syntax, match.arguments) == (syntax, arguments)


@pytest.mark.parametrize(
    ("line", "fault", "column"),
    [
        ("show vertion", Fault.INVALID, 8),  # `ver` fits, `t` does not
        ("xyz", Fault.INVALID, 0),
        ("show version now", Fault.INVALID, 13),
        ("show ipx", Fault.INVALID, 7),
        ("ping 192.0.2.256", Fault.INVALID, 5),
        ("ip address 192.0.2.1 24", Fault.INVALID, 21),
        ("terminal length 513", Fault.INVALID, 16),
        ("terminal length -1", Fault.INVALID, 16),
        ("interface 1", Fault.INVALID, 10),
        ("show i", Fault.AMBIGUOUS, 5),
        ("show in", Fault.AMBIGUOUS, 5),
        ("i", Fault.AMBIGUOUS, 0),
        ("show", Fault.INCOMPLETE, 4),
        ("show ip interface", Fault.INCOMPLETE, 17),
        ("ip address 192.0.2.1", Fault.INCOMPLETE, 20),
        ("description", Fault.INCOMPLETE, 11),
    ],
)
def test_a_line_that_means_nothing_tells_why_and_where(line: str, fault: Fault, column: int) -> None:
    with pytest.raises(Refusal) as caught:
        GRAMMAR.match(line)
    assert (caught.value.fault, caught.value.column) == (fault, column)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("show ", ["interfaces", "inventory", "ip", "version"]),
        ("sh i", ["interfaces", "inventory", "ip"]),
        ("write ", ["memory", "<cr>"]),
        ("show interfaces ", ["INTERFACE", "<cr>"]),
        ("show version", ["version"]),
        ("show x", []),
    ],
)
def test_help_offers_what_may_follow(line: str, words: list[str]) -> None:
    assert GRAMMAR.expectations(line) == words


def test_help_behind_a_line_that_means_nothing_is_refused() -> None:
    with pytest.raises(Refusal):
        GRAMMAR.expectations("shaw ")
