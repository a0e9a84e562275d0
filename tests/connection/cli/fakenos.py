"""FakeNOS: simulated devices of about forty platforms, made by others, in a separate virtual environment.

FakeNOS needs an older Paramiko than this project. The environment is made once, in the folder that the
environment variable RUNNER_FAKENOS names, or in pytest's cache folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.models import Host
from tests.connection.sshd import go_without

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

VERSION = "1.2.1"
USER = PASSWORD = "user"


@dataclass(frozen=True)
class FakeCommand:
    """A command of a device.

    Attributes:
        output: The output without the last line end; None: FakeNOS computes it.
        prompts: The prompts at which it is answered; empty: all.
        new_prompt: The prompt that follows, if it is another one.
    """

    output: str | None
    prompts: tuple[str, ...]
    new_prompt: str | None


@dataclass(frozen=True)
class FakeDevice:
    """A running device.

    Attributes:
        platform: FakeNOS' name of its platform, which is also its host name.
        port: Its port on 127.0.0.1.
        prompt: Its prompt after the login.
        host_key: Its host key: type and base64.
        refusal: Its answer to a command that it does not know.
        commands: Every command that it knows.
    """

    platform: str
    port: int
    prompt: str
    host_key: str
    refusal: str
    commands: dict[str, FakeCommand]

    @property
    def known_host(self) -> str:
        """The line of `known_hosts` for this device."""
        return f"[127.0.0.1]:{self.port} {self.host_key}\n"

    @property
    def shows(self) -> dict[str, str]:
        """The commands with a known, not empty output at the first prompt."""
        return {
            line: command.output
            for line, command in self.commands.items()
            if command.output
            and not command.new_prompt
            and (self.prompt in command.prompts or not command.prompts)
        }

    def host(self, **variables: object) -> Host:
        """Return the device as a host of an inventory."""
        return Host(self.platform, {"ansible_host": "127.0.0.1", "ansible_port": self.port, **variables})


@contextmanager
def running_fakenos(config: pytest.Config) -> Iterator[dict[str, FakeDevice]]:
    """Run one device for each platform; skip the test if FakeNOS cannot be installed."""
    program = Path(__file__).with_name("fakenos_program.py")
    process = subprocess.Popen(
        [str(_interpreter(config)), "-P", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        assert told, f"FakeNOS ended with exit code {process.wait(60)}"
        yield {name: _device(name, **facts) for name, facts in json.loads(told).items()}
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def _device(platform: str, commands: dict[str, Any], **facts: Any) -> FakeDevice:
    known = {
        line: FakeCommand(command["output"], tuple(command["prompts"]), command["new_prompt"])
        for line, command in commands.items()
    }
    return FakeDevice(platform, commands=known, **facts)


def _interpreter(config: pytest.Config) -> Path:
    """Return the interpreter of the virtual environment; make the environment if it is not there."""
    named = os.environ.get("RUNNER_FAKENOS")
    folder = Path(named) if named else Path(config.cache.mkdir("fakenos"))  # type: ignore[union-attr]
    folder.mkdir(parents=True, exist_ok=True)
    environment = folder / f"{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
    with (folder / "lock").open("w") as lock:  # several test workers share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "complete").exists():
            _install(environment)
            (environment / "complete").touch()
    return environment / "bin" / "python"


def _install(environment: Path) -> None:
    # The tests run with an empty home folder, but the user's settings say where pip finds packages.
    variables = {**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", f"fakenos=={VERSION}"],
    ):
        done = subprocess.run(
            command, env=variables, capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            go_without(f"FakeNOS cannot be installed: {said[-1]}")
