"""Run every command of the README and of the tutorial as it is on the page, in a fresh copy."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.demo import DEMO_DEVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/tutorial.md")
COPIED = (
    "LICENSE",
    "README.md",
    "docs",
    "inventories",
    "invoke.yaml",
    "pyproject.toml",
    "runner",
    "tasks.py",
)
CLONE_ON_PAGES = "/home/ann/runner"
TIMEOUT_S = 60

SETUP = (
    'echo "Making the environment .venv" && python3 -m venv .venv && '
    'echo "Installing runner and its demo into it (about 20 s)" && '
    ".venv/bin/python -m pip install -q -e '.[demo]' && .venv/bin/"
)
ACTIVATED = {". .venv/bin/activate", ". .venv/bin/activate.fish"}
"""The test's own interpreter is the activated environment."""

NOT_TYPED = {
    (
        'echo "Making the environment .venv" && python3 -m venv .venv && '
        'echo "Installing runner and its tests into it (about a minute)" && '
        ".venv/bin/python -m pip install -q -e '.[test]' && .venv/bin/invoke test"
    ): "runs this test",
    "invoke test --slow": "runs other tests",
    "pip wheel -q --no-deps -w dist .": "needs the package index, for the build backend",
    "pip install CLONE": "needs the package index",
    "pip install CLONE/dist/*.whl": "needs the package index",
    "pip install -q -e '.[dask]'": "needs the package index",
    "pipx install dist/*.whl": "needs pipx and the package index",
    "uv tool install dist/*.whl": "needs uv and the package index",
    "sudo .venv/bin/invoke lab.up": "needs root, OpenSSH and FRR; tests/lab does it",
    'invoke run "show ip ospf neighbor" -i tests/lab/inventory -g routers': "needs the lab",
}
SERVE = "invoke demo --serve"
UNTIL_CTRL_C = {
    "invoke ping --watch": "11 hosts: ",
    'invoke watch "show ip ospf neighbor" -g routers --interval 10': "6 hosts: ",
}
"""Commands that run until Ctrl-C, and a text that they show once they run."""

PASSWORDS = {"invoke run uptime -g web --user demo --ask-pass": "demo\n"}

EXIT_CODES = {
    "invoke ping": 4,
    "invoke ping -g network": 4,
    "invoke ping -g 'all:!servers'": 4,
    "invoke ping --alive": 4,
    'invoke run --cmd "show version | include Version" --group routers': 6,
    'invoke run "show version | include Version" -g routers': 6,
    'invoke run "show clock" -g routers': 6,
    'invoke run -c "show clock" -c "show users" -g r1': 2,
    "invoke diff": 2,
    "invoke history.show last": 2,
}
"""Exit codes other than 0."""

FLAGS = {
    "-g": "invoke ping",
    "--limit": "invoke run hostname",
    **dict.fromkeys(("--env", "--chdir", "--pty", "--stdin"), "invoke run cat -g web"),
    "--format": "invoke run hostname -g web1",
    **dict.fromkeys(("--diff", "--output-dir", "--dry-run"), "invoke run hostname -g web"),
    **dict.fromkeys(("--serial", "--max-fail", "--rate"), "invoke run hostname -g servers"),
    **dict.fromkeys(
        ("--connect-timeout", "--timeout", "--host-timeout", "--timeout-total"), "invoke run hostname -g db"
    ),
    **dict.fromkeys(("--executor", "--workers", "--spread"), "invoke run hostname -g servers"),
    "--failed": "invoke run false -g web; invoke run hostname",
    "--resume": "invoke run",
}
"""The command that tries a flag which a page names without a command."""

VALUES = {"--stdin FILE": "--stdin LICENSE"}
"""What to type for a placeholder."""

PROGRAMS = {".", "cd", "cp", "echo", "invoke", "mkdir", "pip", "pipx", "runner", "sudo", "uv"}


@dataclass(frozen=True)
class Step:
    """One command of a page.

    Attributes:
        command: The command.
        shown: The output on the page; None if the page shows none.
        stdin: The content of standard input.
        tries_flags: Whether the command is ours and tries flags that the page names without a command.
    """

    command: str
    shown: str | None = None
    stdin: str = ""
    tries_flags: bool = False


def steps_of(page: str) -> list[Step]:
    """Return the commands of a page, in order."""
    steps: list[Step] = []
    place = 0
    for block in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```$", page, re.MULTILINE | re.DOTALL):
        steps += prose_steps(page[place : block.start()])
        steps += block_steps(block[2], re.sub(rf"^{block[1]}", "", block[3], flags=re.MULTILINE))
        place = block.end()
    return steps + prose_steps(page[place:])


def prose_steps(text: str) -> list[Step]:
    """Return the commands and the flags in the inline code of prose."""
    steps: list[Step] = []
    for span in re.findall(r"`([^`]+)`", text):
        words = span.split()
        if span.startswith("-"):
            add_flag(steps, VALUES.get(span, span))
        elif len(words) > 1 and (words[0] in PROGRAMS or shutil.which(words[0])):
            steps.append(Step(span))
    return steps


def add_flag(steps: list[Step], text: str) -> None:
    """Add a command that tries a flag, or one for each of its values `a|b`; one command may try several."""
    flag, _, values = text.partition(" ")
    command = FLAGS[flag]
    last = steps[-1].command if steps and steps[-1].tries_flags else ""
    if last.startswith(f"{command} -") and f"{flag} " not in last and "|" not in values:
        steps[-1] = Step(f"{last} {text}", tries_flags=True)
    else:
        steps += [Step(f"{command} {flag} {value}".rstrip(), tries_flags=True) for value in values.split("|")]


def block_steps(language: str, text: str) -> list[Step]:
    """Return the commands of a block. Python code is run, or saved as the file that its first line names."""
    if language == "python":
        name = re.match(r"# (\S+)\n", text)
        return [Step(f"cat > {name[1]}" if name else "python3 -", stdin=text)]
    if language == "sh":
        return [Step(line) for line in text.splitlines() if line and not line.startswith("#")]
    assert language == "console", f"this test does not know how to type a block of {language}"
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    assert parts[0] == "", f"output without a command: {parts[0]}"
    return [Step(command, shown) for command, shown in zip(parts[1::2], parts[2::2], strict=True)]


MASKS = (
    (r"[\d.]+(-[\d.]+)? ms", "N ms"),
    (r"in \d+\.\d s", "in N s"),
    (r"\d{8}T\d{6}(-[0-9a-f]{6})?", "ID"),
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"\w{3} \w{3} +\d+ \d{4}", "DATE"),
    (r"\b[0-9a-f]{64}\b", "SUM"),
)


def masked(text: str) -> list[str]:
    """Return the parts of an output, with variable text masked, and sorted: hosts have no fixed order."""
    for pattern, name in MASKS:
        text = re.sub(pattern, name, text)
    return sorted(re.split(r"\n(?=\S)", re.sub(r"\s*\n", "\n", text.strip())))


class Terminal:
    """A program in a pseudo-terminal, until Ctrl-C.

    Args:
        command: The command that starts it.
        folder: The working directory.
        env: The environment.
    """

    def __init__(self, command: str, folder: Path, env: dict[str, str]) -> None:
        self._screen, line = pty.openpty()
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            env=env,
            stdin=line,
            stdout=line,
            stderr=line,
            start_new_session=True,
        )
        os.close(line)

    def wait_for(self, text: str) -> None:
        """Wait until a text is on the screen."""
        seen = ""
        for part in self._parts():
            seen += part
            if text in seen:
                return
        os.killpg(self._process.pid, signal.SIGKILL)
        raise AssertionError(f"not shown within {TIMEOUT_S} s: {text!r}, but {seen}")

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        for _ in self._parts():
            pass
        os.close(self._screen)
        return self._process.wait(TIMEOUT_S)

    def _parts(self) -> Iterator[str]:
        """Yield the output up to the end of the program or the timeout."""
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            if select.select([self._screen], [], [], 0.5)[0]:
                try:
                    part = os.read(self._screen, 4096)
                except OSError:  # Linux: no program has the terminal open
                    part = b""
                if not part:
                    return
                yield part.decode(errors="replace")


@dataclass
class Reader:
    """A reader of a page, with a clone, a home folder and a shell.

    Attributes:
        clone: The clone.
        env: The environment of the shell.
        folder: The current folder of the shell.
        status: The last exit code.
        fleet: The second terminal, in which the demo fleet runs.
    """

    clone: Path
    env: dict[str, str]
    folder: Path
    status: int = 0
    fleet: Terminal | None = None

    def type(self, command: str, stdin: str) -> str:
        """Type a command, and return its output.

        The command has no controlling terminal, so it cannot ask the person who runs the tests.
        """
        new_folder = Path(self.env["HOME"], ".folder")
        process = subprocess.Popen(
            ["bash", "-c", f'(exit {self.status}); {command}\nstatus=$?; pwd > "{new_folder}"; exit $status'],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(stdin, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        self.status, self.folder = process.returncode, Path(new_folder.read_text().strip())
        return printed

    def terminal(self, command: str) -> Terminal:
        """Type a command that runs until Ctrl-C."""
        return Terminal(command, self.folder, self.env)


def free_hundred() -> int:
    """Return an N for which the ports N01 to N23 are free; the demo fleet itself has N = 221."""
    offsets = [device.port - 22100 for device in DEMO_DEVICES]
    candidates = list(range(222, 320))
    start = os.getpid() % len(candidates)
    for hundred in candidates[start:] + candidates[:start]:
        sockets = [socket.socket() for _ in offsets]
        try:
            for each, offset in zip(sockets, offsets, strict=True):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.bind(("127.0.0.1", hundred * 100 + offset))
        except OSError:
            continue
        else:
            return hundred
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no ports are free for a fleet")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader with a new clone, a fleet on free ports, and an Ansible inventory in the home folder."""
    clone, home, programs = (tmp_path / name for name in ("runner", "home", "bin"))
    hundred = free_hundred()
    copy_project(clone, hundred)
    (home / "ansible").mkdir(parents=True)
    (home / "ansible" / "hosts").write_text(f"web1 ansible_host=127.0.0.1 ansible_port={hundred}21\n")
    programs.mkdir()
    for name, module in {"invoke": "-m invoke", "runner": "-m runner", "python3": ""}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P {module} "$@"\n')
        (programs / name).chmod(0o755)
    path = os.pathsep.join((str(programs), os.environ["PATH"]))
    env = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(clone)}
    made = Reader(clone, env, clone)
    yield made
    if made.fleet is not None:
        made.fleet.interrupt()


def copy_project(clone: Path, hundred: int) -> None:
    """Copy the project, and give the fleet other ports: the usual ones may be in use on this machine."""
    clone.mkdir()
    for name in COPIED:
        source = ROOT / name
        shutil.copytree(source, clone / name) if source.is_dir() else shutil.copy2(source, clone / name)
    pages = [clone / page for page in (*PAGES, "runner/demo/devices.py")]
    for path in (*pages, *(clone / "inventories" / "demo").glob("*.*")):
        path.write_text(re.sub(r"\b221(\d\d)\b", rf"{hundred}\1", path.read_text("utf-8")), "utf-8")


def carry_out(reader: Reader, step: Step) -> None:
    """Type one command of a page, and compare its exit code and its output with the page."""
    command = step.command.removeprefix(SETUP)
    if command in ACTIVATED or command in NOT_TYPED:
        return
    if command in UNTIL_CTRL_C:
        terminal = reader.terminal(command)
        terminal.wait_for(UNTIL_CTRL_C[command])
        assert terminal.interrupt() == 130, command
    elif command == SERVE:
        reader.fleet = reader.terminal(command)
        reader.fleet.wait_for("The demo fleet is up")
    else:
        printed = reader.type(command, step.stdin or PASSWORDS.get(command, ""))
        assert reader.status == EXIT_CODES.get(command, 0), f"$ {command}\n{printed}"
        if step.shown is not None:
            printed = printed.replace(str(reader.clone), CLONE_ON_PAGES)
            assert masked(printed) == masked(step.shown), f"$ {command}\n{printed}"


@pytest.mark.terminal
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_the_page_says(reader: Reader, page: str) -> None:
    steps = steps_of((reader.clone / page).read_text("utf-8"))
    commands = [step.command for step in steps]
    first, ready = commands.index(f"{SETUP}invoke demo"), commands.index(SERVE)
    # The page opens with examples; they need the fleet, which the reader starts further down.
    for step in steps[first : ready + 1] + steps[:first] + steps[ready + 1 :]:
        carry_out(reader, step)


def test_what_is_known_of_commands_is_on_a_page() -> None:
    steps = [step for page in PAGES for step in steps_of((ROOT / page).read_text("utf-8"))]
    commands = {step.command.removeprefix(SETUP) for step in steps}
    tried = {word for step in steps if step.tries_flags for word in step.command.split()}
    assert set(FLAGS) - tried == set()
    known = {*ACTIVATED, *NOT_TYPED, *UNTIL_CTRL_C, *PASSWORDS, *EXIT_CODES, SERVE}
    assert known - commands == set()
