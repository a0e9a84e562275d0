"""Run one FakeNOS device for each of its platforms; end when standard input ends.

FakeNOS' own interpreter runs this file. When all devices listen, it prints one line of JSON: for each
platform its port, prompt, host key, the answer to an unknown command, and the commands with their outputs.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from fakenos import FakeNOS
from fakenos.core.nos import available_platforms
from fakenos.plugins.servers.ssh_server_paramiko import ParamikoSshServer


def listen_at_once(server: Any) -> None:
    """Bind and listen before the thread starts that would listen."""
    bind(server)
    server._socket.listen(100)


bind = ParamikoSshServer._bind_sockets
ParamikoSshServer._bind_sockets = listen_at_once


def described(host: Any) -> dict[str, Any]:
    """Return the facts of a device that the tests need."""
    named = host.nos.commands
    commands = {line: {**named.get(entry.get("alias"), {}), **entry} for line, entry in named.items()}
    key = host.server._ssh_server_key
    return {
        "port": host.server._socket.getsockname()[1],
        "prompt": host.nos.initial_prompt.format(base_prompt=host.name),
        "host_key": f"{key.get_name()} {key.get_base64()}",
        "refusal": text_of(commands.get("_default_", {"output": "Unknown command"})["output"], host.name),
        "commands": {
            line: {
                "output": text_of(entry.get("output"), host.name),
                "prompts": [prompt.format(base_prompt=host.name) for prompt in listed(entry.get("prompt"))],
                "new_prompt": (entry.get("new_prompt") or "").format(base_prompt=host.name) or None,
            }
            for line, entry in commands.items()
            if not line.startswith("_")
        },
    }


def listed(prompts: str | list[str] | None) -> list[str]:
    return [prompts] if isinstance(prompts, str) else prompts or []


def text_of(output: object, name: str) -> str | None:
    """Return the lines that the shell prints for an output; None: it is computed, or ends the session."""
    if output is None:
        return ""
    if not isinstance(output, str):
        return None
    return "\n".join(output.replace("{base_prompt}", name).splitlines())


def main() -> None:
    hosts = {
        name: {"platform": name, "port": number, "username": "user", "password": "user"}
        for number, name in enumerate(available_platforms, start=1)
    }
    network = FakeNOS(inventory={"hosts": hosts})
    for host in network.hosts.values():
        host.port = 0  # the kernel chooses
        host.start()
    json.dump({name: described(host) for name, host in network.hosts.items()}, sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the threads of FakeNOS would go on for seconds


main()
