"""One function for each tool: run one command on every host of a place, and return how many succeeded.

`bench/fanout.py` calls each in a separate process: `python bench/_peers.py TOOL PLACE.json`. That process is
measured, so it imports only the tool that is measured.
"""

# ruff: noqa: PLC0415 - a tool is imported only if it is measured

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sys.executable).parent


class Place(NamedTuple):
    """The hosts, and how to log in to them: by key; only `runner` checks host keys.

    `workers` is the number of hosts at once; 0 is the default of each program. `method` is the ping method of
    `runner`.
    """

    folder: str
    hosts: list[tuple[str, str, int]]
    user: str
    key: str
    known_hosts: str
    command: str
    workers: int
    netmiko: str
    method: str = "auto"


def quietly(command: list[str], place: Place, **environment: str) -> str:
    """Run a program; return its stdout."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        cwd=place.folder,
        env=os.environ | environment,
        check=False,
        text=True,
    )
    return done.stdout


def at_once(place: Place, flag: str) -> list[str]:
    """Return the arguments for the number of hosts at once; none if the program's default is wanted."""
    return [flag, str(place.workers)] if place.workers else []


def inventory(place: Place) -> str:
    path = Path(place.folder, "hosts.ini")
    lines = [f"{name} ansible_host={address} ansible_port={port}" for name, address, port in place.hosts]
    shared = f"ansible_user={place.user}\nansible_ssh_private_key_file={place.key}\n"
    path.write_text("\n".join(["[fleet]", *lines, "[fleet:vars]", shared]))
    return str(path)


def runner_says(place: Place, executor: str) -> list[dict[str, Any]]:
    """Return the output of `runner run --format jsonl`: one document for each host, and the summary.

    Raises:
        RuntimeError: The summary is missing.
    """
    command = [sys.executable, "-m", "runner", "run", place.command, "-i", inventory(place)]
    command += ["--known-hosts", place.known_hosts, *at_once(place, "--workers"), "--startups", "0"]
    command += ["--executor", executor, "--method", place.method, "--format", "jsonl", "--quiet"]
    said = quietly(command, place, INVOKE_RUNNER_HISTORY=str(Path(place.folder, "history.db")))
    found = [json.loads(line) for line in said.splitlines()]
    if not found or "summary" not in found[-1]:
        raise RuntimeError(f"runner printed no summary, after {len(found)} hosts")
    return found


def runner(place: Place, executor: str) -> int:
    *hosts, end = runner_says(place, executor)
    odd = [host for host in hosts if host["status"] != "ok"]
    for (status, error), number in Counter((host["status"], host["error"]) for host in odd).most_common(5):
        print(f"runner {executor}: {number} hosts {status}: {error}", file=sys.stderr)
    return int(end["summary"]["ok"])


def runner_thread(place: Place) -> int:
    return runner(place, "thread")


def runner_process(place: Place) -> int:
    return runner(place, "process")


def runner_dask(place: Place) -> int:
    return runner(place, "dask")


def ansible(place: Place) -> int:
    command = [str(BIN / "ansible"), "all", "-i", inventory(place), *at_once(place, "-f"), "-o"]
    options = "-o ControlMaster=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    said = quietly([*command, "-m", "raw", "-a", place.command], place, ANSIBLE_SSH_ARGS=options)
    return said.count("| rc=0")


def clush(place: Place) -> int:
    config = Path(place.folder, "ssh_config")
    config.write_text(
        "".join(f"Host {name}\n HostName {address}\n Port {port}\n" for name, address, port in place.hosts)
        + f"Host *\n User {place.user}\n IdentityFile {place.key}\n StrictHostKeyChecking no\n"
        " UserKnownHostsFile /dev/null\n LogLevel ERROR\n"
    )
    names = ",".join(name for name, _, _ in place.hosts)
    command = ["clush", *at_once(place, "-f"), "-o", f"-F {config}", "-w", names, place.command]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    # On stdout, each line of output begins with its host. On stderr, there is a line for each exit code other
    # than 0, with the number of hosts: `clush: h[1-3] (3): exited with exit code 255`.
    heard = {line.partition(":")[0] for line in done.stdout.splitlines()}
    failed = re.findall(r"^clush: \S+(?: \((\d+)\))?: exited with", done.stderr, re.MULTILINE)
    return min(len(heard), len(place.hosts) - sum(int(number or 1) for number in failed))


def nornir(place: Place, task: Callable[..., Any], arguments: dict[str, str], connection: str) -> int:
    import yaml
    from nornir import InitNornir

    def options(extras: dict[str, Any]) -> dict[str, Any]:
        return {connection: {"extras": extras}}

    keys = {"use_keys": True, "key_file": place.key} if connection == "netmiko" else {}
    hosts = {
        name: {"hostname": address, "port": port, "username": place.user, "platform": place.netmiko}
        | {"connection_options": options(keys or {"key_filename": place.key, "look_for_keys": False})}
        for name, address, port in place.hosts
    }
    for name, content in (("hosts", hosts), ("groups", {}), ("defaults", {})):
        Path(place.folder, f"{name}.yaml").write_text(yaml.safe_dump(content))
    files = {"host_file": "hosts", "group_file": "groups", "defaults_file": "defaults"}
    files = {option: f"{place.folder}/{name}.yaml" for option, name in files.items()}
    found = InitNornir(
        runner={"plugin": "threaded", "options": {"num_workers": place.workers}},
        inventory={"plugin": "SimpleInventory", "options": files},
        logging={"enabled": False},
    )
    return sum(not result.failed for result in found.run(task=task, **arguments).values())


def nornir_netmiko(place: Place) -> int:
    from nornir_netmiko import netmiko_send_command

    return nornir(place, netmiko_send_command, {"command_string": place.command}, "netmiko")


def nornir_paramiko(place: Place) -> int:
    from nornir_paramiko.plugins.tasks import paramiko_command

    return nornir(place, paramiko_command, {"command": place.command}, "paramiko")


def parallel_ssh(place: Place) -> int:
    from pssh.clients import ParallelSSHClient
    from pssh.config import HostConfig

    client = ParallelSSHClient(
        [address for _, address, _ in place.hosts],
        host_config=[HostConfig(port=port) for _, _, port in place.hosts],
        user=place.user,
        pkey=place.key,
        pool_size=place.workers,
        allow_agent=False,
    )
    output = client.run_command(place.command, stop_on_errors=False)
    client.join(output)
    return sum(host.exception is None and host.exit_code == 0 for host in output)


def asyncssh(place: Place) -> int:
    import asyncio

    import asyncssh as library

    async def one(room: asyncio.Semaphore, address: str, port: int) -> bool:
        async with room:
            try:
                async with library.connect(
                    address,
                    port,
                    username=place.user,
                    client_keys=[place.key],
                    known_hosts=None,
                    agent_path=None,
                    config=None,
                ) as connection:
                    return (await connection.run(place.command)).exit_status == 0
            except (OSError, library.Error):
                return False

    async def everyone() -> int:
        room = asyncio.Semaphore(place.workers)
        return sum(await asyncio.gather(*(one(room, address, port) for _, address, port in place.hosts)))

    return asyncio.run(everyone())


def fabric(place: Place) -> int:
    from concurrent.futures import ThreadPoolExecutor

    from fabric import Config, Connection

    config = Config(overrides={"load_ssh_configs": False})
    arguments = {"key_filename": place.key, "look_for_keys": False, "allow_agent": False}

    def one(host: tuple[str, str, int]) -> bool:
        try:
            where = Connection(host[1], place.user, host[2], config=config, connect_kwargs=arguments)
            with where as connection:
                return bool(connection.run(place.command, hide=True, in_stream=False, warn=True).ok)
        except Exception:  # noqa: BLE001 - after any error, the host does not count as ok
            return False

    with ThreadPoolExecutor(place.workers) as pool:  # Fabric's ThreadingGroup has a thread for every host
        return sum(pool.map(one, place.hosts))


def pyinfra(place: Place) -> int:
    shared = f'"ssh_user": {place.user!r}, "ssh_key": {place.key!r}, "ssh_strict_host_key_checking": "off"'
    lines = [
        f'({name!r}, {{"ssh_hostname": {address!r}, "ssh_port": {port}, {shared}}})'
        for name, address, port in place.hosts
    ]
    Path(place.folder, "inventory.py").write_text(f"fleet = [{', '.join(lines)}]\n")
    command = [str(BIN / "pyinfra"), "-y", *at_once(place, "--parallel"), "inventory.py"]
    done = subprocess.run(
        [*command, "exec", "--", place.command],
        capture_output=True,
        cwd=place.folder,
        check=False,
        text=True,
    )
    return sum(line.rstrip().endswith("Success") for line in (done.stdout + done.stderr).splitlines())


AS_THEY_COME = ("runner thread", "Ansible ad-hoc", "clush", "pyinfra")
"""The programs that have a default for the number of hosts at once."""

TOOLS: dict[str, Callable[[Place], int]] = {
    "runner thread": runner_thread,
    "runner process": runner_process,
    "runner dask": runner_dask,
    "Ansible ad-hoc": ansible,
    "Nornir netmiko": nornir_netmiko,
    "Nornir paramiko": nornir_paramiko,
    "clush": clush,
    "parallel-ssh": parallel_ssh,
    "asyncssh": asyncssh,
    "Fabric": fabric,
    "pyinfra": pyinfra,
}


def main() -> None:
    logging.disable(logging.CRITICAL)
    _, tool, place = sys.argv
    found = json.loads(Path(place).read_text())
    found["hosts"] = [tuple(host) for host in found["hosts"]]
    print(TOOLS[tool](Place(**found)))


if __name__ == "__main__":
    main()
