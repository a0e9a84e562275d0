"""A refused command is known by the device's own line, and other output is not mistaken for a refusal."""

from __future__ import annotations

import pytest

from runner.platforms import platform
from runner.platforms.refusals import LONGEST_BYTES, refusal

SYSLOG = b"*Mar  1 00:01:00.000: %SYS-5-CONFIG_I: Configured from console\n"


@pytest.mark.parametrize(
    ("name", "output", "line"),
    [
        ("ios", b"         ^\r\n% Invalid input detected at '^' marker.\r\n", "% Invalid input detected"),
        ("cisco.ios.ios", b"% Incomplete command.\r\n", "% Incomplete command."),
        ("ios", b'% Ambiguous command:  "sh v"\n', "% Ambiguous command"),
        ("ios", b"Command authorization failed.\n", "Command authorization failed."),
        ("ios", b"% Bad IP address or host name% Unknown command or computer name\n", "% Bad IP address"),
        (
            "ios",
            b'Translating "shw"\n% Unknown command or computer name, or unable to find it\n',
            "% Unknown",
        ),
        ("ios", b"%Error opening flash:/x (No such file or directory)\n", "%Error opening"),
        ("ios", b"% BGP not active\n", "% BGP not active"),
        ("ios", b"Command rejected: Gi0/1 not a switching port.\n", "Command rejected"),
        ("ios", SYSLOG + b"% Incomplete command.\n", "% Incomplete command."),
        ("iosxr", b"% Invalid input detected at '^' marker.\n", "% Invalid input"),
        ("iosxr", b"% Failed to commit one or more configuration items\n", "% Failed to commit"),
        ("nxos", b"        ^\n% Invalid command at '^' marker.\n", "% Invalid command"),
        ("nxos", b"% Permission denied for the role\n", "% Permission denied"),
        ("nxos", b"ERROR: Invalid number of arguments\n", "ERROR: Invalid"),
        ("eos", b"% Invalid input (at token 1: 'x')\n", "% Invalid input"),
        ("eos", b"% Unavailable command (not supported on this hardware platform)\n", "% Unavailable"),
        ("eos", b"% Duplicate sequence number\n", "% Duplicate"),
        ("asa", b"ERROR: % Invalid input detected at '^' marker.\n", "ERROR: % Invalid input"),
        ("frr", b"% Unknown command: show x\n", "% Unknown command"),
        ("cisco_s300", b"% missing mandatory parameter\n", "% missing"),
        ("cisco_s300", b"% bad parameter value\n", "% bad"),
        ("cisco_wlc", b"Incorrect usage.  Use the '?' or <TAB> key to list commands.\n", "Incorrect usage"),
        ("cisco_ftd", b"Syntax error: Illegal command line\n", "Syntax error"),
        ("cisco_viptela", b"-------------^\nsyntax error: unknown command\n", "syntax error"),
        ("junos", b"                 ^\nunknown command.\n", "unknown command."),
        ("junos", b"error: device ge-9/9/9 not found\n", "error: device"),
        ("junos", b"    ^\n'sh' is ambiguous.\nPossible completions:\n  show\n", "'sh' is ambiguous"),
        ("vyos", b"\n  Invalid command: [show x]\n\n", "Invalid command"),
        ("vyos", b"vbash: shw: command not found\n", "vbash: shw"),
        ("edgeos", b"-vbash: shw: command not found\n", "-vbash: shw"),
        ("routeros", b"bad command name x (line 1 column 1)\n", "bad command name"),
        ("routeros", b"no such item (4)\n", "no such item"),
        ("routeros", b"input does not match any value of interface\n", "input does not match"),
        ("sros", b"Error: Bad command.\n", "Error: Bad command."),
        ("sros", b"        ^^^^^\nMINOR: MGMT_CORE #2201: Unknown element - 'x'\n", "MINOR: "),
        ("nokia_srl", b"Parsing error: Unknown token 'x'. Options are []\n", "Parsing error"),
        ("paloalto_panos", b"Unknown command: x\n", "Unknown command"),
        ("paloalto_panos", b"\nInvalid syntax.\n", "Invalid syntax."),
        ("fortios", b"Unknown action 0\n", "Unknown action"),
        (
            "fortios",
            b"command parse error before 'x'\nCommand fail. Return code -61\n",
            "command parse error",
        ),
        ("huawei", b"    ^\nError: Unrecognized command found at '^' position.\n", "Error: Unrecognized"),
        ("huawei", b"       ^\nError:Wrong parameter found at '^' position.\n", "Error:Wrong parameter"),
        ("huawei_smartax", b"  % Unknown command, the error locates at '^'\n", "% Unknown command"),
        ("hp_comware", b"   ^\n % Unrecognized command found at '^' position.\n", "% Unrecognized"),
        ("hp_comware", b" % Too many parameters found at '^' position.\n", "% Too many"),
        ("hp_procurve", b"Invalid input: x\n", "Invalid input: x"),
        ("hp_procurve", b"SSH command execution is not supported.\n", "SSH command execution"),
        ("aruba_aoscx", b"Invalid input: x\n", "Invalid input"),
        ("aruba_os", b"% Parse error\n", "% Parse error"),
        (
            "dell_os6",
            b"Command not found / Incomplete command. Use ? to list commands.\n",
            "Command not found",
        ),
        ("dell_os10", b"% Error: Unrecognized command.\n", "% Error"),
        ("extreme_exos", b"      ^\n%% Invalid input detected at '^' marker.\n", "%% Invalid input"),
        ("extreme_slx", b"------^\nsyntax error: unknown argument.\n", "syntax error"),
        ("ruckus_fastiron", b"Invalid input -> x\nType ? for a list\n", "Invalid input -> x"),
        ("raisecom_ros", b"%  Incomplete command.\n", "%  Incomplete"),
        ("raisecom_ros", b"Error input in the position marked by '^'.\n", "Error input"),
        ("checkpoint_gaia", b"CLINFR0329  Invalid command:'x'.\n", "CLINFR0329"),
        ("alcatel_aos", b'         ^\nERROR: Invalid entry: "x"\n', "ERROR: Invalid entry"),
        ("ciena_saos", b"SHELL PARSER FAILURE: 'x' - invalid input\n", "SHELL PARSER FAILURE"),
        ("netscaler", b"ERROR: No such command\n", "ERROR: No such command"),
        ("generic", b"Unknown command\n", "Unknown command"),
        ("yamaha", b"Error: Invalid command name\n", "Error: Invalid"),
    ],
)
def test_a_refusal_is_known_by_its_line(name: str, output: bytes, line: str) -> None:
    assert (refusal(platform(name), output) or "").startswith(line)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("ios", b""),
        ("ios", b"\r\n\r\n"),
        ("ios", b"Cisco IOS Software, Version 15.2\n"),
        ("ios", b"log: % Invalid input was typed yesterday\n"),
        ("ios", b"%LINK-3-UPDOWN: Interface up\n"),
        ("ios", b"% Warning: use /31 mask on non point-to-point interface cautiously\n"),
        ("ios", b"%Warning: portfast should only be enabled on ports connected to a single host\n"),
        ("ios", b"% Key pair was generated at: 12:00:00 UTC Mar 1 2026\n"),
        ("ios", b"% The key modulus size is 2048 bits\n% Generating 2048 bit RSA keys...\n[OK]\n"),
        ("ios", b"% Profile not found in cache, using the default\n"),
        ("ios", b"% Subnet not in table\n"),
        ("ios", b"%No inline power card on switch\n"),
        ("eos", b"% There seem to be no power supplies connected.\n"),
        ("ios", b"% Access VLAN does not exist. Creating vlan 10\n"),
        ("ios", b"% Interface Vlan10 IPv4 disabled and address(es) removed due to enabling VRF RED\n"),
        ("ios", b"% 5 minutes\n"),
        ("ios", b"100% of 5\n"),
        ("asa", b"%ASA-6-302013: Built inbound TCP connection\n"),
        ("eos", b"%Cpu(s):  1.0 us,  0.5 sy\n"),
        ("nxos", b"%CPU  %MEM\n"),
        ("frr", b'% The "terminal length" command is deprecated and its value is ignored.\n'),
        ("hp_comware", b"%Jun 26 10:00:00:123 2026 H3C SHELL/5/SHELL_LOGIN: admin logged in\n"),
        ("junos", b"Hostname: mx\nModel: mx480\n"),
        ("huawei", b"Info: The max number of VTY users is 10.\n"),
        ("checkpoint_gaia", b"CLINFR0771  Config lock is owned by admin.\n"),
        ("ios", b"line\n" * 7 + b"% Invalid input detected\n"),
        ("ios", b"x" * 3000 + b"\n% Invalid input detected\n"),
        ("ios", b"\xff\xfe\n"),
    ],
)
def test_what_only_looks_like_one_is_none(name: str, output: bytes) -> None:
    assert refusal(platform(name), output) is None


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("junos", b"              ^\n'sh' is ambiguous.\nPossible completions:\n"),
        ("eos", b"% Invalid input (at token 1: 'x')\n"),
        ("huawei", b"    ^\nError: Unrecognized command found at '^' position.\n"),
    ],
)
def test_a_refusal_may_be_followed_by_a_list_of_any_length(name: str, beginning: bytes) -> None:
    for lines in (7, 1000):
        assert refusal(platform(name), beginning + b"  completion\n" * lines)


def test_a_caret_below_a_command_wider_than_the_limit_does_not_hide_the_refusal() -> None:
    short = b" " * (LONGEST_BYTES - 50) + b"^\n% Invalid input detected at '^' marker.\n"
    assert refusal(platform("ios"), short) == "% Invalid input detected at '^' marker."


@pytest.mark.parametrize(
    "output",
    [
        b"% Key pair was generated at: 12:00\n" + b" key data\n" * 50,
        b"% Tunnel statistics follow\n" + b"line\n" * 50,
        b"   ^\n" + b"a drawing\n" * 50,
        b"   ^\n" + b"\n" * 3000,
    ],
)
def test_a_long_answer_is_not_a_refusal_because_of_how_it_begins(output: bytes) -> None:
    assert refusal(platform("ios"), output) is None


def test_hostile_output_takes_no_time_to_speak_of() -> None:
    import time

    began = time.process_time()
    for text in (
        b"%" * 2000,
        b"% " * 1000,
        b"error" * 400,
        b"-^" * 1000,
        b"%a" * 1000,
        b"'" * 2000,
        b"%A-" * 600,
    ):
        for name in ("ios", "junos", "vyos", "mikrotik_routeros", "ruckus_unleashed", "fortinet_wlc"):
            assert refusal(platform(name), text) in {None, text.decode()}
    assert time.process_time() - began < 5
