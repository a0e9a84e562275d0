"""This project's tasks: those of `runner`, and the development tasks of this repository."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.tasks import task

from runner import tasks as fleet
from runner.settings import Settings
from runner.settings.heeded import FUNCTIONS, HOST_TASK, TASKS

if TYPE_CHECKING:
    from invoke.context import Context

ROOT = Path(__file__).parent
PYTHON = shlex.quote(sys.executable)
"""This interpreter, as a word for the shell."""
NEXT = """\
What to type next:
  . .venv/bin/activate    in fish: . .venv/bin/activate.fish
  invoke demo --serve     keeps the fleet up; then, in a second terminal, activated as well:
  invoke ping
docs/tutorial.md goes on from there."""
NOT_ALL_OK = (0, 2, 4, 6)
"""Exit codes of runs that reached their end; some of the demo's devices are down, on purpose."""
DEMONSTRATION = (
    "ping",
    "run --cmd 'show version | include Version' --group routers",
    "run --cmd 'cat /etc/os-release' --group servers",
)

HEEDED = """
## Which task heeds which setting

The `--help` of a task shows the flags that it heeds. A flag that a task has accepted so far although it did
nothing is a warning on stderr, and the next release refuses it; any other flag is refused now. A keyword
that a function does not heed is refused, and the message names the alternative. In `invoke.yaml` and in the
environment, every setting may be given: one that this task or script does not heed is for another.

| settings | tasks | functions for scripts |
| --- | --- | --- |"""
WHERE_FROM = """
## Where a value comes from

`invoke settings` shows each value that is given, even at its default, and its origin: the flag, the
environment variable, or the file and line. `--all` adds the settings that are not given; `--format json`
is for programs. A secret is shown as `(set)`. The last lines are the options of `ssh_config` for the same
settings, and the setting that wins over each. With `--verbose`, every task over hosts prints on stderr,
before it begins, those that it heeds.

```console
$ invoke settings --become
inventory              hosts.ini  invoke.yaml:3
workers                20         ansible.cfg:5 (forks)
timeout                60         invoke.yaml:6
retries                0          INVOKE_RUNNER_RETRIES
host_key_policy        strict     invoke.yaml:4
become                 yes        --become
StrictHostKeyChecking  no         ~/.ssh/config:2 (overruled by host_key_policy)
```

The order of precedence, the highest first: flags, keywords of script functions, and answers to questions of
this run; the variables of a host; the environment; the file that `invoke -f` names; the project's
`invoke.yaml`; `~/.invoke.yaml`; `/etc/invoke.yaml`; what a `tasks.py` configures; `ANSIBLE_…` variables;
`ansible.cfg`; `ssh_config`; the default. A value that is given at its default also wins over all that
follow.

## Files that are found by searching

Files that no flag names may have been put there by another user. Such a file counts only if it passes the
**owner rule**: you or root own it, no other user may write to it, and the same holds for every folder above
it. A group counts as other users, except for your own group, which has your name and no other member. In a
folder like `/tmp`, in which all users may write but only remove what is theirs (the sticky bit), your folders
are safe. Under `sudo`, the files of the user who called it pass, too. The rule holds for

- `invoke.yaml` upwards from the current folder, `~/.invoke.yaml` and `/etc/invoke.yaml`; `-f FILE` names one
- `inventories/` and everything in it; `-i inventories` names it
- `group_vars/`, `host_vars/` and Nornir's files, next to an inventory file or in the current folder; they may
  also belong to the owner of the inventory, and `-i` with the folder around them names them
- inventory scripts and vault password programs that are found in a folder or named in a file; `-i` or
  `--vault-password-file` names one
- `ansible.cfg`; `ANSIBLE_CONFIG` names one.

A file that breaks the rule is an error that says which file or folder it is and what to do; an `ansible.cfg`
is passed over with a warning. What you name is your choice.

`runner` and scripts read nothing of an `invoke.yaml` that breaks the rule. `invoke` is a program of its own:
it **imports the `tasks.py`** that it finds upwards from the current folder, runs an `invoke.py` there as its
configuration, and reads all of `invoke.yaml`, before our code can object. Our tasks then refuse the
section `runner:`, but a `tasks.py` of another user has run by then. Do not type `invoke` in folders of other
users; `runner` is safe there.

## Ansible's configuration

Only the keys below are read from `ansible.cfg`; the variables win over the file. The file is the first of
`$ANSIBLE_CONFIG`, `ansible.cfg` in the current folder, `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`. One
that breaks the owner rule is passed over with a warning, unless `$ANSIBLE_CONFIG` names it. Instead of
`remote_port`, set `ansible_port` in the inventory. `host_key_checking = False` is the policy `off`; `True`
gives no value: as in Ansible, `ssh_config` decides then.

| key in `[defaults]` | environment | setting |
| --- | --- | --- |"""
RULES = """
These keys decide how inventories are read, as in Ansible, and have no flag:

| section and key | environment |
| --- | --- |"""
NOT_HONOURED = """
`vars_plugins_enabled`, `run_vars_plugins` and `yaml_valid_extensions` with another value than Ansible's
default end the load with exit code 1, because variables would be read differently. All other keys are
ignored."""


@task(
    help={
        "slow": "run the generated comparisons, which the quick tests leave out",
        "args": "run pytest with these words alone: 'tests/inventory -k ranges'",
    }
)
def test(ctx: Context, slow: bool = False, args: str = "") -> None:
    """Run the quick tests in parallel; at the end, pytest lists the skipped tests with the reasons."""
    workers = min(16, 2 * (os.cpu_count() or 1))  # most tests wait for a server or a program
    words = f"-n {workers} -m {'slow' if slow else 'not slow'!r}"
    if not args:
        minutes = "6 minutes" if slow else "8 minutes"
        print(f"Tests, {workers} at a time: about {minutes} on two processor cores.", flush=True)
    with ctx.cd(str(ROOT)):
        ctx.run(f"{PYTHON} -m pytest {args or words}", pty=sys.stdout.isatty())


@task
def lint(ctx: Context) -> None:
    """Check style, types, and that no package imports a higher one."""
    with ctx.cd(str(ROOT)):
        ctx.run(f"{PYTHON} -m ruff check .")
        ctx.run(f"{PYTHON} -m ruff format --check .")
        ctx.run(f"{PYTHON} -m mypy")
        ctx.run(f"{PYTHON} -m pytest -q tests/test_layers.py")


def settings_page() -> str:
    """Return `docs/settings.md`: every setting as it is declared."""
    lines = [
        "# Settings",
        "",
        "Every setting is a key of the `runner:` section of `invoke.yaml` and an environment variable, which",
        "tasks and scripts share. It is a flag of each task, and a keyword of each function for scripts,",
        "that [heeds it](#which-task-heeds-which-setting). A flag wins over the",
        "environment, which wins over `invoke.yaml`. Where a host's own variables say something",
        "(`ansible_user`), they win over the last two and not over the flag. Times are seconds, or `500ms`,",
        "`2m`, `1h`; sizes are bytes, or `64K`, `16M`. Several paths are a list, or one text with `:` in",
        "between; what is a list in `invoke.yaml` cannot be replaced from the environment.",
        "",
        "A file that cannot be read is one line and exit code 1. Only a broken `~/.invoke.yaml` or",
        "`/etc/invoke.yaml` ends `invoke` in a traceback, as it reads them before any task; `runner`",
        "says what is wrong with them, too.",
        "",
        "Of Invoke's own flags, `--dry` (`-R`) means `--dry-run` here, and `--command-timeout` (`-T`) means",
        "`--timeout`.",
        "",
        "| flag | key in `invoke.yaml` | environment | default | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, flag in Settings.flags().items():
        dashed = f"`--{name.replace('_', '-')}`" if flag.on_command_line else ""
        short = f"`-{flag.short}`, " if flag.short else ""
        default = f"`{flag.shown_default}`" if flag.shown_default else ""
        variable = f"`INVOKE_RUNNER_{name.upper()}`"
        lines.append(f"| {short}{dashed} | `{name}` | {variable} | {default} | {flag.help} |")
    return "\n".join([*lines, *HEEDED.splitlines(), *_heeded(), *_where_from()]) + "\n"


def _heeded() -> list[str]:
    """Return one row for all settings that the same tasks and functions heed."""
    rows: dict[tuple[str, str], list[str]] = {}
    every = {**TASKS, "host tasks": HOST_TASK}
    for name in Settings.flags():
        tasks = [
            f"`{task}`" if task in TASKS else task for task, row in every.items() if name in row.settings
        ]
        functions = [f"`{function}`" for function, row in FUNCTIONS.items() if name in row.settings]
        shown = "all" if len(tasks) == len(every) else ", ".join(tasks)
        rows.setdefault((shown, ", ".join(functions)), []).append(f"`{name}`")
    return [f"| {', '.join(names)} | {tasks} | {functions} |" for (tasks, functions), names in rows.items()]


def _where_from() -> list[str]:
    """Return the part of the page about the origin of values, with the table of Ansible's configuration."""
    from runner.inventory.ansible_cfg import HONOURED, RULE_KEYS  # noqa: PLC0415 - only for this page

    rows = [f"| `{each.key.name}` | `{each.key.variable}` | `{each.setting}` |" for each in HONOURED]
    rules = [f"| `[{key.section}] {key.name}` | `{key.variable}` |" for key in RULE_KEYS]
    return [*WHERE_FROM.splitlines(), *rows, *RULES.splitlines(), *rules, *NOT_HONOURED.splitlines()]


@task
def docs(ctx: Context) -> None:  # noqa: ARG001 - Invoke's signature
    """Write the pages that are generated from the code."""
    (ROOT / "docs" / "settings.md").write_text(settings_page(), "utf-8")


@task
def transcripts(ctx: Context) -> None:  # noqa: ARG001 - Invoke's signature
    """Run the commands of docs/output.md in the lab (`lab.up`), and put their output into the page."""
    if not (ROOT / ".lab" / "known_hosts").exists():
        raise Exit("transcripts: the lab is not up: invoke lab.up", code=1)
    page = ROOT / "docs" / "output.md"
    text = page.read_text("utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inventories").symlink_to(ROOT / "tests" / "lab" / "inventory")
        (folder / ".lab").symlink_to(ROOT / ".lab")
        (folder / "invoke.yaml").write_text("runner:\n  known_hosts: .lab/known_hosts\n", "utf-8")
        code = re.search(r"```python\n(@runner.host_task\n.*?)```", text, re.DOTALL)
        own = f"{code[1]}\nnamespace.add_task(system)\n" if code else ""
        (folder / "tasks.py").write_text(
            f"import runner\nfrom runner.tasks import namespace\n\n{own}", "utf-8"
        )
        text = re.sub(
            r"(?<=```console\n).*?(?=```)", lambda match: typed(match[0], folder), text, flags=re.DOTALL
        )
    page.write_text(text, "utf-8")


def typed(block: str, folder: Path) -> str:
    """Run the commands of a console block; return them with their output, `folder` shown as `/srv/lab`."""
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = {"PATH": programs, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    shown = []
    # Only these programs: the output of `cat` may also contain lines that begin with a prompt.
    for command in re.findall(r"^\$ ((?:invoke|ls|cat) .*)$", block, re.MULTILINE):
        done = subprocess.run(
            ["bash", "-c", f"({command}) 2>&1"],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        shown.append(f"$ {command}\n{done.stdout.replace(str(folder), '/srv/lab')}")
    return "".join(shown)


@task(help={"name": "which: a module of bench/ without .py; all of them by default"})
def bench(ctx: Context, name: str = "") -> None:
    """Run the benchmarks, most of which compare `runner` with other tools."""
    found = [ROOT / "bench" / f"{name}.py"] if name else sorted((ROOT / "bench").glob("[!_]*.py"))
    for script in found:
        if not script.is_file():
            known = ", ".join(path.stem for path in sorted((ROOT / "bench").glob("[!_]*.py")))
            raise Exit(f"bench: there is no {name!r}; there are: {known}", code=1)
        with ctx.cd(str(ROOT)):
            ctx.run(f"{PYTHON} {shlex.quote(str(script))}")


@task(help={"serve": "keep the fleet up until Ctrl-C, for the examples of the README"})
def demo(ctx: Context, serve: bool = False) -> None:
    """Start the demo fleet, ping it and show its software versions."""
    from runner.demo import Fleet  # noqa: PLC0415 - needs the extra `demo`
    from runner.errors import RunnerError  # noqa: PLC0415

    print("Starting the simulated devices on 127.0.0.1", flush=True)
    try:
        with Fleet() as fleet:
            if serve:
                print("The demo fleet is up; Ctrl-C ends it.", flush=True)
                print("In a second terminal, activate .venv, then type: invoke ping", flush=True)
                fleet.wait()
                return
            for words in DEMONSTRATION:
                print(f"$ invoke {words}", flush=True)
                with ctx.cd(str(ROOT)):
                    done = ctx.run(f"{PYTHON} -m invoke {words}", warn=True, pty=sys.stdout.isatty())
                if done.exited not in NOT_ALL_OK:  # it did not start, or Ctrl-C ended it
                    raise Exit(code=done.exited)
                print(flush=True)
            print(NEXT)
    except RunnerError as exc:
        raise Exit(f"demo: {exc}", code=1) from exc
    except KeyboardInterrupt as exc:
        print("The demo fleet is down.")
        if not serve:
            raise Exit(code=130) from exc


@task
def up(ctx: Context) -> None:  # noqa: ARG001 - Invoke's signature
    """Build the lab: real FRR routers and OpenSSH servers in network namespaces (needs root)."""
    _lab("up")


@task
def down(ctx: Context) -> None:  # noqa: ARG001 - Invoke's signature
    """Remove the lab and everything that belongs to it."""
    _lab("down")


@task
def status(ctx: Context) -> None:  # noqa: ARG001 - Invoke's signature
    """Show which parts of the lab are up."""
    _lab("status")


def _lab(action: str) -> None:
    sys.path.insert(0, str(ROOT))
    from tests.lab.__main__ import main  # noqa: PLC0415 - only a checkout has the tests

    code = main([action])
    if code:
        raise Exit(code=code)


lab = Collection("lab", up, down, status)
namespace = Collection.from_module(fleet)
chores: list[Any] = [test, lint, bench, demo, docs, transcripts]
for chore in chores:
    namespace.add_task(chore)
namespace.add_collection(lab)
