"""Ask the code that runs in the confined child, and the child itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.devices.parsing import Parser
from runner.devices.served import serve
from runner.models import CommandResult, Host, HostResult, Status

FOLDER = Path(__file__).parent


def served(
    command: str, text: str, platform: str = "frr", *, how: str = "auto", templates: Path | None = None
) -> tuple[str, list[dict[str, Any]], str | None]:
    """Return outcome, rows and error, without a child process."""
    folder = None if templates is None else str(templates)
    cache = str(FOLDER) if templates is None else str(templates / "cache")
    request = json.dumps([how, [platform], command, text, folder, cache])
    head, _, rows = serve(request.encode(), bytes).partition(b"\n")
    parse, error = json.loads(head)
    return parse, json.loads(rows), error


def answered(command: str, output: str | bytes, host: str = "r1", **fields: Any) -> HostResult:
    """Return the result of a host that answered a command."""
    data = output if isinstance(output, bytes) else output.encode()
    return HostResult(host, Status.OK, sent=True, commands=(CommandResult(command, 0, data, **fields),))


def parsed(
    command: str,
    output: str | bytes,
    variables: dict[str, Any] | None = None,
    *,
    how: str = "auto",
    **fields: Any,
) -> CommandResult:
    """Return what a parser makes of the answer of one device."""
    host = Host("r1", {"ansible_network_os": "cisco.ios.ios"} if variables is None else variables)
    (found,) = Parser(how, (host,)).parsed(answered(command, output, **fields)).commands
    return found
