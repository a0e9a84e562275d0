"""Recognise how device CLIs refuse commands, and do not mistake other output for a refusal."""

from __future__ import annotations

import pytest

from runner.connection.command.refusals import refusal


@pytest.mark.parametrize(
    ("network_os", "output", "line"),
    [
        (
            "ios",
            b"              ^\r\n% Invalid input detected at '^' marker.\r\n",
            "% Invalid input detected",
        ),
        ("cisco.ios.ios", b"% Incomplete command.\r\n", "% Incomplete command."),
        ("ios", b'% Ambiguous command:  "sh v"\n', "% Ambiguous command"),
        ("ios", b"Command authorization failed.\n", "Command authorization failed."),
        ("nxos", b"% Invalid command at '^' marker.\n", "% Invalid command"),
        ("eos", b"% Invalid input (at token 1: 'x')\n", "% Invalid input"),
        ("asa", b"ERROR: % Invalid input detected at '^' marker.\n", "ERROR: % Invalid input"),
        ("frr", b"% Unknown command: show x\n", "% Unknown command"),
        ("junos", b"                 ^\nunknown command.\n", "unknown command."),
        ("vyos", b"\n  Invalid command: [show x]\n\n", "Invalid command"),
        ("routeros", b"bad command name x (line 1 column 1)\n", "bad command name"),
        ("sros", b"Error: Bad command.\n", "Error: Bad command."),
    ],
)
def test_a_refusal_is_known_by_its_line(network_os: str, output: bytes, line: str) -> None:
    assert (refusal(network_os, output) or "").startswith(line)


@pytest.mark.parametrize(
    ("network_os", "output"),
    [
        (None, b"% Invalid input detected\n"),
        ("linux", b"% Invalid input detected\n"),
        ("ios", b""),
        ("ios", b"Cisco IOS Software, Version 15.2\n"),
        ("ios", b"log: % Invalid input was typed yesterday\n"),
        ("ios", b"%LINK-3-UPDOWN: Interface up\n"),
        ("ios", b"line\n" * 7 + b"% Invalid input detected\n"),
        ("ios", b"x" * 3000 + b"\n% Invalid input detected\n"),
        ("ios", b"\xff\xfe\n"),
    ],
)
def test_what_only_looks_like_one_is_none(network_os: str | None, output: bytes) -> None:
    assert refusal(network_os, output) is None
