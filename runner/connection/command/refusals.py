"""How device CLIs refuse a command: data, one row per platform.

A CLI that refuses a command prints a line about it but reports exit code 0, so that only the text shows the
refusal.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["LONGEST_BYTES", "refusal"]

_CISCO = r"% ?(?:Invalid|Incomplete|Ambiguous|Unknown|Unrecognized|Bad|\w+ (?:failed|denied))\b"

_MARKERS: dict[str, re.Pattern[str]] = {
    "ios": re.compile(_CISCO + r"|Command authorization failed|Line has invalid autocommand"),
    "iosxr": re.compile(_CISCO),
    "nxos": re.compile(_CISCO + r"|ERROR: "),
    "eos": re.compile(_CISCO),
    "asa": re.compile(r"ERROR: % |" + _CISCO),
    "frr": re.compile(_CISCO),
    "junos": re.compile(r"(?:syntax error|unknown command|missing argument|error: )"),
    "vyos": re.compile(r"(?:Invalid command|Incomplete command|Ambiguous command)"),
    "routeros": re.compile(r"(?:bad command name|expected end of command|syntax error|no such item)"),
    "sros": re.compile(r"(?:Error: |MINOR: )"),
}

# A refusal is the device's whole output. In a longer output, such a line is part of the data that was asked
# for, for example a log.
_LONGEST_LINES = 6
LONGEST_BYTES = 2000


def refusal(network_os: Any, output: bytes) -> str | None:
    """Return the line in which a device refused a command; None if it accepted it.

    Args:
        network_os: The host's `ansible_network_os`: `ios` or `cisco.ios.ios`.
        output: What the device printed.
    """
    marker = _MARKERS.get(str(network_os or "").rpartition(".")[2])
    if marker is None or len(output) > LONGEST_BYTES:
        return None
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > _LONGEST_LINES:
        return None
    return next((line for line in lines if marker.match(line)), None)
